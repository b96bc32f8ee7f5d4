//! What the guardrails want to know of the cluster, as it is now and not as it was.

use std::collections::BTreeSet;
use std::net::IpAddr;

use k8s_openapi::api::certificates::v1::CertificateSigningRequest;
use k8s_openapi::api::core::v1::{ConfigMap, Service};
use kube::ResourceExt as _;
use kube::api::Api;
use slipway_config::endpoint::Host;
use slipway_config::name::NodeName;
use slipway_pki::csr::UnverifiedRequest;
use slipway_pki::guardrail::{
    self, ApiServerIdentity, ClusterFacts, CsrFacts, Guarded, KnownNode, LifetimePolicy, TokenFacts,
};
use slipway_pki::kubeconfig::ClusterInfoKubeconfig;
use slipway_pki::signer::NodeSigner;
use tokio_util::sync::CancellationToken;

use crate::bootstrap_signer::{CLUSTER_INFO, CLUSTER_INFO_NAMESPACE, KUBECONFIG};
use crate::error::{During as _, Error};
use crate::ledger::Ledgers;
use crate::nodes::Nodes;
use crate::submitter::Submitters;
use crate::system::Clock;

/// What the operator says about the cluster.
#[derive(Clone, Debug)]
pub struct ClusterSettings {
    /// The signers whose requests are decided here; requests to others are not touched.
    pub signers: Vec<NodeSigner>,
    /// Who signs what is approved.
    pub lifetime: LifetimePolicy,
    /// Names of control-plane nodes, whether or not they exist yet.
    pub control_plane: BTreeSet<NodeName>,
    /// Names and addresses of the API servers beyond those that cluster-info and the Service `kubernetes` tell.
    pub api_server: ApiServerIdentity,
    /// Names whose nodes may join again although they exist.
    pub rejoin_allowed: BTreeSet<NodeName>,
}

impl Default for ClusterSettings {
    fn default() -> Self {
        Self {
            signers: NodeSigner::ALL.to_vec(),
            lifetime: LifetimePolicy::Clamped,
            control_plane: BTreeSet::new(),
            api_server: ApiServerIdentity::default(),
            rejoin_allowed: BTreeSet::new(),
        }
    }
}

impl ClusterSettings {
    /// Whether a request is for a signer that is configured here.
    pub fn is_ours(&self, request: &CertificateSigningRequest) -> bool {
        NodeSigner::from_name(&request.spec.signer_name)
            .is_some_and(|signer| self.signers.contains(&signer))
    }
}

impl GuardedCsr {
    /// A request that is nobody's business here.
    const IGNORED: Self = Self {
        guarded: Guarded::Ignored,
        token: None,
    };
}

/// Applies the guardrails to requests as the cluster is now.
#[derive(Clone)]
pub struct Guard {
    client: kube::Client,
    submitters: Submitters,
    clock: Clock,
    nodes: Nodes,
}

/// A request with what the guardrails say about it.
#[derive(Clone, Debug)]
pub struct GuardedCsr {
    /// What they say.
    pub guarded: Guarded,
    /// The token that submitted it, where one did and is known.
    pub token: Option<TokenFacts>,
}

impl Guard {
    /// Guardrails over this client.
    pub fn new(client: kube::Client, ledgers: Ledgers, clock: Clock) -> Self {
        Self {
            submitters: Submitters::new(client.clone(), ledgers, clock.clone()),
            nodes: Nodes::new(client.clone()),
            client,
            clock,
        }
    }

    /// What follows the nodes, so that many of them cost no more than a few.
    pub(crate) async fn follow_nodes(self, shutdown: CancellationToken) {
        self.nodes.follow(shutdown).await;
    }

    /// Applies every rule to a request, for whoever looks at it. Nothing is written.
    ///
    /// # Errors
    /// When a fact cannot be read now: nothing is known about the request then, and it is to be tried again.
    pub async fn look(
        &self,
        request: &CertificateSigningRequest,
        settings: &ClusterSettings,
    ) -> Result<GuardedCsr, Error> {
        if !settings.is_ours(request) {
            return Ok(GuardedCsr::IGNORED);
        }
        let token = self.submitters.look(request);
        self.apply(request, settings, token).await
    }

    /// The same for whoever decides about the request: the ledger of the token behind it is there when this returns.
    ///
    /// # Errors
    /// As for [`look`](Self::look).
    pub async fn check(
        &self,
        request: &CertificateSigningRequest,
        settings: &ClusterSettings,
    ) -> Result<GuardedCsr, Error> {
        if !settings.is_ours(request) {
            return Ok(GuardedCsr::IGNORED);
        }
        let token = self.submitters.adopt(request);
        self.apply(request, settings, token).await
    }

