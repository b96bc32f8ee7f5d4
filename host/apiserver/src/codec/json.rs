//! JSON answers, put together from stored texts where that is possible.

use bytes::Bytes;
use k8s_openapi::apimachinery::pkg::apis::meta::v1 as meta;
use serde::Serialize;

/// What a list begins with.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Head<'a> {
    kind: &'a str,
    api_version: &'a str,
    metadata: &'a meta::ListMeta,
}

/// A list's text: the head's fields, then the texts of the items without their type, which the list says once.
pub(super) fn list<'a>(
    api_version: &str,
    kind: &str,
    metadata: &meta::ListMeta,
    items: impl Iterator<Item = &'a [u8]>,
    of: &str,
) -> Result<Bytes, serde_json::Error> {
    let prefix = format!("{{\"apiVersion\":\"{api_version}\",\"kind\":\"{of}\",");
    let head = Head {
        kind,
        api_version,
        metadata,
    };
    let mut text = serde_json::to_vec(&head)?;
    // The head is an object with fields: its closing brace comes after the items.
    text.pop();
    text.extend_from_slice(b",\"items\":[");
    for (index, item) in items.enumerate() {
        if index > 0 {
            text.push(b',');
        }
        match item.strip_prefix(prefix.as_bytes()) {
            Some(rest) => {
                text.push(b'{');
                text.extend_from_slice(rest);
            }
            None => text.extend_from_slice(item),
        }
    }
    text.extend_from_slice(b"]}");
    Ok(text.into())
}

/// An event of a watch: a line.
pub(super) fn line(kind: &str, object: &[u8]) -> Bytes {
    let mut line = Vec::with_capacity(object.len() + kind.len() + 24);
    line.extend_from_slice(b"{\"type\":\"");
    line.extend_from_slice(kind.as_bytes());
    line.extend_from_slice(b"\",\"object\":");
    line.extend_from_slice(object);
    line.extend_from_slice(b"}\n");
    line.into()
}
