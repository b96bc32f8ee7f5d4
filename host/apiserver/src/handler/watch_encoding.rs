//! The lines of a watch.

use bytes::Bytes;
use serde_json::{Value, json};

use super::call::{Call, text};
use crate::codec::{Encoding, Format, Shape, Type};
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
    kind: Type,
    format: Format,
    include: IncludeObject,
    clock: Clock,
    /// Whether the client has been told of a table's columns: the first event tells.
    columns_are_known: bool,
}

impl Encoder {
    pub(super) fn new(call: &Call) -> Result<Self, Status> {
        Ok(Self {
            definition: call.definition,
            kind: call.kind(),
            format: call.format,
            include: IncludeObject::parse(call.query())?,
            clock: call.api.clock.clone(),
            columns_are_known: false,
        })
    }

    /// The media type of the stream.
    pub(super) fn media_type(&self) -> &'static str {
        self.format.encoding.stream_media_type()
    }

    /// An event on an object, with the revision at which it happened.
    pub(super) fn event(&mut self, seen: Seen, record: &Record, revision: u64) -> Option<Bytes> {
        if self.format.shape == Shape::Plain && record.revision == revision {
            return self.line(seen.as_str(), record.json.clone(), &self.kind);
        }
        let Ok(mut object) = record.object() else {
            tracing::error!(key = %record.key, "a stored object cannot be read");
            return None;
        };
        object.set_metadata_text("resourceVersion", &revision.to_string());
        self.around(seen.as_str(), &object)
    }

    /// Tells how far the client has come.
    pub(super) fn bookmark(&mut self, revision: u64, initial_events_end: bool) -> Option<Bytes> {
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
        self.around("BOOKMARK", &object.ok()?)
    }

    /// The end of a watch that cannot go on.
    pub(super) fn error(&self, status: &Status) -> Option<Bytes> {
        self.line("ERROR", text(status.to_api()).ok()?, &Type::STATUS)
    }

    fn around(&mut self, event: &str, object: &Object) -> Option<Bytes> {
        match self.format.shape {
            Shape::Plain => self.line(event, text(object).ok()?, &self.kind),
            Shape::Metadata => {
                self.line(event, text(&table::partial(object)).ok()?, &Type::METADATA)
            }
            Shape::Table => {
                let mut table = if event == "BOOKMARK" {
                    table::table(self.definition, object.metadata(), Vec::new())
                } else {
                    table::of_one(self.definition, object, (self.clock)(), self.include)
                };
                if std::mem::replace(&mut self.columns_are_known, true)
                    && let Some(columns) = table.get_mut("columnDefinitions")
                {
                    *columns = Value::Null;
                }
                Some(Encoding::Json.event(event, &text(&table).ok()?))
            }
        }
    }

    fn line(&self, event: &str, json: impl Into<Bytes>, of: &Type) -> Option<Bytes> {
        let encoding = self.format.encoding;
        match encoding.object(json, of) {
            Ok(object) => Some(encoding.event(event, &object)),
            Err(status) => {
                tracing::error!(%status, "an event is left out of a watch");
                None
            }
        }
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
