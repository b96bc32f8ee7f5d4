//! The source as the operator gave it, opened: what a plugin may see of it, and what stays here.

use slipway_config::endpoint::{ApiServerUrl, DEFAULT_API_SERVER_PORT, HostPort};
use slipway_config::token::BootstrapToken;
use slipway_pki::kubeconfig::{self, ClusterInfoKubeconfig, Kubeconfig};

use super::{DiscoveryFailure, Request, Source, fetch, read_file, trust_roots};
use crate::connect::Credentials;
use crate::discovery::FetchError;

/// How a location names a stand-alone discovery service.
pub(super) const DISCOVERY_SCHEME: &str = "discovery://";

/// An opened source.
pub(super) struct Opened {
    /// What messages call it.
    pub(super) name: String,
    /// What the endpoint provider is asked with.
    pub(super) locations: Vec<String>,
    /// Stand-alone discovery services, which are no API servers.
    pub(super) services: Vec<String>,
    pub(super) token: Option<BootstrapToken>,
    /// The document without its credentials, as the plugin gets it.
    pub(super) document: Option<Vec<u8>>,
    /// The document as the host itself read it.
    pub(super) described: Option<ClusterInfoKubeconfig>,
    pub(super) credentials: Option<Credentials>,
    /// API servers that the operator named.
    pub(super) operator_endpoints: Vec<ApiServerUrl>,
    /// Hosts that the operator named: a server's certificate may carry these.
    pub(super) names: Vec<String>,
    /// The name that the document says every server's certificate carries.
    pub(super) server_name: Option<String>,
}

pub(super) async fn open(source: &Source, request: &Request) -> Result<Opened, DiscoveryFailure> {
    match source {
        Source::Token { locations, token } => from_token(locations, token),
        Source::File(path) => from_document(&path.display().to_string(), &read_file(path)?),
        Source::Https(url) => {
            let roots = trust_roots(request.https_roots.as_ref()).map_err(|reason| {
                FetchError::NoRoots {
                    url: url.to_string(),
                    reason,
                }
            })?;
            let fetched = fetch(url, roots, request.timing.fetch).await?;
            from_document(url.as_str(), &fetched.body)
        }
    }
}

impl Opened {
    /// Where the trust source looks: at the API servers, or at the document whose content it is handed.
    pub(super) fn trust_locations(&self, source: &Source, dials: &[HostPort]) -> Vec<String> {
        match source {
            Source::Token { .. } => {
                let dials = dials.iter().map(ToString::to_string);
                dials.chain(self.services.clone()).collect()
            }
            Source::File(path) => vec![path.display().to_string()],
            Source::Https(url) => vec![url.to_string()],
        }
    }
}

fn from_token(locations: &[String], token: &BootstrapToken) -> Result<Opened, DiscoveryFailure> {
    let (services, locations): (Vec<String>, Vec<String>) = locations
        .iter()
        .cloned()
        .partition(|location| location.starts_with(DISCOVERY_SCHEME));
    // What only an endpoint provider understands (the name of a DNS record, say) names no server by itself.
    let operator: Vec<ApiServerUrl> = locations
        .iter()
        .filter_map(|location| named_server(location))
        .collect();
    Ok(Opened {
        name: locations
            .iter()
            .chain(&services)
            .cloned()
            .collect::<Vec<_>>()
            .join(", "),
        locations,
        services,
        token: Some(token.clone()),
        document: None,
        described: None,
        credentials: None,
        names: operator
            .iter()
            .map(|url| url.host_port().host().to_unbracketed())
            .collect(),
        operator_endpoints: operator,
        server_name: None,
    })
}

/// An API server as `host`, `host:port` or a URL.
fn named_server(location: &str) -> Option<ApiServerUrl> {
    let host_port =
        || HostPort::parse_with_default(location, DEFAULT_API_SERVER_PORT).map(ApiServerUrl::from);
    location.parse().or_else(|_| host_port()).ok()
}

fn from_document(name: &str, contents: &[u8]) -> Result<Opened, DiscoveryFailure> {
    let unusable = |source| DiscoveryFailure::Document {
        document: name.to_owned(),
        source,
    };
    let redacted = Kubeconfig::redact(contents).map_err(unusable)?;
    let kubeconfig = Kubeconfig::parse(&redacted.document).map_err(unusable)?;
    let credentials = match redacted.credentials {
        None => None,
        Some(kubeconfig::Credentials::Token(token)) => Some(Credentials::BearerToken(token)),
        Some(kubeconfig::Credentials::ClientCertificate { chain, key }) => {
            Some(Credentials::ClientCertificate { chain, key })
        }
        Some(kubeconfig::Credentials::ClientCertificateFiles(_)) => {
            return Err(DiscoveryFailure::CredentialsElsewhere {
                document: name.to_owned(),
            });
        }
    };
    let described = ClusterInfoKubeconfig::new(kubeconfig.endpoints.clone(), kubeconfig.ca.clone())
        .map_err(unusable)?;
    Ok(Opened {
        name: name.to_owned(),
        services: Vec::new(),
        locations: kubeconfig
            .endpoints
            .iter()
            .map(|url| url.host_port().to_string())
            .collect(),
        token: None,
        document: Some(redacted.document),
        described: Some(described),
        credentials,
        operator_endpoints: Vec::new(),
        names: Vec::new(),
        server_name: kubeconfig.tls_server_name,
    })
}
