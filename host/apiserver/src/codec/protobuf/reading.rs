//! Protobuf as JSON would say it, for whoever looks at what went over the wire.

use k8s_openapi::apimachinery::pkg::apis::meta::v1 as meta;
use k8s_pb::apimachinery::pkg::apis::meta::v1::WatchEvent;
use prost::Message as _;
use serde::Serialize;
use serde_json::{Value, json};

use super::envelope::{Envelope, open};
use super::{List, Message, PartialObjectMetadata, Protobuf, ProtobufError};
use crate::resource::ALL;

/// Why bytes cannot be said in JSON: they are cut off, no protobuf, or of a kind that this server does not know.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct Unreadable(String);

/// The object or the list in an envelope.
///
/// # Errors
/// See [`Unreadable`].
pub fn protobuf_to_json(bytes: &[u8]) -> Result<Value, Unreadable> {
    let envelope = open(bytes)?;
    let item = envelope.kind.strip_suffix("List");
    let mut value = match (find(&envelope.api_version, &envelope.kind), item) {
        (Some(kind), _) => kind.decode(&envelope.message)?.into_value(),
        (None, Some(item)) => list(&envelope, item)?,
        (None, None) => return Err(unknown(&envelope)),
    };
    if let Value::Object(fields) = &mut value {
        // What the envelope says, and not what somebody expects of the kind.
        fields.insert("apiVersion".to_owned(), envelope.api_version.into());
        fields.insert("kind".to_owned(), envelope.kind.into());
    }
    Ok(value)
}

/// The events in the bytes of a watch, each as the line that JSON would have.
///
/// # Errors
/// See [`Unreadable`].
pub fn protobuf_watch_to_json(mut bytes: &[u8]) -> Result<Vec<Value>, Unreadable> {
    let cut_off = || Unreadable("a frame of the watch is cut off".to_owned());
    let mut events = Vec::new();
    while !bytes.is_empty() {
        let (length, rest) = bytes.split_first_chunk().ok_or_else(cut_off)?;
        let length = usize::try_from(u32::from_be_bytes(*length)).map_err(|_| cut_off())?;
        let (frame, rest) = rest.split_at_checked(length).ok_or_else(cut_off)?;
        let event = WatchEvent::decode(frame).map_err(ProtobufError::from)?;
        let object = event.object.and_then(|object| object.raw);
        let object = protobuf_to_json(&object.unwrap_or_default())?;
        events.push(json!({"type": event.r#type, "object": object}));
        bytes = rest;
    }
    Ok(events)
}

/// How a kind is read: one that is served, or one of those that are no resources.
pub(super) fn find(api_version: &str, kind: &str) -> Option<Protobuf> {
    let served = ALL
        .iter()
        .find(|known| known.kind == kind && known.api_version() == api_version)
        .map(|known| known.protobuf);
    // These belong to each group.
    served.or(match kind {
        "APIGroup" => Some(Protobuf::of::<meta::APIGroup>()),
        "APIGroupList" => Some(Protobuf::of::<meta::APIGroupList>()),
        "APIResourceList" => Some(Protobuf::of::<meta::APIResourceList>()),
        "APIVersions" => Some(Protobuf::of::<meta::APIVersions>()),
        "DeleteOptions" => Some(Protobuf::of::<meta::DeleteOptions>()),
        "PartialObjectMetadata" => Some(Protobuf::of::<PartialObjectMetadata>()),
        "Status" => Some(Protobuf::of::<meta::Status>()),
        _ => None,
    })
}

fn list(envelope: &Envelope, item: &str) -> Result<Value, Unreadable> {
    let item = find(&envelope.api_version, item).ok_or_else(|| unknown(envelope))?;
    let list = List::decode(envelope.message.as_slice()).map_err(ProtobufError::from)?;
    let metadata = meta::ListMeta::from_wire(list.metadata.unwrap_or_default())?;
    let items = list.items.iter().map(|message| {
        let mut object = item.decode(message)?.into_value();
        // The list says it, as in JSON.
        if let Value::Object(fields) = &mut object {
            fields.shift_remove("apiVersion");
            fields.shift_remove("kind");
        }
        Ok(object)
    });
    let items: Result<Vec<_>, ProtobufError> = items.collect();
    Ok(json!({"metadata": to_value(&metadata)?, "items": items?}))
}

fn to_value(metadata: &impl Serialize) -> Result<Value, Unreadable> {
    serde_json::to_value(metadata).map_err(|error| Unreadable(error.to_string()))
}

fn unknown(envelope: &Envelope) -> Unreadable {
    Unreadable(format!(
        "the kind {:?} of {:?} is not known",
        envelope.kind, envelope.api_version
    ))
}

impl From<ProtobufError> for Unreadable {
    fn from(error: ProtobufError) -> Self {
        Self(error.to_string())
    }
}
