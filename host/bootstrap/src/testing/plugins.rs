//! Plugins in Rust, in the place of components: what they propose is for the test to say.

use std::sync::Arc;

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

use crate::discovery::{Candidate, Plugins, SourceKind};

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

/// The plugins of a discovery: [`Locations`], and what a test says.
pub(crate) struct Asked {
    endpoints: Vec<Arc<dyn EndpointProvider>>,
    trust: Vec<Candidate>,
}

impl Asked {
    /// One trust source, for whatever there is.
    pub(crate) fn one(plugin: Arc<dyn TrustSource>) -> Self {
        Self::in_turn([plugin])
    }

    /// Several, to be asked in this order.
    pub(crate) fn in_turn(plugins: impl IntoIterator<Item = Arc<dyn TrustSource>>) -> Self {
        let candidate = |plugin| Candidate {
            plugin,
            takes: None,
            believed_unverified: false,
        };
        Self {
            endpoints: vec![Arc::new(Locations(identity("locations")))],
            trust: plugins.into_iter().map(candidate).collect(),
        }
    }

    /// The same, each for one kind of source.
    pub(crate) fn taking(mut self, kinds: impl IntoIterator<Item = SourceKind>) -> Self {
        for (candidate, kind) in self.trust.iter_mut().zip(kinds) {
            candidate.takes = Some(kind);
        }
        self
    }

    /// The same, with the operator's word for all of them.
    pub(crate) fn believed(mut self) -> Self {
        for candidate in &mut self.trust {
            candidate.believed_unverified = true;
        }
        self
    }

    /// The same, with another endpoint provider asked first.
    pub(crate) fn after(mut self, provider: Arc<dyn EndpointProvider>) -> Self {
        self.endpoints.insert(0, provider);
        self
    }

    pub(crate) fn plugins(&self) -> Plugins<'_> {
        Plugins {
            endpoints: &self.endpoints,
            trust: &self.trust,
        }
    }
}

/// Names the locations.
struct Locations(PluginIdentity);

/// Has no endpoints.
pub(crate) struct NoEndpointsHere(PluginIdentity);

impl NoEndpointsHere {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self(identity("no-endpoints-here")))
    }
}

#[async_trait]
impl EndpointProvider for NoEndpointsHere {
    fn identity(&self) -> &PluginIdentity {
        &self.0
    }

    async fn endpoints(&self, _request: EndpointRequest) -> Result<Endpoints, EndpointError> {
        Err(EndpointError::Unavailable("no such record".to_owned()))
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
    ) -> Arc<Self> {
        Self::named("proposes", answer)
    }

    pub(crate) fn named(
        name: &str,
        answer: impl Fn(&DiscoveryRequest) -> Result<(Proposed, Vec<SignedBytes>), DiscoveryError>
        + Send
        + Sync
        + 'static,
    ) -> Arc<Self> {
        Arc::new(Self {
            identity: identity(name),
            answer: Box::new(answer),
        })
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
    pub(crate) fn new(client: kube::Client) -> Arc<Self> {
        Arc::new(Self {
            identity: identity("reads-cluster-info"),
            client,
        })
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
