//! Where a log ends, signed by whoever writes it: what is kept elsewhere, so that a cut end is seen.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use slipway_config::digest::Sha256Digest;
use slipway_pki::key::{PrivateKey, PublicKey};
use slipway_pki::statement::{self, StatementError};
use thiserror::Error;

use super::Head;

/// The type of the statement.
const TYPE: &str = "slipway-decision-log-head+jws";

/// A head that was signed, and when.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SignedHead {
    /// The head.
    pub head: Head,
    /// When it was signed.
    pub time: Timestamp,
}

/// Why a text is no signed head.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum SignedHeadError {
    /// It was not signed with the key.
    #[error(transparent)]
    Statement(#[from] StatementError),
    /// What was signed is no head.
    #[error("what was signed is no head of a decision log: {0}")]
    Payload(#[from] serde_json::Error),
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Payload {
    records: u64,
    digest: Sha256Digest,
    time: Timestamp,
}

impl SignedHead {
    /// The head as a statement that is signed with `key`.
    ///
    /// # Errors
    /// The key is not an Ed25519 key.
    pub fn sign(&self, key: &PrivateKey) -> Result<String, SignedHeadError> {
        let payload = serde_json::to_vec(&Payload {
            records: self.head.records,
            digest: self.head.digest,
            time: self.time,
        })?;
        Ok(statement::sign(key, TYPE, &payload)?)
    }

    /// The head that a statement is about.
    ///
    /// # Errors
    /// It was not signed with `key`, or is about something else.
    pub fn verify(text: &str, key: &PublicKey) -> Result<Self, SignedHeadError> {
        let payload: Payload = serde_json::from_slice(&statement::verify(key, TYPE, text)?)?;
        Ok(Self {
            head: Head {
                records: payload.records,
                digest: payload.digest,
            },
            time: payload.time,
        })
    }
}
