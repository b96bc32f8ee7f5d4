//! A token's public part.

use std::fmt;
use std::str::FromStr;

use super::{SECRET_NAME_PREFIX, USER_PREFIX};
use crate::text::written_as_string;

/// A token's ID: six characters of `[a-z0-9]`. It is public.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TokenId(String);

/// A text is no token ID. The text is not repeated: somebody may have put a secret there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a token ID has six characters of a to z and 0 to 9; the given one has {}", describe(*length, *invalid))]
pub struct TokenIdError {
    /// How many characters the text has.
    pub length: usize,
    /// Whether one of them is neither a lower-case letter nor a digit.
    pub invalid: bool,
}

impl TokenId {
    /// Characters in an ID.
    pub const LENGTH: usize = 6;

    /// The ID as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The user that a token with this ID is to the API server: `system:bootstrap:<id>`.
    pub fn user_name(&self) -> String {
        format!("{USER_PREFIX}{self}")
    }

    /// The ID of the token whose user name this is; none where the text is no token's user name.
    pub fn from_user_name(user_name: &str) -> Option<Self> {
        user_name.strip_prefix(USER_PREFIX)?.parse().ok()
    }

    /// The name of the Secret that holds this token: `bootstrap-token-<id>`.
    pub fn secret_name(&self) -> String {
        format!("{SECRET_NAME_PREFIX}{self}")
    }

    /// The ID of the token that the Secret of this name holds; none where the name is no such Secret's.
    pub fn from_secret_name(name: &str) -> Option<Self> {
        name.strip_prefix(SECRET_NAME_PREFIX)?.parse().ok()
    }
}

impl FromStr for TokenId {
    type Err = TokenIdError;

    fn from_str(text: &str) -> Result<Self, TokenIdError> {
        let invalid = !text.bytes().all(super::secret::is_token_character);
        if invalid || text.len() != Self::LENGTH {
            return Err(TokenIdError {
                length: text.chars().count(),
                invalid,
            });
        }
        Ok(Self(text.to_owned()))
    }
}

/// The second half of a sentence on a text of the wrong form.
pub(super) fn describe(length: usize, invalid: bool) -> String {
    match invalid {
        true => format!("{length}, one of them neither a lower-case letter nor a digit"),
        false => length.to_string(),
    }
}

impl fmt::Display for TokenId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl AsRef<str> for TokenId {
    fn as_ref(&self) -> &str {
        self.as_str()
    }
}

written_as_string!(
    TokenId,
    "^[a-z0-9]{6}$",
    "a token ID, six characters of a to z and 0 to 9"
);

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn an_id_has_six_characters() {
        let refused = |text: &str| text.parse::<TokenId>().unwrap_err().to_string();
        insta::assert_snapshot!(refused("abcde"), @"a token ID has six characters of a to z and 0 to 9; the given one has 5");
        insta::assert_snapshot!(refused("Abcdef"), @"a token ID has six characters of a to z and 0 to 9; the given one has 6, one of them neither a lower-case letter nor a digit");
        insta::assert_snapshot!(refused("éééééé"), @"a token ID has six characters of a to z and 0 to 9; the given one has 6, one of them neither a lower-case letter nor a digit");
    }

    proptest! {
        #[test]
        fn an_id_is_known_by_its_user_and_its_secret(text in "[a-z0-9]{6}") {
            let id: TokenId = text.parse().unwrap();
            prop_assert_eq!(id.as_str(), &text);
            prop_assert_eq!(id.as_ref(), &text);
            prop_assert_eq!(id.user_name(), format!("system:bootstrap:{text}"));
            prop_assert_eq!(id.secret_name(), format!("bootstrap-token-{text}"));
            prop_assert_eq!(TokenId::from_user_name(&id.user_name()), Some(id.clone()));
            prop_assert_eq!(TokenId::from_secret_name(&id.secret_name()), Some(id));
        }

        #[test]
        fn nothing_else_is_an_id(text in ".{0,10}") {
            let form = text.len() == 6 && text.bytes().all(|b| b.is_ascii_digit() || b.is_ascii_lowercase());
            prop_assert_eq!(text.parse::<TokenId>().is_ok(), form);
        }
    }
}
