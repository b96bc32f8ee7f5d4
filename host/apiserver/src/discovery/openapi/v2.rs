//! Version 2: a stand-in, for clients from before version 3.
//!
//! Old `kubectl` validates what it sends against the document, and skips the kinds that it does not find there: an
//! empty document makes it leave the validation to the server. In protobuf, which is what it asks for,
//! an empty document is no bytes at all.

use axum::body::Body;
use http::{HeaderMap, HeaderValue, Response, StatusCode, header};
use serde_json::json;

use crate::codec::Encoding;
use crate::status::Status;

/// The media type as a server spells it. Clients ask with an `@` in place of the dot before the version,
/// which Go's own parser refuses in an answer.
const PROTOBUF: &str = "application/com.github.proto-openapi.spec.v2.v1.0+protobuf";

/// An empty document in the form that the client asks for.
pub(in crate::discovery) fn answer(headers: &HeaderMap) -> Result<Response<Body>, Status> {
    let protobuf = headers
        .get(header::ACCEPT)
        .and_then(|value| value.to_str().ok())
        .is_some_and(|value| value.contains("+protobuf"));
    if protobuf {
        let mut response = Response::new(Body::empty());
        response
            .headers_mut()
            .insert(header::CONTENT_TYPE, HeaderValue::from_static(PROTOBUF));
        return Ok(response);
    }
    let document = json!({
        "swagger": "2.0",
        "info": {"title": "Slipway", "version": env!("CARGO_PKG_VERSION")},
        "paths": {},
        "definitions": {},
    });
    Ok(Encoding::Json.response(StatusCode::OK, document.to_string()))
}