    /// The token behind a request as it stands now. Nothing is written.
    ///
    /// # Errors
    /// When the API does not answer, or the token is gone for a reason that is not known yet.
    pub(crate) async fn token_behind(
        &self,
        request: &CertificateSigningRequest,
    ) -> Result<Option<TokenFacts>, Error> {
        self.submitters.look(request).await
    }

    async fn apply(
        &self,
        request: &CertificateSigningRequest,
        settings: &ClusterSettings,
        token: impl Future<Output = Result<Option<TokenFacts>, Error>>,
    ) -> Result<GuardedCsr, Error> {
        let (token, nodes, api_server) = tokio::try_join!(
            token,
            self.nodes(request),
            self.api_server(request, settings)
        )?;
        let now = (self.clock)();
        let created = request.creation_timestamp().map_or(now, |time| time.0);
        let spec = &request.spec;
        let username = spec.username.as_deref().unwrap_or_default();
        let cluster = ClusterFacts {
            now,
            signers: settings.signers.clone(),
            lifetime: settings.lifetime,
            nodes,
            control_plane: settings.control_plane.clone(),
            api_server,
            rejoin_allowed: settings.rejoin_allowed.clone(),
            token: token.clone(),
        };
        let csr = CsrFacts {
            request: &spec.request.0,
            signer_name: &spec.signer_name,
            usages: spec.usages.as_deref().unwrap_or_default(),
            expiration_seconds: spec.expiration_seconds,
            username,
            groups: spec.groups.as_deref().unwrap_or_default(),
            created,
        };
        Ok(GuardedCsr {
            guarded: guardrail::check(&csr, &cluster),
            token,
        })
    }

    /// The node that a request names, and those whose names or addresses it asks for.
    async fn nodes(&self, request: &CertificateSigningRequest) -> Result<Vec<KnownNode>, Error> {
        let Ok(asked) = UnverifiedRequest::from_pem(&request.spec.request.0) else {
            return Ok(Vec::new());
        };
        let Some(named) = asked.node_name() else {
            return Ok(Vec::new());
        };
        match asked.hosts() {
            hosts if hosts.is_empty() => Ok(self.nodes.named(&named).await?.into_iter().collect()),
            hosts => self.nodes.reached_at(&named, &hosts).await,
        }
    }

    /// What the API servers answer to: what the operator said, what cluster-info says, and the Service's addresses.
    async fn api_server(
        &self,
        request: &CertificateSigningRequest,
        settings: &ClusterSettings,
    ) -> Result<ApiServerIdentity, Error> {
        let mut identity = settings.api_server.clone();
        if request.spec.signer_name != NodeSigner::KubeletServing.name() {
            return Ok(identity);
        }
        let maps: Api<ConfigMap> = Api::namespaced(self.client.clone(), CLUSTER_INFO_NAMESPACE);
        let info = maps.get_opt(CLUSTER_INFO).await.during(
            "read",
            format_args!("ConfigMap {CLUSTER_INFO_NAMESPACE}/{CLUSTER_INFO}"),
        )?;
        let document = info
            .and_then(|info| info.data)
            .and_then(|mut data| data.remove(KUBECONFIG));
        if let Some(document) = document {
            let parsed = ClusterInfoKubeconfig::parse(document.as_bytes()).map_err(|error| {
                Error::Damaged {
                    object: format!("ConfigMap {CLUSTER_INFO_NAMESPACE}/{CLUSTER_INFO}"),
                    reason: error.to_string(),
                }
            })?;
            for endpoint in parsed.endpoints() {
                match endpoint.host_port().host() {
                    Host::Name(name) => identity.dns_names.push(name.to_string()),
                    Host::Ip(address) => identity.addresses.push(*address),
                }
            }
        }
        let services: Api<Service> = Api::namespaced(self.client.clone(), "default");
        let service = services
            .get_opt("kubernetes")
            .await
            .during("read", "Service default/kubernetes")?;
        identity
            .addresses
            .extend(service.iter().flat_map(cluster_addresses));
        Ok(identity)
    }
}

fn cluster_addresses(service: &Service) -> Vec<IpAddr> {
    let spec = service.spec.as_ref();
    let one = spec.and_then(|spec| spec.cluster_ip.as_ref());
    let all = spec
        .iter()
        .flat_map(|spec| spec.cluster_ips.iter().flatten());
    one.into_iter()
        .chain(all)
        .filter_map(|text| text.parse().ok())
        .collect()
}
