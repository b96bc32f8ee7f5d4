//! The plugin runtime, as the commands need it.

use std::sync::Arc;

use anyhow::{Context as _, Result};
use slipway_bootstrap::files::Files;
use slipway_bootstrap::layout::Layout;
use slipway_config::plugin::{Mode, PluginConfiguration, PluginEntry};
use slipway_config::posture::{PostureEntry, PostureId};
use slipway_plugin::{Allocation, HostOptions, PluginHost, SealingKey, TokenStore};
use zeroize::Zeroizing;

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
    check_with(&one_shot()?, configuration).await
}

/// Loads every plugin of a configuration, those that a join asks among them.
pub(crate) async fn check_all(configuration: &PluginConfiguration) -> Result<()> {
    let host = one_shot()?;
    host.trust_sources(configuration).await?;
    host.endpoint_providers(configuration).await?;
    check_with(&host, configuration).await
}

async fn check_with(host: &PluginHost, configuration: &PluginConfiguration) -> Result<()> {
    host.csr_approvers(configuration).await?;
    host.token_stores(configuration, &SealingKey::generate()?)
        .await?;
    Ok(())
}

/// The token store that decides, if the configuration has one.
pub(crate) async fn token_store(
    host: &PluginHost,
    configuration: &PluginConfiguration,
    layout: &Layout,
) -> Result<Option<Arc<dyn TokenStore>>> {
    let mut entries = configuration.token_stores.iter();
    let Some(entry) = entries.find(|entry| entry.mode == Mode::Enforce) else {
        return Ok(None);
    };
    let key = sealing_key(layout)?;
    Ok(Some(host.load_token_store(entry, key).await?))
}

/// The key under which records leave for a token store: made once, never leaving this machine.
fn sealing_key(layout: &Layout) -> Result<SealingKey> {
    let path = layout.sealing_key();
    let bytes = match std::fs::read(&path) {
        Ok(bytes) => Zeroizing::new(bytes),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            let key = SealingKey::generate().context("the system has no randomness")?;
            Files::open(layout)?.write(&path, key.expose())?;
            return Ok(key);
        }
        Err(error) => return Err(error).with_context(|| format!("cannot read {}", path.display())),
    };
    let bytes = <[u8; SealingKey::LENGTH]>::try_from(bytes.as_slice()).with_context(|| {
        format!(
            "{} is damaged: it should hold {} bytes",
            path.display(),
            SealingKey::LENGTH
        )
    })?;
    Ok(SealingKey::from_bytes(Zeroizing::new(bytes)))
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
    let is_default = |entry: &PluginEntry| {
        let mut defaults = defaults.entries();
        defaults.any(|default| default.source == entry.source && default.grants == entry.grants)
    };
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
