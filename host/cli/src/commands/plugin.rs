//! `slipway plugin`.

use std::path::Path;

use anyhow::{Result, bail};
use serde::Serialize;
use slipway_bootstrap::layout::Layout;
use slipway_config::plugin::{Mode, PluginConfiguration, PluginEntry};
use slipway_plugin::inspection::{Import, ImportNeed, Inspection, Subject};
use slipway_plugin::{PluginHost, bundled};

use crate::arguments::{PluginArguments, PluginCommand};
use crate::documents::Documents;
use crate::failure::{Code, Coded};
use crate::output::{Printer, Table};
use crate::plugins;
use crate::server::{ServerSettings, plugins_path};

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
                None => of_the_cluster(&layout, printer)?,
            };
            list(&configuration, printer)
        }
        PluginCommand::Inspect { plugin } => inspect(&host, plugin, printer).await,
    }
}

fn of_the_cluster(layout: &Layout, printer: Printer) -> Result<PluginConfiguration> {
    let configured = ServerSettings::plugins_if_any(layout)?;
    Ok(configured.unwrap_or_else(|| {
        let file = plugins_path(layout);
        printer.note(format!(
            "there is no cluster here ({} does not exist): these are the defaults",
            file.display()
        ));
        PluginConfiguration::default()
    }))
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Listed {
    extension_point: &'static str,
    name: String,
    source: String,
    mode: &'static str,
    grants: Vec<String>,
    digest: Option<String>,
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
        let mut heading = vec!["EXTENSION POINT", "NAME", "SOURCE", "MODE", "GRANTS"];
        if printer.is_wide() {
            heading.push("DIGEST");
        }
        let mut table = Table::new(&heading);
        for plugin in listed {
            let grants = Some(plugin.grants.join(", ")).filter(|grants| !grants.is_empty());
            let or_none = |text: Option<String>| text.unwrap_or_else(|| "<none>".to_owned());
            let mut cells = vec![
                plugin.extension_point.to_owned(),
                plugin.name.clone(),
                plugin.source.clone(),
                plugin.mode.to_owned(),
                or_none(grants),
            ];
            if printer.is_wide() {
                cells.push(or_none(plugin.digest.clone()));
            }
            table.row(cells);
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
        digest: entry.digest.map(|digest| digest.to_string()),
    }
}

async fn inspect(host: &PluginHost, plugin: String, printer: Printer) -> Result<()> {
    let is_bundled = bundled::list().iter().any(|bundled| bundled.name == plugin);
    let subject = match Path::new(&plugin).exists() {
        true => Subject::File(plugin.into()),
        false if is_bundled => Subject::Bundled(plugin),
        false => {
            let names: Vec<_> = bundled::list().iter().map(|plugin| plugin.name).collect();
            bail!(Coded::new(
                Code::NotFound,
                format!("{plugin} is neither a file nor a bundled plugin"),
                format!("give a component's path, or one of {}", names.join(", "))
            ))
        }
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
        ImportNeed::Optional(line) => format!("of use with {line}"),
        ImportNeed::Grant(line) => format!("needs {line}"),
        ImportNeed::Never(why) => format!("cannot be had: {why}"),
    };
    format!("  {} ({need})", import.interface)
}
