//! `slipway init`.

mod existing;
mod invited;
mod render;
mod settings;

use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use jiff::Timestamp;
use serde::Serialize;
use slipway_bootstrap::files::Files;
use slipway_bootstrap::init::settings::Publication;
use slipway_bootstrap::init::{self, Phase, Phases, Prepared, Published};
use slipway_bootstrap::layout::Layout;
use slipway_config::posture::PostureEntry;

use self::invited::Invited;
pub(super) use self::settings::PORT;
use self::settings::Wanted;
use crate::arguments::{InitArguments, InitCommand, InitOptions};
use crate::cluster;
use crate::documents::{self, Documents};
use crate::failure::Usage;
use crate::output::Printer;
use crate::plugins;
use crate::progress::Shown;
use crate::server::{self, ServerSettings, Started};

/// How long the server may take to answer.
const START: Duration = Duration::from_secs(30);

/// How long one answer of it may take.
const ANSWER: Duration = Duration::from_secs(2);

const PAUSE: Duration = Duration::from_millis(10);

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Answer {
    server: String,
    kubeconfig: String,
    ca_pins: Vec<String>,
    pid: Option<u32>,
    #[serde(skip)]
    done: Done,
    #[serde(flatten)]
    invited: Invited,
    posture: Vec<PostureEntry>,
}

/// How much of a cluster was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Done {
    /// One phase, by itself.
    Phase(Phase),
    /// What is on this machine.
    Files,
    /// All of it.
    Cluster,
}

pub(super) async fn run(arguments: InitArguments, layout: Layout, printer: Printer) -> Result<()> {
    let (options, only) = match arguments.command {
        None => (arguments.options, None),
        Some(InitCommand::Phase { .. }) if arguments.options != InitOptions::default() => {
            bail!(Usage::new("the flags of a phase stand after its name"))
        }
        Some(InitCommand::Phase { name: None, .. }) => return list_phases(printer),
        Some(InitCommand::Phase {
            name: Some(name),
            options,
        }) => (
            *options,
            Some(name.parse::<Phase>().map_err(Usage::from_error)?),
        ),
    };
    let documents = Documents::read(options.config.as_deref())?;
    let skip = options
        .skip_phases
        .iter()
        .chain(&documents.init.skip_phases)
        .map(|name| name.parse())
        .collect::<Result<_, _>>()
        .map_err(Usage::from_error)?;
    let phases = Phases { only, skip };
    if let Some(kubeconfig) = &options.kubeconfig {
        return existing::run(&options, kubeconfig, &documents, phases, printer).await;
    }
    let earlier = ServerSettings::find(&layout)?;
    let layout = match options
        .cert_dir
        .as_ref()
        .or(documents.cluster.certificates_dir.as_ref())
        .or(earlier.as_ref().map(|earlier| &earlier.certificates))
    {
        Some(folder) => layout.with_certificates(std::path::absolute(folder)?),
        None => layout,
    };
    let wanted = Wanted::new(&options, &documents, earlier.as_ref(), &layout)?;
    if options.dry_run || documents.init.dry_run {
        return dry_run(&wanted, &layout, printer);
    }
    plugins::check(&wanted.plugins)
        .await
        .map_err(|error| documents::placed(error, options.config.as_deref()))?;
    let shown = Shown::new(printer);
    let made = make(&layout, &wanted, &phases, &shown).await;
    shown.finish();
    let (prepared, published, pid) = made?;
    show(
        &options, &wanted, &phases, &prepared, published, pid, printer,
    )
}

/// Files first, then the server, then what is in it.
async fn make(
    layout: &Layout,
    wanted: &Wanted,
    phases: &Phases,
    shown: &Shown,
) -> Result<(Prepared, Option<Published>, Option<u32>)> {
    let now = Timestamp::now();
    let needs_server = Phase::ALL
        .iter()
        .any(|phase| phase.needs_api() && phases.include(*phase));
    init::check(&wanted.settings, now)?;
    let is_complete = init::record(layout)?.is_some_and(|record| record.complete);
    if needs_server && !is_complete && !server::is_running(layout) {
        // Found out now, it leaves no cluster behind that cannot start.
        drop(slipway_apiserver::serve::bind(wanted.server.listen).await?);
    }
    let prepared = init::prepare(layout, &wanted.settings, phases, now, shown)?;
    let mut files = Files::open(layout)?;
    wanted.server.keep(&mut files)?;
    // A single phase is not about the plugins: those of the cluster stay as they are.
    if phases.only.is_none() || !server::plugins_path(layout).exists() {
        ServerSettings::keep_plugins(&mut files, &wanted.plugins)?;
    }
    server::adopt(&mut files)?;
    drop(files);
    if !needs_server {
        return Ok((prepared, None, None));
    }
    let client = cluster::administrator(layout).await?;
    let pid = ensure_server(layout, &client).await?;
    let publication = wanted.settings.publication(prepared.ca());
    let published = match phases.only {
        // An earlier run may have been cut short when it had made its token, which nobody was told then.
        None => init::extend(&client, &publication, phases, now, shown).await,
        Some(_) => init::publish(&client, &publication, phases, now, shown).await,
    };
    match published.and_then(|published| init::complete(layout, phases).map(|()| published)) {
        Ok(published) => Ok((prepared, Some(published), pid)),
        Err(error) => {
            if pid.is_some() {
                // What this run started does not outlive it where it fails; the error is what the user has to see.
                let _ = server::stop(layout);
            }
            Err(error.into())
        }
    }
}

