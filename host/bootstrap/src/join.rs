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
mod patience;
mod pauses;
mod phase;
mod prove;
mod request;
mod settings;
mod state;

use jiff::Timestamp;
use slipway_config::endpoint::ApiServerUrl;
use slipway_config::posture::PostureEntry;
use slipway_pki::certificate::Certificate;

use self::request::{Cluster, Submitted};
use self::state::{Complete, JoinedRecord, Pending};
use crate::connect::{ConnectError, Credentials};
use crate::discovery::{self, Discovered, DiscoveryFailure, Plugins};
use crate::files::{FileError, Files, exists};
use crate::layout::Layout;
use crate::progress::{Event, Outcome, Progress};

pub use error::JoinError;
pub use kubelet::KubeletOutcome;
pub use phase::{Phase, UnknownPhase};
pub use prove::CertificateRefusal;
pub use request::request_name;
pub use settings::{DryRun, Joined, Node, Phases, Settings, Start};

/// Joins this machine, or goes on where an earlier run stopped.
///
/// # Errors
/// Why the node did not join. What is on disk by then is what the next run goes on with.
pub async fn join(
    settings: &Settings,
    plugins: Plugins<'_>,
    progress: &dyn Progress,
) -> Result<Joined, JoinError> {
    let run = Run { settings, progress };
    match run.pipeline(plugins).await {
        Ok(node) => Ok(Joined::Complete(node)),
        Err(End::Already(node)) => Ok(Joined::Already(node)),
        Err(End::Stopped(phase)) => Ok(Joined::Stopped(phase)),
        Err(End::Failed(error)) => Err(error),
    }
}

/// Finds out what a join would do. The discovery is done for real; nothing is submitted or written.
///
/// # Errors
/// When the cluster cannot be discovered.
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

/// Which trade-offs were accepted when this machine joined its cluster; none where it is no node.
///
/// # Errors
/// When the record of the join cannot be read.
pub fn accepted(layout: &Layout) -> Result<Option<Vec<PostureEntry>>, JoinError> {
    Ok(state::complete(layout)?.map(|complete| complete.joined.posture))
}

/// One run over the phases.
struct Run<'a> {
    settings: &'a Settings,
    progress: &'a dyn Progress,
}

/// How a run ends before its last phase.
enum End {
    Already(Node),
    Stopped(Phase),
    Failed(JoinError),
}

