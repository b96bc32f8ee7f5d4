//! Patches: JSON patch, JSON merge patch, strategic merge patch. Pure.
//!
//! Server-side apply comes as a patch, too, but is about owners: see [`crate::ownership`].

mod merge_schema;
mod strategic;

pub(crate) use merge_schema::{METADATA, Merge, MergeBy};

use serde_json::Value;

use crate::codec::parse_json;
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
    /// Reads a patch, and says what is wrong with its text and does not keep it from being read.
    ///
    /// # Errors
    /// 400 for a malformed patch, 422 for operations that do not exist, 413 for too many.
    pub(crate) fn parse(kind: ChangesType, body: &[u8]) -> Result<(Self, Vec<String>), Status> {
        let (value, flaws) = parse_json(body).map_err(|error| malformed(&error))?;
        match kind {
            ChangesType::Json => {
                let patch = operations(value)?;
                if patch.0.len() > JSON_PATCH_OPERATIONS {
                    return Err(Status::too_large(JSON_PATCH_OPERATIONS));
                }
                let flaws = flaws.iter().map(|flaw| format!("json patch {flaw}"));
                Ok((Self::Json(patch), flaws.collect()))
            }
            ChangesType::Merge => Ok((Self::Merge(object(value)?), flaws)),
            ChangesType::Strategic => Ok((Self::Strategic(object(value)?), flaws)),
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
fn operations(value: Value) -> Result<json_patch::Patch, Status> {
    let listed = value.as_array();
    if !listed.is_some_and(|operations| operations.iter().all(Value::is_object)) {
        return Err(Status::bad_request("the patch is no list of JSON objects"));
    }
    serde_json::from_value(value)
        .map_err(|_| Status::unprocessable("an operation of the patch is none of RFC 6902"))
}

fn object(value: Value) -> Result<Value, Status> {
    if value.is_object() {
        Ok(value)
    } else {
        Err(Status::bad_request("the patch is no JSON object"))
    }
}

/// Where, not what: the patch may be a Secret's.
fn malformed(error: &serde_json::Error) -> Status {
    Status::bad_request(format!(
        "error decoding patch: malformed at line {}, column {}",
        error.line(),
        error.column()
    ))
}

#[cfg(test)]
mod tests;
