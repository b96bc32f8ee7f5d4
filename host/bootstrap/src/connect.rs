//! A `kube::Client` over connections that we verify ourselves.
//!
//! What is dialled and who must answer there are two things: dial addresses come from anywhere, an endpoint provider
//! included, and are tried in turn; the names and the CA come from the operator or from verified cluster information.
//! A node's certificate, which the cluster's CA signs too, is never taken for an API server's.

mod busy;
mod dial;
mod failure;
mod peer;
mod service;
mod verifier;

use std::sync::Arc;

use http::HeaderValue;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::{PrivateKeyDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use slipway_config::endpoint::HostPort;
use slipway_config::token::BootstrapToken;
use slipway_pki::ca::CaBundle;
use slipway_pki::certificate::Certificate;
use slipway_pki::key::PrivateKey;
use zeroize::Zeroizing;

use self::dial::Dial;
use self::service::ApiService;
use self::verifier::{Anchors, ApiServerVerifier};

pub(crate) use self::dial::open_tcp;
pub use self::failure::{CertificateFailure, ConnectFailure, NoConnection, RequestFailure};
pub(crate) use self::failure::{chain, from_handshake as handshake_failure};
pub(crate) use self::peer::pins as peer_pins;

/// An API server: where it is dialled, and under which names it may prove itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Route {
    /// What is dialled.
    pub dial: HostPort,
    /// Names (or IP addresses) of which the server's certificate must carry one; the first is sent as SNI.
    pub names: Vec<String>,
}

/// Who we are to the API server.
pub enum Credentials {
    /// Nobody.
    Anonymous,
    /// A bootstrap token.
    BootstrapToken(BootstrapToken),
    /// Another bearer token, from a kubeconfig.
    BearerToken(Zeroizing<String>),
    /// A client certificate with its key.
    ClientCertificate {
        /// The certificate, and the intermediate ones after it.
        chain: Vec<Certificate>,
        /// Its key.
        key: Box<PrivateKey>,
    },
}

/// Who may vouch for an API server.
#[derive(Debug, Clone)]
pub enum Authorities<'a> {
    /// The cluster's CA.
    Cluster(&'a CaBundle),
    /// The trust roots of this machine, as for any web server.
    Machine(Arc<RootCertStore>),
}

impl<'a> From<&'a CaBundle> for Authorities<'a> {
    fn from(ca: &'a CaBundle) -> Self {
        Self::Cluster(ca)
    }
}

impl Authorities<'_> {
    fn anchors(&self) -> Result<Anchors, ConnectError> {
        let ca = match self {
            Self::Machine(roots) => {
                return Ok(Anchors {
                    roots: Arc::clone(roots),
                    pins: None,
                });
            }
            Self::Cluster(ca) => ca,
        };
        let mut roots = RootCertStore::empty();
        for authority in ca.certificates() {
            roots
                .add(authority.der().to_vec().into())
                .map_err(|error| ConnectError::BadAuthority(error.to_string()))?;
        }
        Ok(Anchors {
            roots: Arc::new(roots),
            pins: Some(ca.pins()),
        })
    }
}

/// The parts do not make a client.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// No route was given.
    #[error("there is no API server to connect to")]
    NoRoute,
    /// A route without a name that could be verified.
    #[error("{0:?} is neither a host name nor an IP address that a certificate could carry")]
    BadName(String),
    /// A CA certificate that cannot be used to verify with.
    #[error("a CA certificate cannot be used: {0}")]
    BadAuthority(String),
    /// The client certificate and its key cannot be used.
    #[error("the client certificate cannot be used: {0}")]
    BadClientCertificate(String),
    /// A token that cannot stand in a header.
    #[error("the bearer token holds characters that HTTP cannot carry")]
    BadToken,
}

/// The API servers of a cluster, who vouches for them, and the connections to them. Clients whose credentials go with each
/// request share those.
#[derive(Clone)]
pub struct Connections {
    routes: Vec<Route>,
    ca: CaBundle,
    shared: ApiService,
}

impl Connections {
    /// To these API servers, for whom this CA vouches. Nothing is dialled yet.
    pub fn new(routes: Vec<Route>, ca: CaBundle) -> Result<Self, ConnectError> {
        let shared = service(&routes, Authorities::Cluster(&ca), &Credentials::Anonymous)?;
        Ok(Self { routes, ca, shared })
    }

    /// The same where nothing is different; otherwise others, so that nobody is trusted longer or further than is known now.
    pub fn renewed(self, routes: Vec<Route>, ca: &CaBundle) -> Result<Self, ConnectError> {
        match self.routes == routes && self.ca == *ca {
            true => Ok(self),
            false => Self::new(routes, ca.clone()),
        }
    }

    /// Where to dial, and under which names the API servers prove themselves.
    pub fn routes(&self) -> &[Route] {
        &self.routes
    }

