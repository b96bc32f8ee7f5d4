//! What a request carries: text, or the bytes of a message beside what they say.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use prost::bytes::{Buf as _, BufMut as _};
use prost::encoding::{
    DecodeContext, WireType, decode_key, decode_varint, encode_key, encode_varint, skip_field,
};
use serde_json::Value;

/// What bytes begin with in a file of requests; what they say stands before it.
const BYTES: &str = "base64:";

/// The four bytes of Kubernetes' protobuf envelope.
const ENVELOPE: &[u8] = b"k8s\0";

/// Where the metadata of an object stands: `raw` of the envelope, `metadata` of the object.
const METADATA: [u32; 2] = [2, 1];

/// The fields of metadata that a server sets and a client repeats, by their numbers.
const REPEATED: [(&str, u32); 2] = [("uid", 5), ("resourceVersion", 6)];

/// The body of a request.
#[derive(Debug)]
pub(crate) enum Body {
    /// As it stands.
    Text(String),
    /// As it was recorded.
    Bytes {
        /// What they say, for who reads the file; null where they say nothing.
        says: Value,
        bytes: Vec<u8>,
    },
}

impl Body {
    /// Reads a body as it stands in a file.
    pub(crate) fn parse(text: &str) -> Self {
        let Some((says, bytes)) = text.split_once(BYTES) else {
            return Self::Text(text.trim_end_matches('\n').to_owned());
        };
        let says = match says.trim() {
            "" => Value::Null,
            json => serde_json::from_str(json).expect("bytes stand beside JSON or alone"),
        };
        let bytes: String = bytes.split_whitespace().collect();
        let bytes = BASE64_STANDARD.decode(bytes).expect("bytes in base64");
        Self::Bytes { says, bytes }
    }

    /// The bytes that go over the wire; `fill` puts what a server has shown into the places that are kept for it. In a
    /// message these are the fields of its metadata where what it says has such a place; what was recorded there gives way.
    pub(crate) fn to_bytes(&self, fill: impl Fn(&str) -> String) -> Vec<u8> {
        let (says, bytes) = match self {
            Self::Text(text) => return fill(text).into_bytes(),
            Self::Bytes { says, bytes } => (says, bytes.clone()),
        };
        REPEATED.iter().fold(bytes, |bytes, (name, number)| {
            let [raw, metadata] = METADATA;
            match says["metadata"][name].as_str() {
                Some(text) if text.contains("{{") => {
                    let message = bytes.strip_prefix(ENVELOPE).expect("an envelope");
                    let path = [raw, metadata, *number];
                    [ENVELOPE, &with_text(message, &path, &fill(text))].concat()
                }
                _ => bytes,
            }
        })
    }
}

/// The same message with another text in the field at this path; everything else stays, byte for byte.
fn with_text(mut message: &[u8], path: &[u32], text: &str) -> Vec<u8> {
    let (number, within) = path.split_first().expect("a path of fields");
    let mut written = Vec::new();
    while message.has_remaining() {
        let field = message;
        let (found, kind) = decode_key(&mut message).expect("a field");
        if found == *number && kind == WireType::LengthDelimited {
            let length = decode_varint(&mut message).expect("a length");
            let length = usize::try_from(length).expect("a length that fits");
            let (before, rest) = message.split_at(length);
            let after = match within {
                [] => text.as_bytes().to_vec(),
                within => with_text(before, within, text),
            };
            encode_key(*number, kind, &mut written);
            encode_varint(after.len() as u64, &mut written);
            written.put_slice(&after);
            message = rest;
        } else {
            skip_field(kind, found, &mut message, DecodeContext::default()).expect("a field");
            written.put_slice(&field[..field.len() - message.len()]);
        }
    }
    written
}

#[test]
fn a_text_in_a_message_is_replaced_and_nothing_else() {
    // {1: "ab", 2: {1: {6: "7", 5: "u"}, 3: 1}}
    let message = b"\x0a\x02ab\x12\x0a\x0a\x06\x32\x017\x2a\x01u\x18\x01";
    let written = with_text(message, &[2, 1, 6], "1234");
    assert_eq!(
        written,
        b"\x0a\x02ab\x12\x0d\x0a\x09\x32\x041234\x2a\x01u\x18\x01"
    );
}
