//! What `init` makes, as the operator asked for it.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::time::Duration;

use slipway_config::endpoint::{ApiServerUrl, Host, HostPort};
use slipway_config::kubeadm::{ClusterName, TokenSpec};
use slipway_config::token::BootstrapToken;
use slipway_pki::ca::{CaBundle, DEFAULT_CA_LIFETIME};
use slipway_pki::decision::signing::DEFAULT_MAXIMUM;
use slipway_pki::key::KeyAlgorithm;

use super::Invitation;
use super::rbac::Access;

/// Names under which an API server is known inside its cluster.
const KUBERNETES_NAMES: [&str; 5] = [
    "kubernetes",
    "kubernetes.default",
    "kubernetes.default.svc",
    "kubernetes.default.svc.cluster.local",
    "localhost",
];

/// A new cluster.
#[derive(Debug, Clone)]
pub struct Settings {
    /// What kubeconfigs call the cluster.
    pub cluster_name: ClusterName,
    /// Where the API server can be reached from outside.
    pub advertise: HostPort,
    /// A stable name in front of the API servers, where there is one.
    pub control_plane_endpoint: Option<HostPort>,
    /// More API servers of the same cluster.
    pub additional_servers: Vec<ApiServerUrl>,
    /// More names and addresses for the API server's certificate.
    pub extra_sans: Vec<Host>,
    /// What keys are made with.
    pub key_algorithm: KeyAlgorithm,
    /// How long what is made holds.
    pub lifetimes: Lifetimes,
    /// The first tokens. Nodes are invited with the first of them that signs and authenticates.
    pub tokens: Vec<TokenSpec>,
    /// Who may do what.
    pub access: Access,
    /// Whether cluster-info carries the CA.
    pub published_ca: PublishedCa,
}

/// What nodes find in a cluster.
#[derive(Debug, Clone)]
pub struct Publication {
    /// The cluster's CA.
    pub ca: CaBundle,
    /// All API servers, the preferred one first.
    pub servers: Vec<ApiServerUrl>,
    /// The API servers that an invitation names.
    pub invited_to: Vec<HostPort>,
    /// The first tokens. Nodes are invited with the first of them that signs and authenticates.
    pub tokens: Vec<TokenSpec>,
    /// Who may do what.
    pub access: Access,
    /// Whether cluster-info carries the CA.
    pub published_ca: PublishedCa,
}

impl Publication {
    /// What a node is invited with through this token.
    pub fn invitation(&self, token: BootstrapToken) -> Invitation {
        Invitation {
            servers: self.invited_to.clone(),
            pins: self.ca.pins(),
            token,
            published_ca: self.published_ca,
        }
    }
}

/// How long certificates hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lifetimes {
    /// The CA's own.
    pub ca: Duration,
    /// What the CA issues here: the API server's and the administrator's.
    pub issued: Duration,
}

impl Default for Lifetimes {
    /// kubeadm's: ten years, and one.
    fn default() -> Self {
        Self {
            ca: DEFAULT_CA_LIFETIME,
            issued: DEFAULT_MAXIMUM,
        }
    }
}

/// Whether cluster-info carries the CA.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum PublishedCa {
    /// It does; its signature is what a node believes.
    #[default]
    Included,
    /// It does not: nodes get the CA by other means (`join --ca-file`).
    Omitted,
}

impl Settings {
    /// The API server that nodes are told of first.
    pub fn server(&self) -> ApiServerUrl {
        self.control_plane_endpoint
            .clone()
            .unwrap_or_else(|| self.advertise.clone())
            .into()
    }

    /// All API servers, the preferred one first.
    pub fn servers(&self) -> Vec<ApiServerUrl> {
        let others = std::iter::once(self.advertise.clone().into())
            .chain(self.additional_servers.iter().cloned());
        each_once(std::iter::once(self.server()).chain(others))
    }

