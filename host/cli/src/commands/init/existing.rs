//! `slipway init --kubeconfig`: what nodes need to join, put into a cluster that runs already.

use std::path::Path;

use anyhow::{Context as _, Result, bail};
use jiff::Timestamp;
use serde::Serialize;
use slipway_bootstrap::init::objects::Applied;
use slipway_bootstrap::init::rbac::Access;
use slipway_bootstrap::init::settings::{Publication, PublishedCa, each_once};
use slipway_bootstrap::init::{self, Phases, Published};
use slipway_bootstrap::posture;
use slipway_config::endpoint::ApiServerUrl;
use slipway_config::posture::{PostureEntry, PostureId};
use slipway_controller::foreign::ForeignApproval;

use super::invited::Invited;
use super::{DryRun, objects, settings, show_plan, worst_first};
use crate::arguments::InitOptions;
use crate::cluster::{self, Connection};
use crate::documents::Documents;
use crate::failure::Usage;
use crate::output::Printer;
use crate::progress::Shown;
use crate::reach::Reach;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Answer {
    server: String,
    ca_pins: Vec<String>,
    objects: Vec<Made>,
    #[serde(flatten)]
    invited: Invited,
    posture: Vec<PostureEntry>,
}

/// An object in the cluster, and what was done about it.
#[derive(Serialize)]
struct Made {
    object: String,
    outcome: &'static str,
}

pub(super) async fn run(
    options: &InitOptions,
    kubeconfig: &Path,
    documents: &Documents,
    phases: Phases,
    printer: Printer,
) -> Result<()> {
    if let Some(phase) = phases.only.filter(|phase| !phase.needs_api()) {
        bail!(
            Usage::new(format!(
                "the phase {phase} is about a cluster that is made here"
            ))
            .with_hint("leave out --kubeconfig")
        );
    }
    let Connection { client, server, ca } = cluster::connection(kubeconfig).await?;
    cluster::check_version(&client).await?;
    let preferred = options
        .control_plane_endpoint
        .clone()
        .map(ApiServerUrl::from);
    let additional = options.additional_endpoints.iter().cloned();
    let others = std::iter::once(server).chain(additional.map(ApiServerUrl::from));
    let servers = each_once(preferred.into_iter().chain(others));
    let invited_to = servers
        .iter()
        .take(1)
        .map(|server| server.host_port().clone());
    let publication = Publication {
        ca,
        invited_to: invited_to.collect(),
        servers,
        tokens: settings::tokens(options, documents)?,
        access: Access {
            automatic_approval: false,
            kubelet_compatible: options.kubelet_compatible,
        },
        published_ca: settings::published_ca(options),
    };
    let now = Timestamp::now();
    let is_dry = options.dry_run || documents.init.dry_run;
    let foreign = ForeignApproval::find(&client).await?;
    if options.take_over_approval {
        for approval in &foreign {
            printer.note(difference(approval));
        }
    }
    if is_dry {
        let objects = objects(&publication, now)?;
        let files = Vec::new();
        return show_plan(DryRun { files, objects }, printer);
    }
    let shown = Shown::new(printer);
    let published = init::extend(&client, &publication, &phases, now, &shown).await;
    shown.finish();
    let published = published?;
    let mut posture = posture::of_publication(&publication);
    for approval in &foreign {
        match options.take_over_approval {
            true => approval.remove(&client).await?,
            false => posture.push(PostureId::ForeignApprover.about(approval.title())),
        }
    }
    if options.token.is_some() {
        posture.push(PostureId::SecretInArguments.about("--token"));
    }
    show(
        options,
        kubeconfig,
        &publication,
        published,
        posture,
        printer,
    )
}

/// What is taken away, as a difference.
fn difference(approval: &ForeignApproval) -> String {
    let subjects = approval.subjects().into_iter();
    let subjects = subjects.map(|subject| format!("\n-  subject {subject}"));
    format!(
        "{}\n   role {}{}",
        approval.title(),
        approval.role(),
        subjects.collect::<String>()
    )
}

fn show(
    options: &InitOptions,
    kubeconfig: &Path,
    publication: &Publication,
    published: Published,
    posture: Vec<PostureEntry>,
    printer: Printer,
) -> Result<()> {
    let shown = !options.skip_token_print;
    let server = publication.servers.first().context("no API server")?;
    let made = |(object, applied)| Made {
        object,
        outcome: match applied {
            Applied::Created => "created",
            Applied::Updated => "updated",
            Applied::Unchanged => "unchanged",
        },
    };
    let answer = Answer {
        server: server.to_string(),
        ca_pins: publication
            .ca
            .pins()
            .iter()
            .map(ToString::to_string)
            .collect(),
        objects: published.objects.into_iter().map(made).collect(),
        invited: Invited::new(
            published.invitation.as_ref(),
            published.token_expires,
            shown,
        )?,
        posture: worst_first(posture.into_iter()),
    };
    let reach = Reach::of_kubeconfig(kubeconfig);
    printer.posture(&answer.posture);
    printer.answer(&answer, |answer| {
        let objects: String = answer
            .objects
            .iter()
            .map(|made| format!("  {:<10} {}\n", made.outcome, made.object))
            .collect();
        let ca = (publication.published_ca == PublishedCa::Omitted)
            .then(|| Path::new("certificate-authority-data of the kubeconfig"));
        format!(
            "nodes can be let into the cluster at {}\n{objects}\n{}\ndecide and sign with the policy of your plugins:\n  {}\n",
            answer.server,
            answer.invited.render(ca, &reach),
            reach.command("controller")
        )
    })?;
    Ok(())
}
