//! A whole token.

use std::str::FromStr;

use ring::rand::{SecureRandom, SystemRandom};
use zeroize::Zeroizing;

use super::{TokenId, TokenIdError, TokenSecret, TokenSecretError};
use crate::text::written_as_string;

/// A bootstrap token, `<id>.<secret>`: what a machine shows to be let in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BootstrapToken {
    /// The public part.
    pub id: TokenId,
    /// The secret part.
    pub secret: TokenSecret,
}

/// A text is no bootstrap token. The text is not repeated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TokenError {
    /// There is no dot in it.
    #[error("a bootstrap token has the form ID.SECRET; the given text has no dot")]
    NoDot,
    /// What stands before the dot is no token ID.
    #[error("the bootstrap token is malformed: {0}")]
    Id(#[from] TokenIdError),
    /// What stands after the dot is no token secret.
    #[error("the bootstrap token is malformed: {0}")]
    Secret(#[from] TokenSecretError),
}

/// The operating system gave no random bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a bootstrap token could not be made: the operating system gave no random bytes")]
pub struct GenerateError;

impl BootstrapToken {
    /// A new token, from the operating system's random bytes.
    ///
    /// # Errors
    /// When the operating system gives none.
    pub fn generate() -> Result<Self, GenerateError> {
        let random = SystemRandom::new();
        Self::generate_from(|bytes| random.fill(bytes).map_err(|_| GenerateError))
    }

    fn generate_from(
        mut fill: impl FnMut(&mut [u8]) -> Result<(), GenerateError>,
    ) -> Result<Self, GenerateError> {
        let id = random_characters(TokenId::LENGTH, &mut fill)?
            .parse()
            .map_err(|_| GenerateError)?;
        let secret = random_characters(TokenSecret::LENGTH, &mut fill)?
            .parse()
            .map_err(|_| GenerateError)?;
        Ok(Self { id, secret })
    }

    /// The user that the token is to the API server: `system:bootstrap:<id>`.
    pub fn user_name(&self) -> String {
        self.id.user_name()
    }

    /// The whole token, for the wire. Never print it, but to the operator who has just made it.
    pub fn expose(&self) -> Zeroizing<String> {
        // The capacity is exact: growing would leave a copy of the secret behind.
        let mut token = Zeroizing::new(String::with_capacity(
            TokenId::LENGTH + 1 + TokenSecret::LENGTH,
        ));
        token.push_str(self.id.as_str());
        token.push('.');
        token.push_str(self.secret.expose());
        token
    }
}

impl FromStr for BootstrapToken {
    type Err = TokenError;

    fn from_str(text: &str) -> Result<Self, TokenError> {
        let (id, secret) = text.split_once('.').ok_or(TokenError::NoDot)?;
        Ok(Self {
            id: id.parse()?,
            secret: secret.parse()?,
        })
    }
}

written_as_string!(@read BootstrapToken, r"^[a-z0-9]{6}\.[a-z0-9]{16}$", "a bootstrap token, ID.SECRET");

/// The characters of a token.
const ALPHABET: &[u8; 36] = b"abcdefghijklmnopqrstuvwxyz0123456789";

/// Bytes below this are spread evenly over the alphabet; others are thrown away.
const EVEN: u8 = 252;

/// `length` characters of the alphabet, each as likely as any other.
fn random_characters(
    length: usize,
    mut fill: impl FnMut(&mut [u8]) -> Result<(), GenerateError>,
) -> Result<Zeroizing<String>, GenerateError> {
    let mut text = Zeroizing::new(String::with_capacity(length));
    while text.len() < length {
        let mut byte = Zeroizing::new([0]);
        fill(byte.as_mut_slice())?;
        let [byte] = *byte;
        if byte < EVEN
            && let Some(character) = ALPHABET.get(usize::from(byte) % ALPHABET.len())
        {
            text.push(char::from(*character));
        }
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn generated_tokens_differ_and_have_the_form() {
        let (a, b) = (
            BootstrapToken::generate().unwrap(),
            BootstrapToken::generate().unwrap(),
        );
        assert_ne!(a, b);
        assert_eq!(a.expose().parse::<BootstrapToken>().unwrap(), a);
    }

    #[test]
    fn every_character_is_as_likely_as_any_other() {
        let mut bytes = (0..=255).cycle();
        let mut counts = std::collections::BTreeMap::<char, u32>::new();
        let text = random_characters(252 * 2, |buffer| {
            buffer.fill_with(|| bytes.next().unwrap());
            Ok(())
        })
        .unwrap();
        text.chars()
            .for_each(|c| *counts.entry(c).or_default() += 1);
        assert_eq!(counts.len(), 36);
        assert!(counts.values().all(|count| *count == 14), "{counts:?}");
    }

    #[test]
    fn no_random_bytes_means_no_token() {
        assert_eq!(
            BootstrapToken::generate_from(|_| Err(GenerateError)),
            Err(GenerateError)
        );
    }

    #[test]
    fn a_malformed_token_is_refused_without_repeating_it() {
        let refused = |text: &str| text.parse::<BootstrapToken>().unwrap_err().to_string();
        insta::assert_snapshot!(refused("hunter2"), @"a bootstrap token has the form ID.SECRET; the given text has no dot");
        insta::assert_snapshot!(refused("ABCDEF.0123456789abcdef"), @"the bootstrap token is malformed: a token ID has six characters of a to z and 0 to 9; the given one has 6, one of them neither a lower-case letter nor a digit");
        insta::assert_snapshot!(refused("abcdef.hunter2"), @"the bootstrap token is malformed: a token secret has sixteen characters of a to z and 0 to 9; the given one has 7");
        let error = serde_json::from_str::<BootstrapToken>("\"abcdef.hunter2\"")
            .unwrap_err()
            .to_string();
        assert!(!error.contains("hunter2"), "{error}");
    }

    proptest! {
        #[test]
        fn tokens_survive_writing_and_reading(text in r"[a-z0-9]{6}\.[a-z0-9]{16}") {
            let token: BootstrapToken = text.parse().unwrap();
            prop_assert_eq!(&*token.expose(), &text);
            prop_assert_eq!(token.user_name(), format!("system:bootstrap:{}", token.id));
            let secret = text.get(7..).unwrap();
            let shown = format!("{token:?}");
            prop_assert!(!shown.contains(secret));
        }

        #[test]
        fn no_text_makes_the_parser_panic(text in r".{0,8}\.?.{0,20}") {
            let _ = text.parse::<BootstrapToken>();
        }
    }
}
