//! Aggregated discovery: all groups, versions and resources in one answer.
//!
//! Source: `k8s.io/api/apidiscovery/v2/types.go` and `k8s.io/apiserver/pkg/endpoints/discovery/aggregated`.

use axum::body::Body;
use http::Response;
use http::request::Parts;
use serde_json::{Value, json};

use super::groups::{SUBRESOURCE_VERBS, named};
use super::kept::Kept;
use crate::resource::{Definition, Registry};

/// The media type says which document it is; clients compare it letter by letter.
const MEDIA_TYPE: &str = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList";

/// The core group, for `/api`.
pub(super) fn core(registry: &Registry, request: &Parts) -> Response<Body> {
    answer(request, &[group(registry, "", "v1")])
}

/// The groups with a name, for `/apis`.
pub(super) fn groups(registry: &Registry, request: &Parts) -> Response<Body> {
    let groups: Vec<Value> = named(registry)
        .into_iter()
        .map(|(name, version)| group(registry, name, version))
        .collect();
    answer(request, &groups)
}

fn answer(request: &Parts, groups: &[Value]) -> Response<Body> {
    let document = json!({
        "kind": "APIGroupDiscoveryList",
        "apiVersion": "apidiscovery.k8s.io/v2",
        "metadata": {},
        "items": groups,
    });
    Kept::new(document.to_string()).answer(request, MEDIA_TYPE)
}

fn group(registry: &Registry, group: &str, version: &str) -> Value {
    let resources: Vec<Value> = registry
        .definitions()
        .filter(|definition| definition.group == group && definition.version == version)
        .map(resource)
        .collect();
    let mut metadata = json!({"creationTimestamp": null});
    if !group.is_empty() {
        metadata = json!({"name": group, "creationTimestamp": null});
    }
    json!({
        "metadata": metadata,
        "versions": [{"version": version, "resources": resources, "freshness": "Current"}],
    })
}

fn resource(definition: &Definition) -> Value {
    let kind = json!({
        "group": definition.group,
        "version": definition.version,
        "kind": definition.kind,
    });
    let scope = if definition.is_namespaced() {
        "Namespaced"
    } else {
        "Cluster"
    };
    let mut document = json!({
        "resource": definition.plural,
        "responseKind": kind,
        "scope": scope,
        "singularResource": definition.singular(),
        "verbs": definition.verbs,
    });
    let subresources: Vec<Value> = definition
        .subresources
        .iter()
        .map(|part| {
            json!({
                "subresource": part.as_str(),
                "responseKind": kind,
                "verbs": SUBRESOURCE_VERBS,
            })
        })
        .collect();
    if let Value::Object(fields) = &mut document {
        if !definition.short_names.is_empty() {
            fields.insert("shortNames".to_owned(), json!(definition.short_names));
        }
        if !subresources.is_empty() {
            fields.insert("subresources".to_owned(), subresources.into());
        }
    }
    document
}