    /// A client that talks to these API servers and to nobody else.
    pub fn client(&self, credentials: &Credentials) -> Result<kube::Client, ConnectError> {
        match credentials {
            // Who we are is said when the connection is made.
            Credentials::ClientCertificate { .. } => client(&self.routes, &self.ca, credentials),
            _ => identified(self.shared.clone(), credentials),
        }
    }
}

impl std::fmt::Debug for Connections {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut shown = formatter.debug_struct("Connections");
        shown.field("routes", &self.routes).finish_non_exhaustive()
    }
}

/// Makes a client that talks to these API servers and to nobody else. Nothing is dialled yet.
pub fn client<'a>(
    routes: &[Route],
    authorities: impl Into<Authorities<'a>>,
    credentials: &Credentials,
) -> Result<kube::Client, ConnectError> {
    let service = service(routes, authorities.into(), credentials)?;
    identified(service, credentials)
}

fn identified(
    service: ApiService,
    credentials: &Credentials,
) -> Result<kube::Client, ConnectError> {
    let service = service.with_authorization(authorization(credentials)?);
    Ok(kube::Client::new(service, "default"))
}

fn service(
    routes: &[Route],
    authorities: Authorities<'_>,
    credentials: &Credentials,
) -> Result<ApiService, ConnectError> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let anchors = authorities.anchors()?;
    let dials = routes
        .iter()
        .map(|route| prepare(route, &anchors, credentials, &provider))
        .collect::<Result<Vec<_>, _>>()?;
    let authority = dials
        .first()
        .ok_or(ConnectError::NoRoute)
        .and_then(host_header)?;
    Ok(ApiService::new(dials, authority))
}

fn prepare(
    route: &Route,
    anchors: &Anchors,
    credentials: &Credentials,
    provider: &Arc<CryptoProvider>,
) -> Result<Dial, ConnectError> {
    let names = route
        .names
        .iter()
        .map(|name| {
            ServerName::try_from(name.clone()).map_err(|_| ConnectError::BadName(name.clone()))
        })
        .collect::<Result<Vec<_>, _>>()?;
    let server_name = names
        .first()
        .cloned()
        .ok_or_else(|| ConnectError::BadName(route.dial.to_string()))?;
    let verifier = ApiServerVerifier::new(anchors.clone(), names, provider.clone())?;
    let builder = ClientConfig::builder_with_provider(provider.clone())
        .with_safe_default_protocol_versions()
        .map_err(|error| ConnectError::BadAuthority(error.to_string()))?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier));
    let mut tls = match credentials {
        Credentials::ClientCertificate { chain, key } => {
            let chain = chain
                .iter()
                .map(|certificate| certificate.der().to_vec().into())
                .collect();
            let key = PrivateKeyDer::try_from(key.pkcs8_der().to_vec())
                .map_err(|error| ConnectError::BadClientCertificate(error.to_owned()))?;
            builder
                .with_client_auth_cert(chain, key)
                .map_err(|error| ConnectError::BadClientCertificate(error.to_string()))?
        }
        _ => builder.with_no_client_auth(),
    };
    tls.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Dial {
        address: route.dial.clone(),
        server_name,
        tls: Arc::new(tls),
    })
}

fn host_header(dial: &Dial) -> Result<http::uri::Authority, ConnectError> {
    let text = match &dial.server_name {
        ServerName::IpAddress(rustls::pki_types::IpAddr::V6(_)) => {
            format!("[{}]:{}", dial.server_name.to_str(), dial.address.port())
        }
        name => format!("{}:{}", name.to_str(), dial.address.port()),
    };
    http::uri::Authority::try_from(text.as_str()).map_err(|_| ConnectError::BadName(text))
}

fn authorization(credentials: &Credentials) -> Result<Option<HeaderValue>, ConnectError> {
    let token = match credentials {
        Credentials::BootstrapToken(token) => token.expose(),
        Credentials::BearerToken(token) => token.clone(),
        Credentials::Anonymous | Credentials::ClientCertificate { .. } => return Ok(None),
    };
    let text = Zeroizing::new(format!("Bearer {}", token.as_str()));
    let mut value = HeaderValue::from_str(&text).map_err(|_| ConnectError::BadToken)?;
    value.set_sensitive(true);
    Ok(Some(value))
}

impl Credentials {
    /// Whether the server learns the secret itself, and not only that we have it.
    pub(crate) fn are_revealed(&self) -> bool {
        match self {
            Self::BootstrapToken(_) | Self::BearerToken(_) => true,
            Self::Anonymous | Self::ClientCertificate { .. } => false,
        }
    }
}

impl std::fmt::Debug for Credentials {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(match self {
            Self::Anonymous => "Anonymous",
            Self::BootstrapToken(_) => "BootstrapToken(..)",
            Self::BearerToken(_) => "BearerToken(..)",
            Self::ClientCertificate { .. } => "ClientCertificate(..)",
        })
    }
}

#[cfg(test)]
mod tests;
