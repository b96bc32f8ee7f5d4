//! Whether the server is up.

use axum::body::Body;
use http::request::Parts;
use http::{HeaderValue, Response, header};

use crate::status::Status;

/// The one check: whoever reads the answer has it.
const CHECK: &str = "ping";

/// `ok`, or with `?verbose` the checks one by one.
pub(super) fn answer(parts: &[&str], request: &Parts) -> Result<Response<Body>, Status> {
    let query = request.uri.query().unwrap_or_default();
    let verbose = query
        .split('&')
        .any(|pair| pair.split('=').next() == Some("verbose"));
    let text = match parts {
        [which] if verbose => format!("[+]{CHECK} ok\n{which} check passed\n"),
        [_] => "ok".to_owned(),
        [_, check] if *check == CHECK => "ok".to_owned(),
        _ => return Err(Status::path_not_found()),
    };
    let mut response = Response::new(Body::from(text));
    let headers = response.headers_mut();
    headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("text/plain; charset=utf-8"),
    );
    headers.insert(
        header::X_CONTENT_TYPE_OPTIONS,
        HeaderValue::from_static("nosniff"),
    );
    Ok(response)
}
