//! Sealing of token records: AES-256-GCM, bound to the token's ID, so that a store neither reads nor alters a record nor
//! passes one off as another's.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use ring::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use ring::error::Unspecified;
use ring::rand::{SecureRandom as _, SystemRandom};
use serde::{Deserialize, Serialize};
use slipway_config::token::{TokenBounds, TokenId, TokenRecord};
use zeroize::{Zeroize as _, Zeroizing};

use crate::extension::token_store::StoredToken;

/// The format of what is sealed; a change makes another number.
const FORMAT: u8 = 1;

/// The key that token records are sealed with. It cannot print itself.
#[derive(Clone)]
pub struct SealingKey(Zeroizing<[u8; 32]>);

/// Why a record was not sealed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SealError {
    /// The operating system gave no random bytes, or the provider failed.
    #[error("the token record could not be sealed")]
    Provider,
    /// The record has no JSON form.
    #[error("the token record could not be encoded")]
    Encoding,
}

impl SealingKey {
    /// The length of a key in bytes.
    pub const LENGTH: usize = 32;

    /// A new key, from the operating system's randomness.
    ///
    /// # Errors
    /// There is none.
    pub fn generate() -> Result<Self, SealError> {
        let mut bytes = Zeroizing::new([0; Self::LENGTH]);
        SystemRandom::new()
            .fill(bytes.as_mut())
            .map_err(|Unspecified| SealError::Provider)?;
        Ok(Self(bytes))
    }

    /// The key that was kept.
    pub fn from_bytes(bytes: Zeroizing<[u8; Self::LENGTH]>) -> Self {
        Self(bytes)
    }

    /// The key's bytes, to keep them.
    pub fn expose(&self) -> &[u8; Self::LENGTH] {
        &self.0
    }

    /// Seals a token: format, nonce, ciphertext and tag.
    pub(crate) fn seal(&self, token: &StoredToken) -> Result<Vec<u8>, SealError> {
        let mut nonce = [0; NONCE_LEN];
        SystemRandom::new()
            .fill(&mut nonce)
            .map_err(|Unspecified| SealError::Provider)?;
        let plain = Zeroizing::new(
            serde_json::to_vec(&Plain::from(token)).map_err(|_| SealError::Encoding)?,
        );
        // Encrypted in a buffer that has room for the tag, so that no copy of the plain text is left behind.
        let mut sealed = Zeroizing::new(Vec::with_capacity(plain.len() + AES_256_GCM.tag_len()));
        sealed.extend_from_slice(&plain);
        self.key()?
            .seal_in_place_append_tag(
                Nonce::assume_unique_for_key(nonce),
                associated(&token.record.id),
                &mut *sealed,
            )
            .map_err(|Unspecified| SealError::Provider)?;
        Ok([&[FORMAT], nonce.as_slice(), &sealed].concat())
    }

    /// Opens what was sealed for `id`; none if it was not, or not with this key.
    pub(crate) fn open(&self, id: &TokenId, sealed: &[u8]) -> Option<StoredToken> {
        let plain: Plain = serde_json::from_slice(&self.decrypt(id, sealed)?).ok()?;
        plain.into_token(id)
    }

    fn decrypt(&self, id: &TokenId, sealed: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
        let (&format, sealed) = sealed.split_first()?;
        let (nonce, sealed) = sealed.split_at_checked(NONCE_LEN)?;
        if format != FORMAT {
            return None;
        }
        let mut buffer = Zeroizing::new(sealed.to_vec());
        let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
        let length = self
            .key()
            .ok()?
            .open_in_place(nonce, associated(id), &mut buffer)
            .ok()?
            .len();
        buffer.truncate(length);
        Some(buffer)
    }

    fn key(&self) -> Result<LessSafeKey, SealError> {
        UnboundKey::new(&AES_256_GCM, self.0.as_slice())
            .map(LessSafeKey::new)
            .map_err(|Unspecified| SealError::Provider)
    }
}

/// What the seal covers beside the record itself.
fn associated(id: &TokenId) -> Aad<String> {
    Aad::from(format!("slipway token record {FORMAT} {id}"))
}

