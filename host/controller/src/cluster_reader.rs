//! What plugins may read of the cluster, read through the API. What each of them may see is checked before, by the
//! plugin host.

use std::collections::HashMap;
use std::sync::Mutex;

use async_trait::async_trait;
use kube::api::{Api, DynamicObject, ListParams};
use kube::core::GroupVersionKind;
use kube::discovery::{ApiResource, Scope, pinned_kind};
use kube::error::DiscoveryError;
use serde_json::Value;
use slipway_plugin::{ClusterReadError, ClusterReader, ObjectKind};

use crate::sharing::lock;

/// Reads live, so that a decision never rests on what was true a moment ago. Which path a kind has is asked once.
pub struct LiveReader {
    client: kube::Client,
    known: Mutex<HashMap<ObjectKind, Kind>>,
}

/// How objects of a kind are addressed.
#[derive(Clone)]
struct Kind {
    resource: ApiResource,
    namespaced: bool,
}

impl LiveReader {
    /// Reads with this client's identity.
    pub fn new(client: kube::Client) -> Self {
        Self {
            client,
            known: Mutex::default(),
        }
    }

    async fn kind(&self, kind: &ObjectKind) -> Result<Kind, ClusterReadError> {
        let known = || lock(&self.known);
        if let Some(found) = known().get(kind) {
            return Ok(found.clone());
        }
        let wanted = GroupVersionKind::gvk(&kind.group, &kind.version, &kind.kind);
        let (resource, capabilities) = match pinned_kind(&self.client, &wanted).await {
            Ok(found) => found,
            Err(kube::Error::Discovery(
                DiscoveryError::MissingKind(_) | DiscoveryError::MissingResource(_),
            )) => return Err(ClusterReadError::UnknownKind),
            Err(kube::Error::Api(status)) if status.is_not_found() => {
                return Err(ClusterReadError::UnknownKind);
            }
            Err(error) => return Err(refused(error)),
        };
        let found = Kind {
            resource,
            namespaced: capabilities.scope == Scope::Namespaced,
        };
        known().insert(kind.clone(), found.clone());
        Ok(found)
    }

    /// The objects of a kind, in a namespace or in all.
    async fn api(
        &self,
        kind: &ObjectKind,
        namespace: &str,
    ) -> Result<Api<DynamicObject>, ClusterReadError> {
        let Kind {
            resource,
            namespaced,
        } = self.kind(kind).await?;
        match namespace {
            "" => Ok(Api::all_with(self.client.clone(), &resource)),
            namespace if namespaced => Ok(Api::namespaced_with(
                self.client.clone(),
                namespace,
                &resource,
            )),
            namespace => Err(ClusterReadError::Other(format!(
                "{} has no namespaces, and {namespace} was named",
                kind.kind
            ))),
        }
    }
}

#[async_trait]
impl ClusterReader for LiveReader {
    async fn get(
        &self,
        kind: &ObjectKind,
        namespace: &str,
        name: &str,
    ) -> Result<Option<Value>, ClusterReadError> {
        let api = self.api(kind, namespace).await?;
        // Without its namespace the path is another, which is not found either.
        if namespace.is_empty() && self.kind(kind).await?.namespaced {
            return Err(ClusterReadError::Other(format!(
                "{} has namespaces, and none was named",
                kind.kind
            )));
        }
        let found = api.get_opt(name).await.map_err(refused)?;
        found.as_ref().map(json).transpose()
    }

    async fn list(
        &self,
        kind: &ObjectKind,
        namespace: &str,
    ) -> Result<Vec<Value>, ClusterReadError> {
        let api = self.api(kind, namespace).await?;
        let found = api.list(&ListParams::default()).await.map_err(refused)?;
        found.items.iter().map(json).collect()
    }
}

fn json(object: &DynamicObject) -> Result<Value, ClusterReadError> {
    serde_json::to_value(object).map_err(|error| ClusterReadError::Other(error.to_string()))
}

/// What the API refuses for good is told apart from what passes.
fn refused(error: kube::Error) -> ClusterReadError {
    match error {
        kube::Error::Api(status) if status.code < 500 && status.code != 429 => {
            ClusterReadError::Other(status.message)
        }
        error => ClusterReadError::Unavailable(error.to_string()),
    }
}
