//! Where the ledgers of bootstrap tokens are kept: one ConfigMap `token-ledger.<uid>` per token, in
//! `slipway-system`, changed by compare-and-swap only.
//!
//! What may be done with a token is decided in [`slipway_pki::decision::ledger`]. The ledger is an object of its own, so
//! that it outlives the token. Beside it stands how the token ended where that was by itself: a token that is gone
//! without that mark was deleted by somebody, and is revoked.

use std::collections::BTreeMap;

use jiff::Timestamp;
use k8s_openapi::api::core::v1::ConfigMap;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::api::{Api, DeleteParams, ListParams, PostParams, Preconditions};
use slipway_config::token::{TokenBounds, TokenId};
use slipway_pki::decision::ledger::{Refusal, TokenLedger, TokenUse};

use crate::error::{During as _, Error};
use crate::system::{self, Clock, NAMESPACE};

/// What the name of a ledger's ConfigMap starts with; the token's UID follows.
pub const NAME_PREFIX: &str = "token-ledger.";

/// The label with the token's ID.
const TOKEN_ID: &str = "slipway.dev/token-id";
/// The key of the ledger itself.
const LEDGER: &str = "ledger";
/// The key of the mark that the token expired by itself; its value is the expiration that was reached.
const EXPIRED: &str = "expired";
/// Attempts against others who change the same ledger.
const ATTEMPTS: usize = 16;

/// Reads and writes ledgers. Cheap to clone.
#[derive(Clone)]
pub struct Ledgers {
    objects: Api<ConfigMap>,
    client: kube::Client,
    clock: Clock,
}

/// A ledger as it was read.
#[derive(Clone, Debug)]
pub struct StoredLedger {
    ledger: TokenLedger,
    expired: Option<Timestamp>,
    object: ConfigMap,
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
}

impl Ledgers {
    /// Ledgers over this client.
    pub fn new(client: kube::Client, clock: Clock) -> Self {
        Self {
            objects: Api::namespaced(client.clone(), NAMESPACE),
            client,
            clock,
        }
    }

    /// The ledger of the token with this UID; none where it has none.
    ///
    /// # Errors
    /// When the API does not answer, or the ledger is damaged.
    pub async fn get(&self, token_uid: &str) -> Result<Option<StoredLedger>, Error> {
        let name = name(token_uid);
        let object = self
            .objects
            .get_opt(&name)
            .await
            .during("read", title(&name))?;
        object.map(StoredLedger::read).transpose()
    }

    /// The ledgers of all tokens that ever had this ID, as far as they are kept.
    ///
    /// # Errors
    /// As for [`get`](Self::get).
    pub async fn of_id(&self, id: &TokenId) -> Result<Vec<StoredLedger>, Error> {
        self.select(&format!("{TOKEN_ID}={id}")).await
    }

    /// All ledgers.
    ///
    /// # Errors
    /// As for [`get`](Self::get).
    pub async fn list(&self) -> Result<Vec<StoredLedger>, Error> {
        self.select(TOKEN_ID).await
    }

    /// The ledger of a token that exists, made with `bounds` where there is none yet, and brought up to date with the
    /// token's expiration. The bounds of a ledger that is there already stay.
    ///
    /// # Errors
    /// As for [`get`](Self::get).
    pub async fn adopt(
        &self,
        token: &LiveToken,
        bounds: &TokenBounds,
    ) -> Result<StoredLedger, Error> {
        let stored = match self.get(&token.uid).await? {
            Some(stored) => stored,
            None => self.create(token, bounds).await?,
        };
        if stored.ledger.expires() == token.expires {
            return Ok(stored);
        }
        let expires = token.expires;
        self.change(&token.uid, |stored| {
            // The mark was for another end than the token has now.
            Ok::<_, Refusal>((stored.ledger.expiring(expires), None))
        })
        .await?
        .map_err(|refusal| Error::Damaged {
            object: title(&name(&token.uid)),
            reason: refusal.to_string(),
        })
    }