/// Starts the server unless it runs. It outlives this command.
async fn ensure_server(layout: &Layout, client: &kube::Client) -> Result<Option<u32>> {
    if is_ready(client).await {
        return Ok(None);
    }
    let mut started = server::start(layout)?;
    wait_until_ready(client, &mut started).await?;
    Ok(Some(started.id()))
}

async fn wait_until_ready(client: &kube::Client, started: &mut Started) -> Result<()> {
    let end = Instant::now().checked_add(START);
    while !is_ready(client).await {
        started.check()?;
        if end.is_none_or(|end| Instant::now() > end) {
            return Err(started.give_up());
        }
        tokio::time::sleep(PAUSE).await;
    }
    Ok(())
}

async fn is_ready(client: &kube::Client) -> bool {
    let request = http::Request::get("/readyz").body(Vec::new());
    match request {
        // Another program at this address may take the connection and say nothing.
        Ok(request) => tokio::time::timeout(ANSWER, client.request_text(request))
            .await
            .is_ok_and(|answer| answer.is_ok()),
        Err(_) => false,
    }
}

fn show(
    options: &InitOptions,
    wanted: &Wanted,
    phases: &Phases,
    prepared: &Prepared,
    published: Option<Published>,
    pid: Option<u32>,
    printer: Printer,
) -> Result<()> {
    let token_expires = published
        .as_ref()
        .and_then(|published| published.token_expires);
    let done = match (phases.only, &published) {
        (Some(phase), _) => Done::Phase(phase),
        (None, None) => Done::Files,
        (None, Some(_)) => Done::Cluster,
    };
    let invitation = published.and_then(|published| published.invitation);
    let shown = !options.skip_token_print;
    let posture = prepared.posture.iter().chain(&wanted.posture);
    let answer = Answer {
        server: wanted.settings.server().to_string(),
        kubeconfig: prepared.layout.admin_kubeconfig().display().to_string(),
        ca_pins: prepared
            .ca()
            .pins()
            .iter()
            .map(ToString::to_string)
            .collect(),
        pid,
        done,
        invited: Invited::new(invitation.as_ref(), token_expires, shown)?,
        posture: worst_first(posture.cloned()),
    };
    printer.posture(&answer.posture);
    printer.answer(&answer, |answer| render::answer(answer, &prepared.layout))?;
    Ok(())
}

fn worst_first(entries: impl Iterator<Item = PostureEntry>) -> Vec<PostureEntry> {
    let mut entries: Vec<_> = entries.collect();
    entries.sort_by_key(|entry| std::cmp::Reverse(entry.severity));
    entries
}

#[derive(Serialize)]
struct DryRun {
    files: Vec<String>,
    objects: Vec<serde_json::Value>,
}

fn dry_run(wanted: &Wanted, layout: &Layout, printer: Printer) -> Result<()> {
    let now = Timestamp::now();
    let ca = init::throwaway_ca(&wanted.settings, now)?;
    let objects = objects(&wanted.settings.publication(ca), now)?;
    let files = [
        layout.ca_certificate(),
        layout.ca_key(),
        layout.apiserver_certificate(),
        layout.apiserver_key(),
        layout.admin_kubeconfig(),
        server::plugins_path(layout),
        layout.state().join(""),
    ];
    show_plan(
        DryRun {
            files: files.map(|file| file.display().to_string()).to_vec(),
            objects,
        },
        printer,
    )
}

/// The objects that would be made, as they may be shown.
fn objects(publication: &Publication, now: Timestamp) -> Result<Vec<serde_json::Value>> {
    let plan = init::dry_run(publication, now)?;
    let objects = plan.into_iter().flat_map(|(_, objects)| objects);
    Ok(objects.map(|object| object.redacted()).collect())
}

fn show_plan(plan: DryRun, printer: Printer) -> Result<()> {
    let yaml = plan
        .objects
        .iter()
        .map(serde_saphyr::to_string)
        .collect::<Result<Vec<_>, _>>()?;
    printer.answer(&plan, |plan| {
        let files: String = plan
            .files
            .iter()
            .map(|file| format!("#   {file}\n"))
            .collect();
        let files = match plan.files.is_empty() {
            true => String::new(),
            false => format!("# files:\n{files}"),
        };
        format!("{files}# in the cluster:\n{}", yaml.join("---\n"))
    })?;
    Ok(())
}

fn list_phases(printer: Printer) -> Result<()> {
    let names: Vec<_> = Phase::ALL.iter().map(|phase| phase.name()).collect();
    printer.answer(&names, |names| names.join("\n"))?;
    Ok(())
}
