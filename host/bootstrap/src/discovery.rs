//! Learning whom to trust: where the API servers are, which CA signs them, and why that may be believed.
//!
//! A plugin proposes, the host proves. The host reads or fetches the document of a file or HTTPS source itself and keeps
//! what credentials are in it; it turns a proposal into [`VerifiedTrust`] only with a proof of its own; and it fetches
//! cluster-info a second time over a connection that is verified with the CA it is about to believe.
//!
//! Where there are several trust sources they are asked in turn, until one leads to trust. One that cannot be reached, or
//! has nothing to offer, gives way to the next. One that found what does not hold (a wrong signature, a wrong pin, a
//! certificate of another CA) ends it: somebody may be posing as the cluster, and a source that is easier to deceive must
//! not be asked to overrule that. Or a number of them has to agree ([`Request::quorum`]); then all are asked.

mod attempt;
mod cluster_info;
mod failure;
mod file;
mod https;
mod quorum;
mod routes;
mod source;

use std::collections::BTreeSet;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use slipway_config::finding::Finding;
use slipway_config::pin::CaPin;
use slipway_config::posture::PostureEntry;
use slipway_config::token::BootstrapToken;
use slipway_pki::ca::CaBundle;
use slipway_pki::decision::trust::{Accepted, VerifiedTrust};
use slipway_pki::jws;
use slipway_plugin::{EndpointProvider, TrustSource};
use tokio::time::Instant;
use url::Url;

use crate::connect::{self, Connections, Credentials};
use crate::progress::{Event, Progress, Waiting};

pub use failure::{DiscoveryFailure, FailedSource, FailedSources, NoEndpoints};
pub use file::{FileSourceError, read_file};
pub use https::{FetchError, FetchLimits, Fetched, fetch, trust_roots};
pub use quorum::NoQuorum;

/// Where to learn about the cluster.
#[derive(Debug, Clone)]
pub enum Source {
    /// From cluster-info, by a token.
    Token {
        /// Where the operator said the API servers are.
        locations: Vec<String>,
        /// The token.
        token: BootstrapToken,
    },
    /// From a kubeconfig on this machine.
    File(PathBuf),
    /// From a kubeconfig on a web server.
    Https(Url),
}

/// What kind of thing a source is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SourceKind {
    /// [`Source::Token`].
    Token,
    /// [`Source::File`].
    File,
    /// [`Source::Https`].
    Https,
}

impl Source {
    /// What kind of thing it is.
    pub fn kind(&self) -> SourceKind {
        match self {
            Self::Token { .. } => SourceKind::Token,
            Self::File(_) => SourceKind::File,
            Self::Https(_) => SourceKind::Https,
        }
    }

    /// Where it is looked for, for display.
    fn places(&self) -> Vec<String> {
        match self {
            Self::Token { locations, .. } => locations.clone(),
            Self::File(path) => vec![path.display().to_string()],
            Self::Https(url) => vec![https::shown(url)],
        }
    }
}

/// What to discover, and what the operator gave to believe it by.
#[derive(Debug, Clone)]
pub struct Request {
    /// Where from: what the operator named.
    pub sources: Vec<Source>,
    /// Pins of the cluster's CA.
    pub pins: Vec<CaPin>,
    /// The cluster's CA, given out of band.
    pub ca: Option<CaBundle>,
    /// Trust roots for an HTTPS source beyond this machine's.
    pub https_roots: Option<CaBundle>,
    /// Weaker bases that the operator accepted.
    pub accepted: BTreeSet<Accepted>,
    /// How many independent sources have to agree on the CA; none where the first that leads to trust is enough.
    pub quorum: Option<NonZeroUsize>,
    /// How long to try, and how often.
    pub timing: Timing,
}

impl Request {
    /// The token to discover with, where there is one.
    pub fn token(&self) -> Option<&BootstrapToken> {
        self.sources.iter().find_map(|source| match source {
            Source::Token { token, .. } => Some(token),
            Source::File(_) | Source::Https(_) => None,
        })
    }
}

/// How long to try, and how often.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timing {
    /// How long in all.
    pub timeout: Duration,
    /// The pause between two attempts.
    pub retry: Duration,
    /// What a web server may take of our time and memory.
    pub fetch: FetchLimits,
}

impl Default for Timing {
    /// kubeadm's: five minutes, every five seconds.
    fn default() -> Self {
        Self {
            timeout: Duration::from_secs(300),
            retry: Duration::from_secs(5),
            fetch: FetchLimits::default(),
        }
    }
}

