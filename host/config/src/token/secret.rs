//! A token's secret part.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use super::id::describe;

/// A token's secret: sixteen characters of `[a-z0-9]`. It is wiped from memory when dropped, cannot be printed, and is
/// compared in constant time.
#[derive(Clone)]
pub struct TokenSecret(Zeroizing<String>);

/// A text is no token secret. The text is not repeated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a token secret has sixteen characters of a to z and 0 to 9; the given one has {}", describe(*length, *invalid))]
pub struct TokenSecretError {
    /// How many characters the text has.
    pub length: usize,
    /// Whether one of them is neither a lower-case letter nor a digit.
    pub invalid: bool,
}

impl TokenSecret {
    /// Characters in a secret.
    pub const LENGTH: usize = 16;

    /// The secret itself, for signing and for the wire. Never print it.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Whether the two are equal, in a time that does not depend on where they differ.
    pub fn ct_eq(&self, other: &Self) -> bool {
        self.0.as_bytes().ct_eq(other.0.as_bytes()).into()
    }

    /// Whether it is so regular that a person must have chosen it: fewer than six different characters, or mostly
    /// characters that follow on one another. Anybody can read a token's signature in cluster-info and search for a
    /// weak secret offline.
    pub fn is_weak(&self) -> bool {
        let bytes = self.0.as_bytes();
        let distinct = bytes.iter().collect::<BTreeSet<_>>().len();
        let sequential = bytes
            .iter()
            .zip(bytes.iter().skip(1))
            .filter(|(a, b)| a.abs_diff(**b) == 1)
            .count();
        distinct < 6 || sequential > Self::LENGTH / 2
    }
}

impl FromStr for TokenSecret {
    type Err = TokenSecretError;

    fn from_str(text: &str) -> Result<Self, TokenSecretError> {
        let invalid = !text.bytes().all(is_token_character);
        if invalid || text.len() != Self::LENGTH {
            return Err(TokenSecretError {
                length: text.chars().count(),
                invalid,
            });
        }
        Ok(Self(Zeroizing::new(text.to_owned())))
    }
}

impl PartialEq for TokenSecret {
    fn eq(&self, other: &Self) -> bool {
        self.ct_eq(other)
    }
}

impl Eq for TokenSecret {}

impl fmt::Debug for TokenSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TokenSecret(..)")
    }
}

/// Whether a token may have this character, in either part.
pub(super) fn is_token_character(byte: u8) -> bool {
    byte.is_ascii_lowercase() || byte.is_ascii_digit()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_secret_cannot_be_printed() {
        let secret: TokenSecret = "0123456789abcdef".parse().unwrap();
        assert_eq!(format!("{secret:?}"), "TokenSecret(..)");
        let error = "0123456789abcdefg!".parse::<TokenSecret>().unwrap_err();
        insta::assert_snapshot!(error, @"a token secret has sixteen characters of a to z and 0 to 9; the given one has 18, one of them neither a lower-case letter nor a digit");
    }

    #[test]
    fn secrets_that_people_choose_are_weak() {
        let weak = |text: &str| text.parse::<TokenSecret>().unwrap().is_weak();
        assert!(weak("aaaaaaaaaaaaaaaa"));
        assert!(weak("0123456789abcdef"));
        assert!(weak("abcdefghijklmnop"));
        assert!(weak("abcabcabcabcabca"));
        assert!(!weak("7f3q9zk2m8x1w4vb"));
    }

    #[test]
    fn a_secret_of_six_characters_half_of_them_in_a_row_is_not_weak_yet() {
        let weak = |text: &str| text.parse::<TokenSecret>().unwrap().is_weak();
        assert!(weak("adbecadbecadbeca"), "five different characters");
        assert!(!weak("adbecfadbecfadbe"), "six");
        assert!(!weak("abcdefghikmoqsuw"), "eight that follow on another");
        assert!(weak("abcdefghijlnprtv"), "nine");
    }

    proptest! {
        #[test]
        fn secrets_are_equal_when_their_texts_are(a in "[ab]{16}", b in "[ab]{16}") {
            let (x, y): (TokenSecret, TokenSecret) = (a.parse().unwrap(), b.parse().unwrap());
            prop_assert_eq!(x.expose(), &a);
            prop_assert_eq!(x.ct_eq(&y), a == b);
            prop_assert_eq!(x == y, a == b);
            prop_assert!(x == x.clone());
        }

        #[test]
        fn nothing_else_is_a_secret(text in ".{0,20}") {
            let form = text.len() == 16 && text.bytes().all(|b| b.is_ascii_digit() || b.is_ascii_lowercase());
            prop_assert_eq!(text.parse::<TokenSecret>().is_ok(), form);
        }
    }
}
