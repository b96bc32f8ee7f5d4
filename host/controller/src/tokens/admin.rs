//! What an operator does with tokens.

use std::collections::HashMap;

use jiff::Timestamp;
use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::Secret;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::api::PostParams;
use slipway_config::token::{
    BootstrapToken, SECRET_NAMESPACE, SECRET_TYPE, TokenBounds, TokenGroup, TokenId, TokenRecord,
    TokenUsages,
};
use slipway_pki::decision::ledger::Reservation;
use thiserror::Error;

use super::secrets::{TokenSecret, TokenSecrets, title};
use crate::error::{During as _, Error};
use crate::ledger::{Ledgers, StoredLedger};
use crate::system::{Clock, system_clock};

/// The most uses that a token can be limited to. A use takes some 200 bytes of the token's ledger for an hour, and an object of
/// the API has a mebibyte.
pub const MOST_USES: u32 = 4000;

/// Makes, lists and deletes tokens, with nothing but a client.
#[derive(Clone)]
pub struct TokenAdmin {
    secrets: TokenSecrets,
    ledgers: Ledgers,
    clock: Clock,
    source_addresses: SourceAddresses,
}

/// Whether the API server knows where a request comes from, so that a token can be bound to networks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SourceAddresses {
    /// It does, as the embedded API.
    Seen,
    /// It does not, as Kubernetes.
    Unseen,
}

/// A token to make.
#[derive(Clone, Debug)]
pub struct NewToken {
    /// The token itself.
    pub token: BootstrapToken,
    /// What it is for, for people; may be empty.
    pub description: String,
    /// When it ends; never, where there is none.
    pub expires: Option<Timestamp>,
    /// What it may be used for.
    pub usages: TokenUsages,
    /// The groups it gives.
    pub groups: Vec<TokenGroup>,
    /// What it may be used for beyond what Kubernetes knows.
    pub bounds: TokenBounds,
}

/// A token that exists. The secret is not in it.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ListedToken {
    /// Its ID, by the name of its Secret where nothing else can be read.
    pub id: String,
    /// The UID of its Secret.
    pub uid: String,
    /// When it was made.
    pub created: Option<Timestamp>,
    /// When it ends; never, where there is none.
    pub expires: Option<Timestamp>,
    /// Whether it is over.
    pub expired: bool,
    /// What it is for.
    pub description: String,
    /// What it may be used for.
    pub usages: Vec<String>,
    /// The groups it gives.
    pub groups: Vec<String>,
    /// Its bounds.
    pub bounds: TokenBounds,
    /// How often a node joined with it.
    pub used: u32,
    /// How many uses are left, if limited.
    pub uses_left: Option<u32>,
    /// Uses that are held for nodes whose certificates are not signed yet.
    pub reservations: Vec<Reservation>,
    /// Whether it was revoked, though its Secret is still there.
    pub revoked: bool,
    /// Whether its secret looks chosen by a person, so that it can be guessed.
    pub weak: bool,
    /// What is wrong with its Secret, if anything: such a token lets nobody in.
    pub problem: Option<String>,
}

/// Why a token could not be made or deleted.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum TokenAdminError {
    /// There is one with this ID.
    #[error("a token with the ID {0} exists already")]
    Exists(TokenId),
    /// There is none with this ID.
    #[error("there is no token with the ID {0}")]
    NotFound(TokenId),
    /// The API server does not know where requests come from.
    #[error(
        "the token cannot be bound to networks: this API server does not tell where a request comes from, only the embedded API does"
    )]
    SourceUnseen,
    /// It would be over at once.
    #[error("the token would expire at {expires}, and it is {now} now")]
    AlreadyExpired {
        /// When it would end.
        expires: Timestamp,
        /// What time it is.
        now: Timestamp,
    },
    /// It could not be used even once.
    #[error("the token could not be used at all: it is limited to 0 uses; expected at least 1")]
    NoUses,
    /// Its uses would not fit into one object.
    #[error(
        "the token cannot be limited to {0} uses; expected at most {MOST_USES}: who used it is kept in one object of the API"
    )]
    TooManyUses(u32),
    /// The bounds are kept for a token that lets somebody in; this one does not.
    #[error("the token has bounds but is not for authentication, so that nothing could be bound")]
    BoundsWithoutAuthentication,
    /// The API did not do its part.
    #[error(transparent)]
    Cluster(#[from] Error),
}

impl TokenAdmin {
    /// Over this client, for an API server that does not tell source addresses.
    pub fn new(client: kube::Client) -> Self {
        Self {
            secrets: TokenSecrets::new(client.clone()),
            ledgers: Ledgers::new(client, system_clock()),
            clock: system_clock(),
            source_addresses: SourceAddresses::Unseen,
        }
    }

    /// For an API server that does, or does not, tell source addresses.
    #[must_use]
    pub fn source_addresses(self, source_addresses: SourceAddresses) -> Self {
        Self {
            source_addresses,
            ..self
        }
    }

