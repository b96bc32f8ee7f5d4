//! Where the ledgers of bootstrap tokens are kept: one ConfigMap `token-ledger.<uid>` per token, in
//! `slipway-system`, changed by compare-and-swap only.
//!
//! What may be done with a token is decided in [`slipway_pki::decision::ledger`]. The ledger is an object of its own, so
//! that it outlives the token. Beside it stands how the token ended where that was by itself: a token that is gone
//! without that mark was deleted by somebody, and is revoked.
//!
//! Thousands of nodes may come through one token: what is to be changed in its ledger at one time is written at once, and
//! what is asked about it at one time is read at once.

mod marked;

use std::sync::{Arc, Mutex};

use jiff::Timestamp;
use slipway_config::system::ledger_name;
use slipway_config::token::{TokenBounds, TokenId};
use slipway_pki::decision::ledger::{Refusal, TokenLedger, TokenUse};
use tokio::sync::oneshot;

use self::marked::{Change, MarkedLedger};
use crate::error::Error;
use crate::records::{Record as _, Records, Stored, damaged, title};
use crate::sharing::{Places, Reads, lock};
use crate::system::Clock;

/// Attempts against others who change the same ledger.
const ATTEMPTS: usize = 16;

/// Reads and writes ledgers. Cheap to clone; the clones share what they do at one time.
#[derive(Clone)]
pub struct Ledgers {
    records: Records<MarkedLedger>,
    clock: Clock,
    reads: Arc<Reads<Option<StoredLedger>>>,
    turns: Arc<Places<Turn>>,
}

/// Changes of one ledger that wait for their turn. Between processes it is the compare-and-swap that counts; within one,
/// changes would only come in each other's way.
#[derive(Default)]
struct Turn {
    waiting: Mutex<Vec<Waiting>>,
    taken: tokio::sync::Mutex<()>,
}

/// A change that waits, and where its outcome is told.
struct Waiting {
    change: Change,
    changed: oneshot::Sender<Changed>,
}

/// The ledger after a change, or why it cannot be changed so.
type Changed = Result<StoredLedger, Refusal>;

/// A ledger as it was read.
#[derive(Clone, Debug)]
pub struct StoredLedger(Stored<MarkedLedger>);

/// A token that exists, as far as its ledger is concerned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LiveToken {
    /// Its ID.
    pub id: TokenId,
    /// The UID of its Secret.
    pub uid: String,
    /// When it expires, if ever.
    pub expires: Option<Timestamp>,
    /// The bounds that it was made with.
    pub bounds: TokenBounds,
}

impl Ledgers {
    /// Ledgers over this client.
    pub fn new(client: kube::Client, clock: Clock) -> Self {
        Self {
            records: Records::new(client),
            clock,
            reads: Arc::default(),
            turns: Arc::default(),
        }
    }

    /// The ledger of the token with this UID; none where it has none.
    ///
    /// # Errors
    /// When the API does not answer, or the ledger is damaged.
    pub async fn get(&self, token_uid: &str) -> Result<Option<StoredLedger>, Error> {
        let name = ledger_name(token_uid);
        let read = async { Ok(self.records.get(&name).await?.map(StoredLedger)) };
        self.reads.read(token_uid, read).await
    }

    /// The ledgers of all tokens that ever had this ID, as far as they are kept.
    ///
    /// # Errors
    /// As for [`get`](Self::get).
    pub(crate) async fn of_id(&self, id: &TokenId) -> Result<Vec<StoredLedger>, Error> {
        self.select(&format!("{}={id}", MarkedLedger::LABEL)).await
    }

    /// All ledgers.
    ///
    /// # Errors
    /// As for [`get`](Self::get).
    pub async fn list(&self) -> Result<Vec<StoredLedger>, Error> {
        self.select(MarkedLedger::LABEL).await
    }

