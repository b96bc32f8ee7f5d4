//! Keeps the ledgers like the tokens: each token that can let somebody in has one, and one whose Secret was deleted
//! before its time is revoked.

use std::collections::BTreeSet;
use std::time::Duration;

use jiff::Timestamp;
use slipway_config::token::TokenId;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::error::Error;
use crate::ledger::{Ledgers, StoredLedger};
use crate::system::{Clock, later};
use crate::tokens::{TokenSecret, TokenSecrets};

/// How long a ledger is kept after its token ended: longer than any request of it is.
const KEPT: Duration = Duration::from_secs(7 * 24 * 3600);
/// How often ledgers are compared with tokens although nothing was seen to change.
const PERIOD: Duration = Duration::from_secs(3600);
/// The pause after a failure.
const RETRY: Duration = Duration::from_secs(5);

/// What the watch on tokens saw.
#[derive(Debug)]
pub(crate) enum TokenEvent {
    /// A token is there, and may be new or different.
    Changed(TokenSecret),
    /// A token was deleted just now.
    Gone(TokenSecret),
    /// All tokens have been seen.
    Listed,
}

/// Keeps the ledgers.
pub(crate) struct TokenKeeper {
    pub(crate) secrets: TokenSecrets,
    pub(crate) ledgers: Ledgers,
    pub(crate) clock: Clock,
    pub(crate) events: mpsc::UnboundedReceiver<TokenEvent>,
    /// Told which tokens ended, so that what is pending through them is looked at again.
    pub(crate) ended: mpsc::UnboundedSender<TokenId>,
}

impl TokenKeeper {
    /// Keeps them until `shutdown`.
    pub(crate) async fn run(mut self, shutdown: CancellationToken) {
        let mut pause = PERIOD;
        loop {
            let result = tokio::select! {
                () = shutdown.cancelled() => return,
                event = self.events.recv() => match event {
                    Some(event) => self.follow(event).await,
                    None => return,
                },
                () = tokio::time::sleep(pause) => self.settle().await,
            };
            pause = PERIOD;
            if let Err(error) = result {
                tracing::warn!(
                    error = &error as &dyn std::error::Error,
                    "a token's ledger could not be kept"
                );
                // What was missed is found by comparing everything.
                pause = RETRY;
            }
        }
    }

    async fn follow(&self, event: TokenEvent) -> Result<(), Error> {
        match event {
            TokenEvent::Changed(token) => self.adopt(&token).await,
            TokenEvent::Gone(token) => self.end(&token).await,
            TokenEvent::Listed => self.settle().await,
        }
    }

    /// One that lets nobody in has no ledger.
    async fn adopt(&self, token: &TokenSecret) -> Result<(), Error> {
        match token.live() {
            Some(live) => self.ledgers.adopt(&live).await.map(drop),
            None => Ok(()),
        }
    }

    /// A token was seen to be deleted: revoked, unless it was over already and somebody else cleaned it up.
    async fn end(&self, token: &TokenSecret) -> Result<(), Error> {
        let Some(stored) = self.ledgers.get(&token.uid).await? else {
            return Ok(());
        };
        if token.is_expired((self.clock)()) {
            self.ledgers.mark_expired(&token.uid).await?;
        } else if self.ledgers.revoke_gone(&token.uid).await? {
            tracing::info!(token = %stored.ledger().token_id(), "a deleted token is revoked");
        }
        self.tell(stored.ledger().token_id());
        Ok(())
    }

    /// Compares all ledgers with all tokens. A token that went while nobody looked on counts as revoked unless it was
    /// marked as expired: when in doubt, nothing is let in.
    async fn settle(&self) -> Result<(), Error> {
        // Ledgers first: each was made after its token, so that a token made meanwhile is not missed.
        let ledgers = self.ledgers.list().await?;
        let secrets = self.secrets.list().await?;
        let living: BTreeSet<&str> = secrets.iter().map(|secret| secret.uid.as_str()).collect();
        let now = (self.clock)();
        for stored in ledgers
            .iter()
            .filter(|stored| !living.contains(stored.ledger().token_uid()))
        {
            if is_forgettable(stored, now) {
                self.ledgers.remove(stored).await?;
            } else if !stored.is_marked_expired()
                && stored.ledger().revoked().is_none()
                && self
                    .ledgers
                    .revoke_gone(stored.ledger().token_uid())
                    .await?
            {
                self.tell(stored.ledger().token_id());
            }
        }
        for secret in &secrets {
            self.adopt(secret).await?;
        }
        Ok(())
    }

    fn tell(&self, id: &TokenId) {
        // Nobody listens where there is no approver.
        let _ = self.ended.send(id.clone());
    }
}

/// Whether the ledger of a token that is gone is of no use any more: nothing waits through it, and the token would be over
/// should its store bring it back. That one which never expires was revoked is known from its ledger alone, which stays.
fn is_forgettable(stored: &StoredLedger, now: Timestamp) -> bool {
    let ledger = stored.ledger();
    let end = match (ledger.revoked(), ledger.expires()) {
        (Some(revoked), expires) => expires.map(|expires| expires.max(revoked)),
        (None, expires) => expires.filter(|_| stored.is_marked_expired()),
    };
    // A garbage expiration reads as 1970: such a ledger is kept as long after it was made.
    let end = end.map(|end| stored.created().map_or(end, |created| end.max(created)));
    end.is_some_and(|end| later(end, KEPT) <= now)
}
