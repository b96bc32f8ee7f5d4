//! `slipway join`.

mod plugins;
mod request;

use std::collections::BTreeSet;

use anyhow::{Context as _, Result, bail};
use jiff::Timestamp;
use serde::Serialize;
use slipway_bootstrap::discovery::Plugins;
use slipway_bootstrap::join::{self, DryRun, Joined, Node, Phase, Phases, Settings, Start};
use slipway_bootstrap::layout::Layout;
use slipway_config::name::NodeName;
use slipway_pki::key::KeyAlgorithm;

use crate::arguments::{JoinArguments, JoinCommand, JoinOptions};
use crate::documents::{self, Documents};
use crate::failure::Usage;
use crate::output::Printer;
use crate::progress::Shown;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Answer {
    node: NodeName,
    server: String,
    kubeconfig: String,
    certificate_expires: Timestamp,
    already: bool,
}

pub(super) async fn run(arguments: JoinArguments, layout: Layout, printer: Printer) -> Result<()> {
    let (options, last) = match arguments.command {
        None => (arguments.options, None),
        Some(JoinCommand::Phase { .. }) if arguments.options != JoinOptions::default() => {
            bail!(Usage::new("the flags of a phase stand after its name"))
        }
        Some(JoinCommand::Phase { name: None, .. }) => return list_phases(printer),
        Some(JoinCommand::Phase {
            name: Some(name),
            options,
        }) => (*options, Some(name.parse().map_err(Usage::from_error)?)),
    };
    let documents = Documents::read(options.config.as_deref())?;
    let settings = settings(&options, &documents, layout, last)?;
    let shown = Shown::new(printer);
    request::warn_about_arguments(&options, &shown);
    let (endpoints, trust) =
        plugins::load(&options, &settings.discovery.sources, &documents.plugins)
            .await
            .map_err(|error| documents::placed(error, options.config.as_deref()))?;
    let plugins = Plugins {
        endpoints: &endpoints,
        trust: &trust,
    };
    if options.dry_run || documents.join.as_ref().is_some_and(|join| join.dry_run) {
        let found = join::dry_run(&settings, plugins, &shown).await;
        shown.finish();
        return show_dry_run(&found?, printer);
    }
    let joined = join::join(&settings, plugins, &shown).await;
    shown.finish();
    match joined? {
        Joined::Complete(node) => show(&settings, node, false, printer),
        Joined::Already(node) => show(&settings, node, true, printer),
        Joined::Stopped(phase) => {
            printer.note(format!(
                "stopped after {phase}; `slipway join` goes on from here"
            ));
            Ok(())
        }
    }
}

fn settings(
    options: &JoinOptions,
    documents: &Documents,
    layout: Layout,
    last: Option<Phase>,
) -> Result<Settings> {
    let skip = options
        .skip_phases
        .iter()
        .chain(documents.join.iter().flat_map(|join| &join.skip_phases))
        .map(|name| name.parse())
        .collect::<Result<BTreeSet<Phase>, _>>();
    let discovery = request::discovery(options, documents)?;
    Ok(Settings {
        layout,
        node: node_name(options, documents)?,
        tls_bootstrap_token: request::tls_bootstrap_token(options, documents, &discovery)?,
        discovery,
        key_algorithm: KeyAlgorithm::default(),
        start: if options.new_key {
            Start::Anew
        } else {
            Start::Resume
        },
        timeout: options
            .timeout
            .or_else(|| documents.join_timeouts()?.tls_bootstrap)
            .map(Into::into),
        phases: Phases {
            last,
            skip: skip.map_err(Usage::from_error)?,
        },
        search_path: std::env::var_os("PATH"),
    })
}

/// The node's name: the flag, the configuration, else the host's, in lower case as kubelet does it.
fn node_name(options: &JoinOptions, documents: &Documents) -> Result<NodeName> {
    if let Some(name) = options
        .node_name
        .clone()
        .or_else(|| documents.join_node_name())
    {
        return Ok(name);
    }
    let host = hostname::get()
        .context("this machine has no host name")?
        .to_string_lossy()
        .to_lowercase();
    host.parse().with_context(|| {
        format!("this machine's host name {host:?} is no node name; give one with --node-name")
    })
}

fn list_phases(printer: Printer) -> Result<()> {
    let names = Phase::ALL.map(Phase::name);
    printer.answer(&names, |names| names.join("\n"))?;
    Ok(())
}

fn show(settings: &Settings, node: Node, already: bool, printer: Printer) -> Result<()> {
    let answer = Answer {
        node: node.name,
        server: node.server.to_string(),
        kubeconfig: settings.layout.kubelet_kubeconfig().display().to_string(),
        certificate_expires: node.certificate_expires,
        already,
    };
    printer.answer(&answer, |answer| {
        let how = if answer.already {
            "is already a node of"
        } else {
            "joined"
        };
        format!(
            "{} {how} the cluster at {}\n  credentials: {} (until {})",
            answer.node, answer.server, answer.kubeconfig, answer.certificate_expires
        )
    })?;
    Ok(())
}

fn show_dry_run(found: &DryRun, printer: Printer) -> Result<()> {
    #[derive(Serialize)]
    #[serde(rename_all = "camelCase")]
    struct Found {
        endpoints: Vec<String>,
        ca_pins: Vec<String>,
        source: String,
        proof: String,
        files: Vec<String>,
    }
    let trust = &found.discovered.trust;
    let found = Found {
        endpoints: trust.endpoints().iter().map(ToString::to_string).collect(),
        ca_pins: trust.ca().pins().iter().map(ToString::to_string).collect(),
        source: found.discovered.source.clone(),
        proof: trust.proof().to_string(),
        files: found
            .files
            .iter()
            .map(|file| file.display().to_string())
            .collect(),
    };
    printer.answer(&found, |found| {
        format!(
            "the cluster at {} can be trusted ({}, by {})\n  CA: {}\nwould ask for a certificate and write\n  {}",
            found.endpoints.join(", "),
            found.proof,
            found.source,
            found.ca_pins.join(", "),
            found.files.join("\n  ")
        )
    })?;
    Ok(())
}
