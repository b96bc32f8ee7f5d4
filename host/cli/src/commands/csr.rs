//! `slipway csr`.

use std::time::Duration;

use anyhow::Result;
use futures::{StreamExt as _, pin_mut};
use jiff::Timestamp;
use k8s_openapi::api::authentication::v1::SelfSubjectReview;
use kube::Api;
use kube::api::PostParams;
use slipway_bootstrap::layout::Layout;
use slipway_config::finding::{Finding, Outcome};
use slipway_controller::requests::{RequestChange, RequestDetails, RequestSummary, Requests};

use crate::arguments::{CsrArguments, CsrCommand};
use crate::cluster;
use crate::output::{Printer, Table, age};

pub(super) async fn run(arguments: CsrArguments, layout: Layout, printer: Printer) -> Result<()> {
    let client = cluster::client(&arguments.cluster, &layout).await?;
    let requests = Requests::new(client.clone());
    match arguments.command {
        CsrCommand::List => list(&requests, printer).await,
        CsrCommand::Show { name } => {
            let details = requests.show(&name).await?;
            printer.answer(&details, show)?;
            Ok(())
        }
        CsrCommand::Approve(arguments) => {
            let by = whoami(&client).await?;
            for name in &arguments.names {
                let decided = requests.approve(name, &by).await?;
                printer.line(&decided, |decided| {
                    format!("{} is approved{}", decided.name, node(decided))
                })?;
            }
            Ok(())
        }
        CsrCommand::Deny(arguments) => {
            for name in &arguments.names {
                let decided = requests.deny(name, &arguments.reason).await?;
                printer.line(&decided, |decided| {
                    format!("{} is denied{}", decided.name, node(decided))
                })?;
            }
            Ok(())
        }
        CsrCommand::Watch { timeout } => watch(&requests, timeout.map(Into::into), printer).await,
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
    printer.answer(&found, |found| {
        let now = Timestamp::now();
        let mut table = Table::new(&HEADING);
        for request in found {
            table.row(row(request, now));
        }
        table.render()
    })?;
    Ok(())
}

const HEADING: [&str; 6] = ["NAME", "AGE", "NODE", "REQUESTER", "STANDING", "WHY"];

fn row(request: &RequestSummary, now: Timestamp) -> [String; 6] {
    [
        request.name.clone(),
        request
            .created
            .map(|created| age(created, now))
            .unwrap_or_default(),
        request
            .node
            .clone()
            .unwrap_or_else(|| "<unreadable>".to_owned()),
        request.requester.clone(),
        request.standing.as_str().to_owned(),
        request.message.clone().unwrap_or_default(),
    ]
}

fn node(request: &RequestSummary) -> String {
    request
        .node
        .as_ref()
        .map(|node| format!(" (node {node})"))
        .unwrap_or_default()
}

fn show(details: &RequestDetails) -> String {
    let summary = &details.summary;
    let mut lines = vec![
        format!("name:       {}", summary.name),
        format!("standing:   {}", summary.standing.as_str()),
        format!(
            "node:       {}",
            summary.node.as_deref().unwrap_or("<unreadable>")
        ),
        format!(
            "requester:  {} ({})",
            summary.requester,
            details.groups.join(", ")
        ),
        format!("signer:     {}", summary.signer_name),
        format!("usages:     {}", details.usages.join(", ")),
    ];
    if let Some(parsed) = &details.parsed {
        lines.push(format!(
            "key:        {}, SHA-256 {}",
            parsed.key_algorithm, parsed.key_fingerprint
        ));
    }
    if let Some(message) = &summary.message {
        lines.push(format!("why:        {message}"));
    }
    if let Some(deferral) = &details.deferral {
        lines.push(format!("for people: {deferral}"));
    }
    lines.push("guardrails:".to_owned());
    lines.extend(details.findings.iter().map(finding));
    if summary.standing.as_str() == "pending" && details.passes_guardrails == Some(true) {
        lines.push(format!(
            "\nto let it in:      slipway csr approve {}",
            summary.name
        ));
        lines.push(format!(
            "to keep it out:    slipway csr deny {} --reason '…'",
            summary.name
        ));
    }
    lines.join("\n")
}

fn finding(finding: &Finding) -> String {
    let mark = match finding.outcome {
        Outcome::Passed => "✓",
        Outcome::Failed => "✗",
        Outcome::Skipped => "-",
    };
    let fix = finding
        .fix
        .as_ref()
        .map(|fix| format!("\n      {fix}"))
        .unwrap_or_default();
    format!("  {mark} {}: {}{fix}", finding.rule, finding.seen)
}

async fn watch(requests: &Requests, timeout: Option<Duration>, printer: Printer) -> Result<()> {
    let changes = requests.watch();
    pin_mut!(changes);
    let follow = async {
        while let Some(change) = changes.next().await {
            printer.line(&change?, |change| match change {
                RequestChange::Changed(request) => row(request, Timestamp::now()).join("   "),
                RequestChange::Deleted(request) => format!("{}   deleted", request.name),
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
