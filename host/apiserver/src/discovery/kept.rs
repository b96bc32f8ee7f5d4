//! Documents that clients keep, and ask about again.

use axum::body::Body;
use bytes::Bytes;
use http::request::Parts;
use http::{HeaderValue, Response, StatusCode, header};
use slipway_config::digest::Sha256Digest;

/// A document, and what tells it from its other states.
#[derive(Debug)]
pub(super) struct Kept {
    json: Bytes,
    hash: String,
}

impl Kept {
    /// A document of this text.
    pub(super) fn new(json: String) -> Self {
        Self {
            hash: Sha256Digest::of(json.as_bytes()).to_hex(),
            json: json.into(),
        }
    }

    /// What tells it from its other states.
    pub(super) fn hash(&self) -> &str {
        &self.hash
    }

    /// The document, or that the client's copy of it is still good.
    pub(super) fn answer(&self, request: &Parts, media_type: &'static str) -> Response<Body> {
        let tag = format!("\"{}\"", self.hash);
        let known = request
            .headers
            .get(header::IF_NONE_MATCH)
            .is_some_and(|known| known.as_bytes() == tag.as_bytes());
        let mut response = if known {
            let mut response = Response::new(Body::empty());
            *response.status_mut() = StatusCode::NOT_MODIFIED;
            response
        } else {
            Response::new(Body::from(self.json.clone()))
        };
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(media_type));
        headers.insert(header::VARY, HeaderValue::from_static("Accept"));
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("public"));
        if let Ok(tag) = HeaderValue::from_str(&tag) {
            headers.insert(header::ETAG, tag);
        }
        response
    }
}