    /// Makes a token. Its bounds are in the same object, so that there is never one without them.
    ///
    /// # Errors
    /// [`TokenAdminError::Exists`] where the ID is taken; otherwise where the token would be of no use, or the API does
    /// not answer.
    pub async fn create(&self, new: &NewToken) -> Result<ListedToken, TokenAdminError> {
        new.check((self.clock)(), self.source_addresses)?;
        let id = &new.token.id;
        let made = self
            .secrets
            .api()
            .create(&PostParams::default(), &object(new))
            .await
            .during("create", title(&id.secret_name()));
        let secret = match made {
            Err(error) if error.is_conflict() => return Err(TokenAdminError::Exists(id.clone())),
            made => made?,
        };
        let read =
            TokenSecret::read(&secret).ok_or_else(|| TokenAdminError::NotFound(id.clone()))?;
        let stored = match read.live() {
            Some(live) => Some(self.ledgers.adopt(&live).await?),
            None => None,
        };
        Ok(self.listed(&read, stored.as_ref()))
    }

    /// All tokens, in the order of their IDs.
    ///
    /// # Errors
    /// When the API does not answer.
    pub async fn list(&self) -> Result<Vec<ListedToken>, Error> {
        let secrets = self.secrets.list().await?;
        let ledgers: HashMap<_, _> = self
            .ledgers
            .list()
            .await?
            .into_iter()
            .map(|stored| (stored.ledger().token_uid().to_owned(), stored))
            .collect();
        let listed = |secret: &TokenSecret| self.listed(secret, ledgers.get(&secret.uid));
        let mut tokens: Vec<_> = secrets.iter().map(listed).collect();
        tokens.sort_by(|a, b| a.id.cmp(&b.id));
        Ok(tokens)
    }

    /// Deletes a token, which revokes it: what is pending through it is denied.
    ///
    /// # Errors
    /// [`TokenAdminError::NotFound`] where there is none; otherwise when the API does not answer.
    pub async fn delete(&self, id: &TokenId) -> Result<(), TokenAdminError> {
        loop {
            let secret = self.secrets.get(id).await?;
            let secret = secret.ok_or_else(|| TokenAdminError::NotFound(id.clone()))?;
            // First, so that a token whose Secret is left over is revoked all the same.
            if self.ledgers.get(&secret.uid).await?.is_some() {
                self.ledgers.revoke(&secret.uid).await?;
            }
            if self.secrets.delete(&secret).await? {
                return Ok(());
            }
        }
    }

    fn listed(&self, secret: &TokenSecret, stored: Option<&StoredLedger>) -> ListedToken {
        let now = (self.clock)();
        let ledger = stored.map(StoredLedger::ledger);
        let record = secret.record.as_ref();
        ListedToken {
            id: secret
                .id()
                .map_or_else(|| secret.name.clone(), |id| id.to_string()),
            uid: secret.uid.clone(),
            created: secret.created,
            expires: secret.expires,
            expired: secret.is_expired(now),
            description: record
                .map(|record| record.description.clone())
                .unwrap_or_default(),
            usages: record
                .map(|record| {
                    record
                        .usages
                        .names()
                        .into_iter()
                        .map(str::to_owned)
                        .collect()
                })
                .unwrap_or_default(),
            groups: record
                .map(|record| record.groups.iter().map(ToString::to_string).collect())
                .unwrap_or_default(),
            bounds: ledger
                .map(|ledger| ledger.bounds().clone())
                .unwrap_or_default(),
            used: ledger.map(|ledger| ledger.used()).unwrap_or_default(),
            uses_left: ledger.and_then(|ledger| ledger.uses_left(now)),
            reservations: ledger
                .map(|ledger| ledger.reservations(now).collect())
                .unwrap_or_default(),
            revoked: ledger.is_some_and(|ledger| ledger.revoked().is_some()),
            weak: record.is_ok_and(|record| record.secret.is_weak()),
            problem: secret.problem(),
        }
    }
}

impl NewToken {
    /// Whether the token would be of use, wherever it is to be kept.
    ///
    /// # Errors
    /// It would be over at once, or its bounds cannot be kept.
    pub fn check(
        &self,
        now: Timestamp,
        source_addresses: SourceAddresses,
    ) -> Result<(), TokenAdminError> {
        if let Some(expires) = self.expires.filter(|expires| *expires <= now) {
            return Err(TokenAdminError::AlreadyExpired { expires, now });
        }
        if self.bounds.uses == Some(0) {
            return Err(TokenAdminError::NoUses);
        }
        if let Some(uses) = self.bounds.uses.filter(|uses| *uses > MOST_USES) {
            return Err(TokenAdminError::TooManyUses(uses));
        }
        if !self.bounds.cidrs.is_empty() && source_addresses == SourceAddresses::Unseen {
            return Err(TokenAdminError::SourceUnseen);
        }
        if !self.bounds.is_unbounded() && !self.usages.authentication {
            return Err(TokenAdminError::BoundsWithoutAuthentication);
        }
        Ok(())
    }

    /// The token as it is kept.
    pub fn record(&self) -> TokenRecord {
        TokenRecord {
            id: self.token.id.clone(),
            secret: self.token.secret.clone(),
            description: self.description.clone(),
            expires: self.expires,
            usages: self.usages,
            groups: self.groups.clone(),
        }
    }
}

fn object(new: &NewToken) -> Secret {
    let record = new.record();
    Secret {
        metadata: ObjectMeta {
            name: Some(record.id.secret_name()),
            namespace: Some(SECRET_NAMESPACE.to_owned()),
            annotations: new.bounds.to_annotations(),
            ..ObjectMeta::default()
        },
        type_: Some(SECRET_TYPE.to_owned()),
        data: Some(
            record
                .to_secret_data()
                .into_iter()
                .map(|(key, value)| (key, ByteString(value)))
                .collect(),
        ),
        ..Secret::default()
    }
}
