//! The lines of a watch.

use bytes::Bytes;
use serde_json::{Value, json};

use super::call::Call;
use crate::codec::Format;
use crate::resource::{Definition, Object};
use crate::server::Clock;
use crate::status::Status;
use crate::store::Record;
use crate::table::{self, IncludeObject};

/// The annotation on the bookmark that ends the initial events.
const INITIAL_EVENTS_END: &str = "k8s.io/initial-events-end";

/// What a client sees happen to an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Seen {
    Added,
    Modified,
    Deleted,
}

/// Writes lines in the form that the client accepts.
pub(super) struct Encoder {
    definition: &'static Definition,
    format: Format,
    include: IncludeObject,
    clock: Clock,
}

impl Encoder {
    pub(super) fn new(call: &Call) -> Result<Self, Status> {
        Ok(Self {
            definition: call.definition,
            format: call.format,
            include: IncludeObject::parse(call.query())?,
            clock: call.api.clock.clone(),
        })
    }

    /// An event on an object, with the revision at which it happened.
    pub(super) fn event(&self, seen: Seen, record: &Record, revision: u64) -> Option<Bytes> {
        if self.format == Format::Plain && record.revision == revision {
            return Some(framed(seen.as_str(), &record.json));
        }
        let Ok(mut object) = record.object() else {
            tracing::error!(key = %record.key, "a stored object cannot be read");
            return None;
        };
        object.set_metadata_text("resourceVersion", &revision.to_string());
        Some(self.line(seen.as_str(), &object))
    }

    /// Tells how far the client has come.
    pub(super) fn bookmark(&self, revision: u64, initial_events_end: bool) -> Option<Bytes> {
        let mut metadata = json!({
            "resourceVersion": revision.to_string(),
            "creationTimestamp": null,
        });
        if initial_events_end && let Value::Object(metadata) = &mut metadata {
            metadata.insert(
                "annotations".to_owned(),
                json!({INITIAL_EVENTS_END: "true"}),
            );
        }
        let object = Object::from_value(json!({
            "apiVersion": self.definition.api_version(),
            "kind": self.definition.kind,
            "metadata": metadata,
        }));
        Some(self.line("BOOKMARK", &object.ok()?))
    }

    /// The end of a watch that cannot go on.
    pub(super) fn error(&self, status: &Status) -> Option<Bytes> {
        let json = serde_json::to_vec(status.to_api()).ok()?;
        Some(framed("ERROR", &json))
    }

    fn line(&self, kind: &str, object: &Object) -> Bytes {
        let json = match self.format {
            Format::Plain => serde_json::to_vec(object),
            Format::Metadata => serde_json::to_vec(&table::partial(object)),
            Format::Table if kind == "BOOKMARK" => {
                let metadata = Value::Object(object.metadata().clone());
                serde_json::to_vec(&table::table(self.definition, &metadata, Vec::new()))
            }
            Format::Table => serde_json::to_vec(&table::of_one(
                self.definition,
                object,
                (self.clock)(),
                self.include,
            )),
        };
        // JSON values with text keys are always written.
        framed(kind, &json.unwrap_or_default())
    }
}

impl Seen {
    fn as_str(self) -> &'static str {
        match self {
            Self::Added => "ADDED",
            Self::Modified => "MODIFIED",
            Self::Deleted => "DELETED",
        }
    }
}

fn framed(kind: &str, json: &[u8]) -> Bytes {
    let mut line = Vec::with_capacity(json.len() + kind.len() + 24);
    line.extend_from_slice(b"{\"type\":\"");
    line.extend_from_slice(kind.as_bytes());
    line.extend_from_slice(b"\",\"object\":");
    line.extend_from_slice(json);
    line.extend_from_slice(b"}\n");
    line.into()
}
