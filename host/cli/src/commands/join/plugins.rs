//! The plugins that a join asks: whom to trust, and where to dial.

use std::sync::Arc;

use anyhow::{Result, bail};
use futures::future::try_join_all;
use slipway_bootstrap::discovery::{Candidate, Source, SourceKind};
use slipway_config::plugin::{Mode, PluginConfiguration, PluginEntry, PluginName, bundled};
use slipway_plugin::{EndpointProvider, PluginHost};

use crate::arguments::JoinOptions;
use crate::failure::Usage;
use crate::plugins;

/// Loads those that are for these sources, in the order in which they are to be asked.
pub(super) async fn load(
    options: &JoinOptions,
    sources: &[Source],
    configuration: &PluginConfiguration,
) -> Result<(Vec<Arc<dyn EndpointProvider>>, Vec<Candidate>)> {
    let wanted = wanted(options, sources, &configuration.trust_sources)?;
    let host = plugins::one_shot()?;
    let trust = wanted.into_iter().map(async |entry| {
        anyhow::Ok(Candidate {
            plugin: host.load_trust_source(entry).await?,
            takes: kind(entry),
            believed_unverified: options.discovery_unsafe_trust_source.contains(&entry.name),
        })
    });
    // Each is a millisecond or more of work of its own.
    tokio::try_join!(endpoints(&host, configuration), try_join_all(trust))
}

async fn endpoints(
    host: &PluginHost,
    configuration: &PluginConfiguration,
) -> Result<Vec<Arc<dyn EndpointProvider>>> {
    let mut providers = Vec::new();
    for entry in configuration
        .endpoint_providers
        .iter()
        .filter(|entry| decides(entry))
    {
        providers.push(host.load_endpoint_provider(entry).await?);
    }
    if providers.is_empty() {
        bail!(Usage::new(
            "the PluginConfiguration has no endpoint provider in the mode enforce; add endpoints-static"
        ));
    }
    Ok(providers)
}

/// The trust sources to ask: those that were named, else all that are configured and for these sources.
fn wanted<'a>(
    options: &JoinOptions,
    sources: &[Source],
    configured: &'a [PluginEntry],
) -> Result<Vec<&'a PluginEntry>> {
    let is_for_any = |entry: &PluginEntry| {
        kind(entry).is_none_or(|kind| sources.iter().any(|source| source.kind() == kind))
    };
    let named = options
        .trust
        .iter()
        .flat_map(|trust| &trust.names)
        .map(|name| find(configured, name))
        .collect::<Result<Vec<_>>>()?;
    if let Some(useless) = named.iter().find(|entry| !is_for_any(entry)) {
        bail!(Usage::new(format!(
            "the trust source {} is for {}, and nothing of that kind was given",
            useless.name,
            expected(kind(useless))
        )));
    }
    let asked: Vec<_> = match named.is_empty() {
        true => configured
            .iter()
            .filter(|entry| decides(entry) && is_for_any(entry))
            .collect(),
        false => named,
    };
    for name in &options.discovery_unsafe_trust_source {
        find(configured, name)?;
    }
    if asked.is_empty() {
        let kinds: Vec<_> = sources
            .iter()
            .map(|source| expected(Some(source.kind())))
            .collect();
        bail!(Usage::new(format!(
            "the PluginConfiguration has no trust source in the mode enforce for {}; there are {}",
            kinds.join(" or "),
            names(configured)
        )));
    }
    Ok(asked)
}

/// By the whole name, or by what follows `trust-` in it.
fn find<'a>(entries: &'a [PluginEntry], wanted: &PluginName) -> Result<&'a PluginEntry> {
    let by_name = |name: &str| entries.iter().find(|entry| entry.name.as_str() == name);
    let entry = by_name(wanted.as_str())
        .or_else(|| by_name(&format!("trust-{wanted}")))
        .ok_or_else(|| {
            Usage::new(format!(
                "there is no trust source {wanted}; there are {}",
                names(entries)
            ))
        })?;
    match decides(entry) {
        true => Ok(entry),
        false => Err(Usage::new(format!(
            "the trust source {wanted} is in the mode shadow, in which nothing is believed on its word"
        ))
        .into()),
    }
}

/// The one kind of source that a plugin is for. What is not bundled says itself what it cannot use.
fn kind(entry: &PluginEntry) -> Option<SourceKind> {
    [
        (bundled::TRUST_JWS, SourceKind::Token),
        (bundled::TRUST_FILE, SourceKind::File),
        (bundled::TRUST_HTTPS, SourceKind::Https),
    ]
    .into_iter()
    .find_map(|(name, kind)| entry.is_bundled(name).then_some(kind))
}

fn expected(kind: Option<SourceKind>) -> &'static str {
    match kind {
        None => "any source",
        Some(SourceKind::Token) => "an API server with a token (HOST:PORT)",
        Some(SourceKind::File) => "a file (--discovery-file PATH)",
        Some(SourceKind::Https) => "a web server (--discovery-file https://…)",
    }
}

fn decides(entry: &PluginEntry) -> bool {
    entry.mode == Mode::Enforce
}

fn names(entries: &[PluginEntry]) -> String {
    let names: Vec<_> = entries.iter().map(|entry| entry.name.as_str()).collect();
    names.join(", ")
}
