//! `slipway audit replay`: what other approvers would have decided.

use std::path::Path;

use anyhow::{Result, bail};
use serde::de::DeserializeOwned;
use slipway_bootstrap::layout::Layout;
use slipway_config::digest::Sha256Digest;
use slipway_config::plugin::{PluginConfiguration, PluginEntry, PluginName, PluginSource};
use slipway_controller::decision_log::{self, Record};
use slipway_controller::replay::{self, Comparison, Replay, Replayed};
use slipway_plugin::{LoadError, bundled};

use super::{broken, or_none, selected, tabulated};
use crate::arguments::AuditReplayArguments;
use crate::documents::Documents;
use crate::failure::{Code, Coded, Usage};
use crate::output::{Printer, opinion};
use crate::server::ServerSettings;
use crate::{controllers, documents, input, plugins};

const COLUMNS: [&str; 6] = ["RECORD", "TIME", "NODE", "THEN", "NOW", "WHY"];
const MORE_COLUMNS: [&str; 3] = ["REQUEST", "WHY THEN", "APPROVERS"];

/// The name of a component that is given without one.
const CANDIDATE: &str = "candidate";

pub(super) async fn run(
    log: &Path,
    arguments: &AuditReplayArguments,
    layout: &Layout,
    printer: Printer,
) -> Result<()> {
    let configuration = configuration(arguments, layout)?;
    let host = plugins::one_shot()?.for_replay();
    let approvers = host.csr_approvers(&configuration).await;
    let chain = controllers::chain(approvers.map_err(|error| lacking(error, arguments))?);
    let selected = selected(&arguments.selection);
    let mut records: Vec<Record> = Vec::new();
    // Only what is as it was written is worth a comparison.
    decision_log::verify_each(log, |record, _| {
        records.extend(Some(record).filter(&selected))
    })
    .map_err(broken)?;
    let mut replay = replay::replay(log, &records, &chain).await?;
    let summary = summary(&replay);
    if !arguments.all {
        let is_same = |decision: &Replayed| decision.comparison == Comparison::Same;
        replay.decisions.retain(|decision| !is_same(decision));
    }
    printer.answer(&replay, |replay| table(&replay.decisions, printer))?;
    printer.note(summary);
    Ok(())
}

/// What approvers are not loaded for; of a component that was given, with how to give it what it lacks.
fn lacking(error: LoadError, arguments: &AuditReplayArguments) -> anyhow::Error {
    let lacks = matches!(
        error,
        LoadError::MissingGrant { .. }
            | LoadError::InvalidGrant { .. }
            | LoadError::Settings { .. }
    );
    match lacks && arguments.plugin.is_some() {
        true => Usage::from_error(error)
            .with_hint("give what it needs with --settings and --grants, as YAML or @FILE")
            .into(),
        false => documents::placed(error.into(), arguments.config.as_deref()),
    }
}

/// The approvers that decide again.
fn configuration(arguments: &AuditReplayArguments, layout: &Layout) -> Result<PluginConfiguration> {
    let known = || match &arguments.config {
        Some(file) => Documents::read(Some(file)).map(|documents| Some(documents.plugins)),
        None => ServerSettings::plugins_if_any(layout),
    };
    let nobody = || {
        Coded::new(
            Code::NotFound,
            "which approvers should decide again is not known here",
            "give --config a PluginConfiguration, or --plugin a component",
        )
    };
    let Some(plugin) = &arguments.plugin else {
        return Ok(known()?.ok_or_else(nobody)?);
    };
    let Some(replaced) = &arguments.in_place_of else {
        let name = CANDIDATE.parse()?;
        return Ok(PluginConfiguration {
            csr_approvers: vec![candidate(plugin, PluginEntry::bundled(name), arguments)?],
            ..PluginConfiguration::default()
        });
    };
    let mut configuration = known()?.ok_or_else(nobody)?;
    let names = names(&configuration.csr_approvers);
    let mut approvers = configuration.csr_approvers.iter_mut();
    let Some(entry) = approvers.find(|entry| entry.name == *replaced) else {
        bail!(Usage::new(format!(
            "there is no approver {replaced}; expected one of {names}"
        )));
    };
    *entry = candidate(plugin, entry.clone(), arguments)?;
    Ok(configuration)
}

