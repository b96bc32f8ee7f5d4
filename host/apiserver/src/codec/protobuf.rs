//! Kubernetes' protobuf: messages in an envelope that says what is in it.
//!
//! A message is read into the type of the API that JSON is read into, and written from it, so that what is stored and what
//! is decided does not depend on how it came.
//!
//! Source: `k8s.io/apimachinery/pkg/runtime/serializer/protobuf/protobuf.go`.

mod envelope;
mod field;
mod message;
mod messages;
mod reading;
mod stream;

#[cfg(test)]
use envelope::{Envelope, PREFIX};
pub(super) use envelope::{open, seal};
pub(crate) use field::Message;
pub(super) use messages::PartialObjectMetadata;
pub use reading::{Unreadable, protobuf_to_json, protobuf_watch_to_json};
pub(super) use stream::frame;

use std::fmt;

use prost::Message as _;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::resource::{Object, ObjectError};

/// How objects of one kind become messages and back.
#[derive(Clone, Copy)]
pub(crate) struct Protobuf {
    decode: fn(&[u8]) -> Result<Object, ProtobufError>,
    encode: fn(&[u8]) -> Result<Vec<u8>, ProtobufError>,
}

/// Why bytes are no object, or an object cannot be bytes. No variant repeats a value: it may be secret.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ProtobufError {
    /// The envelope's first bytes are others.
    #[error("it does not begin with the four bytes of Kubernetes' protobuf envelope")]
    NoEnvelope,
    /// There is nothing after them.
    #[error("it ends after the four bytes of Kubernetes' protobuf envelope")]
    Empty,
    /// Bytes that are no protobuf, or not of this message.
    #[error(transparent)]
    Decode(#[from] prost::DecodeError),
    /// A time that is on no calendar.
    #[error("there is no time {seconds} s and {nanos} ns after 1970")]
    Time {
        /// Whole seconds.
        seconds: i64,
        /// And nanoseconds.
        nanos: i32,
    },
    /// The set of fields that a manager owns is no JSON.
    #[error("metadata.managedFields: fieldsV1 is no JSON")]
    Fields,
    /// The object in between cannot be read or written.
    #[error(transparent)]
    Object(#[from] ObjectError),
}

impl Protobuf {
    /// As `T` does it.
    pub(crate) const fn of<T: Message + Serialize + DeserializeOwned>() -> Self {
        Self {
            decode: |message| {
                let wire = T::Wire::decode(message)?;
                Ok(Object::from_typed(&T::from_wire(wire)?)?)
            },
            encode: |json| {
                let typed: T = serde_json::from_slice(json).map_err(ObjectError::Json)?;
                Ok(typed.to_wire().encode_to_vec())
            },
        }
    }

    /// The object of a message.
    ///
    /// # Errors
    /// When the bytes are no message of this kind.
    pub(super) fn decode(&self, message: &[u8]) -> Result<Object, ProtobufError> {
        (self.decode)(message)
    }

    /// The message of an object's JSON text.
    ///
    /// # Errors
    /// When the text is no object of this kind.
    pub(super) fn encode(&self, json: &[u8]) -> Result<Vec<u8>, ProtobufError> {
        (self.encode)(json)
    }
}

impl fmt::Debug for Protobuf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Protobuf").finish_non_exhaustive()
    }
}

/// A list of messages, whatever they are: an embedded message and a field of bytes look the same on the wire.
#[derive(Clone, PartialEq, prost::Message)]
struct List {
    #[prost(message, optional, tag = "1")]
    metadata: Option<k8s_pb::apimachinery::pkg::apis::meta::v1::ListMeta>,
    #[prost(bytes = "vec", repeated, tag = "2")]
    items: Vec<Vec<u8>>,
}

/// The message of a list of messages.
pub(super) fn list(
    metadata: k8s_openapi::apimachinery::pkg::apis::meta::v1::ListMeta,
    items: Vec<Vec<u8>>,
) -> Vec<u8> {
    let list = List {
        metadata: Some(metadata.to_wire()),
        items,
    };
    list.encode_to_vec()
}

#[cfg(test)]
mod tests;

#[cfg(test)]
mod vectors;
