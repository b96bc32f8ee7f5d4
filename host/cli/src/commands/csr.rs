//! `slipway csr`.

mod render;

use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;
use futures::{StreamExt as _, pin_mut};
use k8s_openapi::api::authentication::v1::SelfSubjectReview;
use kube::Api;
use kube::api::PostParams;
use slipway_bootstrap::layout::Layout;
use slipway_config::plugin::PluginConfiguration;
use slipway_controller::LiveReader;
use slipway_controller::requests::{RequestChange, RequestSummary, Requests};

use self::render::Columns;
use crate::arguments::{CsrArguments, CsrCommand};
use crate::documents::Documents;
use crate::failure::{Code, Coded};
use crate::output::{Growing, Printer, Table};
use crate::reach::Reach;
use crate::server::{ServerSettings, plugins_path};
use crate::{cluster, controllers, documents, plugins};

pub(super) async fn run(arguments: CsrArguments, layout: Layout, printer: Printer) -> Result<()> {
    let client = cluster::client(&arguments.cluster, &layout).await?;
    let mut configuration = None;
    let mut requests = Requests::new(client.clone());
    if arguments.command.judges() {
        configuration = configured(&arguments, &layout)?;
        let settings = cluster::settings(&arguments.cluster, &layout, configuration.as_ref())?;
        requests = requests.settings(settings);
    }
    let reach = Reach::of(&arguments.cluster, &layout);
    match arguments.command {
        CsrCommand::List => list(&requests, printer).await,
        CsrCommand::Show { name } => {
            let details = requests.show(&name).await?;
            printer.answer(&details, |details| render::details(details, &reach))?;
            Ok(())
        }
        CsrCommand::Explain { name } => {
            let configuration = configuration.ok_or_else(|| {
                Coded::new(
                    Code::NotFound,
                    "which approvers that cluster has is not known here",
                    "give --config the PluginConfiguration of its `slipway controller`",
                )
            })?;
            let host = plugins::one_shot()?.with_cluster(Arc::new(LiveReader::new(client)));
            let file = arguments.config.unwrap_or_else(|| plugins_path(&layout));
            let approvers = host.csr_approvers(&configuration).await;
            let approvers =
                approvers.map_err(|error| documents::placed(error.into(), Some(&file)))?;
            let chain = controllers::chain(approvers);
            let explanation = requests.explain(&name, &chain).await?;
            printer.answer(&explanation, |explanation| {
                render::explanation(explanation, &reach)
            })?;
            Ok(())
        }
        CsrCommand::Approve(arguments) => {
            let by = whoami(&client).await?;
            for name in &arguments.names {
                say(&requests.approve(name, &by).await?, printer)?;
            }
            Ok(())
        }
        CsrCommand::Deny(arguments) => {
            let by = whoami(&client).await?;
            for name in &arguments.names {
                let reason = arguments.reason.as_deref();
                say(&requests.deny(name, &by, reason).await?, printer)?;
            }
            Ok(())
        }
        CsrCommand::Watch { timeout } => watch(&requests, timeout.map(Into::into), printer).await,
    }
}

/// The policy of the cluster that is meant: of the configuration that is named, else what init kept here; none where that
/// is not known.
fn configured(arguments: &CsrArguments, layout: &Layout) -> Result<Option<PluginConfiguration>> {
    if arguments.config.is_some() {
        let documents = Documents::read(arguments.config.as_deref())?;
        return Ok(Some(documents.plugins));
    }
    match cluster::is_here(&arguments.cluster, layout) {
        true => ServerSettings::plugins_if_any(layout),
        false => Ok(None),
    }
}

/// Who the API server takes us for: what an approval names as its author.
async fn whoami(client: &kube::Client) -> Result<String> {
    let reviews: Api<SelfSubjectReview> = Api::all(client.clone());
    let review = reviews
        .create(&PostParams::default(), &SelfSubjectReview::default())
        .await?;
    let user = review
        .status
        .and_then(|status| status.user_info)
        .and_then(|user| user.username);
    Ok(user.unwrap_or_else(|| "an administrator".to_owned()))
}

async fn list(requests: &Requests, printer: Printer) -> Result<()> {
    let found = requests.list().await?;
    let columns = Columns::of(printer);
    printer.answer(&found, |found| {
        if found.is_empty() {
            printer.note("nobody has asked for a certificate");
            return String::new();
        }
        let mut table = Table::new(columns.heading());
        for request in found {
            table.row(columns.row(request));
        }
        table.render()
    })?;
    Ok(())
}

/// Says what was decided.
fn say(decided: &RequestSummary, printer: Printer) -> Result<()> {
    if let Some(printer) = printer.unless_quiet() {
        printer.line(decided, |decided| {
            let node = decided.node.as_deref().unwrap_or(render::UNREADABLE);
            let standing = decided.standing.as_str();
            format!("{} is {standing} (node {node})", decided.name)
        })?;
    }
    Ok(())
}

async fn watch(requests: &Requests, timeout: Option<Duration>, printer: Printer) -> Result<()> {
    let changes = requests.watch();
    pin_mut!(changes);
    let columns = Columns::of(printer);
    let mut table = Growing::new(columns.heading());
    let follow = async {
        while let Some(change) = changes.next().await {
            printer.line(&change?, |change| {
                table.row(match change {
                    RequestChange::Changed(request) => columns.row(request),
                    RequestChange::Deleted(request) => columns.row_of_deleted(request),
                })
            })?;
        }
        Ok(())
    };
    match timeout {
        Some(timeout) => tokio::time::timeout(timeout, follow)
            .await
            .unwrap_or(Ok(())),
        None => follow.await,
    }
}