fn names(approvers: &[PluginEntry]) -> String {
    let names: Vec<_> = approvers.iter().map(|entry| entry.name.as_str()).collect();
    names.join(", ")
}

/// An entry with another component, and with what else was given.
fn candidate(
    plugin: &str,
    entry: PluginEntry,
    arguments: &AuditReplayArguments,
) -> Result<PluginEntry> {
    let bundled = bundled::list().iter().find(|one| one.name == plugin);
    let (source, digest) = match bundled {
        Some(bundled) => (
            PluginSource::Bundled(bundled.name.parse::<PluginName>()?),
            None,
        ),
        None => {
            let component = std::fs::read(plugin).map_err(|error| {
                let usage = Usage::new(format!(
                    "{plugin} is neither a bundled component nor a file that can be read: {error}"
                ));
                match bundled::nearest(plugin) {
                    Some(nearest) => usage.with_hint(format!("did you mean {nearest}?")),
                    None => usage,
                }
            })?;
            let digest = Sha256Digest::of(&component);
            (PluginSource::Path(plugin.into()), Some(digest))
        }
    };
    let mut entry = PluginEntry {
        source,
        digest,
        ..entry
    };
    if let Some(settings) = &arguments.settings {
        entry.settings = written("--settings", settings)?;
    }
    if let Some(grants) = &arguments.grants {
        entry.grants = written("--grants", grants)?;
    }
    Ok(entry)
}

/// What an option holds as YAML, or the file that it names.
fn written<T: DeserializeOwned>(option: &str, text: &str) -> Result<T> {
    let read = match text.strip_prefix('@') {
        Some(file) => {
            let contents = input::read(Path::new(file))?;
            serde_saphyr::from_slice(&contents)
        }
        None => serde_saphyr::from_str(text),
    };
    read.map_err(|error| {
        let usage = Usage::new(format!(
            "{option} cannot be read: {}",
            error.without_snippet()
        ));
        match Path::new(text).is_file() {
            true => usage
                .with_hint(format!("a file is given as @{text}"))
                .into(),
            false => usage.into(),
        }
    })
}

fn summary(replay: &Replay) -> String {
    let count = |comparison| {
        let compared = replay.decisions.iter();
        compared.filter(|one| one.comparison == comparison).count()
    };
    let mut summary = format!(
        "decisions replayed: {}, {} the same, {} otherwise",
        replay.decisions.len(),
        count(Comparison::Same),
        count(Comparison::Different),
    );
    let unknown = count(Comparison::Unknown);
    if unknown > 0 {
        summary.push_str(&format!(
            ", {unknown} not known, since an approver asks for what nobody asked then"
        ));
    }
    let unrecorded = replay.unrecorded.len();
    if unrecorded > 0 {
        summary.push_str(&format!(
            "; {unrecorded} have no recording, or not any more (keepRecordings in the PluginConfiguration)"
        ));
    }
    summary
}

fn table(decisions: &[Replayed], printer: Printer) -> String {
    tabulated(
        decisions,
        printer,
        (COLUMNS, cells),
        (MORE_COLUMNS, more_cells),
    )
}

fn cells(decision: &Replayed) -> [String; 6] {
    let now = match decision.comparison {
        Comparison::Unknown => "<unknown>".to_owned(),
        Comparison::Same | Comparison::Different => decision.now.action.to_string(),
    };
    [
        decision.sequence.to_string(),
        format!("{:.0}", decision.time),
        or_none(decision.node.as_deref()),
        decision.then.action.to_string(),
        now,
        decision.now.reason.clone(),
    ]
}

fn more_cells(decision: &Replayed) -> [String; 3] {
    let opinions: Vec<_> = decision.opinions.iter().map(opinion).collect();
    [
        decision.request.clone(),
        decision.then.reason.clone(),
        opinions.join(", "),
    ]
}
