//! Token stores: where bootstrap tokens live.
//!
//! A store keeps sealed records: the host encrypts and authenticates each one, bound to its ID, before the store sees it.
//! How often a token may be used is in the host's own ledger, so a store that rolls back brings nothing back.

use thiserror::Error;

use crate::Plugin;
use crate::bindings::token_store::exports::slipway::plugin::token_store as wit;
use crate::export::{self, Exported};
use crate::settings::SettingErrors;

/// Keeps bootstrap tokens. Export it with [`export_token_store!`](crate::export_token_store).
pub trait TokenStore: Plugin {
    /// One record; none where there is none.
    ///
    /// # Errors
    /// See [`StoreError`].
    fn get(&self, id: &str) -> Result<Option<Stored>, StoreError>;

    /// All records, in the order of their IDs.
    ///
    /// # Errors
    /// See [`StoreError`].
    fn list(&self) -> Result<Vec<Stored>, StoreError>;

    /// Writes a record and returns its new version. Durable once it returns.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] if the precondition does not hold.
    fn put(
        &self,
        id: &str,
        sealed: &[u8],
        precondition: &Precondition,
    ) -> Result<String, StoreError>;

    /// Removes the record if it has this version.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] if it has another version or is not there.
    fn delete(&self, id: &str, version: &str) -> Result<(), StoreError>;
}

/// A record as the store keeps it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stored {
    /// The token's ID, the record's key: six characters of `[a-z0-9]`.
    pub id: String,
    /// The store's version of the record, opaque to the host; another after each write.
    pub version: String,
    /// The sealed record.
    pub sealed: Vec<u8>,
}

/// What a write requires of what is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Precondition {
    /// There must be no record.
    Absent,
    /// The record must have this version.
    Version(String),
}

/// Why a call failed.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum StoreError {
    /// The precondition does not hold; the store is unchanged.
    #[error("the record is not what the write requires")]
    Conflict,
    /// The store cannot be reached now.
    #[error("the store cannot be reached now: {0}")]
    Unavailable(String),
    /// What the store holds is damaged; the text says where.
    #[error("the store is damaged: {0}")]
    Corrupt(String),
    /// Anything else.
    #[error("{0}")]
    Other(String),
}

impl From<SettingErrors> for StoreError {
    fn from(errors: SettingErrors) -> Self {
        Self::Other(errors.to_string())
    }
}

/// Exports a [`TokenStore`] as the component: `slipway_sdk::export_token_store!(MyStore);`, once in the crate's root.
#[macro_export]
macro_rules! export_token_store {
    ($plugin:ty) => {
        $crate::__export!($plugin, $crate::token_store::TokenStore, token_store);
    };
}

impl<P: TokenStore> wit::Guest for Exported<P> {
    fn get(id: String) -> Result<Option<wit::Stored>, wit::StoreError> {
        let stored = with(|store: P| store.get(&id))?;
        Ok(stored.map(Into::into))
    }

    fn list() -> Result<Vec<wit::Stored>, wit::StoreError> {
        let stored = with(|store: P| store.list())?;
        Ok(stored.into_iter().map(Into::into).collect())
    }

    fn put(
        id: String,
        sealed: Vec<u8>,
        precondition: wit::Precondition,
    ) -> Result<String, wit::StoreError> {
        let precondition = match precondition {
            wit::Precondition::Absent => Precondition::Absent,
            wit::Precondition::Version(version) => Precondition::Version(version),
        };
        with(|store: P| store.put(&id, &sealed, &precondition))
    }

    fn delete(id: String, version: String) -> Result<(), wit::StoreError> {
        with(|store: P| store.delete(&id, &version))
    }
}

fn with<P: TokenStore, T>(
    call: impl FnOnce(P) -> Result<T, StoreError>,
) -> Result<T, wit::StoreError> {
    export::enter::<P>()
        .map_err(StoreError::from)
        .and_then(call)
        .map_err(|error| match error {
            StoreError::Conflict => wit::StoreError::Conflict,
            StoreError::Unavailable(reason) => wit::StoreError::Unavailable(reason),
            StoreError::Corrupt(reason) => wit::StoreError::Corrupt(reason),
            StoreError::Other(reason) => wit::StoreError::Other(reason),
        })
}

impl From<Stored> for wit::Stored {
    fn from(stored: Stored) -> Self {
        Self {
            id: stored.id,
            version: stored.version,
            sealed: stored.sealed,
        }
    }
}