    /// The ledger of a token that exists, as [`adopt`](Self::adopt) would leave it. Nothing is written.
    ///
    /// # Errors
    /// As for [`get`](Self::get).
    pub async fn look(&self, token: &LiveToken) -> Result<TokenLedger, Error> {
        let stored = self.get(&token.uid).await?;
        Ok(match &stored {
            Some(stored) => stored.ledger().expiring(token.expires),
            None => token.first_ledger(),
        })
    }

    /// The ledger of a token that exists, made with the token's bounds where there is none yet, and brought up to date
    /// with the token's expiration. The bounds of a ledger that is there already stay.
    ///
    /// # Errors
    /// As for [`get`](Self::get).
    pub async fn adopt(&self, token: &LiveToken) -> Result<StoredLedger, Error> {
        let stored = match self.get(&token.uid).await? {
            Some(stored) => stored,
            None => self.create(token).await?,
        };
        if stored.ledger().expires() == token.expires {
            return Ok(stored);
        }
        self.update(&token.uid, Change::Expiring(token.expires))
            .await
    }

    /// Reserves a use. Committed when this returns.
    ///
    /// # Errors
    /// As for [`get`](Self::get); inside, why the token may not be used so.
    pub async fn reserve(&self, wanted: &TokenUse) -> Result<Result<StoredLedger, Refusal>, Error> {
        self.change(&wanted.token_uid, Change::Reserve(wanted.clone()))
            .await
    }

    /// Consumes a use, reserving it first where nobody has: what a person approved was reserved by nobody. Committed
    /// when this returns.
    ///
    /// # Errors
    /// As for [`reserve`](Self::reserve).
    pub async fn consume(&self, wanted: &TokenUse) -> Result<Result<StoredLedger, Refusal>, Error> {
        self.change(&wanted.token_uid, Change::Consume(wanted.clone()))
            .await
    }

    /// Gives a reserved use back; nothing where there is no such reservation, or no ledger.
    ///
    /// # Errors
    /// As for [`get`](Self::get).
    pub async fn release(&self, wanted: &TokenUse) -> Result<(), Error> {
        if self.get(&wanted.token_uid).await?.is_none() {
            return Ok(());
        }
        self.update(&wanted.token_uid, Change::Release(wanted.clone()))
            .await
            .map(drop)
    }

    /// Revokes the token: nothing may be used through it any more.
    ///
    /// # Errors
    /// As for [`get`](Self::get).
    pub async fn revoke(&self, token_uid: &str) -> Result<(), Error> {
        self.update(token_uid, Change::Revoke).await.map(drop)
    }

    /// Revokes a token that was found to be gone, unless it is marked as having reached its end by itself: that may have been
    /// written down since the ledger was read. Returns whether it is revoked.
    ///
    /// # Errors
    /// As for [`get`](Self::get).
    pub(crate) async fn revoke_gone(&self, token_uid: &str) -> Result<bool, Error> {
        let stored = self.update(token_uid, Change::RevokeGone).await?;
        Ok(stored.ledger().revoked().is_some())
    }

    /// Marks that the token reached the end that its ledger states. Does nothing for a revoked one.
    ///
    /// # Errors
    /// As for [`get`](Self::get).
    pub(crate) async fn mark_expired(&self, token_uid: &str) -> Result<(), Error> {
        self.update(token_uid, Change::MarkExpired).await.map(drop)
    }

    /// Removes a ledger that is as it was read. One that was changed since stays.
    ///
    /// # Errors
    /// When the API does not answer.
    pub async fn remove(&self, stored: &StoredLedger) -> Result<(), Error> {
        self.records.remove(&stored.0).await
    }

    async fn select(&self, labels: &str) -> Result<Vec<StoredLedger>, Error> {
        let found = self.records.list(labels).await?;
        Ok(found.into_iter().map(StoredLedger).collect())
    }

    async fn create(&self, token: &LiveToken) -> Result<StoredLedger, Error> {
        let new = MarkedLedger::new(token.first_ledger());
        let made = match self.records.create(&new).await? {
            Some(made) => StoredLedger(made),
            // Somebody else was quicker, with the same bounds.
            None => self.existing(&token.uid).await?,
        };
        Ok(made)
    }

