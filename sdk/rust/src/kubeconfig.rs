//! Kubeconfigs that describe a cluster (client-go, `tools/clientcmd/api/v1`), for trust sources.
//!
//! A proposal is made from it; the host reads the bytes again by itself before it believes anything.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::de::IgnoredAny;
use serde::{Deserialize, Deserializer};
use thiserror::Error;

use crate::trust_source::{ClusterTrust, DiscoveryError, DiscoveryRequest};
use crate::{Finding, yaml};

/// Name of the extension of a cluster entry that lists the API servers beyond the first.
pub const ENDPOINTS_EXTENSION: &str = "slipway.dev/endpoints";

/// The one cluster of a kubeconfig.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClusterEntry {
    /// URLs of the API servers, the preferred one first; there is at least one.
    pub endpoints: Vec<String>,
    /// CA certificates in PEM; none where they come from elsewhere.
    pub ca_bundle: Option<String>,
    /// How many users the document names.
    pub users: usize,
}

impl ClusterEntry {
    /// Reads a kubeconfig in YAML or JSON.
    ///
    /// # Errors
    /// See [`KubeconfigError`].
    pub fn parse(document: &[u8]) -> Result<Self, KubeconfigError> {
        let document = read(document)?;
        for NamedUser { user } in &document.users {
            for what in ["exec", "auth-provider"] {
                if user.contains_key(what) {
                    return Err(KubeconfigError::Refused {
                        what,
                        why: "it would run code of the document's choice",
                    });
                }
            }
        }
        let [NamedCluster { cluster }] = document.clusters.as_slice() else {
            return Err(KubeconfigError::Clusters(document.clusters.len()));
        };
        cluster.check()?;
        Ok(Self {
            endpoints: cluster.endpoints()?,
            ca_bundle: cluster.ca_bundle()?,
            users: document.users.len(),
        })
    }

    /// Reads the document of a request with one location: what the host read or fetched there.
    ///
    /// # Errors
    /// There is not one location, no document, or none that can be used.
    pub fn of_request(request: &DiscoveryRequest<'_>) -> Result<Self, DiscoveryError> {
        let location = request.only_location()?;
        let document = request.document.as_deref().ok_or_else(|| {
            DiscoveryError::InvalidRequest(format!("the host has not read {location}"))
        })?;
        Ok(Self::parse(document)?)
    }

    /// What the document says of the cluster, as findings for display: `rule` names the kind of document, `source` is where
    /// it was found.
    pub fn evidence(&self, rule: &str, source: &str) -> Vec<Finding> {
        let names = format!("{source} names {}", self.endpoints.join(", "));
        let ca = match &self.ca_bundle {
            Some(_) => Finding::passed("ca-in-document", format!("{source} has the cluster's CA")),
            None => Finding::skipped("ca-in-document", format!("{source} has no CA")),
        };
        vec![Finding::passed(rule, names), ca]
    }

    /// The cluster as a proposal.
    pub fn propose(self, evidence: Vec<Finding>) -> ClusterTrust {
        ClusterTrust {
            endpoints: self.endpoints,
            ca_bundle: self.ca_bundle.unwrap_or_default(),
            evidence,
        }
    }
}

/// Why a document is not a kubeconfig that can be used.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum KubeconfigError {
    /// It is not YAML of a kubeconfig's form.
    #[error("it is not a kubeconfig: {0}")]
    Form(String),
    /// It is of another kind.
    #[error("expected apiVersion v1 and kind Config, found {0}")]
    Kind(String),
    /// It has no cluster, or several: nothing says which one is meant.
    #[error("expected one cluster, found {0}")]
    Clusters(usize),
    /// It wants something that makes it unsafe.
    #[error("{what} is refused: {why}")]
    Refused {
        /// The field.
        what: &'static str,
        /// Why.
        why: &'static str,
    },
    /// It has no API server, or something that is not an https URL.
    #[error("the server {0:?} is not an https URL")]
    Server(String),
    /// Its certificates cannot be read.
    #[error("certificate-authority-data is not base64 over PEM certificates")]
    CertificateAuthority,
}

