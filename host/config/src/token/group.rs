//! The groups that a token gives.

use std::fmt;
use std::str::FromStr;

use crate::text::{quoted, written_as_string};

/// A group that a token gives besides `system:bootstrappers`: `system:bootstrappers:` and 1 to 256 characters of
/// `[a-z0-9:-]`, the last of them a letter or a digit.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TokenGroup(String);

/// A text is no group that a token may give.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "a token cannot give the group {group}; expected \"system:bootstrappers:\" and at most 256 characters of a to z, \
     0 to 9, ':' and '-' after it, the last one a letter or a digit"
)]
pub struct TokenGroupError {
    /// The text, quoted and cut.
    pub group: String,
}

/// What the group of a token starts with.
const PREFIX: &str = "system:bootstrappers:";

impl TokenGroup {
    /// The group as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// `system:bootstrappers:kubeadm:default-node-token`, the group that kubeadm's role bindings name.
    pub fn default_node_token() -> Self {
        Self(super::DEFAULT_NODE_GROUP.to_owned())
    }
}

impl FromStr for TokenGroup {
    type Err = TokenGroupError;

    fn from_str(text: &str) -> Result<Self, TokenGroupError> {
        let allowed =
            |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b':' || b == b'-';
        let valid = text.strip_prefix(PREFIX).is_some_and(|rest| {
            (1..=256).contains(&rest.len())
                && rest.bytes().all(allowed)
                && !rest.ends_with([':', '-'])
        });
        match valid {
            true => Ok(Self(text.to_owned())),
            false => Err(TokenGroupError {
                group: quoted(text),
            }),
        }
    }
}

impl fmt::Display for TokenGroup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl AsRef<str> for TokenGroup {
    fn as_ref(&self) -> &str {
        self.as_str()
    }
}

written_as_string!(
    TokenGroup,
    "^system:bootstrappers:[a-z0-9:-]{0,255}[a-z0-9]$",
    "a group that begins with system:bootstrappers:"
);

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_default_group_is_a_group() {
        let group = TokenGroup::default_node_token();
        assert_eq!(group.as_str().parse::<TokenGroup>(), Ok(group));
    }

    #[test]
    fn groups_outside_the_prefix_are_refused() {
        insta::assert_snapshot!("system:masters".parse::<TokenGroup>().unwrap_err(), @r#"a token cannot give the group "system:masters"; expected "system:bootstrappers:" and at most 256 characters of a to z, 0 to 9, ':' and '-' after it, the last one a letter or a digit"#);
        for text in [
            "system:bootstrappers",
            "system:bootstrappers:",
            "system:bootstrappers:a-",
            "system:bootstrappers:A",
            "system:bootstrappers:a\n",
        ] {
            assert!(text.parse::<TokenGroup>().is_err(), "{text:?}");
        }
        assert!(
            format!("{PREFIX}{}", "a".repeat(256))
                .parse::<TokenGroup>()
                .is_ok()
        );
        assert!(
            format!("{PREFIX}{}", "a".repeat(257))
                .parse::<TokenGroup>()
                .is_err()
        );
    }

    proptest! {
        #[test]
        fn groups_under_the_prefix_are_read(text in "system:bootstrappers:[a-z0-9:-]{0,255}[a-z0-9]") {
            let group: TokenGroup = text.parse().unwrap();
            prop_assert_eq!(group.as_ref(), &text);
            prop_assert_eq!(group.to_string(), text);
        }
    }
}
