//! The policy of the controllers: from its file, again whenever that changes.
//!
//! What comes in force is a whole file that was read, understood, and whose plugins were loaded and have accepted their
//! settings; until then the policy before it stays in force, and so it does where the file has a mistake.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context as _, Result};
use slipway_bootstrap::layout::Layout;
use slipway_config::plugin::PluginConfiguration;
use slipway_controller::{ClusterSettings, Policy, PolicyInForce, measures};
use slipway_plugin::PluginHost;
use tokio_util::sync::CancellationToken;

use crate::documents::{self, Documents};
use crate::output::Printer;
use crate::server::{ServerSettings, plugins_path};
use crate::{controllers, plugins};

/// How often the file is looked at. What is there has to be the same twice, so that a file that is just being written is not
/// taken for one that is complete.
const PERIOD: Duration = Duration::from_secs(1);

/// The largest file that is looked at, in bytes.
const LARGEST: u64 = 4 << 20;

/// A file with a PluginConfiguration, of which the approvers and the names of nodes are the policy.
pub(crate) struct PolicyFile {
    path: PathBuf,
    host: PluginHost,
    cluster: Box<dyn Fn(ClusterSettings) -> ClusterSettings + Send>,
    loaded: PluginConfiguration,
    content: Vec<u8>,
}

impl PolicyFile {
    /// Loads the policy that the file has now. `cluster` adds to the names of nodes what else is known of the cluster.
    ///
    /// # Errors
    /// It cannot be read, or a plugin cannot be loaded.
    pub(crate) async fn open(
        path: PathBuf,
        host: PluginHost,
        cluster: impl Fn(ClusterSettings) -> ClusterSettings + Send + 'static,
    ) -> Result<(Self, Policy)> {
        let mut file = Self {
            content: read(&path),
            loaded: PluginConfiguration::default(),
            cluster: Box::new(cluster),
            path,
            host,
        };
        let policy = file.load().await?;
        Ok((file, policy))
    }

    /// What the file said when it was loaded last.
    pub(crate) fn configuration(&self) -> &PluginConfiguration {
        &self.loaded
    }

    /// Puts what the file comes to say in force, until `stop`.
    pub(crate) async fn follow(
        mut self,
        in_force: PolicyInForce,
        printer: Printer,
        stop: CancellationToken,
    ) {
        let mut seen = self.content.clone();
        let token_stores = self.loaded.token_stores.clone();
        while stop
            .run_until_cancelled(tokio::time::sleep(PERIOD))
            .await
            .is_some()
        {
            let before = std::mem::replace(&mut seen, read(&self.path));
            if seen != before || seen == self.content {
                continue;
            }
            self.content.clone_from(&seen);
            let path = self.path.display().to_string();
            match self.load().await {
                Ok(policy) => {
                    in_force.replace(policy);
                    measures::policy_changed(true);
                    printer.note(format!("another policy is in force, of {path}"));
                    if self.loaded.token_stores != token_stores {
                        printer.warning(format!(
                            "the `tokenStores` of {path} changed: another store is used from the next start on"
                        ));
                    }
                    printer.posture(&plugins::posture_of_policy(&self.loaded));
                }
                Err(error) => {
                    measures::policy_changed(false);
                    tracing::error!(
                        path,
                        error = format!("{error:#}"),
                        "the policy cannot be used; the one before it stays in force"
                    );
                }
            }
        }
    }

    async fn load(&mut self) -> Result<Policy> {
        let configuration = Documents::read(Some(&self.path))?.plugins;
        let loaded = self.host.csr_approvers(&configuration).await;
        let approvers =
            loaded.map_err(|error| documents::placed(error.into(), Some(&self.path)))?;
        let policy = Policy {
            chain: controllers::chain(approvers),
            cluster: (self.cluster)(of_nodes(&configuration)),
        };
        self.loaded = configuration;
        Ok(policy)
    }
}

/// The policy of the cluster that init made here; none where it made none.
///
/// # Errors
/// The file cannot be used: a server that runs keeps the policy that it had before, which nobody else knows.
pub(crate) async fn in_force(layout: &Layout) -> Result<Option<PluginConfiguration>> {
    const KEPT: &str = "the policy cannot be used, and a server that runs keeps the one before it";
    let configured = ServerSettings::plugins_if_any(layout).context(KEPT)?;
    if let Some(configuration) = &configured {
        let usable = plugins::one_shot()?.csr_approvers(configuration).await;
        usable
            .map_err(|error| documents::placed(error.into(), Some(&plugins_path(layout))))
            .context(KEPT)?;
    }
    Ok(configured)
}

/// The names of nodes that a policy speaks of.
pub(crate) fn of_nodes(configuration: &PluginConfiguration) -> ClusterSettings {
    ClusterSettings {
        control_plane: configuration.control_plane_nodes.clone(),
        rejoin_allowed: configuration.rejoin_allowed.clone(),
        ..ClusterSettings::default()
    }
}

/// The file's content, to see whether it changed; empty where it cannot be read, as between two versions of it.
fn read(path: &std::path::Path) -> Vec<u8> {
    match std::fs::metadata(path) {
        Ok(metadata) if metadata.is_file() && metadata.len() <= LARGEST => {
            std::fs::read(path).unwrap_or_default()
        }
        _ => Vec::new(),
    }
}