impl Run<'_> {
    async fn pipeline(&self, plugins: Plugins<'_>) -> Result<Node, End> {
        self.settings.phases.check()?;
        let mut files = Files::open(&self.settings.layout)?;
        self.preflight(&mut files)?;
        let discovered = self.discover(plugins).await?;
        let mut pending = self.key(&mut files)?;
        let chain = match delivered_before(&mut files, &mut pending)? {
            Some(chain) => self.keep_delivered(chain)?,
            None => {
                let (client, requester) = bootstrap_client(self.settings, &discovered)?;
                let cluster = Cluster {
                    client: &client,
                    timeout: self.settings.timeout,
                    progress: self.progress,
                };
                let submitted = self
                    .submit(&cluster, &mut files, &mut pending, &requester)
                    .await?;
                self.wait(&cluster, &mut files, &mut pending, &submitted)
                    .await?
            }
        };
        self.prove(&discovered, &pending, &chain).await?;
        let node = self.install(&mut files, &discovered, pending, &chain)?;
        Ok(self.start_kubelet(node).await)
    }

    fn begin(&self, phase: Phase) {
        let phase = phase.name();
        self.progress.event(Event::Started { phase });
    }

    /// Says how a phase ended; the end of the run, where this phase was to be the last.
    fn end(&self, phase: Phase, outcome: Outcome) -> Result<(), End> {
        self.progress.event(Event::Finished {
            phase: phase.name(),
            outcome,
        });
        match self.settings.phases.last {
            Some(last) if last == phase => Err(End::Stopped(phase)),
            _ => Ok(()),
        }
    }

    fn preflight(&self, files: &mut Files) -> Result<(), End> {
        self.begin(Phase::Preflight);
        if let Some(node) = joined_before(files, self.settings)? {
            let outcome = Outcome::Kept(format!("this machine is the node {}", node.name));
            // Whichever phase was to be the last: there is nothing left to do.
            let _ = self.end(Phase::Preflight, outcome);
            return Err(End::Already(node));
        }
        self.end(Phase::Preflight, Outcome::Done)
    }

    async fn discover(&self, plugins: Plugins<'_>) -> Result<Discovered, End> {
        self.begin(Phase::Discovery);
        let discovered =
            discovery::discover(&self.settings.discovery, plugins, self.progress).await?;
        for entry in &discovered.posture {
            self.progress.event(Event::Warning(entry.clone()));
        }
        self.end(Phase::Discovery, Outcome::Done)?;
        Ok(discovered)
    }

    fn key(&self, files: &mut Files) -> Result<Pending, End> {
        self.begin(Phase::Key);
        let pending = Pending::prepare(files, &self.settings.node, self.settings.key_algorithm)?;
        self.end(
            Phase::Key,
            kept_or_done(pending.kept, "the key of an earlier run"),
        )?;
        Ok(pending)
    }

    fn keep_delivered(&self, chain: Vec<Certificate>) -> Result<Vec<Certificate>, End> {
        for phase in [Phase::Submit, Phase::Wait] {
            self.begin(phase);
            self.end(
                phase,
                Outcome::Kept("an earlier run was given the certificate".to_owned()),
            )?;
        }
        Ok(chain)
    }

    async fn submit(
        &self,
        cluster: &Cluster<'_>,
        files: &mut Files,
        pending: &mut Pending,
        requester: &str,
    ) -> Result<Submitted, End> {
        self.begin(Phase::Submit);
        let submitted = cluster.submit(files, pending, requester).await?;
        self.end(Phase::Submit, kept_or_done(submitted.kept, &submitted.name))?;
        Ok(submitted)
    }

    async fn wait(
        &self,
        cluster: &Cluster<'_>,
        files: &mut Files,
        pending: &mut Pending,
        submitted: &Submitted,
    ) -> Result<Vec<Certificate>, End> {
        self.begin(Phase::Wait);
        let pem = cluster.wait(submitted, pending).await?;
        let chain = delivered(&pem, pending).map_err(|source| JoinError::BadCertificate {
            request: submitted.name.clone(),
            source,
        })?;
        pending.keep_certificate(files, Some(pem))?;
        self.end(Phase::Wait, Outcome::Done)?;
        Ok(chain)
    }

    async fn prove(
        &self,
        discovered: &Discovered,
        pending: &Pending,
        chain: &[Certificate],
    ) -> Result<(), End> {
        self.begin(Phase::Prove);
        let credentials = Credentials::ClientCertificate {
            chain: chain.to_vec(),
            key: Box::new(state::copy_key(&pending.key)?),
        };
        let client = discovered.connections.client(&credentials)?;
        prove::ask(&client, &self.settings.node).await?;
        self.end(Phase::Prove, Outcome::Done)
    }

    fn install(
        &self,
        files: &mut Files,
        discovered: &Discovered,
        pending: Pending,
        chain: &[Certificate],
    ) -> Result<Node, End> {
        self.begin(Phase::KubeletConf);
        let (server, certificate_expires) = outcome_of(discovered, chain)?;
        install::install(files, &discovered.trust, chain, &pending.key)?;
        let joined = JoinedRecord {
            server: server.clone(),
            certificate_expires,
            posture: discovered.posture.clone(),
        };
        pending.complete(files, joined)?;
        self.end(Phase::KubeletConf, Outcome::Done)?;
        Ok(Node {
            name: self.settings.node.clone(),
            server,
            certificate_expires,
            kubelet: None,
        })
    }

    async fn start_kubelet(&self, node: Node) -> Node {
        self.begin(Phase::KubeletStart);
        let kubelet = if self.settings.phases.skip.contains(&Phase::KubeletStart) {
            KubeletOutcome::Skipped
        } else if self.settings.layout.is_system() {
            kubelet::start(self.settings.search_path.as_deref()).await
        } else {
            let reason = "these are not the folders that the machine's kubelet reads";
            KubeletOutcome::Absent(reason.to_owned())
        };
        let outcome = match &kubelet {
            KubeletOutcome::Started => Outcome::Done,
            KubeletOutcome::Absent(reason) | KubeletOutcome::Failed(reason) => {
                Outcome::Skipped(reason.clone())
            }
            KubeletOutcome::Skipped => Outcome::Skipped("as asked".to_owned()),
        };
        // It is the last phase, with or without having been named as such.
        let _ = self.end(Phase::KubeletStart, outcome);
        Node {
            kubelet: Some(kubelet),
            ..node
        }
    }
}

