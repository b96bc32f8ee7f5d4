//! What a joining node is told.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize, Serializer};

use super::masked;
use crate::duration::GoDuration;
use crate::endpoint::HostPort;
use crate::location::DocumentLocation;
use crate::name::NodeName;
use crate::pin::CaPin;
use crate::text::schema_as_written;
use crate::token::BootstrapToken;

/// What a joining node is told. Written out, it shows its tokens without their secrets.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct JoinConfiguration {
    /// How the node learns the API servers and the CA.
    pub discovery: Discovery,
    /// Whether to change nothing, and to say what would be done.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub dry_run: bool,
    /// The node.
    #[serde(default, skip_serializing_if = "NodeRegistration::is_default")]
    pub node_registration: NodeRegistration,
    /// Phases to leave out.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub skip_phases: Vec<String>,
    /// How long to wait.
    #[serde(default, skip_serializing_if = "Timeouts::is_default")]
    pub timeouts: Timeouts,
}

/// The node that joins.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct NodeRegistration {
    /// The node's name; the host's when left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<NodeName>,
}

/// How long to wait.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Timeouts {
    /// For the API servers and the CA; 5m when left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub discovery: Option<GoDuration>,
    /// For the node's certificate; without end when left out, since a person may have to decide.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tls_bootstrap: Option<GoDuration>,
}

/// How a node learns the API servers and the CA, and what it shows to get its certificate.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "Written")]
pub struct Discovery {
    /// How it learns them.
    pub source: DiscoverySource,
    /// The token to show for the certificate, where it is another one than that of the discovery.
    pub tls_bootstrap_token: Option<BootstrapToken>,
}

/// How a node learns the API servers and the CA.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DiscoverySource {
    /// From an API server's cluster-info, signed with a token.
    Token {
        /// The token.
        token: BootstrapToken,
        /// The API server.
        api_server: HostPort,
        /// The pins of the CA; without any, `unsafe_skip_ca_verification` is true.
        pins: Vec<CaPin>,
        /// Whether the CA may be believed on the token's word.
        unsafe_skip_ca_verification: bool,
    },
    /// From a kubeconfig.
    Kubeconfig(DocumentLocation),
}

/// Why a discovery is refused as a whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DiscoveryError {
    /// There are none, or two.
    #[error("discovery has {0}; expected either bootstrapToken or file")]
    NotOne(&'static str),
    /// Trust would hang on the token alone, and nobody said so.
    #[error(
        "discovery with a token has no pin of the CA; expected caCertHashes, which `slipway certs ca-hash` prints, or \
         unsafeSkipCAVerification: true to believe the CA on the token's word"
    )]
    NoPin,
}

impl Discovery {
    /// The token to show for the certificate; none where the kubeconfig has to bring credentials.
    pub fn bootstrap_token(&self) -> Option<&BootstrapToken> {
        self.tls_bootstrap_token.as_ref().or(match &self.source {
            DiscoverySource::Token { token, .. } => Some(token),
            DiscoverySource::Kubeconfig(_) => None,
        })
    }
}

impl NodeRegistration {
    fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

impl Timeouts {
    fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

schema_as_written!(Discovery, Written);

/// A discovery as it is written.
#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(rename = "Discovery")]
pub(crate) struct Written {
    /// From an API server's cluster-info, signed with a token.
    #[serde(default)]
    bootstrap_token: Option<WrittenToken>,
    /// From a kubeconfig, in a file or behind an HTTPS URL.
    #[serde(default)]
    file: Option<WrittenFile>,
    /// The token to show for the certificate; that of bootstrapToken when left out.
    #[serde(default)]
    tls_bootstrap_token: Option<BootstrapToken>,
}

/// A discovery with a token as it is written.
#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(rename = "BootstrapTokenDiscovery")]
pub(crate) struct WrittenToken {
    /// The token that signs cluster-info.
    token: BootstrapToken,
    /// The API server.
    api_server_endpoint: HostPort,
    /// The pins of the CA.
    #[serde(default)]
    ca_cert_hashes: Vec<CaPin>,
    /// Whether the CA may be believed on the token's word.
    #[serde(default, rename = "unsafeSkipCAVerification")]
    unsafe_skip_ca_verification: bool,
}

/// A discovery from a kubeconfig as it is written.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "FileDiscovery")]
pub(crate) struct WrittenFile {
    /// A path or an HTTPS URL.
    #[serde(rename = "kubeConfigPath")]
    kubeconfig_path: DocumentLocation,
}

impl TryFrom<Written> for Discovery {
    type Error = DiscoveryError;

