//! Groups, versions and resources.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::digest;
use serde_json::{Value, json};

use crate::resource::{Definition, Registry};
use crate::status::Status;

/// The verbs on a part of an object.
pub(super) const SUBRESOURCE_VERBS: [&str; 3] = ["get", "patch", "update"];

/// `/api`.
pub(super) fn core_versions() -> Value {
    json!({
        "kind": "APIVersions",
        "versions": ["v1"],
        "serverAddressByClientCIDRs": [],
    })
}

/// `/apis`.
pub(super) fn list(registry: &Registry) -> Value {
    let groups: Vec<Value> = named(registry)
        .into_iter()
        .map(|(group, version)| describe(group, version))
        .collect();
    json!({"kind": "APIGroupList", "apiVersion": "v1", "groups": groups})
}

/// `/apis/<group>`.
pub(super) fn one(registry: &Registry, wanted: &str) -> Result<Value, Status> {
    let (group, version) = named(registry)
        .into_iter()
        .find(|(group, _)| *group == wanted)
        .ok_or_else(Status::path_not_found)?;
    let mut document = describe(group, version);
    if let Value::Object(fields) = &mut document {
        fields.insert("kind".to_owned(), "APIGroup".into());
        fields.insert("apiVersion".to_owned(), "v1".into());
    }
    Ok(document)
}

/// `/api/v1` and `/apis/<group>/<version>`.
pub(super) fn resources(registry: &Registry, group: &str, version: &str) -> Result<Value, Status> {
    let definitions: Vec<&Definition> = registry
        .definitions()
        .filter(|definition| definition.group == group && definition.version == version)
        .collect();
    let Some(first) = definitions.first() else {
        return Err(Status::path_not_found());
    };
    let resources: Vec<Value> = definitions
        .iter()
        .flat_map(|definition| std::iter::once(resource(definition)).chain(parts(definition)))
        .collect();
    Ok(json!({
        "kind": "APIResourceList",
        "apiVersion": "v1",
        "groupVersion": first.api_version(),
        "resources": resources,
    }))
}

/// The groups with a name, in order, each with its version.
pub(super) fn named(registry: &Registry) -> Vec<(&'static str, &'static str)> {
    let mut found: Vec<_> = registry
        .definitions()
        .map(|definition| (definition.group, definition.version))
        .filter(|(group, _)| !group.is_empty())
        .collect();
    found.sort_unstable();
    found.dedup();
    found
}

fn describe(group: &str, version: &str) -> Value {
    let version = json!({
        "groupVersion": format!("{group}/{version}"),
        "version": version,
    });
    json!({
        "name": group,
        "versions": [version],
        "preferredVersion": version,
    })
}

fn resource(definition: &Definition) -> Value {
    let mut document = json!({
        "name": definition.plural,
        "singularName": definition.singular(),
        "namespaced": definition.is_namespaced(),
        "kind": definition.kind,
        "verbs": definition.verbs,
    });
    if let Value::Object(fields) = &mut document {
        if !definition.short_names.is_empty() {
            fields.insert("shortNames".to_owned(), json!(definition.short_names));
        }
        if !definition.is_virtual() {
            fields.insert("storageVersionHash".to_owned(), hash(definition).into());
        }
    }
    document
}

fn parts(definition: &'static Definition) -> impl Iterator<Item = Value> {
    definition.subresources.iter().map(|part| {
        json!({
            "name": format!("{}/{}", definition.plural, part.as_str()),
            "singularName": "",
            "namespaced": definition.is_namespaced(),
            "kind": definition.kind,
            "verbs": SUBRESOURCE_VERBS,
        })
    })
}

/// What tells clients that the stored form of a kind has changed.
fn hash(definition: &Definition) -> String {
    let text = format!(
        "{}/{}/{}",
        definition.group, definition.version, definition.kind
    );
    let digest = digest::digest(&digest::SHA256, text.as_bytes());
    STANDARD.encode(digest.as_ref().get(..8).unwrap_or_default())
}
