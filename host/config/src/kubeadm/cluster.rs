//! What holds for the whole cluster.

use std::fmt;
use std::num::NonZeroU16;
use std::path::PathBuf;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{ControllerManager, ValidityPeriod};
use crate::endpoint::{EndpointError, Host, HostPort};
use crate::text::{quoted, written_as_string};

/// What holds for the whole cluster.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct ClusterConfiguration {
    /// What kubeconfigs call the cluster; `kubernetes` when left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cluster_name: Option<ClusterName>,
    /// The name or address under which nodes reach the API servers, all together.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub control_plane_endpoint: Option<ControlPlaneEndpoint>,
    /// The API server.
    #[serde(skip_serializing_if = "ApiServer::is_default")]
    pub api_server: ApiServer,
    /// The folder of the certificates.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub certificates_dir: Option<PathBuf>,
    /// The kind of keys to make; ECDSA-P256 when left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub encryption_algorithm: Option<EncryptionAlgorithm>,
    /// How long certificates are valid, those of nodes at most; a year when left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub certificate_validity_period: Option<ValidityPeriod>,
    /// How long the CA's certificate is valid; ten years when left out.
    #[serde(
        rename = "caCertificateValidityPeriod",
        skip_serializing_if = "Option::is_none"
    )]
    pub ca_certificate_validity_period: Option<ValidityPeriod>,
    /// The part of kube-controller-manager that Slipway plays.
    #[serde(skip_serializing_if = "ControllerManager::is_default")]
    pub controller_manager: ControllerManager,
}

impl ClusterConfiguration {
    /// How long the certificates of nodes are valid at most, where the document says so: what is said of the signer
    /// counts before what is said of all certificates.
    pub fn cluster_signing_duration(&self) -> Option<ValidityPeriod> {
        self.controller_manager
            .cluster_signing_duration()
            .or(self.certificate_validity_period)
    }
}

/// What holds for the API server.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct ApiServer {
    /// Further names and addresses that its certificate carries; IPv6 without brackets.
    #[serde(
        rename = "certSANs",
        skip_serializing_if = "Vec::is_empty",
        with = "unbracketed"
    )]
    #[schemars(with = "Vec<String>")]
    pub cert_sans: Vec<Host>,
}

/// The kind of keys to make.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
pub enum EncryptionAlgorithm {
    /// ECDSA on P-256.
    #[serde(rename = "ECDSA-P256")]
    EcdsaP256,
    /// ECDSA on P-384.
    #[serde(rename = "ECDSA-P384")]
    EcdsaP384,
    /// RSA, 2048 bits.
    #[serde(rename = "RSA-2048")]
    Rsa2048,
    /// RSA, 3072 bits.
    #[serde(rename = "RSA-3072")]
    Rsa3072,
    /// RSA, 4096 bits.
    #[serde(rename = "RSA-4096")]
    Rsa4096,
}

/// A cluster's name within kubeconfigs: one line, at most 253 characters.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ClusterName(String);

/// A text is no name of a cluster.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{name} is no name of a cluster; expected 1 to {} characters in one line",
    ClusterName::LONGEST
)]
pub struct ClusterNameError {
    /// The text, quoted and cut.
    pub name: String,
}

/// A host, with or without a port.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ControlPlaneEndpoint {
    host: Host,
    port: Option<NonZeroU16>,
}

impl ApiServer {
    fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

impl ClusterName {
    /// As long as the names of Kubernetes' objects.
    const LONGEST: usize = 253;

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Default for ClusterName {
    /// kubeadm's.
    fn default() -> Self {
        Self("kubernetes".to_owned())
    }
}

impl FromStr for ClusterName {
    type Err = ClusterNameError;

    fn from_str(text: &str) -> Result<Self, ClusterNameError> {
        let fits = (1..=Self::LONGEST).contains(&text.chars().count());
        match fits && !text.contains(char::is_control) {
            true => Ok(Self(text.to_owned())),
            false => Err(ClusterNameError { name: quoted(text) }),
        }
    }
}

impl fmt::Display for ClusterName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

written_as_string!(
    ClusterName,
    r"^[^\x00-\x1f\x7f]{1,253}$",
    "a cluster's name within kubeconfigs"
);

impl ControlPlaneEndpoint {
    /// The host.
    pub fn host(&self) -> &Host {
        &self.host
    }

    /// The host and its port; `default_port`, where it was written without one.
    pub fn with_default_port(&self, default_port: NonZeroU16) -> HostPort {
        HostPort::with_port(self.host.clone(), self.port.unwrap_or(default_port))
    }
}

impl FromStr for ControlPlaneEndpoint {
    type Err = EndpointError;

    fn from_str(text: &str) -> Result<Self, EndpointError> {
        match text.parse::<Host>() {
            Ok(host) => Ok(Self { host, port: None }),
            Err(host_error) => match text.parse::<HostPort>() {
                Ok(endpoint) => Ok(Self {
                    host: endpoint.host().clone(),
                    port: NonZeroU16::new(endpoint.port()),
                }),
                Err(EndpointError::NoPort { .. }) => Err(host_error),
                Err(error) => Err(error),
            },
        }
    }
}

impl fmt::Display for ControlPlaneEndpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.port {
            Some(port) => write!(f, "{}:{port}", self.host),
            None => self.host.fmt(f),
        }
    }
}

