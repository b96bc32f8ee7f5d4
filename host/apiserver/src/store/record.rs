//! An object as it is stored, and what happens to it.

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;

use super::Key;
use crate::resource::{Object, ObjectError};

/// An object as it is stored: immutable, with the revision of its last write.
///
/// `Debug` does not show the content: it may be a Secret.
#[derive(Clone, PartialEq)]
pub(crate) struct Record {
    /// Where it is.
    pub(crate) key: Key,
    /// The write that made it so; its `resourceVersion`.
    pub(crate) revision: u64,
    /// Its JSON text, `resourceVersion` included.
    pub(crate) json: Bytes,
    /// Whether a delete waits for its finalizers.
    pub(crate) terminating: bool,
}

/// What happened to an object, at one revision.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Event {
    /// Create, change or delete.
    pub(crate) kind: EventKind,
    /// The object after it; for a delete the last state, with the revision of the delete.
    pub(crate) record: Arc<Record>,
    /// The object before it; none for a create.
    pub(crate) previous: Option<Arc<Record>>,
}

/// Create, change or delete.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum EventKind {
    /// A new object.
    Added,
    /// Another state of an object.
    Modified,
    /// The object is gone.
    Deleted,
}

impl Record {
    /// The record of an object at a revision, which becomes its `resourceVersion`.
    pub(super) fn new(key: Key, revision: u64, mut object: Object) -> Result<Self, ObjectError> {
        object.set_metadata_text("resourceVersion", &revision.to_string());
        Ok(Self {
            terminating: object.is_terminating(),
            json: serde_json::to_vec(&object)?.into(),
            key,
            revision,
        })
    }

    /// The record of a stored text.
    pub(super) fn load(key: Key, json: Bytes) -> Result<Self, String> {
        let object = Object::parse(&json).map_err(|error| error.to_string())?;
        let revision = object
            .resource_version()
            .parse()
            .map_err(|_| "it has no resourceVersion".to_owned())?;
        Ok(Self {
            terminating: object.is_terminating(),
            key,
            revision,
            json,
        })
    }

    /// The object.
    ///
    /// # Errors
    /// Never for a record that this store made; the text is parsed anew.
    pub(crate) fn object(&self) -> Result<Object, ObjectError> {
        Object::parse(&self.json)
    }

    /// The same object with another revision: what a delete leaves behind.
    pub(super) fn at_revision(&self, revision: u64) -> Result<Self, ObjectError> {
        Self::new(self.key.clone(), revision, self.object()?)
    }
}

impl Event {
    /// The revision at which it happened.
    pub(crate) fn revision(&self) -> u64 {
        self.record.revision
    }

    /// The object after the event; none after a delete.
    pub(super) fn after(&self) -> Option<&Arc<Record>> {
        match self.kind {
            EventKind::Added | EventKind::Modified => Some(&self.record),
            EventKind::Deleted => None,
        }
    }

    /// About how much memory it holds, in bytes.
    pub(super) fn weight(&self) -> usize {
        let previous = self.previous.as_ref().map_or(0, |record| record.json.len());
        self.record.json.len() + previous + std::mem::size_of::<Self>()
    }
}

impl fmt::Debug for Record {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Record")
            .field("key", &format_args!("{}", self.key))
            .field("revision", &self.revision)
            .finish_non_exhaustive()
    }
}
