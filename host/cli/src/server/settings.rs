//! What `init` settles and `serve` is started with, kept beside the cluster's files.

use std::net::{IpAddr, SocketAddr, TcpListener};
use std::path::PathBuf;

use anyhow::{Context as _, Result};
use serde::{Deserialize, Serialize};
use slipway_bootstrap::files::Files;
use slipway_bootstrap::layout::Layout;
use slipway_config::document;
use slipway_config::endpoint::Host;
use slipway_config::kubeadm::ValidityPeriod;
use slipway_config::plugin::PluginConfiguration;
use slipway_controller::ClusterSettings;
use slipway_pki::guardrail::ApiServerIdentity;

use crate::documents::Documents;
use crate::failure::{BACKUP, Code, Coded};

/// What the server is started with.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct ServerSettings {
    /// Where it listens.
    pub(crate) listen: SocketAddr,
    /// Folder of the cluster's certificates.
    pub(crate) certificates: PathBuf,
    /// Names and addresses that its certificate has, which no node may claim.
    pub(crate) api_server_names: Vec<Host>,
    /// Those of them that the operator added.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) extra_sans: Vec<Host>,
    /// How long a node's certificate holds at most, where the operator said so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) cluster_signing_duration: Option<ValidityPeriod>,
}

impl ServerSettings {
    /// Reads what init wrote.
    pub(crate) fn load(layout: &Layout) -> Result<Self> {
        Self::find(layout)?
            .ok_or_else(|| Coded::no_cluster_here(&path(layout), "give its --dir").into())
    }

    /// Reads what init wrote, if it has been here.
    pub(crate) fn find(layout: &Layout) -> Result<Option<Self>> {
        let path = path(layout);
        let text = match std::fs::read(&path) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            text => text.with_context(|| format!("cannot read {}", path.display()))?,
        };
        serde_json::from_slice(&text).map(Some).map_err(|error| {
            let message = format!("{} is damaged: {error}", path.display());
            Coded::new(Code::General, message, BACKUP).into()
        })
    }

    /// `settings` with what the server itself answers to, for those who judge requests.
    pub(crate) fn cluster(&self, settings: ClusterSettings) -> ClusterSettings {
        let mut api_server = ApiServerIdentity::default();
        for name in &self.api_server_names {
            match name {
                Host::Ip(address) => api_server.addresses.push(*address),
                Host::Name(name) => api_server.dns_names.push(name.to_string()),
            }
        }
        ClusterSettings {
            api_server,
            ..settings
        }
    }

    /// Keeps the settings.
    pub(crate) fn keep(&self, files: &mut Files) -> Result<()> {
        let path = path(files.layout());
        Ok(files.write(&path, &serde_json::to_vec_pretty(self)?)?)
    }

    /// Keeps the plugins as a file that an operator may edit.
    pub(crate) fn keep_plugins(files: &mut Files, plugins: &PluginConfiguration) -> Result<()> {
        let documents = document::Documents {
            plugins: Some(plugins.clone()),
            ..document::Documents::default()
        };
        let yaml = documents
            .to_yaml()
            .context("the plugin configuration cannot be written as YAML")?;
        let path = plugins_path(files.layout());
        Ok(files.write(&path, yaml.as_bytes())?)
    }

    /// The plugins that the operator configured.
    pub(crate) fn plugins(layout: &Layout) -> Result<PluginConfiguration> {
        Ok(Documents::read(Some(&plugins_path(layout)))?.plugins)
    }

    /// The same; none where init made no cluster here.
    pub(crate) fn plugins_if_any(layout: &Layout) -> Result<Option<PluginConfiguration>> {
        plugins_path(layout)
            .exists()
            .then(|| Self::plugins(layout))
            .transpose()
    }
}

/// A port of this address that nobody listens on now.
pub(crate) fn free_port(address: IpAddr) -> Result<u16> {
    let listener =
        TcpListener::bind((address, 0)).with_context(|| format!("cannot listen on {address}"))?;
    Ok(listener.local_addr()?.port())
}

/// The operator's PluginConfiguration.
pub(crate) fn plugins_path(layout: &Layout) -> PathBuf {
    layout.kubernetes().join("slipway.yaml")
}

fn path(layout: &Layout) -> PathBuf {
    layout.state().join("server.json")
}