/// The plugins that take part.
#[derive(Clone, Copy)]
pub struct Plugins<'a> {
    /// Which API servers to try: asked in this order, until one knows any.
    pub endpoints: &'a [Arc<dyn EndpointProvider>],
    /// What to believe about them: asked in this order, until one leads to trust.
    pub trust: &'a [Candidate],
}

/// A trust source that may be asked.
#[derive(Clone)]
pub struct Candidate {
    /// The plugin.
    pub plugin: Arc<dyn TrustSource>,
    /// The one kind of source that it is for; any, where there is none.
    pub takes: Option<SourceKind>,
    /// Whether the operator believes what it says without a proof.
    pub believed_unverified: bool,
}

impl Candidate {
    /// Whether the plugin can make something of a source.
    pub(crate) fn is_for(&self, source: &Source) -> bool {
        self.takes.is_none_or(|kind| kind == source.kind())
    }
}

/// A cluster that may be talked to.
#[derive(Debug)]
pub struct Discovered {
    /// The CA and the API servers, with the proof.
    pub trust: VerifiedTrust,
    /// To the API servers, as far as there are any by now.
    pub connections: Connections,
    /// Credentials that were in the document; no plugin has seen them.
    pub credentials: Option<Credentials>,
    /// The trust source that led to it.
    pub source: String,
    /// What the operator accepted to trust it.
    pub posture: Vec<PostureEntry>,
    /// What the trust source says it checked, for display.
    pub evidence: Vec<Finding>,
}

/// An attempt has at least this long, so that the last one is not over before it began.
const SHORTEST_ATTEMPT: Duration = Duration::from_secs(1);

/// Discovers the cluster; tries again what may succeed later, and shows why it has not yet.
///
/// # Errors
/// Why no source led to trust: the failure itself where there was one source to ask, else [`DiscoveryFailure::Sources`].
pub async fn discover(
    request: &Request,
    plugins: Plugins<'_>,
    progress: &dyn Progress,
) -> Result<Discovered, DiscoveryFailure> {
    if request.token().is_some() {
        tokio::task::spawn_blocking(jws::start_provider);
    }
    let started = Instant::now();
    let left = || request.timing.timeout.saturating_sub(started.elapsed());
    let mut told = BTreeSet::new();
    let mut last = None;
    loop {
        let longest = left().max(SHORTEST_ATTEMPT);
        let attempt = async {
            match request.quorum {
                Some(needed) => quorum::together(request, needed, plugins, progress).await,
                None => in_turn(request, plugins, progress, &mut told).await,
            }
        };
        match tokio::time::timeout(longest, attempt).await {
            Ok(Ok(discovered)) => return Ok(discovered),
            Ok(Err(failure)) if failure.is_retryable() => last = Some(failure),
            Ok(Err(failure)) => return Err(failure),
            Err(_) => {}
        }
        let failure = last.take().unwrap_or_else(|| DiscoveryFailure::NoAnswer {
            from: request.sources.iter().flat_map(Source::places).collect(),
        });
        let left = left();
        if left.is_zero() {
            return Err(DiscoveryFailure::TimedOut {
                after: request.timing.timeout,
                last: Box::new(failure),
            });
        }
        let retry_in = request.timing.retry.min(left);
        let reason = connect::chain(&failure);
        progress.event(Event::Waiting(Waiting::Discovery { reason, retry_in }));
        last = Some(failure);
        tokio::time::sleep(retry_in).await;
    }
}

/// Asks each source once, until one leads to trust or one refuses it. Says why it goes on to the next, once for each
/// reason.
async fn in_turn(
    request: &Request,
    plugins: Plugins<'_>,
    progress: &dyn Progress,
    told: &mut BTreeSet<String>,
) -> Result<Discovered, DiscoveryFailure> {
    let mut turns = plugins
        .trust
        .iter()
        .flat_map(|candidate| {
            let sources = request.sources.iter();
            sources
                .filter(|source| candidate.is_for(source))
                .map(move |source| (candidate, source))
        })
        .peekable();
    let mut failed = Vec::new();
    while let Some((candidate, source)) = turns.next() {
        let attempt = attempt::attempt(request, source, candidate, plugins.endpoints, progress);
        let failure = match attempt.await {
            Ok(discovered) => return Ok(discovered),
            Err(failure) => failure,
        };
        let is_last = failure.is_refusal() || turns.peek().is_none();
        let failure = FailedSource {
            source_name: candidate.plugin.identity().name.clone(),
            failure,
        };
        if !is_last {
            let note = format!("{failure}; asking the next trust source");
            if told.insert(note.clone()) {
                progress.event(Event::Note(note));
            }
        }
        failed.push(failure);
        if is_last {
            break;
        }
    }
    Err(FailedSources::tell(failed))
}

#[cfg(test)]
mod tests;
