//! `slipway config`.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context as _, Result};
use serde::Serialize;
use slipway_bootstrap::init::settings::Lifetimes;
use slipway_config::document::{DocumentKind, Documents};
use slipway_config::kubeadm::{
    ApiEndpoint, ClusterConfiguration, ClusterName, EncryptionAlgorithm, InitConfiguration,
    TokenSpec,
};

use super::init::PORT;
use crate::arguments::{ConfigArguments, ConfigCommand, ConfigKind};
use crate::documents;
use crate::output::Printer;
use crate::plugins;

const JOIN: &str = include_str!("config/join.yaml");

impl From<ConfigKind> for DocumentKind {
    fn from(kind: ConfigKind) -> Self {
        match kind {
            ConfigKind::Plugin => Self::PluginConfiguration,
            ConfigKind::Init => Self::InitConfiguration,
            ConfigKind::Cluster => Self::ClusterConfiguration,
            ConfigKind::Join => Self::JoinConfiguration,
        }
    }
}

pub(super) async fn run(arguments: &ConfigArguments, printer: Printer) -> Result<()> {
    match &arguments.command {
        ConfigCommand::Print { kind } => print((*kind).into(), printer),
        ConfigCommand::Validate { files } => validate(files, printer).await,
        ConfigCommand::Schema { kind } => schema((*kind).into(), printer),
    }
}

/// JSON is YAML, too: both forms can be edited and read again.
fn print(kind: DocumentKind, printer: Printer) -> Result<()> {
    let defaults = defaults(kind)?;
    let value: serde_json::Value = serde_saphyr::from_str(&defaults)?;
    printer.answer(&value, |_| defaults.clone())?;
    Ok(())
}

/// Every value that stands for one that is left out, where there is such a value on every machine. kubeadm's
/// JoinConfiguration has no defaults: it says where one cluster is. An example stands in for them.
fn defaults(kind: DocumentKind) -> Result<String> {
    let documents = match kind {
        DocumentKind::InitConfiguration => Documents {
            init: Some(InitConfiguration {
                bootstrap_tokens: vec![TokenSpec::default()],
                local_api_endpoint: ApiEndpoint {
                    bind_port: PORT.try_into().ok(),
                    ..ApiEndpoint::default()
                },
                ..InitConfiguration::default()
            }),
            ..Documents::default()
        },
        DocumentKind::ClusterConfiguration => Documents {
            cluster: Some(cluster()?),
            ..Documents::default()
        },
        DocumentKind::PluginConfiguration => Documents {
            plugins: Some(Default::default()),
            ..Documents::default()
        },
        DocumentKind::JoinConfiguration => return Ok(JOIN.to_owned()),
    };
    documents
        .to_yaml()
        .context("the defaults cannot be written")
}

fn cluster() -> Result<ClusterConfiguration> {
    let lifetimes = Lifetimes::default();
    let period = |duration: Duration| format!("{}s", duration.as_secs()).parse();
    Ok(ClusterConfiguration {
        cluster_name: Some(ClusterName::default()),
        encryption_algorithm: Some(EncryptionAlgorithm::EcdsaP256),
        certificate_validity_period: Some(period(lifetimes.issued)?),
        ca_certificate_validity_period: Some(period(lifetimes.ca)?),
        ..ClusterConfiguration::default()
    })
}

fn schema(kind: DocumentKind, printer: Printer) -> Result<()> {
    let schema = kind.schema();
    let text = serde_json::to_string_pretty(&schema)?;
    printer.answer(&schema, |_| text)?;
    Ok(())
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Checked {
    file: String,
    kinds: Vec<&'static str>,
}

/// What cannot be known without a plugin is asked of it: whether it accepts its settings.
async fn validate(files: &[PathBuf], printer: Printer) -> Result<()> {
    let mut checked = Vec::new();
    for file in files {
        let there = documents::read(file)?;
        let kinds = kinds(&there);
        if there.plugins.is_some() {
            plugins::check_all(&documents::Documents::of(there, file)?.plugins)
                .await
                .map_err(|error| documents::placed(error, Some(file)))?;
        }
        checked.push(Checked {
            file: file.display().to_string(),
            kinds,
        });
    }
    printer.answer(&checked, |checked| {
        checked
            .iter()
            .map(|file| format!("{}: {} can be used\n", file.file, file.kinds.join(", ")))
            .collect()
    })?;
    Ok(())
}

fn kinds(documents: &Documents) -> Vec<&'static str> {
    let there = [
        (DocumentKind::InitConfiguration, documents.init.is_some()),
        (
            DocumentKind::ClusterConfiguration,
            documents.cluster.is_some(),
        ),
        (DocumentKind::JoinConfiguration, documents.join.is_some()),
        (
            DocumentKind::PluginConfiguration,
            documents.plugins.is_some(),
        ),
    ];
    there
        .into_iter()
        .filter(|(_, there)| *there)
        .map(|(kind, _)| kind.name())
        .collect()
}
