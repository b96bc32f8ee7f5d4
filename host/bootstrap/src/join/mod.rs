//! Letting a node in: from what the operator gave to a kubelet.conf, one phase after the other.
//!
//! | phase | takes | gives |
//! |---|---|---|
//! | `preflight` | the machine | what an earlier run left |
//! | `discovery` | locations, a token, pins | trust, with the host's proof |
//! | `key` | the node's name | a key and a request, on disk |
//! | `submit` | trust, request | a request in the cluster |
//! | `wait` | the request | a certificate, on disk |
//! | `prove` | the certificate | an identity that the API server confirms |
//! | `kubelet-conf` | the identity | the files that a kubelet reads |
//! | `kubelet-start` | the files | a running kubelet, where there is one |
//!
//! Any phase may be the last one of a run, by crash or by wish: the next run takes up what is on disk, uses the same
//! key, finds its own request again, and goes on. Discovery is done anew each time, since trust is not something to be
//! read from a file.

mod error;
mod install;
mod kubelet;
mod phase;
mod prove;
mod request;
mod state;

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::time::Duration;

use jiff::Timestamp;
use slipway_config::endpoint::ApiServerUrl;
use slipway_config::name::NodeName;
use slipway_config::token::BootstrapToken;
use slipway_pki::certificate::Certificate;
use slipway_pki::key::KeyAlgorithm;

use self::state::{JoinedRecord, Keyed, Record};
use crate::connect::{self, Credentials};
use crate::discovery::{self, Discovered, Plugins, Source};
use crate::files::{Files, exists};
use crate::layout::Layout;
use crate::posture;
use crate::progress::{Event, Outcome, Progress};

pub use error::JoinError;
pub use kubelet::KubeletOutcome;
pub use phase::{Phase, UnknownPhase};
pub use request::request_name;

/// A join, as the operator asked for it.
#[derive(Debug)]
pub struct Settings {
    /// Where files go.
    pub layout: Layout,
    /// The node's name.
    pub node: NodeName,
    /// How to learn about the cluster.
    pub discovery: discovery::Request,
    /// The token to submit the request with, where it is another than the one of the discovery.
    pub tls_bootstrap_token: Option<BootstrapToken>,
    /// What the node's key is made with.
    pub key_algorithm: KeyAlgorithm,
    /// Whether to go on with the key of an earlier run.
    pub start: Start,
    /// How long to wait for a decision; none: as long as it takes.
    pub timeout: Option<Duration>,
    /// Which phases to run.
    pub phases: Phases,
    /// Where `systemctl` is looked for: the value of `PATH`.
    pub search_path: Option<OsString>,
}

/// Whether to go on with what an earlier run left.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Start {
    /// Go on.
    #[default]
    Resume,
    /// Forget it, and make a new key (`--new-key`).
    Anew,
}

/// Which phases to run.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Phases {
    /// The last phase to run; none: all.
    pub last: Option<Phase>,
    /// Phases to leave out: `preflight` and `kubelet-start` only, the others find out what later ones need.
    pub skip: BTreeSet<Phase>,
}

/// How a run ended.
#[derive(Debug)]
pub enum Joined {
    /// The node has its identity.
    Complete(Node),
    /// It had it before; nothing was done.
    Already(Node),
    /// The run ended after the phase that was to be the last.
    Stopped(Phase),
}

/// A node with an identity.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Node {
    /// Its name.
    pub name: NodeName,
    /// The API server in its kubelet.conf.
    pub server: ApiServerUrl,
    /// When its certificate ends.
    pub certificate_expires: Timestamp,
    /// What became of its kubelet; none where nothing was done.
    pub kubelet: Option<KubeletOutcome>,
}

