//! What is done with an accepted request.

use std::sync::Arc;

use axum::body::Body;
use http::{Response, header};

use crate::server::{Accepted, Api};
use crate::status::Status;

/// Answers an accepted request.
pub(crate) async fn handle(_api: Arc<Api>, _request: Accepted) -> Response<Body> {
    failure(&Status::path_not_found())
}

/// A failure as a response.
pub(crate) fn failure(status: &Status) -> Response<Body> {
    let body = serde_json::to_vec(status.to_api()).unwrap_or_default();
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status.code();
    let headers = response.headers_mut();
    headers.insert(
        header::CONTENT_TYPE,
        header::HeaderValue::from_static("application/json"),
    );
    if let Some(seconds) = status.retry_after_seconds() {
        headers.insert(header::RETRY_AFTER, seconds.into());
    }
    response
}