    /// What nodes of this cluster find, once its CA is there.
    pub fn publication(&self, ca: CaBundle) -> Publication {
        let servers = self.servers();
        // A stable name in front of the API servers is enough, and outlives each of them.
        let invited_to = match &self.control_plane_endpoint {
            Some(endpoint) => vec![endpoint.clone()],
            None => servers.iter().map(|url| url.host_port().clone()).collect(),
        };
        Publication {
            ca,
            servers,
            invited_to,
            tokens: self.tokens.clone(),
            access: self.access,
            published_ca: self.published_ca,
        }
    }

    /// Names of the API server's certificate.
    pub(super) fn server_names(&self) -> ServerNames {
        let mut names = ServerNames {
            dns: KUBERNETES_NAMES
                .iter()
                .map(|&name| name.to_owned())
                .collect(),
            addresses: vec![
                IpAddr::V4(Ipv4Addr::LOCALHOST),
                IpAddr::V6(Ipv6Addr::LOCALHOST),
            ],
        };
        let endpoints = std::iter::once(&self.advertise).chain(&self.control_plane_endpoint);
        for host in endpoints.map(HostPort::host).chain(&self.extra_sans) {
            names.add(host);
        }
        names
    }
}

/// The API servers in their order, each once.
pub fn each_once(servers: impl Iterator<Item = ApiServerUrl>) -> Vec<ApiServerUrl> {
    let mut found = Vec::new();
    for server in servers {
        if !found.contains(&server) {
            found.push(server);
        }
    }
    found
}

/// Names and addresses in a certificate, each once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ServerNames {
    pub(super) dns: Vec<String>,
    pub(super) addresses: Vec<IpAddr>,
}

impl ServerNames {
    fn add(&mut self, host: &Host) {
        match host {
            Host::Ip(address) if !self.addresses.contains(address) => self.addresses.push(*address),
            Host::Name(name) if !self.dns.iter().any(|known| known == name.as_str()) => {
                self.dns.push(name.to_string());
            }
            _ => {}
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    pub(crate) fn settings(advertise: &str) -> Settings {
        Settings {
            cluster_name: ClusterName::default(),
            advertise: advertise.parse().unwrap(),
            control_plane_endpoint: None,
            additional_servers: Vec::new(),
            extra_sans: Vec::new(),
            key_algorithm: KeyAlgorithm::default(),
            lifetimes: Lifetimes::default(),
            tokens: vec![TokenSpec::default()],
            access: Access::default(),
            published_ca: PublishedCa::Included,
        }
    }

    #[test]
    fn the_stable_name_comes_first_and_each_server_once() {
        let mut settings = settings("10.0.0.1:6443");
        settings.additional_servers = vec![
            "https://10.0.0.2:6443".parse().unwrap(),
            "https://10.0.0.1:6443".parse().unwrap(),
        ];
        settings.control_plane_endpoint = Some("api.example:6443".parse().unwrap());
        let servers: Vec<String> = settings.servers().iter().map(ToString::to_string).collect();
        assert_eq!(
            servers,
            [
                "https://api.example:6443",
                "https://10.0.0.1:6443",
                "https://10.0.0.2:6443"
            ]
        );
    }

    #[test]
    fn a_certificate_names_what_a_client_may_dial() {
        let mut settings = settings("10.0.0.1:6443");
        settings.control_plane_endpoint = Some("api.example:6443".parse().unwrap());
        settings.extra_sans = vec![
            "127.0.0.1".parse().unwrap(),
            "bastion.example".parse().unwrap(),
        ];
        let names = settings.server_names();
        assert_eq!(
            names
                .addresses
                .iter()
                .map(ToString::to_string)
                .collect::<Vec<_>>(),
            ["127.0.0.1", "::1", "10.0.0.1"]
        );
        assert!(names.dns.ends_with(&[
            "localhost".to_owned(),
            "api.example".to_owned(),
            "bastion.example".to_owned()
        ]));
    }
}
