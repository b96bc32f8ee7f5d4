//! `slipway demo`: the main job for real, in a temporary folder, with the commands that a user would type.
//!
//! A cluster whose policy component lets `worker-1` in by name and leaves everybody else to a person; a second key that asks
//! for the name `worker-1` and is refused; `worker-2`, which waits until it is approved by hand.

mod stage;

use anyhow::{Context as _, Result, ensure};
use jiff::Timestamp;
use slipway_bootstrap::layout::Layout;
use slipway_controller::decision_log;
use slipway_pki::ca::CaBundle;
use slipway_pki::certificate::Certificate;

use self::stage::Stage;
use crate::arguments::DemoArguments;
use crate::output::Printer;

/// The demo's plugins: a policy by name, and tokens in a folder of sealed records.
const CONFIGURATION: &str = include_str!("demo/plugins.yaml");

pub(super) fn run(arguments: &DemoArguments, printer: Printer) -> Result<()> {
    let stage = Stage::new(printer)?;
    let outcome = play(&stage, printer);
    if arguments.keep {
        printer.note(format!("everything is in {}", stage.keep().display()));
    }
    outcome
}

fn play(stage: &Stage, printer: Printer) -> Result<()> {
    stage.title("A cluster: its trust, its bootstrap API, its first token");
    let tokens = stage.path("tokens");
    std::fs::create_dir(&tokens)?;
    let configuration = CONFIGURATION.replace("TOKENS", &tokens.display().to_string());
    std::fs::write(stage.path("plugins.yaml"), configuration)?;
    let init = stage.cluster(&[
        "init",
        "--config=plugins.yaml",
        "--apiserver-advertise-address=127.0.0.1",
        "--apiserver-bind-port=0",
        "--skip-token-print",
    ])?;
    ensure!(init.succeeded, "init failed");
    let created = stage.cluster_json(&["token", "create", "--ttl=1h", "--description=demo"])?;
    let text = |name: &str| {
        created
            .get(name)
            .and_then(|value| value.as_str())
            .map(str::to_owned)
    };
    let token = text("token").context("token create printed no token")?;
    let url = text("joinUrl").context("token create printed no join URL")?;
    printer.note(format!(
        "a token, and the invitation that goes with it: {url}"
    ));

    stage.title("worker-1: the policy component approves it");
    ensure!(
        stage
            .node("worker-1", "worker-1", &token, &url, &[])?
            .succeeded,
        "worker-1 did not join"
    );

    stage.title("another machine, another key, the same name: refused, with the reason");
    let refused = stage.node("impostor", "worker-1", &token, &url, &["--timeout=5s"])?;
    ensure!(!refused.succeeded, "an impostor got the name of worker-1");

    stage.title("worker-2: nobody knows it, so a person decides");
    let waiting = stage.start_node("worker-2", &token, &url)?;
    let request = stage.pending_request("worker-2")?;
    stage.cluster(&["csr", "show", &request])?;
    ensure!(
        stage.cluster(&["csr", "approve", &request])?.succeeded,
        "the approval failed"
    );
    ensure!(stage.wait_for(waiting)?, "worker-2 did not join");

    stage.title("The certificates, verified against the cluster's CA");
    for node in ["worker-1", "worker-2"] {
        printer.done(verify(stage, node)?);
    }

    stage.title("What was decided, by whom and why");
    let log = Layout::under(&stage.path("cluster")).decision_log();
    let head = decision_log::verify(&log)?;
    for record in decision_log::read(&log)? {
        let entry = record.entry;
        let node = entry
            .subject
            .node
            .unwrap_or_else(|| entry.subject.name.clone());
        let by = entry.by.map(|by| format!(" (by {by})")).unwrap_or_default();
        printer.note(format!(
            "  {:>3} {node}: {} ({}): {}{by}",
            record.sequence, entry.action, entry.stage, entry.reason
        ));
        for opinion in entry.opinions {
            let said = match (opinion.verdict, opinion.error) {
                (Some(verdict), _) => verdict.to_string(),
                (None, error) => error.unwrap_or_default(),
            };
            let digest = opinion.digest.to_hex();
            printer.note(format!(
                "        {} ({}): {said}",
                opinion.plugin,
                digest.get(..12).unwrap_or(&digest)
            ));
        }
    }
    printer.done(format!(
        "{} records, each bound to the one before it; the last is {}",
        head.records, head.digest
    ));

    stage.title("What was opted into");
    stage.cluster(&["posture"])?;
    ensure!(
        stage.cluster(&["reset", "--force", "--quiet"])?.succeeded,
        "the cluster could not be taken down"
    );
    Ok(())
}

fn verify(stage: &Stage, node: &str) -> Result<String> {
    let authority = CaBundle::from_pem(&std::fs::read(
        Layout::under(&stage.path("cluster")).ca_certificate(),
    )?)?;
    let file = Layout::under(&stage.path(node)).kubelet_client_current();
    let pem = std::fs::read_to_string(&file)
        .with_context(|| format!("cannot read {}", file.display()))?;
    let certificate = Certificate::list_from_pem(&pem)?
        .into_iter()
        .next()
        .context("there is no certificate")?;
    certificate.check_dates(Timestamp::now())?;
    ensure!(
        authority
            .certificates()
            .iter()
            .any(|authority| certificate.is_signed_by(authority)),
        "the certificate of {node} was not signed by the cluster's CA"
    );
    Ok(format!(
        "{node}: signed by the cluster's CA, until {}",
        certificate.not_after()
    ))
}
