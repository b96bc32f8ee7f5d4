//! What the service knows of the cluster, read through the API.

use std::collections::BTreeMap;

use async_trait::async_trait;
use jiff::Timestamp;
use k8s_openapi::api::core::v1::{ConfigMap, Secret};
use kube::Api;
use slipway_config::token::{BootstrapToken, SECRET_NAMESPACE, SECRET_TYPE, TokenId, TokenRecord};
use slipway_pki::alpha_discovery::AlphaClusterInfo;
use slipway_pki::ca::CaBundle;
use slipway_pki::kubeconfig::{ClusterInfoKubeconfig, KubeconfigError};

use crate::connect::RequestFailure;

/// What the service needs to know.
#[async_trait]
pub trait Backend: Send + Sync {
    /// The token of this ID, where there is one that may sign.
    ///
    /// # Errors
    /// When that cannot be found out now.
    async fn token(&self, id: &TokenId) -> Result<Option<BootstrapToken>, BackendError>;

    /// The cluster as it is to be described.
    ///
    /// # Errors
    /// When that cannot be found out now.
    async fn cluster(&self) -> Result<AlphaClusterInfo, BackendError>;
}

/// Why the service knows nothing now.
#[derive(Debug, thiserror::Error)]
pub enum BackendError {
    /// The API.
    #[error(transparent)]
    Request(#[from] RequestFailure),
    /// There is no cluster-info.
    #[error("there is no cluster-info in kube-public")]
    NoClusterInfo,
    /// cluster-info is not what it should be.
    #[error("cluster-info cannot be used: {0}")]
    BadClusterInfo(#[from] KubeconfigError),
    /// cluster-info holds no CA, and none was given.
    #[error("cluster-info holds no CA certificate, and none was given to the service")]
    NoCa,
}

/// A cluster behind a Kubernetes API, the embedded one included.
pub struct Cluster {
    client: kube::Client,
    ca: Option<CaBundle>,
}

impl Cluster {
    /// Reads from the API with `client`. `ca` stands in where cluster-info has none.
    pub fn new(client: kube::Client, ca: Option<CaBundle>) -> Self {
        Self { client, ca }
    }
}

#[async_trait]
impl Backend for Cluster {
    async fn token(&self, id: &TokenId) -> Result<Option<BootstrapToken>, BackendError> {
        let api: Api<Secret> = Api::namespaced(self.client.clone(), SECRET_NAMESPACE);
        let name = id.secret_name();
        let secret = match api.get(&name).await.map_err(RequestFailure::from) {
            Err(RequestFailure::NotFound(_)) => return Ok(None),
            other => other?,
        };
        if secret.type_.as_deref() != Some(SECRET_TYPE) {
            return Ok(None);
        }
        let data: BTreeMap<String, Vec<u8>> = secret
            .data
            .unwrap_or_default()
            .into_iter()
            .map(|(key, value)| (key, value.0))
            .collect();
        // A damaged Secret is no token; the list of tokens names what is wrong with it.
        let record = TokenRecord::from_secret_data(&data, &name).ok();
        Ok(record
            .filter(|record| record.usages.signing && !record.is_expired(Timestamp::now()))
            .map(|record| record.token()))
    }

    async fn cluster(&self) -> Result<AlphaClusterInfo, BackendError> {
        let api: Api<ConfigMap> = Api::namespaced(self.client.clone(), "kube-public");
        let config_map = match api.get("cluster-info").await.map_err(RequestFailure::from) {
            Err(RequestFailure::NotFound(_)) => return Err(BackendError::NoClusterInfo),
            other => other?,
        };
        let data = config_map.data.unwrap_or_default();
        let text = data.get("kubeconfig").ok_or(BackendError::NoClusterInfo)?;
        let described = ClusterInfoKubeconfig::parse(text.as_bytes())?;
        let ca = described
            .ca()
            .or(self.ca.as_ref())
            .cloned()
            .ok_or(BackendError::NoCa)?;
        Ok(AlphaClusterInfo {
            ca,
            endpoints: described.endpoints().to_vec(),
        })
    }
}