written_as_string!(
    ControlPlaneEndpoint,
    r"^(\[[0-9a-fA-F:.]+\]|[-.0-9a-zA-Z]+)(:[0-9]{1,5})?$",
    "a host with or without a port, such as api.example:6443"
);

/// Hosts as certificates have them: IPv6 addresses without brackets.
mod unbracketed {
    use serde::{Deserialize, Deserializer, Serializer};

    use crate::endpoint::Host;

    pub(super) fn serialize<S: Serializer>(
        hosts: &[Host],
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(hosts.iter().map(Host::to_unbracketed))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Vec<Host>, D::Error> {
        let hosts = Vec::<Unbracketed>::deserialize(deserializer)?;
        Ok(hosts.into_iter().map(|Unbracketed(host)| host).collect())
    }

    /// One host; a type of its own, so that an error has its place and not the list's.
    struct Unbracketed(Host);

    impl<'de> Deserialize<'de> for Unbracketed {
        fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            let text = String::deserialize(deserializer)?;
            Host::from_unbracketed(&text)
                .map(Self)
                .map_err(serde::de::Error::custom)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(yaml: &str) -> Result<ClusterConfiguration, String> {
        serde_saphyr::from_str(yaml).map_err(|error| error.without_snippet().to_string())
    }

    #[test]
    fn the_fields_served_are_read_and_written() {
        let yaml = "
clusterName: harbour
controlPlaneEndpoint: api.example:8443
apiServer: {certSANs: [api.example, 10.0.0.1, 'fd00::1', '[fd00::2]']}
certificatesDir: /etc/kubernetes/pki
encryptionAlgorithm: RSA-3072
certificateValidityPeriod: 8760h
caCertificateValidityPeriod: 87600h0m0s
controllerManager: {extraArgs: [{name: cluster-signing-duration, value: 720h}]}
";
        let cluster = read(yaml).unwrap();
        assert_eq!(cluster.api_server.cert_sans.len(), 4);
        let written = serde_saphyr::to_string(&cluster).unwrap();
        insta::assert_snapshot!(written, @r#"
        clusterName: harbour
        controlPlaneEndpoint: api.example:8443
        apiServer:
          certSANs:
          - api.example
          - "10.0.0.1"
          - fd00::1
          - fd00::2
        certificatesDir: /etc/kubernetes/pki
        encryptionAlgorithm: RSA-3072
        certificateValidityPeriod: 8760h
        caCertificateValidityPeriod: 87600h
        controllerManager:
          extraArgs:
          - name: cluster-signing-duration
            value: 720h
        "#);
        assert_eq!(read(&written), Ok(cluster));
    }

    #[test]
    fn what_is_said_of_the_signer_counts_before_what_is_said_of_all_certificates() {
        let longest = |yaml: &str| {
            let longest = read(yaml).unwrap().cluster_signing_duration();
            longest.map(|period| period.to_string())
        };
        let signer =
            "controllerManager: {extraArgs: [{name: cluster-signing-duration, value: 1h}]}";
        assert_eq!(longest("clusterName: a"), None);
        assert_eq!(
            longest("certificateValidityPeriod: 2h").as_deref(),
            Some("2h")
        );
        assert_eq!(
            longest(&format!("certificateValidityPeriod: 2h\n{signer}")).as_deref(),
            Some("1h")
        );
    }

    #[test]
    fn an_endpoint_without_a_port_takes_the_one_of_the_api_server() {
        let port = NonZeroU16::new(7443).unwrap();
        let read = |text: &str| {
            text.parse::<ControlPlaneEndpoint>()
                .unwrap()
                .with_default_port(port)
                .to_string()
        };
        assert_eq!(read("api.example"), "api.example:7443");
        assert_eq!(read("[fd00::1]"), "[fd00::1]:7443");
        assert_eq!(read("[fd00::1]:1"), "[fd00::1]:1");
        assert_eq!(read("10.0.0.1:1"), "10.0.0.1:1");
    }

    #[test]
    fn bad_values_are_refused_with_their_reason() {
        insta::assert_snapshot!(read("controlPlaneEndpoint: a_b").unwrap_err(), @r#""a_b" is neither an IP address nor a host name: the name "a_b" has '_' in it; expected lower-case letters, digits, '-' and '.' at line 1, column 23"#);
        insta::assert_snapshot!(read("controlPlaneEndpoint: a:b").unwrap_err(), @r#""b" is not a port; expected a number from 1 to 65535 at line 1, column 23"#);
        insta::assert_snapshot!(read("encryptionAlgorithm: RSA-1024").unwrap_err(), @"unknown variant `RSA-1024`, expected one of ECDSA-P256, ECDSA-P384, RSA-2048, RSA-3072, RSA-4096 at line 1, column 22");
        insta::assert_snapshot!(read("clusterName: ''").unwrap_err(), @r#""" is no name of a cluster; expected 1 to 253 characters in one line at line 1, column 14"#);
        insta::assert_snapshot!(read(r#"clusterName: "a\nb""#).unwrap_err(), @r#""a\nb" is no name of a cluster; expected 1 to 253 characters in one line at line 1, column 14"#);
        insta::assert_snapshot!(read("certificateValidityPeriod: 9s").unwrap_err(), @"certificates would be valid for 9s only; expected at least 1m at line 1, column 28");
        insta::assert_snapshot!(read("apiServer: {certSANs: ['*.example']}").unwrap_err(), @r#""*.example" is neither an IP address nor a host name: the name "*.example" has '*' in it; expected lower-case letters, digits, '-' and '.' at line 1, column 24"#);
    }
}
