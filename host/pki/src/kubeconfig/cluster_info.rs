//! The kubeconfig in `kube-public/cluster-info`: a cluster, and no identity.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use slipway_config::endpoint::ApiServerUrl;

use super::KubeconfigError;
use super::raw::{Cluster, Document, Endpoints, NamedCluster, NamedExtension, Reasons};
use crate::ca::CaBundle;

/// Name of the extension of the cluster entry that lists the API servers beyond the first. A second cluster entry would
/// make kubeadm take one of them at random.
pub const ENDPOINTS_EXTENSION: &str = "slipway.dev/endpoints";

/// A cluster as cluster-info describes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClusterInfoKubeconfig {
    endpoints: Vec<ApiServerUrl>,
    ca: Option<CaBundle>,
}

impl ClusterInfoKubeconfig {
    /// A description of a cluster with these API servers, the preferred one first. The CA is left out where it reaches
    /// the nodes on another way.
    ///
    /// # Errors
    /// When there is no API server.
    pub fn new(
        endpoints: Vec<ApiServerUrl>,
        ca: Option<CaBundle>,
    ) -> Result<Self, KubeconfigError> {
        if endpoints.is_empty() {
            return Err(KubeconfigError::NoServer);
        }
        Ok(Self { endpoints, ca })
    }

    /// Reads the value of cluster-info's key `kubeconfig`: one cluster and no user.
    pub fn parse(bytes: &[u8]) -> Result<Self, KubeconfigError> {
        let document = Document::read(bytes, Reasons::Shown)?;
        if !document.users.is_empty() {
            return Err(KubeconfigError::Count {
                what: "users",
                count: document.users.len(),
                expected: "none",
            });
        }
        let cluster = &document.cluster()?.cluster;
        cluster.check()?;
        if cluster.tls_server_name.is_some() {
            return Err(KubeconfigError::Refused {
                what: "tls-server-name",
                why: "the server's name is the one in its URL",
            });
        }
        Ok(Self {
            endpoints: cluster.endpoints()?,
            ca: read_ca(cluster)?,
        })
    }

    /// Writes the description. The same cluster is always written in the same bytes, as its signature requires.
    pub fn to_yaml(&self) -> Result<String, KubeconfigError> {
        let cluster = NamedCluster {
            name: String::new(),
            cluster: write_cluster(&self.endpoints, self.ca.as_ref())?,
        };
        let document = Document {
            api_version: "v1".to_owned(),
            kind: "Config".to_owned(),
            clusters: vec![cluster],
            preferences: Some(serde_json::Map::new()),
            ..Document::default()
        };
        Ok(document.write()?.to_string())
    }

    /// The API servers, the preferred one first; there is at least one.
    pub fn endpoints(&self) -> &[ApiServerUrl] {
        &self.endpoints
    }

    /// The cluster's CA certificates; none where they come on another way.
    pub fn ca(&self) -> Option<&CaBundle> {
        self.ca.as_ref()
    }
}

pub(super) fn read_ca(cluster: &Cluster) -> Result<Option<CaBundle>, KubeconfigError> {
    let Some(data) = cluster
        .certificate_authority_data
        .as_deref()
        .filter(|data| !data.is_empty())
    else {
        return Ok(None);
    };
    let pem = STANDARD
        .decode(data)
        .map_err(|_| KubeconfigError::Base64("certificate-authority-data"))?;
    Ok(Some(CaBundle::from_pem(&pem)?))
}

pub(super) fn write_cluster(
    endpoints: &[ApiServerUrl],
    ca: Option<&CaBundle>,
) -> Result<Cluster, KubeconfigError> {
    let (server, more) = endpoints.split_first().ok_or(KubeconfigError::NoServer)?;
    let mut extensions = Vec::new();
    if !more.is_empty() {
        let extension = serde_json::to_value(Endpoints {
            endpoints: more.to_vec(),
        })
        .map_err(|error| KubeconfigError::Write(error.to_string()))?;
        extensions.push(NamedExtension {
            name: ENDPOINTS_EXTENSION.to_owned(),
            extension,
        });
    }
    Ok(Cluster {
        certificate_authority_data: ca
            .map(CaBundle::to_pem)
            .transpose()?
            .map(|pem| STANDARD.encode(pem)),
        server: Some(server.to_string()),
        extensions,
        ..Cluster::default()
    })
}