/// Joins this machine, or goes on where an earlier run stopped.
pub async fn join(
    settings: &Settings,
    plugins: Plugins<'_>,
    progress: &dyn Progress,
) -> Result<Joined, JoinError> {
    settings.phases.check()?;
    let mut run = Run { settings, progress };
    let mut files = Files::open(&settings.layout)?;

    run.begin(Phase::Preflight);
    if let Some(node) = preflight(&mut files, settings)? {
        return Ok(Joined::Already(node));
    }
    if run.end(Phase::Preflight, Outcome::Done) {
        return Ok(Joined::Stopped(Phase::Preflight));
    }

    run.begin(Phase::Discovery);
    let discovered = discovery::discover(&settings.discovery, plugins, progress).await?;
    posture::of_trust(&discovered.trust)
        .into_iter()
        .for_each(|entry| progress.event(Event::Warning(entry)));
    if run.end(Phase::Discovery, Outcome::Done) {
        return Ok(Joined::Stopped(Phase::Discovery));
    }

    run.begin(Phase::Key);
    let (keyed, record) = state::prepare(&mut files, &settings.node, settings.key_algorithm)?;
    if run.end(
        Phase::Key,
        kept_or_done(keyed.kept, "the key of an earlier run"),
    ) {
        return Ok(Joined::Stopped(Phase::Key));
    }

    let chain = match delivered_before(&mut files, settings, &keyed)? {
        Some(chain) => {
            for phase in [Phase::Submit, Phase::Wait] {
                run.begin(phase);
                if run.end(
                    phase,
                    Outcome::Kept("an earlier run was given the certificate".to_owned()),
                ) {
                    return Ok(Joined::Stopped(phase));
                }
            }
            chain
        }
        None => match run.obtain(&mut files, &discovered, &keyed, record).await? {
            Obtained::Certificate(chain) => chain,
            Obtained::Stopped(phase) => return Ok(Joined::Stopped(phase)),
        },
    };

    run.begin(Phase::Prove);
    prove(&discovered, &settings.node, &keyed, &chain).await?;
    if run.end(Phase::Prove, Outcome::Done) {
        return Ok(Joined::Stopped(Phase::Prove));
    }

    run.begin(Phase::KubeletConf);
    let mut node = install(&mut files, &discovered, &keyed, &chain, settings)?;
    if run.end(Phase::KubeletConf, Outcome::Done) {
        return Ok(Joined::Stopped(Phase::KubeletConf));
    }

    run.begin(Phase::KubeletStart);
    let (outcome, kubelet) = run.start_kubelet().await;
    run.end(Phase::KubeletStart, outcome);
    node.kubelet = Some(kubelet);
    Ok(Joined::Complete(node))
}

/// What a join would do, found out without submitting or writing anything: the discovery is done for real.
#[derive(Debug)]
pub struct DryRun {
    /// The cluster as it was discovered.
    pub discovered: Discovered,
    /// Files that would be written.
    pub files: Vec<std::path::PathBuf>,
}

/// Finds out what a join would do.
pub async fn dry_run(
    settings: &Settings,
    plugins: Plugins<'_>,
    progress: &dyn Progress,
) -> Result<DryRun, JoinError> {
    let discovered = discovery::discover(&settings.discovery, plugins, progress).await?;
    let layout = &settings.layout;
    let files = vec![
        layout.kubelet_client_current(),
        layout.ca_certificate(),
        layout.kubelet_kubeconfig(),
    ];
    Ok(DryRun { discovered, files })
}

struct Run<'a> {
    settings: &'a Settings,
    progress: &'a dyn Progress,
}

enum Obtained {
    Certificate(Vec<Certificate>),
    Stopped(Phase),
}

impl Run<'_> {
    fn begin(&mut self, phase: Phase) {
        self.progress.event(Event::Started {
            phase: phase.name(),
        });
    }

    /// Whether the run stops here.
    fn end(&mut self, phase: Phase, outcome: Outcome) -> bool {
        self.progress.event(Event::Finished {
            phase: phase.name(),
            outcome,
        });
        self.settings.phases.last == Some(phase)
    }

    /// Submits the request, or finds it again, and waits for the certificate.
    async fn obtain(
        &mut self,
        files: &mut Files,
        discovered: &Discovered,
        keyed: &Keyed,
        record: Record,
    ) -> Result<Obtained, JoinError> {
        let settings = self.settings;
        self.begin(Phase::Submit);
        let (client, requester) = bootstrap_client(settings, discovered)?;
        let cluster = request::Cluster {
            client: &client,
            timeout: settings.timeout,
            progress: self.progress,
        };
        let submitted = cluster.submit(files, keyed, record, &requester).await?;
        if self.end(Phase::Submit, kept_or_done(submitted.kept, &submitted.name)) {
            return Ok(Obtained::Stopped(Phase::Submit));
        }

        self.begin(Phase::Wait);
        let pem = cluster.wait(&submitted, keyed).await?;
        let chain = prove::check(
            &pem,
            &settings.node,
            keyed.key.public_key(),
            Timestamp::now(),
        )
        .map_err(|reason| JoinError::BadCertificate {
            request: submitted.name.clone(),
            reason,
        })?;
        state::keep_certificate(files, &pem)?;
        if self.end(Phase::Wait, Outcome::Done) {
            return Ok(Obtained::Stopped(Phase::Wait));
        }
        Ok(Obtained::Certificate(chain))
    }

    async fn start_kubelet(&self) -> (Outcome, KubeletOutcome) {
        let skipped = |reason: &str| Outcome::Skipped(reason.to_owned());
        if self.settings.phases.skip.contains(&Phase::KubeletStart) {
            return (skipped("as asked"), KubeletOutcome::Skipped);
        }
        if !self.settings.layout.is_system() {
            let reason = "these are not the folders that the machine's kubelet reads";
            return (skipped(reason), KubeletOutcome::Absent(reason.to_owned()));
        }
        let kubelet = kubelet::start(self.settings.search_path.as_deref()).await;
        let outcome = match &kubelet {
            KubeletOutcome::Started => Outcome::Done,
            KubeletOutcome::Absent(reason) | KubeletOutcome::Failed(reason) => skipped(reason),
            KubeletOutcome::Skipped => skipped("as asked"),
        };
        (outcome, kubelet)
    }
}

