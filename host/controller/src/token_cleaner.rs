//! The token cleaner: what has expired is deleted, and only after it was noted down as expired, so that a token whose
//! Secret is gone without that note is known to have been revoked.
//!
//! Source: Kubernetes, `pkg/controller/bootstrap/tokencleaner.go`.

use std::sync::Arc;
use std::time::Duration;

use k8s_openapi::api::core::v1::Secret;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use crate::error::Error;
use crate::ledger::Ledgers;
use crate::system::{Clock, until};
use crate::tokens::{TokenSecret, TokenSecrets};
use crate::watch::Cache;

/// The pause after a failure.
const RETRY: Duration = Duration::from_secs(5);
/// The longest wait without looking, for clocks that jump.
const LONGEST_WAIT: Duration = Duration::from_secs(60);

/// Deletes expired tokens.
pub(crate) struct TokenCleaner {
    pub(crate) secrets: TokenSecrets,
    pub(crate) ledgers: Ledgers,
    pub(crate) clock: Clock,
    pub(crate) cache: Cache<Secret>,
    /// Told when a token changed.
    pub(crate) changed: Arc<Notify>,
}

impl TokenCleaner {
    /// Cleans until `shutdown`.
    pub(crate) async fn run(self, shutdown: CancellationToken) {
        if !self.cache.is_filled(&shutdown).await {
            return;
        }
        loop {
            let pause = match self.clean().await {
                Ok(pause) => pause.min(LONGEST_WAIT),
                Err(error) => {
                    tracing::warn!(
                        error = &error as &dyn std::error::Error,
                        "an expired token could not be deleted"
                    );
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

    /// Deletes what is over now. Returns how long it is until the next one is.
    async fn clean(&self) -> Result<Duration, Error> {
        let now = (self.clock)();
        let mut next = LONGEST_WAIT;
        for secret in self.cache.state() {
            let Some(token) = TokenSecret::read(&secret) else {
                continue;
            };
            match token.expires {
                Some(expires) if expires <= now => self.delete(&token).await?,
                Some(expires) => next = next.min(until(now, expires)),
                None => {}
            }
        }
        Ok(next)
    }

    async fn delete(&self, token: &TokenSecret) -> Result<(), Error> {
        if let Some(live) = token.live() {
            self.ledgers.adopt(&live).await?;
            self.ledgers.mark_expired(&token.uid).await?;
        }
        if self.secrets.delete(token).await? {
            tracing::info!(secret = token.name, "an expired token was deleted");
        }
        Ok(())
    }
}
