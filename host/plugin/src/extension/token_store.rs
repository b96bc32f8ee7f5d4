//! Token stores: where bootstrap tokens live.

use async_trait::async_trait;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use slipway_config::token::{TokenBounds, TokenId, TokenRecord};
use thiserror::Error;

use crate::{CallError, PluginIdentity};

/// Keeps bootstrap tokens. A WebAssembly store sees sealed records only: the host encrypts and authenticates
/// each one, bound to its ID.
#[async_trait]
pub trait TokenStore: Send + Sync {
    /// Who answers.
    fn identity(&self) -> &PluginIdentity;

    /// One token; none where there is none.
    ///
    /// # Errors
    /// The store does not answer, or what it answers does not open.
    async fn get(&self, id: &TokenId) -> Result<Option<Versioned<StoredToken>>, TokenStoreError>;

    /// All tokens, in the order of their IDs.
    ///
    /// # Errors
    /// As for [`get`](Self::get); one record that does not open fails the whole list, since a token that
    /// silently vanished would look like a revoked one.
    async fn list(&self) -> Result<Vec<Versioned<StoredToken>>, TokenStoreError>;

    /// Writes a token, durably, and returns its new version.
    ///
    /// # Errors
    /// [`TokenStoreError::Conflict`] where the precondition does not hold; otherwise as for [`get`](Self::get).
    async fn put(
        &self,
        token: &StoredToken,
        precondition: Precondition,
    ) -> Result<RecordVersion, TokenStoreError>;

    /// Removes the token if it has this version.
    ///
    /// # Errors
    /// As for [`put`](Self::put).
    async fn delete(&self, id: &TokenId, version: &RecordVersion) -> Result<(), TokenStoreError>;
}

/// A token as a store keeps it.
#[derive(Debug, Clone)]
pub struct StoredToken {
    /// What the API shows as a Secret.
    pub record: TokenRecord,
    /// The bounds that it was made with.
    pub bounds: TokenBounds,
    /// Tells this token from an earlier one of the same ID.
    pub uid: String,
    /// When it was made.
    pub created: Timestamp,
}

impl StoredToken {
    /// A token that is made now, with a UID of its own.
    pub fn new(record: TokenRecord, bounds: TokenBounds, created: Timestamp) -> Self {
        Self {
            record,
            bounds,
            uid: format!("{:032x}", rand::random::<u128>()),
            created,
        }
    }
}

/// The store's version of a record, opaque; another after each write.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RecordVersion(String);

impl RecordVersion {
    /// The version as the store named it.
    pub fn new(version: impl Into<String>) -> Self {
        Self(version.into())
    }

    /// As the store named it.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A value and the version that it had when it was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Versioned<T> {
    /// The value.
    pub value: T,
    /// Its version.
    pub version: RecordVersion,
}

/// What a write requires of what is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Precondition {
    /// There must be no record.
    Absent,
    /// The record must have this version.
    Version(RecordVersion),
}

/// Why a call failed.
#[derive(Debug, Error)]
pub enum TokenStoreError {
    /// The precondition does not hold; the store is unchanged.
    #[error("the token was changed in between")]
    Conflict,
    /// The store cannot be reached now; worth another try.
    #[error("the token store cannot be reached now: {0}")]
    Unavailable(String),
    /// What the store holds is damaged.
    #[error("the token store is damaged: {0}")]
    Corrupt(String),
    /// A record was not sealed with this key for this ID, or was altered since.
    #[error(
        "the record of token {id} does not open: it was sealed with another key or for another token, or was altered"
    )]
    Unsealable {
        /// The ID under which the store returned it.
        id: String,
    },
    /// Anything else that the plugin had to say.
    #[error("{0}")]
    Other(String),
    /// The plugin gave no usable answer.
    #[error("the token store gave no usable answer")]
    Failed(#[source] CallError),
}
