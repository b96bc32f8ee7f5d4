//! The envelope around every message: four bytes, then `runtime.Unknown`.

use k8s_pb::apimachinery::pkg::runtime::{TypeMeta, Unknown};
use prost::Message as _;

use super::ProtobufError;

/// What every envelope begins with.
pub(super) const PREFIX: &[u8] = b"k8s\0";

/// An opened envelope.
#[derive(Debug, PartialEq)]
pub(in crate::codec) struct Envelope {
    /// `v1` or `group/v1`; empty when it is not said.
    pub(in crate::codec) api_version: String,
    /// The kind; empty when it is not said.
    pub(in crate::codec) kind: String,
    /// The message.
    pub(in crate::codec) message: Vec<u8>,
}

/// Opens an envelope.
///
/// # Errors
/// When the bytes are none.
pub(in crate::codec) fn open(bytes: &[u8]) -> Result<Envelope, ProtobufError> {
    let unknown = bytes
        .strip_prefix(PREFIX)
        .ok_or(ProtobufError::NoEnvelope)?;
    // To protobuf it would be an envelope whose fields have no value.
    if unknown.is_empty() {
        return Err(ProtobufError::Empty);
    }
    let unknown = Unknown::decode(unknown)?;
    let meta = unknown.type_meta.unwrap_or_default();
    Ok(Envelope {
        api_version: meta.api_version.unwrap_or_default(),
        kind: meta.kind.unwrap_or_default(),
        message: unknown.raw.unwrap_or_default(),
    })
}

/// Puts a message into an envelope.
pub(in crate::codec) fn seal(api_version: &str, kind: &str, message: Vec<u8>) -> Vec<u8> {
    let unknown = Unknown {
        type_meta: Some(TypeMeta {
            api_version: Some(api_version.to_owned()),
            kind: Some(kind.to_owned()),
        }),
        raw: Some(message),
        // Kubernetes writes them, empty as they are.
        content_encoding: Some(String::new()),
        content_type: Some(String::new()),
    };
    let mut bytes = Vec::with_capacity(PREFIX.len() + unknown.encoded_len());
    bytes.extend_from_slice(PREFIX);
    // A vector has room for everything.
    let _ = unknown.encode(&mut bytes);
    bytes
}
