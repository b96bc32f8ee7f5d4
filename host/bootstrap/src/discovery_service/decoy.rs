//! Tokens that do not exist, for signatures that nobody can verify.

use ring::hmac;
use ring::rand::SystemRandom;
use slipway_config::token::{BootstrapToken, TokenId};
use zeroize::Zeroizing;

const ALPHABET: &[u8; 36] = b"abcdefghijklmnopqrstuvwxyz0123456789";

/// Makes a secret for any ID, the same one each time, which only this process can know.
pub(super) struct Decoys(hmac::Key);

impl Decoys {
    /// None where the system has no randomness.
    pub(super) fn new() -> Option<Self> {
        hmac::Key::generate(hmac::HMAC_SHA256, &SystemRandom::new())
            .ok()
            .map(Self)
    }

    /// The token of this ID that there is not.
    pub(super) fn token(&self, id: &TokenId) -> Option<BootstrapToken> {
        let tag = hmac::sign(&self.0, id.as_str().as_bytes());
        let characters = tag
            .as_ref()
            .iter()
            .take(16)
            .filter_map(|byte| ALPHABET.get(usize::from(*byte) % ALPHABET.len()));
        let secret: Zeroizing<String> =
            Zeroizing::new(characters.map(|character| char::from(*character)).collect());
        Some(BootstrapToken {
            id: id.clone(),
            secret: secret.parse().ok()?,
        })
    }
}
