//! Tokens whose signatures the test decides.

use crate::bindings::imports::slipway::plugin::bootstrap_token;
use crate::token::{BootstrapToken, JwsError};

/// A token for native tests: it says which signatures hold.
#[derive(Debug, Clone)]
pub struct MockToken {
    id: String,
    signatures: Vec<(String, Vec<u8>)>,
}

impl MockToken {
    /// A token with which nothing was signed yet.
    pub fn new(id: &str) -> Self {
        Self {
            id: id.to_owned(),
            signatures: Vec::new(),
        }
    }

    /// Lets `jws` be this token's signature of `payload`.
    #[must_use]
    pub fn signed(mut self, jws: &str, payload: impl Into<Vec<u8>>) -> Self {
        self.signatures.push((jws.to_owned(), payload.into()));
        self
    }

    /// The token as a plugin sees it.
    pub fn token(&self) -> BootstrapToken<'_> {
        BootstrapToken::new(Token::Mock(self))
    }
}

/// A token of the present call.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Token<'a> {
    /// Of a test.
    Mock(&'a MockToken),
    /// Of the component's glue, which is compiled but never runs on the host's own target.
    Component(&'a bootstrap_token::Token),
}

impl<'a> From<&'a bootstrap_token::Token> for Token<'a> {
    fn from(token: &'a bootstrap_token::Token) -> Self {
        Self::Component(token)
    }
}

impl Token<'_> {
    pub(crate) fn id(&self) -> String {
        match self {
            Self::Mock(token) => token.id.clone(),
            Self::Component(token) => token.id(),
        }
    }

    pub(crate) fn verify_jws(&self, jws: &str, payload: &[u8]) -> Result<(), JwsError> {
        match self {
            Self::Mock(token) => token
                .signatures
                .iter()
                .any(|(signature, signed)| signature == jws && signed == payload)
                .then_some(())
                .ok_or(JwsError::SignatureMismatch),
            Self::Component(_) => Err(JwsError::Other("there is no host".to_owned())),
        }
    }
}
