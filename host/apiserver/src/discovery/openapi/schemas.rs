//! The schemas of objects, from the types that the server reads them into.

use schemars::SchemaGenerator;
use schemars::generate::SchemaSettings;
use serde_json::{Map, Value, json};

use crate::patch::{METADATA, Merge, MergeBy};
use crate::resource::Definition;

/// Where schemas are, in references.
pub(super) const REFERENCE: &str = "#/components/schemas/";

/// What says how a client's strategic merge patch merges a list.
const PATCH_STRATEGY: &str = "x-kubernetes-patch-strategy";
const PATCH_MERGE_KEY: &str = "x-kubernetes-patch-merge-key";

/// The schemas of resources, and of everything in them, by name.
pub(super) fn of(definitions: &[&'static Definition]) -> Map<String, Value> {
    let mut generator: SchemaGenerator = SchemaSettings::openapi3().into_generator();
    for definition in definitions {
        (definition.schema)(&mut generator);
    }
    let mut schemas = generator.take_definitions(true);
    for definition in definitions {
        if let Some(Value::Object(schema)) = schemas.get_mut(&name(definition)) {
            let kind = json!([{
                "group": definition.group,
                "version": definition.version,
                "kind": definition.kind,
            }]);
            schema.insert("x-kubernetes-group-version-kind".to_owned(), kind);
        }
        for merge in METADATA.iter().chain(definition.merge) {
            mark(&mut schemas, &name(definition), merge);
        }
    }
    schemas
}

/// The name of a resource's schema: that of its Go package, as clients know it.
pub(super) fn name(definition: &Definition) -> String {
    let group = definition.group.split('.').next().unwrap_or_default();
    let group = if group.is_empty() { "core" } else { group };
    format!(
        "io.k8s.api.{group}.{}.{}",
        definition.version, definition.kind
    )
}

/// Writes to a list's schema how it is merged.
fn mark(schemas: &mut Map<String, Value>, root: &str, merge: &Merge) {
    let mut fields: Vec<&str> = merge.path.split('.').collect();
    let Some(last) = fields.pop() else { return };
    let mut holder = root.to_owned();
    for field in fields {
        let Some(next) = schemas
            .get(&holder)
            .and_then(|schema| refers(schema, field))
        else {
            return;
        };
        holder = next;
    }
    let property = schemas
        .get_mut(&holder)
        .and_then(|schema| schema.get_mut("properties")?.get_mut(last)?.as_object_mut());
    if let Some(property) = property {
        property.insert(PATCH_STRATEGY.to_owned(), "merge".into());
        if let MergeBy::Key(key) = merge.by {
            property.insert(PATCH_MERGE_KEY.to_owned(), key.into());
        }
    }
}

/// The schema that a property refers to.
fn refers(schema: &Value, property: &str) -> Option<String> {
    let property = schema.get("properties")?.get(property)?;
    let reference = property
        .get("$ref")
        .or_else(|| property.pointer("/allOf/0/$ref"))?;
    Some(reference.as_str()?.strip_prefix(REFERENCE)?.to_owned())
}
