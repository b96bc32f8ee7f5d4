//! The bootstrap signer: each signing token has its signature of the kubeconfig in cluster-info.
//!
//! What should be there is a function of the document and the tokens alone, the same as kube-controller-manager's, so
//! that both can run at once. Source: Kubernetes, `pkg/controller/bootstrap/bootstrapsigner.go`.

mod plan;

use std::sync::Arc;
use std::time::Duration;

use k8s_openapi::api::core::v1::{ConfigMap, Secret};
use kube::api::{Api, PostParams};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use self::plan::{Signatures, plan};
use crate::error::{During as _, Error};
use crate::system::{Clock, until};
use crate::tokens::TokenSecret;
use crate::watch::Cache;

/// The ConfigMap with the discovery document.
pub(crate) const CLUSTER_INFO: &str = "cluster-info";
/// The namespace of cluster-info.
pub(crate) const CLUSTER_INFO_NAMESPACE: &str = "kube-public";
/// The key of the document.
pub(crate) const KUBECONFIG: &str = "kubeconfig";
/// What the key of a signature starts with; the token's ID follows.
pub(crate) const SIGNATURE_PREFIX: &str = "jws-kubeconfig-";

/// The pause after a failure.
const RETRY: Duration = Duration::from_secs(2);
/// The longest pause when somebody undoes what was written.
const LONGEST_TRUCE: Duration = Duration::from_secs(60);
/// The longest wait without looking, for clocks that jump.
const LONGEST_WAIT: Duration = Duration::from_secs(60);

/// Keeps the signatures.
pub(crate) struct BootstrapSigner {
    pub(crate) client: kube::Client,
    pub(crate) clock: Clock,
    pub(crate) secrets: Cache<Secret>,
    /// Told when a token or cluster-info changed.
    pub(crate) changed: Arc<Notify>,
}

impl BootstrapSigner {
    /// Signs until `shutdown`.
    pub(crate) async fn run(self, shutdown: CancellationToken) {
        if !self.secrets.is_filled(&shutdown).await {
            return;
        }
        let mut truce = Truce::default();
        loop {
            let pause = match self.sign(&mut truce).await {
                Ok(pause) => pause.min(LONGEST_WAIT),
                Err(error) => {
                    if !error.is_conflict() {
                        tracing::warn!(
                            error = &error as &dyn std::error::Error,
                            "cluster-info could not be signed"
                        );
                    }
                    RETRY
                }
            };
            tokio::select! {
                () = shutdown.cancelled() => return,
                () = self.changed.notified() => {}
                () = tokio::time::sleep(pause) => {}
            }
        }
    }

    /// Brings the signatures up to date. Returns how long they will be.
    async fn sign(&self, truce: &mut Truce) -> Result<Duration, Error> {
        let maps: Api<ConfigMap> = Api::namespaced(self.client.clone(), CLUSTER_INFO_NAMESPACE);
        let title = format!("ConfigMap {CLUSTER_INFO_NAMESPACE}/{CLUSTER_INFO}");
        let Some(mut info) = maps.get_opt(CLUSTER_INFO).await.during("read", &title)? else {
            return Ok(LONGEST_WAIT);
        };
        let now = (self.clock)();
        let cached = self.secrets.state();
        let tokens: Vec<TokenSecret> = cached
            .iter()
            .filter_map(|secret| TokenSecret::read(secret))
            .collect();
        let next_expiry = tokens
            .iter()
            .filter_map(|token| token.expires)
            .filter(|expires| *expires > now)
            .min()
            .map_or(LONGEST_WAIT, |expires| until(now, expires));
        let data = info.data.get_or_insert_default();
        let signatures = match plan(data, &tokens, now) {
            Ok(signatures) => signatures,
            Err(error) => {
                tracing::error!(
                    error = &error as &dyn std::error::Error,
                    "cluster-info could not be signed"
                );
                return Ok(LONGEST_WAIT);
            }
        };
        if signatures.are_in(data) {
            return Ok(next_expiry);
        }
        if let Some(pause) = truce.before(&signatures) {
            return Ok(pause.min(next_expiry));
        }
        signatures.put_into(data);
        maps.replace(CLUSTER_INFO, &PostParams::default(), &info)
            .await
            .during("update", &title)?;
        tracing::info!(tokens = signatures.count(), "cluster-info was signed");
        truce.wrote(signatures);
        Ok(next_expiry)
    }
}

/// Patience with somebody who undoes what was written, such as a signer whose clock differs.
#[derive(Default)]
struct Truce {
    last: Option<(Signatures, tokio::time::Instant)>,
    repeats: u32,
}

impl Truce {
    /// How long to wait before writing the same again; none where it may be written.
    fn before(&self, wanted: &Signatures) -> Option<Duration> {
        let (last, at) = self.last.as_ref()?;
        if last != wanted || self.repeats == 0 {
            return None;
        }
        let pause = Duration::from_secs(1)
            .saturating_mul(1 << self.repeats.min(6))
            .min(LONGEST_TRUCE);
        pause
            .checked_sub(at.elapsed())
            .filter(|rest| !rest.is_zero())
    }

    fn wrote(&mut self, written: Signatures) {
        let repeated = self.last.as_ref().is_some_and(|(last, _)| *last == written);
        self.repeats = if repeated {
            self.repeats.saturating_add(1)
        } else {
            0
        };
        self.last = Some((written, tokio::time::Instant::now()));
    }
}
