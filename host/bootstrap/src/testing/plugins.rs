//! Plugins in Rust, in the place of components: what they propose is for the test to say.

use async_trait::async_trait;
use k8s_openapi::api::core::v1::ConfigMap;
use kube::Api;
use slipway_config::digest::Sha256Digest;
use slipway_config::endpoint::{DEFAULT_API_SERVER_PORT, HostPort};
use slipway_pki::decision::trust::Proposed;
use slipway_pki::jws::{self, SignedBytes};
use slipway_plugin::extension::endpoint_provider::{
    DialAddress, EndpointError, EndpointRequest, Endpoints,
};
use slipway_plugin::extension::trust_source::{Discovery, DiscoveryError, DiscoveryRequest};
use slipway_plugin::{CallStats, EndpointProvider, PluginIdentity, TrustSource};

fn identity(name: &str) -> PluginIdentity {
    PluginIdentity {
        name: name.to_owned(),
        version: String::new(),
        digest: Sha256Digest::of(name.as_bytes()),
        source: "test".to_owned(),
        settings_digest: Sha256Digest::of(b"{}"),
        grants: Vec::new(),
    }
}

/// Names the locations.
pub(crate) struct Locations(PluginIdentity);

impl Locations {
    pub(crate) fn new() -> Self {
        Self(identity("locations"))
    }
}

#[async_trait]
impl EndpointProvider for Locations {
    fn identity(&self) -> &PluginIdentity {
        &self.0
    }

    async fn endpoints(&self, request: EndpointRequest) -> Result<Endpoints, EndpointError> {
        let addresses = request
            .locations
            .iter()
            .map(|location| {
                HostPort::parse_with_default(location, DEFAULT_API_SERVER_PORT).unwrap()
            })
            .map(|address| DialAddress {
                address: address.host().to_unbracketed(),
                port: address.port(),
                priority: 0,
                weight: 1,
                zone: None,
            })
            .collect();
        Ok(Endpoints {
            addresses,
            stats: CallStats::default(),
        })
    }
}

type Answer =
    dyn Fn(&DiscoveryRequest) -> Result<(Proposed, Vec<SignedBytes>), DiscoveryError> + Send + Sync;

/// Proposes what a test says.
pub(crate) struct Proposes {
    identity: PluginIdentity,
    answer: Box<Answer>,
}

impl Proposes {
    pub(crate) fn new(
        answer: impl Fn(&DiscoveryRequest) -> Result<(Proposed, Vec<SignedBytes>), DiscoveryError>
        + Send
        + Sync
        + 'static,
    ) -> Self {
        Self {
            identity: identity("proposes"),
            answer: Box::new(answer),
        }
    }
}

#[async_trait]
impl TrustSource for Proposes {
    fn identity(&self) -> &PluginIdentity {
        &self.identity
    }

    async fn discover(&self, request: DiscoveryRequest) -> Result<Discovery, DiscoveryError> {
        let (proposed, signed) = (self.answer)(&request)?;
        Ok(Discovery {
            proposed,
            signed,
            stats: CallStats::default(),
        })
    }
}

/// Does what trust-jws does for a token and trust-file for a file, with an administrator's client in the place of unverified HTTPS.
pub(crate) struct ReadsClusterInfo {
    identity: PluginIdentity,
    client: kube::Client,
}

impl ReadsClusterInfo {
    pub(crate) fn new(client: kube::Client) -> Self {
        Self {
            identity: identity("reads-cluster-info"),
            client,
        }
    }
}

#[async_trait]
impl TrustSource for ReadsClusterInfo {
    fn identity(&self) -> &PluginIdentity {
        &self.identity
    }

    async fn discover(&self, request: DiscoveryRequest) -> Result<Discovery, DiscoveryError> {
        let proposed = Proposed {
            endpoints: Vec::new(),
            ca: None,
            evidence: Vec::new(),
        };
        // A file proves itself.
        let Some(token) = request.token else {
            return Ok(Discovery {
                proposed,
                signed: Vec::new(),
                stats: CallStats::default(),
            });
        };
        let api: Api<ConfigMap> = Api::namespaced(self.client.clone(), "kube-public");
        let found = api
            .get("cluster-info")
            .await
            .map_err(|error| DiscoveryError::Unavailable(error.to_string()))?;
        let data = found.data.unwrap_or_default();
        let key = format!("jws-kubeconfig-{}", token.id);
        let signature = data
            .get(&key)
            .ok_or_else(|| DiscoveryError::NotSigned(format!("{key} is missing")))?;
        let signed = jws::verify(&token, signature, data["kubeconfig"].as_bytes())
            .map_err(|error| DiscoveryError::Untrusted(error.to_string()))?;
        Ok(Discovery {
            proposed,
            signed: vec![signed],
            stats: CallStats::default(),
        })
    }
}
