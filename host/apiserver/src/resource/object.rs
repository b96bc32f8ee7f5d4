//! An API object as JSON, with the parts of its metadata that every kind has.

use std::fmt;

use jiff::Timestamp;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde::ser::SerializeMap as _;
use serde_json::{Map, Value};

/// An API object: a JSON object whose `metadata` is a JSON object, too.
///
/// `Debug` shows what it is and not what is in it: an object may be a Secret.
#[derive(Clone, Default, PartialEq)]
pub(crate) struct Object {
    metadata: Map<String, Value>,
    /// Everything but `metadata`.
    fields: Map<String, Value>,
}

/// Why a JSON value is no API object, or not one of the expected type.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ObjectError {
    /// The value is no JSON object.
    #[error("expected a JSON object, got {0}")]
    NotAnObject(&'static str),
    /// `metadata` is something else than a JSON object.
    #[error("metadata: expected a JSON object, got {0}")]
    Metadata(&'static str),
    /// A field has another type than its kind says, or the text is no JSON.
    #[error(transparent)]
    Json(#[from] serde_json::Error),
}

impl Object {
    /// The object of a JSON value; a missing `metadata` is an empty one.
    ///
    /// # Errors
    /// When the value, or its `metadata`, is no JSON object.
    pub(crate) fn from_value(value: Value) -> Result<Self, ObjectError> {
        let Value::Object(mut fields) = value else {
            return Err(ObjectError::NotAnObject(type_name(&value)));
        };
        let metadata = match fields.shift_remove("metadata") {
            Some(Value::Object(metadata)) => metadata,
            None | Some(Value::Null) => Map::new(),
            Some(other) => return Err(ObjectError::Metadata(type_name(&other))),
        };
        Ok(Self { metadata, fields })
    }

    /// The object of a typed one.
    ///
    /// # Errors
    /// When its JSON form is no API object; never so for the types of the API.
    pub(crate) fn from_typed<T: Serialize>(typed: &T) -> Result<Self, ObjectError> {
        Self::from_value(serde_json::to_value(typed)?)
    }

    /// The typed form.
    ///
    /// # Errors
    /// When a field has another type than `T` says.
    pub(crate) fn to_typed<T: DeserializeOwned>(&self) -> Result<T, ObjectError> {
        Ok(serde_json::from_value(self.clone().into_value())?)
    }

    /// Parses the JSON text of an object.
    ///
    /// # Errors
    /// When it is no JSON, or not an object.
    pub(crate) fn parse(json: &[u8]) -> Result<Self, ObjectError> {
        Self::from_value(serde_json::from_slice(json)?)
    }

    /// The JSON value: `apiVersion`, `kind` and `metadata` first.
    pub(crate) fn into_value(mut self) -> Value {
        let mut all = Map::new();
        for first in ["apiVersion", "kind"] {
            if let Some(value) = self.fields.shift_remove(first) {
                all.insert(first.to_owned(), value);
            }
        }
        all.insert("metadata".to_owned(), Value::Object(self.metadata));
        all.append(&mut self.fields);
        Value::Object(all)
    }

    /// `metadata`.
    pub(crate) fn metadata(&self) -> &Map<String, Value> {
        &self.metadata
    }

    /// `metadata`, to be changed.
    pub(crate) fn metadata_mut(&mut self) -> &mut Map<String, Value> {
        &mut self.metadata
    }

    /// A top-level field other than `metadata`.
    pub(crate) fn field(&self, name: &str) -> Option<&Value> {
        self.fields.get(name)
    }

    /// All top-level fields but `metadata`, to be changed.
    pub(crate) fn fields_mut(&mut self) -> &mut Map<String, Value> {
        &mut self.fields
    }

    /// The value at a path of field names, such as `["spec", "signerName"]`.
    pub(crate) fn at(&self, path: &[&str]) -> Option<&Value> {
        let (first, rest) = path.split_first()?;
        if *first != "metadata" {
            let start = self.fields.get(*first)?;
            return rest.iter().try_fold(start, |value, field| value.get(field));
        }
        let (second, rest) = rest.split_first()?;
        let start = self.metadata.get(*second)?;
        rest.iter().try_fold(start, |value, field| value.get(field))
    }

    /// The text at a path; empty where there is none.
    pub(crate) fn text_at(&self, path: &[&str]) -> &str {
        self.at(path).and_then(Value::as_str).unwrap_or_default()
    }

    /// `metadata.name`; empty where there is none.
    pub(crate) fn name(&self) -> &str {
        self.metadata_text("name")
    }

    /// `metadata.namespace`; empty where there is none.
    pub(crate) fn namespace(&self) -> &str {
        self.metadata_text("namespace")
    }

    /// `metadata.uid`; empty where there is none.
    pub(crate) fn uid(&self) -> &str {
        self.metadata_text("uid")
    }

    /// `metadata.resourceVersion`; empty where there is none.
    pub(crate) fn resource_version(&self) -> &str {
        self.metadata_text("resourceVersion")
    }

    /// Whether a delete waits for the object's finalizers.
    pub(crate) fn is_terminating(&self) -> bool {
        self.metadata
            .get("deletionTimestamp")
            .is_some_and(|value| !value.is_null())
    }

    /// When it was made.
    pub(crate) fn created(&self) -> Option<Timestamp> {
        self.metadata_text("creationTimestamp").parse().ok()
    }

    /// `metadata.finalizers`.
    pub(crate) fn finalizers(&self) -> impl Iterator<Item = &str> {
        self.metadata
            .get("finalizers")
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
    }

    /// The value of a label.
    pub(crate) fn label(&self, key: &str) -> Option<&str> {
        self.metadata.get("labels")?.get(key)?.as_str()
    }

    /// A text of `metadata`; empty where there is none.
    pub(crate) fn metadata_text(&self, field: &str) -> &str {
        self.metadata
            .get(field)
            .and_then(Value::as_str)
            .unwrap_or_default()
    }

    /// Sets a text of `metadata`; an empty text removes it.
    pub(crate) fn set_metadata_text(&mut self, field: &str, text: &str) {
        if text.is_empty() {
            self.metadata.shift_remove(field);
        } else {
            self.metadata
                .insert(field.to_owned(), Value::String(text.to_owned()));
        }
    }

    /// Makes a top-level field the same as in another object, absence included.
    pub(crate) fn copy_field_from(&mut self, other: &Self, field: &str) {
        match other.fields.get(field) {
            Some(value) => {
                self.fields.insert(field.to_owned(), value.clone());
            }
            None => {
                self.fields.shift_remove(field);
            }
        }
    }
}

impl Serialize for Object {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let first = ["apiVersion", "kind"];
        let mut map = serializer.serialize_map(Some(self.fields.len() + 1))?;
        for name in first {
            if let Some(value) = self.fields.get(name) {
                map.serialize_entry(name, value)?;
            }
        }
        map.serialize_entry("metadata", &self.metadata)?;
        for (name, value) in &self.fields {
            if !first.contains(&name.as_str()) {
                map.serialize_entry(name, value)?;
            }
        }
        map.end()
    }
}

impl fmt::Debug for Object {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Object")
            .field("kind", &self.text_at(&["kind"]))
            .field("namespace", &self.namespace())
            .field("name", &self.name())
            .finish_non_exhaustive()
    }
}

/// What JSON calls the type of a value.
pub(crate) fn type_name(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    }
}
