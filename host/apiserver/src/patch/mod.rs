//! Patches: JSON patch, JSON merge patch, strategic merge patch. Pure.
//!
//! Server-side apply comes as a patch, too, but is about owners: see [`crate::ownership`].

mod merge_schema;
mod strategic;

pub(crate) use merge_schema::{METADATA, Merge, MergeBy};

use serde_json::{Map, Value};

use crate::resource::Definition;
use crate::status::Status;

/// RFC 6902.
const JSON_PATCH: &str = "application/json-patch+json";
/// RFC 7386.
const MERGE_PATCH: &str = "application/merge-patch+json";
/// Kubernetes' own.
const STRATEGIC_MERGE_PATCH: &str = "application/strategic-merge-patch+json";

/// Server-side apply.
const APPLY: &str = "application/apply-patch+yaml";

/// The media types of patches that are served.
pub(crate) const MEDIA_TYPES: &[&str] = &[JSON_PATCH, MERGE_PATCH, STRATEGIC_MERGE_PATCH, APPLY];

/// How many operations one JSON patch may have, as in Kubernetes.
const JSON_PATCH_OPERATIONS: usize = 10_000;

/// A patch that has been read.
#[derive(Debug)]
pub(crate) enum Patch {
    /// RFC 6902.
    Json(json_patch::Patch),
    /// RFC 7386.
    Merge(Value),
    /// Kubernetes' own.
    Strategic(Value),
}

/// What a patch is, from its media type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PatchType {
    /// Changes to the object.
    Changes(ChangesType),
    /// A manager's configuration.
    Apply,
}

/// How changes are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ChangesType {
    /// RFC 6902.
    Json,
    /// RFC 7386.
    Merge,
    /// Kubernetes' own.
    Strategic,
}

impl PatchType {
    /// The kind that a media type names.
    ///
    /// # Errors
    /// 415 for one that is not served.
    pub(crate) fn of(media_type: &str) -> Result<Self, Status> {
        match media_type {
            JSON_PATCH => Ok(Self::Changes(ChangesType::Json)),
            MERGE_PATCH => Ok(Self::Changes(ChangesType::Merge)),
            STRATEGIC_MERGE_PATCH => Ok(Self::Changes(ChangesType::Strategic)),
            APPLY => Ok(Self::Apply),
            _ => Err(Status::unsupported_media_type(MEDIA_TYPES)),
        }
    }
}

impl Patch {
    /// Reads a patch.
    ///
    /// # Errors
    /// 400 for a malformed patch, 422 for operations that do not exist, 413 for too many.
    pub(crate) fn parse(kind: ChangesType, body: &[u8]) -> Result<Self, Status> {
        match kind {
            ChangesType::Json => {
                let patch: json_patch::Patch = operations(body)?;
                if patch.0.len() > JSON_PATCH_OPERATIONS {
                    return Err(Status::too_large(JSON_PATCH_OPERATIONS));
                }
                Ok(Self::Json(patch))
            }
            ChangesType::Merge => Ok(Self::Merge(object(body)?)),
            ChangesType::Strategic => Ok(Self::Strategic(object(body)?)),
        }
    }

    /// The object after the patch.
    ///
    /// # Errors
    /// 422 for a JSON patch that does not fit the object, 400 for a malformed strategic merge patch.
    pub(crate) fn apply(
        &self,
        mut object: Value,
        definition: &Definition,
    ) -> Result<Value, Status> {
        match self {
            Self::Json(patch) => {
                json_patch::patch(&mut object, &patch.0)
                    .map_err(|error| Status::unprocessable(&error.to_string()))?;
                Ok(object)
            }
            Self::Merge(patch) => {
                json_patch::merge(&mut object, patch);
                Ok(object)
            }
            Self::Strategic(patch) => strategic::apply(object, patch, definition.merge)
                .map_err(|error| Status::bad_request(error.to_string())),
        }
    }
}

/// A list of objects is a patch, if one that cannot be applied.
fn operations(body: &[u8]) -> Result<json_patch::Patch, Status> {
    let listed: Vec<Map<String, Value>> = read(body)?;
    let operations = Value::Array(listed.into_iter().map(Value::Object).collect());
    serde_json::from_value(operations)
        .map_err(|_| Status::unprocessable("an operation of the patch is none of RFC 6902"))
}

fn object(body: &[u8]) -> Result<Value, Status> {
    let value: Value = read(body)?;
    if value.is_object() {
        Ok(value)
    } else {
        Err(Status::bad_request("the patch is no JSON object"))
    }
}

fn read<T: serde::de::DeserializeOwned>(body: &[u8]) -> Result<T, Status> {
    serde_json::from_slice(body).map_err(|error| {
        // Where, not what: the patch may be a Secret's.
        Status::bad_request(format!(
            "error decoding patch: malformed at line {}, column {}",
            error.line(),
            error.column()
        ))
    })
}

#[cfg(test)]
mod tests;
