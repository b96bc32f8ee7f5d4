//! Between bytes and objects: which media types are read and written, and how.
//!
//! JSON only, for now. Another encoding is another [`Format`] in [`accept`], another arm in
//! [`decode()`], and another writer beside [`json`].

mod accept;
mod decode;
mod json;

pub(crate) use accept::{Format, negotiate};
pub(crate) use decode::{Decoded, decode, decode_options, media_type, read, typed};
pub(crate) use json::{items, json_response, without_type};

/// The media type of JSON.
pub(crate) const JSON: &str = "application/json";
