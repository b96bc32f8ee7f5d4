//! Version 3: an index, and a document for each group and version.
//!
//! Source of the form: `k8s.io/kube-openapi/pkg/handler3/handler.go`. Only JSON: no client insists on protobuf here.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use axum::body::Body;
use http::Response;
use http::request::Parts;
use serde_json::{Map, Value, json};

use super::{paths, schemas};
use crate::codec::JSON;
use crate::discovery::kept::Kept;
use crate::resource::{Definition, Registry};
use crate::status::Status;

/// The documents, made when somebody first asks.
#[derive(Debug, Default)]
pub(crate) struct OpenApi {
    documents: OnceLock<Documents>,
}

#[derive(Debug)]
struct Documents {
    index: Kept,
    by_path: BTreeMap<String, Kept>,
}

impl OpenApi {
    /// The index, or the document of a path such as `["apis", "certificates.k8s.io", "v1"]`.
    ///
    /// # Errors
    /// 404 for a group and version that is not served.
    pub(in crate::discovery) fn answer(
        &self,
        registry: &Registry,
        request: &Parts,
        path: &[&str],
    ) -> Result<Response<Body>, Status> {
        let documents = self.documents.get_or_init(|| documents(registry));
        let document = match path {
            [] => &documents.index,
            path => documents
                .by_path
                .get(&path.join("/"))
                .ok_or_else(Status::path_not_found)?,
        };
        Ok(document.answer(request, JSON))
    }
}

fn index(documents: &BTreeMap<String, Kept>) -> Kept {
    let paths: Map<String, Value> = documents
        .iter()
        .map(|(path, document)| {
            let url = format!("/openapi/v3/{path}?hash={}", document.hash());
            (path.clone(), json!({"serverRelativeURL": url}))
        })
        .collect();
    Kept::new(json!({ "paths": paths }).to_string())
}

fn documents(registry: &Registry) -> Documents {
    let mut groups: BTreeMap<String, Vec<&'static Definition>> = BTreeMap::new();
    for definition in registry.definitions() {
        groups
            .entry(paths::root(definition))
            .or_default()
            .push(definition);
    }
    let by_path = groups
        .into_iter()
        .map(|(path, definitions)| (path, document(&definitions)))
        .collect();
    Documents {
        index: index(&by_path),
        by_path,
    }
}

fn document(definitions: &[&'static Definition]) -> Kept {
    let document = json!({
        "openapi": "3.0.0",
        "info": {"title": "Slipway", "version": env!("CARGO_PKG_VERSION")},
        "paths": paths::of(definitions),
        "components": {"schemas": schemas::of(definitions)},
    });
    Kept::new(document.to_string())
}