    /// Reserves a use. Committed when this returns.
    ///
    /// # Errors
    /// As for [`get`](Self::get); inside, why the token may not be used so.
    pub async fn reserve(&self, wanted: &TokenUse) -> Result<Result<StoredLedger, Refusal>, Error> {
        let now = (self.clock)();
        self.change(&wanted.token_uid, |stored| {
            Ok((stored.ledger.reserve(wanted, now)?, stored.expired))
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
        self.change(&wanted.token_uid, |stored| {
            let reserved = stored.ledger.reserve(wanted, now)?;
            Ok((reserved.consume(wanted, now)?, stored.expired))
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
        self.change(&wanted.token_uid, |stored| {
            Ok::<_, Refusal>((stored.ledger.release(wanted, now), stored.expired))
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
        self.change(token_uid, |stored| {
            Ok::<_, Refusal>((stored.ledger.revoke(now), stored.expired))
        })
        .await
        .map(drop)
    }

    /// Marks that the token reached the end that its ledger states. Does nothing for a revoked one.
    ///
    /// # Errors
    /// As for [`get`](Self::get).
    pub async fn mark_expired(&self, token_uid: &str) -> Result<(), Error> {
        self.change(token_uid, |stored| {
            let end = stored
                .ledger
                .expires()
                .filter(|_| stored.ledger.revoked().is_none());
            Ok::<_, Refusal>((stored.ledger.clone(), end))
        })
        .await
        .map(drop)
    }

    /// Removes a ledger that is as it was read. One that was changed since stays.
    ///
    /// # Errors
    /// When the API does not answer.
    pub async fn remove(&self, stored: &StoredLedger) -> Result<(), Error> {
        let name = name(stored.ledger.token_uid());
        let unchanged = DeleteParams {
            preconditions: Some(Preconditions {
                resource_version: stored.object.metadata.resource_version.clone(),
                uid: stored.object.metadata.uid.clone(),
            }),
            ..DeleteParams::default()
        };
        let removed = self
            .objects
            .delete(&name, &unchanged)
            .await
            .during("delete", title(&name));
        match removed {
            Err(error) if error.is_conflict() => Ok(()),
            Err(error)
                if error
                    .api_failure()
                    .is_some_and(|failure| failure.is_not_found()) =>
            {
                Ok(())
            }
            removed => removed.map(drop),
        }
    }

    async fn select(&self, labels: &str) -> Result<Vec<StoredLedger>, Error> {
        let found = self
            .objects
            .list(&ListParams::default().labels(labels))
            .await
            .during("list", "the token ledgers")?;
        found.items.into_iter().map(StoredLedger::read).collect()
    }

    async fn create(&self, token: &LiveToken, bounds: &TokenBounds) -> Result<StoredLedger, Error> {
        let ledger = TokenLedger::new(
            token.id.clone(),
            token.uid.clone(),
            bounds.clone(),
            token.expires,
        );
        let name = name(&token.uid);
        let object = ConfigMap {
            metadata: ObjectMeta {
                name: Some(name.clone()),
                labels: Some(system::labels([(TOKEN_ID, token.id.to_string())])),
                ..ObjectMeta::default()
            },
            data: Some(data(&name, &ledger, None)?),
            ..ConfigMap::default()
        };
        let create = || async {
            self.objects
                .create(&PostParams::default(), &object)
                .await
                .during("create", title(&name))
        };
        let mut made = create().await;
        if made.as_ref().is_err_and(|error| {
            error
                .api_failure()
                .is_some_and(|failure| failure.is_not_found())
        }) {
            system::ensure_namespace(&self.client).await?;
            made = create().await;
        }
        match made {
            Err(error) if error.is_conflict() => match self.get(&token.uid).await? {
                Some(stored) => Ok(stored),
                None => Err(error),
            },
            made => made.and_then(StoredLedger::read),
        }
    }

    /// Compare-and-swap: `next` is asked again whenever somebody else was quicker.
    async fn change<E>(
        &self,
        token_uid: &str,
        next: impl Fn(&StoredLedger) -> Result<(TokenLedger, Option<Timestamp>), E>,
    ) -> Result<Result<StoredLedger, E>, Error> {
        let name = name(token_uid);
        for attempt in 0..ATTEMPTS {
            let stored = self.get(token_uid).await?.ok_or_else(|| Error::Damaged {
                object: title(&name),
                reason: "it does not exist, and the token's bounds are not known".to_owned(),
            })?;
            let (ledger, expired) = match next(&stored) {
                Ok(next) => next,
                Err(refusal) => return Ok(Err(refusal)),
            };
            if ledger == stored.ledger && expired == stored.expired {
                return Ok(Ok(stored));
            }
            let mut object = stored.object;
            object.data = Some(data(&name, &ledger, expired)?);
            let written = self
                .objects
                .replace(&name, &PostParams::default(), &object)
                .await
                .during("update", title(&name));
            match written {
                Ok(object) => return StoredLedger::read(object).map(Ok),
                Err(error) if error.is_conflict() => pause(attempt).await,
                Err(error) => return Err(error),
            }
        }
        Err(Error::Contended {
            object: title(&name),
            attempts: ATTEMPTS,
        })
    }
}

impl StoredLedger {
    /// What may be done with the token, and what was.
    pub fn ledger(&self) -> &TokenLedger {
        &self.ledger
    }

    /// Whether the token is known to have reached its end by itself.
    pub fn is_marked_expired(&self) -> bool {
        self.expired.is_some() && self.expired == self.ledger.expires()
    }

    /// When the ledger was made.
    pub fn created(&self) -> Option<Timestamp> {
        self.object
            .metadata
            .creation_timestamp
            .as_ref()
            .map(|time| time.0)
    }

    fn read(object: ConfigMap) -> Result<Self, Error> {
        let name = object.metadata.name.clone().unwrap_or_default();
        let damaged = |reason: String| Error::Damaged {
            object: title(&name),
            reason,
        };
        let value = |key: &str| object.data.as_ref().and_then(|data| data.get(key));
        let text = value(LEDGER).ok_or_else(|| damaged(format!("it has no key {LEDGER:?}")))?;
        let ledger: TokenLedger =
            serde_json::from_str(text).map_err(|error| damaged(error.to_string()))?;
        if self::name(ledger.token_uid()) != name {
            return Err(damaged(format!(
                "it is about the token with UID {}",
                ledger.token_uid()
            )));
        }
        let expired = value(EXPIRED)
            .map(|text| text.parse())
            .transpose()
            .map_err(|error: jiff::Error| damaged(error.to_string()))?;
        Ok(Self {
            ledger,
            expired,
            object,
        })
    }
}

fn name(token_uid: &str) -> String {
    format!("{NAME_PREFIX}{token_uid}")
}

fn title(name: &str) -> String {
    format!("ConfigMap {NAMESPACE}/{name}")
}

fn data(
    name: &str,
    ledger: &TokenLedger,
    expired: Option<Timestamp>,
) -> Result<BTreeMap<String, String>, Error> {
    let text = serde_json::to_string(ledger).map_err(|error| Error::Damaged {
        object: title(name),
        reason: error.to_string(),
    })?;
    let mut data = BTreeMap::from([(LEDGER.to_owned(), text)]);
    data.extend(expired.map(|end| (EXPIRED.to_owned(), end.to_string())));
    Ok(data)
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
