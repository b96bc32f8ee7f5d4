//! A bootstrap token that a plugin may have the host use, and never sees.

use thiserror::Error;

use crate::host;

/// A bootstrap token. The secret stays in the host.
#[derive(Debug, Clone)]
pub struct BootstrapToken<'a> {
    token: host::Token<'a>,
}

impl<'a> BootstrapToken<'a> {
    pub(crate) fn new(token: host::Token<'a>) -> Self {
        Self { token }
    }

    /// The public part: six characters of `[a-z0-9]`.
    pub fn id(&self) -> String {
        self.token.id()
    }

    /// Verifies a JWS over `payload`, in compact serialization with the payload left out (`header..signature`, as in
    /// cluster-info) or in place.
    ///
    /// The host remembers which bytes passed in this call: only they can become trust, so verify the bytes that the
    /// answer is read from, and all of them.
    ///
    /// # Errors
    /// See [`JwsError`]; each is final for these bytes.
    pub fn verify_jws(&self, jws: &str, payload: &[u8]) -> Result<(), JwsError> {
        self.token.verify_jws(jws, payload)
    }
}

/// Why a signature was refused.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum JwsError {
    /// It is not a JWS in compact serialization; the text says where it stops being one.
    #[error("the signature is not a compact JWS: {0}")]
    Malformed(String),
    /// The protected header is not exactly the one of a cluster-info signature.
    #[error(
        "the signature's header is not the one of a bootstrap signature (HS256 and the token's ID, nothing else)"
    )]
    UnexpectedHeader,
    /// The header names another token.
    #[error("the signature was made with another token")]
    WrongKeyId,
    /// The signature is not of these bytes with this token's secret.
    #[error(
        "the signature does not match: the document was altered, or signed with another secret"
    )]
    SignatureMismatch,
    /// The host cannot verify more in this call.
    #[error("the host verifies no more signatures in this call")]
    LimitExceeded,
    /// Anything else.
    #[error("{0}")]
    Other(String),
}
