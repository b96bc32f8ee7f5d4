//! The frames of a watch.
//!
//! Source: `k8s.io/apimachinery/pkg/util/framer/framer.go`, and the raw serializer of `protobuf.go`.

use bytes::Bytes;
use k8s_pb::apimachinery::pkg::apis::meta::v1::WatchEvent;
use k8s_pb::apimachinery::pkg::runtime::RawExtension;
use prost::Message as _;

/// An event as a frame: its length in four bytes, then the event, which has no envelope but holds one with the object.
pub(in crate::codec) fn frame(kind: &str, sealed: Vec<u8>) -> Bytes {
    let event = WatchEvent {
        r#type: Some(kind.to_owned()),
        object: Some(RawExtension { raw: Some(sealed) }),
    };
    let length = event.encoded_len();
    let mut frame = Vec::with_capacity(length + 4);
    // An object is far smaller than what four bytes can say.
    frame.extend_from_slice(&u32::try_from(length).unwrap_or(u32::MAX).to_be_bytes());
    // A vector has room for everything.
    let _ = event.encode(&mut frame);
    frame.into()
}