impl From<KubeconfigError> for DiscoveryError {
    fn from(error: KubeconfigError) -> Self {
        Self::Untrusted(format!("the kubeconfig cannot be used: {error}"))
    }
}

#[derive(Deserialize)]
struct Document {
    #[serde(default, rename = "apiVersion")]
    api_version: String,
    #[serde(default)]
    kind: String,
    #[serde(default, deserialize_with = "null_is_empty")]
    clusters: Vec<NamedCluster>,
    #[serde(default, deserialize_with = "null_is_empty")]
    users: Vec<NamedUser>,
}

#[derive(Deserialize)]
struct NamedCluster {
    cluster: Cluster,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Cluster {
    #[serde(default)]
    server: String,
    #[serde(default)]
    certificate_authority_data: String,
    certificate_authority: Option<IgnoredAny>,
    #[serde(default)]
    insecure_skip_tls_verify: bool,
    proxy_url: Option<IgnoredAny>,
    #[serde(default, deserialize_with = "null_is_empty")]
    extensions: Vec<Extension>,
}

#[derive(Deserialize)]
struct Extension {
    name: String,
    extension: serde_json::Value,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Endpoints {
    endpoints: Vec<String>,
}

#[derive(Deserialize)]
struct NamedUser {
    #[serde(default, deserialize_with = "null_is_empty")]
    user: BTreeMap<String, IgnoredAny>,
}

impl Cluster {
    fn check(&self) -> Result<(), KubeconfigError> {
        let refused = |what, why| Err(KubeconfigError::Refused { what, why });
        if self.insecure_skip_tls_verify {
            return refused(
                "insecure-skip-tls-verify",
                "a server that is not verified can be anybody",
            );
        }
        if self.certificate_authority.is_some() {
            return refused(
                "certificate-authority",
                "it names another file; put the certificates into certificate-authority-data",
            );
        }
        if self.proxy_url.is_some() {
            return refused("proxy-url", "Slipway connects without a proxy");
        }
        Ok(())
    }

    fn endpoints(&self) -> Result<Vec<String>, KubeconfigError> {
        let mut endpoints = vec![self.server.clone()];
        for Extension { name, extension } in &self.extensions {
            if name != ENDPOINTS_EXTENSION {
                continue;
            }
            let more = Endpoints::deserialize(extension).map_err(|error| {
                KubeconfigError::Form(format!("the extension {ENDPOINTS_EXTENSION}: {error}"))
            })?;
            for endpoint in more.endpoints {
                if !endpoints.contains(&endpoint) {
                    endpoints.push(endpoint);
                }
            }
        }
        match endpoints.iter().find(|url| !is_https_url(url)) {
            Some(url) => Err(KubeconfigError::Server(url.clone())),
            None => Ok(endpoints),
        }
    }

    fn ca_bundle(&self) -> Result<Option<String>, KubeconfigError> {
        if self.certificate_authority_data.is_empty() {
            return Ok(None);
        }
        STANDARD
            .decode(&self.certificate_authority_data)
            .ok()
            .and_then(|pem| String::from_utf8(pem).ok())
            .filter(|pem| pem.contains("-----BEGIN CERTIFICATE-----"))
            .map(Some)
            .ok_or(KubeconfigError::CertificateAuthority)
    }
}

fn read(document: &[u8]) -> Result<Document, KubeconfigError> {
    let form = |error: String| KubeconfigError::Form(error);
    let text = std::str::from_utf8(document).map_err(|error| form(error.to_string()))?;
    let document: Document = yaml::from_str(text).map_err(|error| form(error.to_string()))?;
    match (document.api_version.as_str(), document.kind.as_str()) {
        ("v1", "Config") => Ok(document),
        (version, kind) => Err(KubeconfigError::Kind(format!("{version:?} and {kind:?}"))),
    }
}

fn is_https_url(url: &str) -> bool {
    url.strip_prefix("https://")
        .is_some_and(|rest| !rest.is_empty() && rest.bytes().all(|byte| byte.is_ascii_graphic()))
}

/// client-go writes empty lists as null.
fn null_is_empty<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de> + Default,
{
    Option::<T>::deserialize(deserializer).map(Option::unwrap_or_default)
}

#[cfg(test)]
mod tests;