/// Looks at what is on the machine. A node that has joined already is returned.
fn preflight(files: &mut Files, settings: &Settings) -> Result<Option<Node>, JoinError> {
    let layout = &settings.layout;
    let kubeconfig = layout.kubelet_kubeconfig();
    let record = state::load(layout)?;
    let checked = !settings.phases.skip.contains(&Phase::Preflight);
    if checked && exists(&kubeconfig)? && files.manifest().entry(&kubeconfig).is_none() {
        return Err(JoinError::ForeignKubeconfig { path: kubeconfig });
    }
    if settings.start == Start::Anew {
        state::forget(files)?;
        return Ok(None);
    }
    let Some(Record {
        node,
        joined: Some(joined),
        ..
    }) = record
    else {
        return Ok(None);
    };
    if !exists(&kubeconfig)? {
        // The files were taken away; the record of an old join says nothing about this one.
        state::forget(files)?;
        return Ok(None);
    }
    if node != settings.node {
        return Err(JoinError::JoinedAs {
            joined: node,
            asked: settings.node.clone(),
        });
    }
    // kubelet renews its certificate by itself: what counts is the newest.
    let expires = install::current_expiry(layout).unwrap_or(joined.certificate_expires);
    if expires <= Timestamp::now() {
        return Err(JoinError::CertificateOver {
            node,
            expired: expires,
        });
    }
    Ok(Some(Node {
        name: node,
        server: joined.server,
        certificate_expires: expires,
        kubelet: None,
    }))
}

fn bootstrap_client(
    settings: &Settings,
    discovered: &Discovered,
) -> Result<(kube::Client, String), JoinError> {
    let token = settings
        .tls_bootstrap_token
        .as_ref()
        .or(match &settings.discovery.source {
            Source::Token { token, .. } => Some(token),
            Source::File(_) | Source::Https(_) => None,
        });
    let own;
    let (credentials, requester) = match (token, &discovered.credentials) {
        (Some(token), _) => {
            own = Credentials::BootstrapToken(token.clone());
            (&own, token.user_name())
        }
        (None, Some(credentials)) => (credentials, "discovery-document".to_owned()),
        (None, None) => return Err(JoinError::NoCredentials),
    };
    Ok((
        connect::client(&discovered.routes, discovered.trust.ca(), credentials)?,
        requester,
    ))
}

/// The certificate that an earlier run was given, while it is good.
fn delivered_before(
    files: &mut Files,
    settings: &Settings,
    keyed: &Keyed,
) -> Result<Option<Vec<Certificate>>, JoinError> {
    let Some(pem) = state::certificate(files.layout())? else {
        return Ok(None);
    };
    match prove::check(
        &pem,
        &settings.node,
        keyed.key.public_key(),
        Timestamp::now(),
    ) {
        Ok(chain) => Ok(Some(chain)),
        Err(_) => {
            state::forget_certificate(files)?;
            Ok(None)
        }
    }
}

async fn prove(
    discovered: &Discovered,
    node: &NodeName,
    keyed: &Keyed,
    chain: &[Certificate],
) -> Result<(), JoinError> {
    let credentials = Credentials::ClientCertificate {
        chain: chain.to_vec(),
        key: Box::new(state::copy_key(&keyed.key)?),
    };
    let client = connect::client(&discovered.routes, discovered.trust.ca(), &credentials)?;
    prove::ask(&client, node).await
}

fn install(
    files: &mut Files,
    discovered: &Discovered,
    keyed: &Keyed,
    chain: &[Certificate],
    settings: &Settings,
) -> Result<Node, JoinError> {
    install::install(files, &discovered.trust, chain, &keyed.key)?;
    let server = discovered
        .trust
        .endpoints()
        .first()
        .cloned()
        .ok_or_else(|| {
            JoinError::Kubeconfig("the verified information names no API server".to_owned())
        })?;
    let certificate_expires = chain
        .first()
        .map(Certificate::not_after)
        .unwrap_or_default();
    let joined = JoinedRecord {
        server: server.clone(),
        certificate_expires,
    };
    state::complete(files, &settings.node, joined)?;
    Ok(Node {
        name: settings.node.clone(),
        server,
        certificate_expires,
        kubelet: None,
    })
}

fn kept_or_done(kept: bool, what: &str) -> Outcome {
    if kept {
        Outcome::Kept(what.to_owned())
    } else {
        Outcome::Done
    }
}

#[cfg(test)]
mod tests;