    fn try_from(written: Written) -> Result<Self, DiscoveryError> {
        let source = match (written.bootstrap_token, written.file) {
            (Some(_), Some(_)) => {
                return Err(DiscoveryError::NotOne("both bootstrapToken and file"));
            }
            (None, None) => return Err(DiscoveryError::NotOne("neither bootstrapToken nor file")),
            (None, Some(file)) => DiscoverySource::Kubeconfig(file.kubeconfig_path),
            (Some(token), None) => {
                if token.ca_cert_hashes.is_empty() && !token.unsafe_skip_ca_verification {
                    return Err(DiscoveryError::NoPin);
                }
                DiscoverySource::Token {
                    token: token.token,
                    api_server: token.api_server_endpoint,
                    pins: token.ca_cert_hashes,
                    unsafe_skip_ca_verification: token.unsafe_skip_ca_verification,
                }
            }
        };
        Ok(Self {
            source,
            tls_bootstrap_token: written.tls_bootstrap_token,
        })
    }
}

impl Serialize for Discovery {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut shown = serde_json::Map::new();
        match &self.source {
            DiscoverySource::Token {
                token,
                api_server,
                pins,
                unsafe_skip_ca_verification,
            } => {
                let mut source = serde_json::Map::new();
                source.insert("token".into(), masked(token).into());
                source.insert("apiServerEndpoint".into(), api_server.to_string().into());
                if !pins.is_empty() {
                    let pins: Vec<String> = pins.iter().map(CaPin::to_string).collect();
                    source.insert("caCertHashes".into(), pins.into());
                }
                if *unsafe_skip_ca_verification {
                    source.insert("unsafeSkipCAVerification".into(), true.into());
                }
                shown.insert("bootstrapToken".into(), source.into());
            }
            DiscoverySource::Kubeconfig(location) => {
                shown.insert(
                    "file".into(),
                    serde_json::json!({ "kubeConfigPath": location.to_string() }),
                );
            }
        }
        if let Some(token) = &self.tls_bootstrap_token {
            shown.insert("tlsBootstrapToken".into(), masked(token).into());
        }
        shown.serialize(serializer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(yaml: &str) -> Result<JoinConfiguration, String> {
        serde_saphyr::from_str(yaml).map_err(|error| error.without_snippet().to_string())
    }

    const PINNED: &str = "
discovery:
  bootstrapToken:
    token: abcdef.0123456789abcdef
    apiServerEndpoint: 10.0.0.1:6443
    caCertHashes: ['sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855']
nodeRegistration: {name: w1}
timeouts: {discovery: 1m0s}
";

    #[test]
    fn a_discovery_with_a_token_is_read_and_shown_without_its_secret() {
        let join = read(PINNED).unwrap();
        assert_eq!(
            join.discovery.bootstrap_token().unwrap().id.as_str(),
            "abcdef"
        );
        insta::assert_snapshot!(serde_saphyr::to_string(&join).unwrap(), @r"
        discovery:
          bootstrapToken:
            token: abcdef.****************
            apiServerEndpoint: 10.0.0.1:6443
            caCertHashes:
            - sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855
        nodeRegistration:
          name: w1
        timeouts:
          discovery: 1m
        ");
    }

    #[test]
    fn a_kubeconfig_brings_its_own_credentials_or_a_token_is_given() {
        let join = read("discovery: {file: {kubeConfigPath: 'https://example.org/x'}}").unwrap();
        assert_eq!(join.discovery.bootstrap_token(), None);
        let join = read(
            "discovery: {file: {kubeConfigPath: /x}, tlsBootstrapToken: abcdef.0123456789abcdef}",
        )
        .unwrap();
        assert_eq!(
            join.discovery.bootstrap_token().unwrap().id.as_str(),
            "abcdef"
        );
        insta::assert_snapshot!(serde_saphyr::to_string(&join).unwrap(), @r"
        discovery:
          file:
            kubeConfigPath: /x
          tlsBootstrapToken: abcdef.****************
        ");
    }

    #[test]
    fn what_is_no_discovery_is_refused_with_its_reason() {
        insta::assert_snapshot!(read("discovery: {}").unwrap_err(), @"discovery has neither bootstrapToken nor file; expected either bootstrapToken or file at line 1, column 12");
        insta::assert_snapshot!(read("discovery: {file: {kubeConfigPath: 'http://x'}}").unwrap_err(), @r#"the location of a document begins with "http://"; expected a path or an https:// URL at line 1, column 36"#);
        let unpinned = "discovery: {bootstrapToken: {token: abcdef.0123456789abcdef, apiServerEndpoint: 'a:1'}}";
        insta::assert_snapshot!(read(unpinned).unwrap_err(), @"discovery with a token has no pin of the CA; expected caCertHashes, which `slipway certs ca-hash` prints, or unsafeSkipCAVerification: true to believe the CA on the token's word at line 1, column 12");
        let both = "discovery: {file: {kubeConfigPath: /x}, bootstrapToken: {token: abcdef.0123456789abcdef, apiServerEndpoint: 'a:1'}}";
        insta::assert_snapshot!(read(both).unwrap_err(), @"discovery has both bootstrapToken and file; expected either bootstrapToken or file at line 1, column 12");
        let malformed = "discovery: {tlsBootstrapToken: abcdef-0123456789abcdef}";
        insta::assert_snapshot!(read(malformed).unwrap_err(), @"a bootstrap token has the form ID.SECRET; the given text has no dot at line 1, column 32");
    }
}
