//! JSON answers, put together from stored texts where that is possible.

use axum::body::Body;
use bytes::Bytes;
use http::{HeaderValue, Response, StatusCode, header};
use serde::Serialize;

use super::JSON;
use crate::resource::Definition;
use crate::store::Record;

/// A JSON text as an answer.
pub(crate) fn json_response(code: StatusCode, json: impl Into<Bytes>) -> Response<Body> {
    let mut response = Response::new(Body::from(json.into()));
    *response.status_mut() = code;
    response
        .headers_mut()
        .insert(header::CONTENT_TYPE, HeaderValue::from_static(JSON));
    response
}

/// A stored object's text without its `apiVersion` and `kind`: lists say these once.
pub(crate) fn without_type<'a>(
    record: &'a Record,
    definition: &Definition,
) -> (&'static [u8], &'a [u8]) {
    let prefix = format!(
        "{{\"apiVersion\":\"{}\",\"kind\":\"{}\",",
        definition.api_version(),
        definition.kind
    );
    match record.json.strip_prefix(prefix.as_bytes()) {
        Some(rest) => (b"{", rest),
        None => (b"", &record.json),
    }
}

/// A list's text: the head's fields, then `items` from texts that are JSON already.
pub(crate) fn items<'a>(
    head: &impl Serialize,
    items: impl Iterator<Item = (&'static [u8], &'a [u8])>,
) -> Result<Bytes, serde_json::Error> {
    let mut text = serde_json::to_vec(head)?;
    // The head is an object with fields: its closing brace comes after the items.
    text.pop();
    text.extend_from_slice(b",\"items\":[");
    for (index, (start, rest)) in items.enumerate() {
        if index > 0 {
            text.push(b',');
        }
        text.extend_from_slice(start);
        text.extend_from_slice(rest);
    }
    text.extend_from_slice(b"]}");
    Ok(text.into())
}
