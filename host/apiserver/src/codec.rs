//! Between bytes and objects: which media types are read and written, and how.
//!
//! JSON is what the store holds; [`protobuf`] is made from it and read into the same objects. Another encoding is another
//! [`Encoding`], and another clause in [`accept`].

mod accept;
mod decode;
mod duplicates;
mod encoding;
mod json;
mod protobuf;

pub(crate) use accept::{
    DiscoveryFormat, Format, Shape, negotiate, negotiate_discovery, negotiate_status,
};
pub(crate) use decode::{Decoded, decode, decode_options, media_type, read, typed};
pub(crate) use duplicates::parse as parse_json;
pub(crate) use encoding::{Encoding, Type};
pub(crate) use protobuf::{Message, Protobuf};
pub use protobuf::{Unreadable, protobuf_to_json, protobuf_watch_to_json};

/// The media type of JSON.
pub(crate) const JSON: &str = "application/json";

/// The media type of Kubernetes' protobuf.
pub(crate) const PROTOBUF: &str = "application/vnd.kubernetes.protobuf";
