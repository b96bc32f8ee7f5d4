//! Where the ledgers of bootstrap tokens are kept: one ConfigMap `token-ledger.<uid>` per token, in
//! `slipway-system`, changed by compare-and-swap only.
//!
//! What may be done with a token is decided in [`slipway_pki::decision::ledger`]. The ledger is an object of its own, so
//! that it outlives the token. Beside it stands how the token ended where that was by itself: a token that is gone
//! without that mark was deleted by somebody, and is revoked.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::hash::{BuildHasher as _, BuildHasherDefault, DefaultHasher};
use std::sync::Arc;

use jiff::Timestamp;
use slipway_config::system::{LEDGER_KEY, ledger_name};
use slipway_config::token::{TokenBounds, TokenId};
use slipway_pki::decision::ledger::{Refusal, TokenLedger, TokenUse};
use tokio::sync::{Mutex, MutexGuard};

use crate::error::Error;
use crate::records::{Record, Records, Stored, damaged, required, title};
use crate::system::Clock;

/// The key of the mark that the token expired by itself; its value is the expiration that was reached.
const EXPIRED: &str = "expired";
/// Attempts against others who change the same ledger.
const ATTEMPTS: usize = 16;

/// Reads and writes ledgers. Cheap to clone.
#[derive(Clone)]
pub struct Ledgers {
    records: Records<MarkedLedger>,
    clock: Clock,
    turns: Arc<Turns>,
}

/// Changes of one ledger, made in turns by this process: it would only come in its own way. Between processes it is the
/// compare-and-swap that counts.
#[derive(Default)]
struct Turns([Mutex<()>; 16]);

/// A ledger as it was read.
#[derive(Clone, Debug)]
pub struct StoredLedger(Stored<MarkedLedger>);