/// What is sealed. The record is in the form of a bootstrap token Secret, the one form that the token has everywhere.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Plain {
    data: BTreeMap<String, String>,
    bounds: TokenBounds,
    uid: String,
    created: Timestamp,
}

impl From<&StoredToken> for Plain {
    fn from(token: &StoredToken) -> Self {
        Self {
            data: token
                .record
                .to_secret_data()
                .into_iter()
                .map(|(key, value)| {
                    let value = Zeroizing::new(value);
                    (key, STANDARD.encode(&*value))
                })
                .collect(),
            bounds: token.bounds.clone(),
            uid: token.uid.clone(),
            created: token.created,
        }
    }
}

impl Plain {
    fn into_token(self, id: &TokenId) -> Option<StoredToken> {
        let data = self
            .data
            .iter()
            .map(|(key, value)| Some((key.clone(), STANDARD.decode(value).ok()?)))
            .collect::<Option<_>>()?;
        Some(StoredToken {
            record: TokenRecord::from_secret_data(&data, &id.secret_name()).ok()?,
            bounds: self.bounds.clone(),
            uid: self.uid.clone(),
            created: self.created,
        })
    }
}

/// The secret is among the data.
impl Drop for Plain {
    fn drop(&mut self) {
        self.data.values_mut().for_each(|value| value.zeroize());
    }
}

impl std::fmt::Debug for SealingKey {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("SealingKey(..)")
    }
}

#[cfg(test)]
mod tests {
    use slipway_config::token::{BootstrapToken, TokenGroup, TokenUsages};

    use super::*;

    fn token() -> StoredToken {
        let BootstrapToken { id, secret } = "abcdef.0123456789abcdef".parse().unwrap();
        StoredToken {
            record: TokenRecord {
                id,
                secret,
                description: "for the tests".to_owned(),
                expires: Some("2030-01-01T00:00:00Z".parse().unwrap()),
                usages: TokenUsages::ALL,
                groups: vec![TokenGroup::default_node_token()],
            },
            bounds: TokenBounds {
                uses: Some(3),
                ..TokenBounds::default()
            },
            uid: "uid-1".to_owned(),
            created: "2029-01-01T00:00:00Z".parse().unwrap(),
        }
    }

    #[test]
    fn what_was_sealed_opens_and_is_the_same() {
        let key = SealingKey::generate().unwrap();
        let token = token();
        let sealed = key.seal(&token).unwrap();
        let opened = key.open(&token.record.id, &sealed).unwrap();
        assert_eq!(opened.record, token.record);
        assert_eq!(
            (opened.bounds, opened.uid, opened.created),
            (token.bounds, token.uid, token.created)
        );
    }

    #[test]
    fn a_sealed_record_shows_nothing_and_is_another_each_time() {
        let key = SealingKey::generate().unwrap();
        let (one, other) = (key.seal(&token()).unwrap(), key.seal(&token()).unwrap());
        assert_ne!(one, other);
        for part in [b"0123456789abcdef".as_slice(), b"for the tests", b"abcdef"] {
            assert!(!one.windows(part.len()).any(|window| window == part));
        }
        assert_eq!(format!("{key:?}"), "SealingKey(..)");
    }

    #[test]
    fn what_was_altered_or_belongs_elsewhere_does_not_open() {
        let key = SealingKey::generate().unwrap();
        let id = token().record.id;
        let sealed = key.seal(&token()).unwrap();
        assert!(key.decrypt(&id, &sealed).is_some());
        assert!(key.decrypt(&"ghijkl".parse().unwrap(), &sealed).is_none());
        assert!(SealingKey::generate().unwrap().open(&id, &sealed).is_none());
        for at in 0..sealed.len() {
            let mut altered = sealed.clone();
            altered[at] ^= 1;
            assert!(key.open(&id, &altered).is_none(), "byte {at}");
            assert!(key.open(&id, &sealed[..at]).is_none(), "cut at {at}");
        }
    }
}
