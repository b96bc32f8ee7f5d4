//! Server-side printing: objects as rows of a `meta.k8s.io/v1` Table, with Kubernetes' own columns.

mod age;
mod cells;
mod columns;

pub(crate) use cells::*;
pub(crate) use columns::{Column, Columns};

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ListMeta;
use serde::Serialize;
use serde_json::{Value, json};

use crate::request::query_value;
use crate::resource::{Definition, Object};
use crate::status::Status;

/// How much of the object each row carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum IncludeObject {
    /// Nothing.
    None,
    /// Its metadata.
    Metadata,
    /// All of it.
    Object,
}

impl IncludeObject {
    /// Reads the query's `includeObject`.
    ///
    /// # Errors
    /// 400 for a value that does not exist.
    pub(crate) fn parse(query: &str) -> Result<Self, Status> {
        match query_value(query, "includeObject").as_str() {
            "" | "Metadata" => Ok(Self::Metadata),
            "None" => Ok(Self::None),
            "Object" => Ok(Self::Object),
            other => Err(Status::bad_request(format!(
                "includeObject: unsupported value {other:?}: supported values: \"Metadata\", \"None\", \"Object\""
            ))),
        }
    }
}

/// A table of one object.
pub(crate) fn of_one(
    definition: &Definition,
    object: &Object,
    now: Timestamp,
    include: IncludeObject,
) -> Value {
    let metadata = ListMeta {
        resource_version: Some(object.resource_version().to_owned()),
        ..ListMeta::default()
    };
    let row = row(definition, object, now, include);
    table(definition, &metadata, vec![row])
}

/// A table of rows.
pub(crate) fn table(definition: &Definition, metadata: &impl Serialize, rows: Vec<Value>) -> Value {
    let columns: Vec<Value> = definition
        .columns
        .columns
        .iter()
        .copied()
        .map(Column::to_api)
        .collect();
    json!({
        "kind": "Table",
        "apiVersion": "meta.k8s.io/v1",
        "metadata": metadata,
        "columnDefinitions": columns,
        "rows": rows,
    })
}

/// One object's row.
pub(crate) fn row(
    definition: &Definition,
    object: &Object,
    now: Timestamp,
    include: IncludeObject,
) -> Value {
    let cells = (definition.columns.cells)(object, now);
    match include {
        IncludeObject::None => json!({"cells": cells}),
        IncludeObject::Metadata => json!({"cells": cells, "object": partial(object)}),
        IncludeObject::Object => json!({"cells": cells, "object": object}),
    }
}

/// Only the metadata of an object.
pub(crate) fn partial(object: &Object) -> Value {
    json!({
        "kind": "PartialObjectMetadata",
        "apiVersion": "meta.k8s.io/v1",
        "metadata": object.metadata(),
    })
}
