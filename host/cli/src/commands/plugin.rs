//! `slipway plugin`.

use std::path::Path;

use anyhow::Result;
use serde::Serialize;
use slipway_bootstrap::layout::Layout;
use slipway_config::plugin::{Mode, PluginConfiguration, PluginEntry};
use slipway_plugin::inspection::{Import, ImportNeed, Inspection, Subject};
use slipway_plugin::{PluginHost, bundled};

use crate::arguments::{PluginArguments, PluginCommand};
use crate::documents::Documents;
use crate::output::{Printer, Table};
use crate::plugins;
use crate::server::ServerSettings;

pub(super) async fn run(
    arguments: PluginArguments,
    layout: Layout,
    printer: Printer,
) -> Result<()> {
    let host = plugins::one_shot()?;
    match arguments.command {
        PluginCommand::List { config } => {
            let configuration = match config {
                Some(file) => Documents::read(Some(&file))?.plugins,
                None => ServerSettings::plugins(&layout).unwrap_or_default(),
            };
            list(&configuration, printer)
        }
        PluginCommand::Inspect { plugin } => inspect(&host, plugin, printer).await,
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Listed {
    extension_point: &'static str,
    name: String,
    source: String,
    mode: &'static str,
    grants: Vec<String>,
}

fn list(configuration: &PluginConfiguration, printer: Printer) -> Result<()> {
    let points = [
        ("trust-source", &configuration.trust_sources),
        ("csr-approver", &configuration.csr_approvers),
        ("token-store", &configuration.token_stores),
        ("endpoint-provider", &configuration.endpoint_providers),
    ];
    let listed: Vec<Listed> = points
        .into_iter()
        .flat_map(|(point, entries)| entries.iter().map(move |entry| listed(point, entry)))
        .collect();
    printer.answer(&listed, |listed| {
        let mut table = Table::new(&["EXTENSION POINT", "NAME", "SOURCE", "MODE", "GRANTS"]);
        for plugin in listed {
            let grants = if plugin.grants.is_empty() {
                "<none>".to_owned()
            } else {
                plugin.grants.join(", ")
            };
            table.row([
                plugin.extension_point.to_owned(),
                plugin.name.clone(),
                plugin.source.clone(),
                plugin.mode.to_owned(),
                grants,
            ]);
        }
        let names: Vec<_> = bundled::list().iter().map(|plugin| plugin.name).collect();
        format!("{}\nbundled: {}\n", table.render(), names.join(", "))
    })?;
    Ok(())
}

fn listed(extension_point: &'static str, entry: &PluginEntry) -> Listed {
    Listed {
        extension_point,
        name: entry.name.to_string(),
        source: entry.source.to_string(),
        mode: match entry.mode {
            Mode::Enforce => "enforce",
            Mode::Shadow => "shadow",
        },
        grants: entry.grants.summary(),
    }
}

async fn inspect(host: &PluginHost, plugin: String, printer: Printer) -> Result<()> {
    let is_bundled = bundled::list().iter().any(|bundled| bundled.name == plugin);
    let subject = if is_bundled && !Path::new(&plugin).is_file() {
        Subject::Bundled(plugin)
    } else {
        Subject::File(plugin.into())
    };
    let inspection = host.inspect(subject).await?;
    printer.answer(&inspection, render)?;
    Ok(())
}

fn render(inspection: &Inspection) -> String {
    let metadata = &inspection.metadata;
    let kinds: Vec<_> = inspection.kinds.iter().map(ToString::to_string).collect();
    let mut lines = vec![
        format!(
            "{} {}",
            metadata.name.as_deref().unwrap_or("(no name)"),
            metadata.version.as_deref().unwrap_or("")
        ),
        metadata.description.clone().unwrap_or_default(),
        format!(
            "kind:       {}",
            if kinds.is_empty() {
                "none that this version serves".to_owned()
            } else {
                kinds.join(", ")
            }
        ),
        format!(
            "interface:  slipway:plugin@{}",
            inspection.interface_version
        ),
        format!("digest:     {}", inspection.digest),
        format!("size:       {} bytes", inspection.size),
        "imports:".to_owned(),
    ];
    lines.extend(inspection.imports.iter().map(import));
    let needed = inspection.grants_needed();
    if !needed.is_empty() {
        lines.push("to be loaded it has to be granted:".to_owned());
        lines.extend(needed.iter().map(|line| format!("  {line}")));
    }
    lines.retain(|line| !line.is_empty());
    lines.join("\n")
}

fn import(import: &Import) -> String {
    let need = match &import.need {
        ImportNeed::Nothing => "always there".to_owned(),
        ImportNeed::Inert => "there for the language's runtime, does nothing".to_owned(),
        ImportNeed::Optional(line) => format!("of use with the grant {line}"),
        ImportNeed::Grant(line) => format!("needs the grant {line}"),
        ImportNeed::Never(why) => format!("cannot be had: {why}"),
    };
    format!("  {} ({need})", import.interface)
}
