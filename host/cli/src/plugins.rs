//! The plugin runtime, as the commands need it.

use anyhow::Result;
use slipway_bootstrap::layout::Layout;
use slipway_config::plugin::{PluginConfiguration, PluginEntry};
use slipway_config::posture::{PostureEntry, PostureId};
use slipway_plugin::{Allocation, HostOptions, PluginHost, SealingKey};

/// For a command that makes a few calls and ends. It leaves nothing on the machine: a plugin that is not bundled is
/// compiled anew, which takes some milliseconds.
pub(crate) fn one_shot() -> Result<PluginHost> {
    Ok(PluginHost::new(HostOptions::default())?)
}

/// For a server that makes many.
pub(crate) fn long_running(layout: &Layout) -> Result<PluginHost> {
    Ok(PluginHost::new(HostOptions {
        cache_dir: Some(layout.plugin_cache()),
        allocation: Allocation::Pooling,
    })?)
}

/// Loads every plugin that a server will load, so that a mistake is found before anything is made.
pub(crate) async fn check(configuration: &PluginConfiguration) -> Result<()> {
    let host = one_shot()?;
    host.csr_approvers(configuration).await?;
    for entry in &configuration.token_stores {
        host.load_token_store(entry, SealingKey::generate()?)
            .await?;
    }
    Ok(())
}

/// The trade-offs of a policy.
pub(crate) fn posture_of_policy(configuration: &PluginConfiguration) -> Vec<PostureEntry> {
    let mut entries = posture(configuration);
    if configuration.approves_automatically() {
        entries.push(PostureId::AutomaticApproval.entry());
    }
    entries
}

/// The trade-offs that a configuration of plugins has. What the bundled defaults need is none.
pub(crate) fn posture(configuration: &PluginConfiguration) -> Vec<PostureEntry> {
    let defaults = PluginConfiguration::default();
    let is_default = |entry: &PluginEntry| defaults.entries().any(|default| default == entry);
    let names = configuration.rejoin_allowed.iter();
    let mut posture: Vec<_> = names
        .map(|name| PostureId::RejoinAllowed.about(name.to_string()))
        .collect();
    for entry in configuration.entries().filter(|entry| !is_default(entry)) {
        let name = entry.name.as_str();
        if entry.grants.reach_network() {
            posture.push(PostureId::PluginWithNetwork.about(name));
        }
        if entry.grants.reach_files() {
            posture.push(PostureId::PluginWithFiles.about(name));
        }
    }
    posture
}