/// A ledger and, where the token is known to have reached its end by itself, the expiration that was reached.
#[derive(Clone, Debug, PartialEq, Eq)]
struct MarkedLedger {
    ledger: TokenLedger,
    expired: Option<Timestamp>,
}

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
            turns: Arc::default(),
        }
    }

    /// The ledger of the token with this UID; none where it has none.
    ///
    /// # Errors
    /// When the API does not answer, or the ledger is damaged.
    pub async fn get(&self, token_uid: &str) -> Result<Option<StoredLedger>, Error> {
        let found = self.records.get(&ledger_name(token_uid)).await?;
        Ok(found.map(StoredLedger))
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
        self.update(&token.uid, |marked| MarkedLedger {
            ledger: marked.ledger.expiring(token.expires),
            // The mark was for another end than the token has now.
            expired: None,
        })
        .await
    }

    /// Reserves a use. Committed when this returns.
    ///
    /// # Errors
    /// As for [`get`](Self::get); inside, why the token may not be used so.
    pub async fn reserve(&self, wanted: &TokenUse) -> Result<Result<StoredLedger, Refusal>, Error> {
        let now = (self.clock)();
        self.change(&wanted.token_uid, |marked| {
            Ok(marked.with(marked.ledger.reserve(wanted, now)?))
        })
        .await
    }

    /// Consumes a use, reserving it first where nobody has: what a person approved was reserved by nobody. Committed
    /// when this returns.
    ///
    /// # Errors
    /// As for [`reserve`](Self::reserve).
    pub async fn consume(&self, wanted: &TokenUse) -> Result<Result<StoredLedger, Refusal>, Error> {
        let now = (self.clock)();
        self.change(&wanted.token_uid, |marked| {
            let reserved = marked.ledger.reserve(wanted, now)?;
            Ok(marked.with(reserved.consume(wanted, now)?))
        })
        .await
    }

    /// Gives a reserved use back; nothing where there is no such reservation, or no ledger.
    ///
    /// # Errors
    /// As for [`get`](Self::get).
    pub async fn release(&self, wanted: &TokenUse) -> Result<(), Error> {
        let now = (self.clock)();
        if self.get(&wanted.token_uid).await?.is_none() {
            return Ok(());
        }
        self.update(&wanted.token_uid, |marked| {
            marked.with(marked.ledger.release(wanted, now))
        })
        .await
        .map(drop)
    }

    /// Revokes the token: nothing may be used through it any more.
    ///
    /// # Errors
    /// As for [`get`](Self::get).
    pub async fn revoke(&self, token_uid: &str) -> Result<(), Error> {
        let now = (self.clock)();
        self.update(token_uid, |marked| marked.with(marked.ledger.revoke(now)))
            .await
            .map(drop)
    }

    /// Revokes a token that was found to be gone, unless it is marked as having reached its end by itself: that may have been
    /// written down since the ledger was read. Returns whether it is revoked.
    ///
    /// # Errors
    /// As for [`get`](Self::get).
    pub(crate) async fn revoke_gone(&self, token_uid: &str) -> Result<bool, Error> {
        let now = (self.clock)();
        let stored = self
            .update(token_uid, |marked| marked.revoked_unless_expired(now))
            .await?;
        Ok(stored.ledger().revoked().is_some())
    }

    /// Marks that the token reached the end that its ledger states. Does nothing for a revoked one.
    ///
    /// # Errors
    /// As for [`get`](Self::get).
    pub(crate) async fn mark_expired(&self, token_uid: &str) -> Result<(), Error> {
        self.update(token_uid, MarkedLedger::marked_expired)
            .await
            .map(drop)
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
        let new = MarkedLedger {
            ledger: token.first_ledger(),
            expired: None,
        };
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

    /// A change that nothing can stand in the way of.
    async fn update(
        &self,
        token_uid: &str,
        next: impl Fn(&MarkedLedger) -> MarkedLedger,
    ) -> Result<StoredLedger, Error> {
        let changed = self
            .change(token_uid, |marked| Ok::<_, Infallible>(next(marked)))
            .await?;
        match changed {
            Ok(stored) => Ok(stored),
            Err(never) => match never {},
        }
    }

    /// Compare-and-swap: `next` is asked again whenever somebody else was quicker.
    async fn change<E>(
        &self,
        token_uid: &str,
        next: impl Fn(&MarkedLedger) -> Result<MarkedLedger, E>,
    ) -> Result<Result<StoredLedger, E>, Error> {
        let _turn = self.turns.of(token_uid).await;
        for attempt in 0..ATTEMPTS {
            let stored = self.existing(token_uid).await?;
            let marked = match next(&stored.0.record) {
                Ok(marked) => marked,
                Err(refusal) => return Ok(Err(refusal)),
            };
            if marked == stored.0.record {
                return Ok(Ok(stored));
            }
            match self.records.replace(stored.0, &marked).await? {
                Some(written) => return Ok(Ok(StoredLedger(written))),
                None => pause(attempt).await,
            }
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

impl Turns {
    /// Waits for a turn with this ledger, or with one that shares its place.
    async fn of(&self, token_uid: &str) -> MutexGuard<'_, ()> {
        let Self(places) = self;
        let hash = BuildHasherDefault::<DefaultHasher>::default().hash_one(token_uid);
        let [first, ..] = places;
        let place = usize::try_from(hash).unwrap_or_default() % places.len();
        places.get(place).unwrap_or(first).lock().await
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

impl MarkedLedger {
    /// With another ledger and the same mark.
    fn with(&self, ledger: TokenLedger) -> Self {
        Self {
            ledger,
            expired: self.expired,
        }
    }

    fn is_marked_expired(&self) -> bool {
        self.expired.is_some() && self.expired == self.ledger.expires()
    }

    fn marked_expired(&self) -> Self {
        Self {
            ledger: self.ledger.clone(),
            expired: match self.ledger.revoked() {
                Some(_) => self.expired,
                None => self.ledger.expires(),
            },
        }
    }

    fn revoked_unless_expired(&self, now: Timestamp) -> Self {
        if self.is_marked_expired() {
            self.clone()
        } else {
            self.with(self.ledger.revoke(now))
        }
    }
}

impl Record for MarkedLedger {
    const ALL: &'static str = "the token ledgers";
    /// With the token's ID.
    const LABEL: &'static str = "slipway.dev/token-id";
    const IMMUTABLE: bool = false;

    fn name(&self) -> String {
        ledger_name(self.ledger.token_uid())
    }

    fn label(&self) -> String {
        self.ledger.token_id().to_string()
    }

    fn to_data(&self) -> Result<BTreeMap<String, String>, serde_json::Error> {
        let text = serde_json::to_string(&self.ledger)?;
        let mut data = BTreeMap::from([(LEDGER_KEY.to_owned(), text)]);
        data.extend(
            self.expired
                .map(|end| (EXPIRED.to_owned(), end.to_string())),
        );
        Ok(data)
    }

    fn from_data(data: &BTreeMap<String, String>) -> Result<Self, String> {
        let ledger = required(data, LEDGER_KEY)?;
        let expired = data.get(EXPIRED).map(|text| text.parse()).transpose();
        Ok(Self {
            ledger: serde_json::from_str(ledger).map_err(|error| error.to_string())?,
            expired: expired.map_err(|error: jiff::Error| error.to_string())?,
        })
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

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn ending(expires: Option<Timestamp>) -> MarkedLedger {
        let id = "abcdef".parse().unwrap();
        MarkedLedger {
            ledger: TokenLedger::new(id, "u-1".to_owned(), TokenBounds::default(), expires),
            expired: None,
        }
    }

    #[test]
    fn what_ended_by_itself_is_not_revoked_by_whoever_finds_it_gone() {
        let expired = ending(Some(at(10))).marked_expired();
        assert!(expired.is_marked_expired());
        assert_eq!(expired.revoked_unless_expired(at(11)), expired);
        assert_eq!(expired.marked_expired(), expired);
    }

    #[test]
    fn what_was_revoked_did_not_end_by_itself() {
        let revoked = ending(Some(at(10))).revoked_unless_expired(at(5));
        assert_eq!(revoked.ledger.revoked(), Some(at(5)));
        assert_eq!(revoked.marked_expired(), revoked);
        assert!(!revoked.is_marked_expired());
        assert!(!ending(None).marked_expired().is_marked_expired());
    }

    #[test]
    fn a_mark_for_another_end_than_the_token_has_now_does_not_count() {
        let marked = ending(Some(at(10))).marked_expired();
        let moved = marked.with(marked.ledger.expiring(Some(at(20))));
        assert!(!moved.is_marked_expired());
        assert!(
            moved
                .revoked_unless_expired(at(15))
                .ledger
                .revoked()
                .is_some()
        );
    }
}