/// Looks at what is on the machine. A node that has joined already is returned.
fn joined_before(files: &mut Files, settings: &Settings) -> Result<Option<Node>, JoinError> {
    let layout = &settings.layout;
    let kubeconfig = layout.kubelet_kubeconfig();
    let complete = state::complete(layout)?;
    let checked = !settings.phases.skip.contains(&Phase::Preflight);
    if checked && exists(&kubeconfig)? && files.manifest().entry(&kubeconfig).is_none() {
        return Err(JoinError::ForeignKubeconfig { path: kubeconfig });
    }
    if settings.start == Start::Anew {
        state::forget(files)?;
        return Ok(None);
    }
    let Some(Complete { node, joined }) = complete else {
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
        .or_else(|| settings.discovery.token());
    let own;
    let (credentials, requester) = match (token, &discovered.credentials) {
        (Some(token), _) => {
            own = Credentials::BootstrapToken(token.clone());
            (&own, token.user_name())
        }
        (None, Some(credentials)) => (credentials, "discovery-document".to_owned()),
        (None, None) => return Err(JoinError::NoCredentials),
    };
    Ok((discovered.connections.client(credentials)?, requester))
}

/// The certificate that an earlier run was given, while it is good.
fn delivered_before(
    files: &mut Files,
    pending: &mut Pending,
) -> Result<Option<Vec<Certificate>>, JoinError> {
    let Some(pem) = &pending.certificate else {
        return Ok(None);
    };
    match delivered(pem, pending) {
        Ok(chain) => Ok(Some(chain)),
        Err(_) => {
            pending.keep_certificate(files, None)?;
            Ok(None)
        }
    }
}

/// The chain that was delivered, checked to be for the node and its key.
fn delivered(pem: &str, pending: &Pending) -> Result<Vec<Certificate>, CertificateRefusal> {
    let key = pending.key.public_key();
    prove::check(pem, &pending.node, key, Timestamp::now())
}

/// What there is to tell about the node.
fn outcome_of(
    discovered: &Discovered,
    chain: &[Certificate],
) -> Result<(ApiServerUrl, Timestamp), JoinError> {
    let missing = |what: &str| JoinError::Kubeconfig(format!("there is no {what}"));
    let server = discovered
        .trust
        .endpoints()
        .first()
        .ok_or_else(|| missing("verified API server"))?;
    let leaf = chain.first().ok_or_else(|| missing("certificate"))?;
    Ok((server.clone(), leaf.not_after()))
}

fn kept_or_done(kept: bool, what: &str) -> Outcome {
    if kept {
        Outcome::Kept(what.to_owned())
    } else {
        Outcome::Done
    }
}

impl From<JoinError> for End {
    fn from(error: JoinError) -> Self {
        Self::Failed(error)
    }
}

impl From<FileError> for End {
    fn from(error: FileError) -> Self {
        Self::Failed(error.into())
    }
}

impl From<DiscoveryFailure> for End {
    fn from(error: DiscoveryFailure) -> Self {
        Self::Failed(error.into())
    }
}

impl From<ConnectError> for End {
    fn from(error: ConnectError) -> Self {
        Self::Failed(error.into())
    }
}

#[cfg(test)]
mod tests;