    async fn existing(&self, token_uid: &str) -> Result<StoredLedger, Error> {
        self.get(token_uid).await?.ok_or_else(|| {
            damaged(
                &ledger_name(token_uid),
                "it does not exist, and the token's bounds are not known",
            )
        })
    }

    /// A change that nothing can stand in the way of; only a use is ever refused.
    async fn update(&self, token_uid: &str, change: Change) -> Result<StoredLedger, Error> {
        let changed = self.change(token_uid, change).await?;
        changed.map_err(|refusal| damaged(&ledger_name(token_uid), refusal.to_string()))
    }

    /// Makes a change, with everything else that waits to be changed in the same ledger. Committed when this returns.
    async fn change(&self, token_uid: &str, change: Change) -> Result<Changed, Error> {
        let turn = self.turns.enter(token_uid);
        loop {
            let (changed, mut told) = oneshot::channel();
            lock(&turn.waiting).push(Waiting {
                change: change.clone(),
                changed,
            });
            let _taken = turn.taken.lock().await;
            match told.try_recv() {
                Ok(changed) => return Ok(changed),
                // Whoever took it along failed or was cancelled, and knows no more of it than we do.
                Err(oneshot::error::TryRecvError::Closed) => continue,
                Err(oneshot::error::TryRecvError::Empty) => {}
            }
            let waiting = std::mem::take(&mut *lock(&turn.waiting));
            self.make(token_uid, waiting).await?;
            if let Ok(changed) = told.try_recv() {
                return Ok(changed);
            }
        }
    }

    /// Makes changes by one compare-and-swap; they are tried again whenever somebody else was quicker.
    async fn make(&self, token_uid: &str, waiting: Vec<Waiting>) -> Result<(), Error> {
        for attempt in 0..ATTEMPTS {
            let stored = self.existing(token_uid).await?;
            let now = (self.clock)();
            let mut marked = stored.0.record.clone();
            let mut made = Vec::with_capacity(waiting.len());
            for Waiting { change, .. } in &waiting {
                made.push(marked.change(change, now));
            }
            let written = if marked == stored.0.record {
                Some(stored)
            } else {
                let written = self.records.replace(stored.0, &marked).await?;
                written.map(StoredLedger)
            };
            let Some(written) = written else {
                pause(attempt).await;
                continue;
            };
            for (Waiting { changed, .. }, made) in waiting.into_iter().zip(made) {
                // Who waited may be gone; it is made all the same.
                let _ = changed.send(made.map(|()| written.clone()));
            }
            return Ok(());
        }
        Err(Error::Contended {
            object: title(&ledger_name(token_uid)),
            attempts: ATTEMPTS,
        })
    }
}

impl LiveToken {
    /// Its ledger before anything is done with it.
    fn first_ledger(&self) -> TokenLedger {
        TokenLedger::new(
            self.id.clone(),
            self.uid.clone(),
            self.bounds.clone(),
            self.expires,
        )
    }
}

impl StoredLedger {
    /// What may be done with the token, and what was.
    pub fn ledger(&self) -> &TokenLedger {
        &self.0.record.ledger
    }

    /// Whether the token is known to have reached its end by itself.
    pub fn is_marked_expired(&self) -> bool {
        self.0.record.is_marked_expired()
    }

    /// When the ledger was made.
    pub fn created(&self) -> Option<Timestamp> {
        self.0.created()
    }
}

/// Longer each time, and different for each contender as their attempts drift apart.
async fn pause(attempt: usize) {
    let jitter = u64::from(Timestamp::now().subsec_nanosecond().unsigned_abs() % 7);
    let attempt = u64::try_from(attempt).unwrap_or(u64::MAX);
    tokio::time::sleep(std::time::Duration::from_millis(
        attempt.saturating_mul(3).saturating_add(jitter),
    ))
    .await;
}
