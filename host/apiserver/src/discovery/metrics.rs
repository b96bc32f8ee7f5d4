//! What is counted in the server's process, for Prometheus. Who may read it is a question of authorization: administrators,
//! and whom a role gives the path.

use std::fmt;

use axum::body::Body;
use http::{HeaderValue, Response, header};

use crate::status::Status;

/// Where the answers to `/metrics` come from.
#[derive(Clone, Copy, Debug)]
pub struct Metrics {
    /// Their media type.
    pub media_type: &'static str,
    /// What was counted until now.
    pub text: fn() -> Result<String, fmt::Error>,
}

impl Metrics {
    pub(super) fn answer(self) -> Result<Response<Body>, Status> {
        let text = (self.text)().map_err(Status::internal)?;
        let mut response = Response::new(Body::from(text));
        let media_type = HeaderValue::from_static(self.media_type);
        response
            .headers_mut()
            .insert(header::CONTENT_TYPE, media_type);
        Ok(response)
    }
}
