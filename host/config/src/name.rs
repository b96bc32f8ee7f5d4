//! Names of Kubernetes objects and nodes.

use std::fmt;
use std::str::FromStr;

use crate::text::{quoted, written_as_string};

/// What the user name of a node starts with.
pub const NODE_USER_PREFIX: &str = "system:node:";

/// The group that every node's certificate names as its organization.
pub const NODES_GROUP: &str = "system:nodes";

/// Longest DNS-1123 subdomain, in characters.
const MAX_LENGTH: usize = 253;

/// A DNS-1123 subdomain (RFC 1123), the form of most Kubernetes names: at most 253 characters of `[a-z0-9.-]` in labels
/// parted by dots; each label begins and ends with a letter or a digit.
///
/// As in Kubernetes, a label may be longer than 63 characters.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Dns1123Subdomain(String);

/// The name of a node, a DNS-1123 subdomain.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeName(Dns1123Subdomain);

/// Why a text is no DNS-1123 subdomain.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NameError {
    /// There is nothing in it.
    #[error("a name is empty; expected lower-case letters, digits, '-' and '.'")]
    Empty,
    /// It is longer than 253 characters.
    #[error("the name {name} is {length} bytes long; expected at most {MAX_LENGTH}")]
    TooLong {
        /// The text, quoted and cut.
        name: String,
        /// Its length in bytes.
        length: usize,
    },
    /// It has a character that no name has.
    #[error(
        "the name {name} has {character:?} in it; expected lower-case letters, digits, '-' and '.'"
    )]
    Character {
        /// The text, quoted and cut.
        name: String,
        /// The first such character.
        character: char,
    },
    /// A label is empty, or begins or ends with a hyphen.
    #[error(
        "the name {name} has the part {label}; each part between dots begins and ends with a letter or a digit"
    )]
    Label {
        /// The text, quoted and cut.
        name: String,
        /// The label, quoted and cut.
        label: String,
    },
}

impl Dns1123Subdomain {
    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Dns1123Subdomain {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        if text.is_empty() {
            return Err(NameError::Empty);
        }
        if text.len() > MAX_LENGTH {
            return Err(NameError::TooLong {
                name: quoted(text),
                length: text.len(),
            });
        }
        if let Some(character) = text
            .chars()
            .find(|c| !matches!(c, 'a'..='z' | '0'..='9' | '-' | '.'))
        {
            return Err(NameError::Character {
                name: quoted(text),
                character,
            });
        }
        match text
            .split('.')
            .find(|label| label.is_empty() || label.starts_with('-') || label.ends_with('-'))
        {
            Some(label) => Err(NameError::Label {
                name: quoted(text),
                label: quoted(label),
            }),
            None => Ok(Self(text.to_owned())),
        }
    }
}

impl NodeName {
    /// The name as text.
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }

    /// The user that a node of this name is to the API server, and the common name of its certificate:
    /// `system:node:<name>`.
    pub fn user_name(&self) -> String {
        format!("{NODE_USER_PREFIX}{self}")
    }

    /// The node whose user name this is; none where the text is no node's user name.
    pub fn from_user_name(user_name: &str) -> Option<Self> {
        user_name.strip_prefix(NODE_USER_PREFIX)?.parse().ok()
    }
}

impl FromStr for NodeName {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        text.parse().map(Self)
    }
}

impl fmt::Display for Dns1123Subdomain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for NodeName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl AsRef<str> for Dns1123Subdomain {
    fn as_ref(&self) -> &str {
        self.as_str()
    }
}

impl AsRef<str> for NodeName {
    fn as_ref(&self) -> &str {
        self.as_str()
    }
}

written_as_string!(
    Dns1123Subdomain,
    r"^(?=.{1,253}$)[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$",
    "a DNS name in lower case"
);
written_as_string!(
    NodeName,
    r"^(?=.{1,253}$)[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$",
    "the name of a node, a DNS name in lower case"
);

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_node_is_known_by_its_user_name() {
        let name: NodeName = "worker-1.example".parse().unwrap();
        assert_eq!(name.user_name(), "system:node:worker-1.example");
        assert_eq!(
            NodeName::from_user_name("system:node:worker-1.example"),
            Some(name)
        );
        assert_eq!(NodeName::from_user_name("system:node:"), None);
        assert_eq!(NodeName::from_user_name("system:bootstrap:abcdef"), None);
    }

    #[test]
    fn what_is_no_name_is_refused_with_its_reason() {
        let refused = |text: &str| text.parse::<NodeName>().unwrap_err().to_string();
        insta::assert_snapshot!(refused(""), @"a name is empty; expected lower-case letters, digits, '-' and '.'");
        insta::assert_snapshot!(refused("Worker"), @r#"the name "Worker" has 'W' in it; expected lower-case letters, digits, '-' and '.'"#);
        insta::assert_snapshot!(refused("a\0b"), @r#"the name "a\0b" has '\0' in it; expected lower-case letters, digits, '-' and '.'"#);
        insta::assert_snapshot!(refused("a..b"), @r#"the name "a..b" has the part ""; each part between dots begins and ends with a letter or a digit"#);
        insta::assert_snapshot!(refused("a.-b"), @r#"the name "a.-b" has the part "-b"; each part between dots begins and ends with a letter or a digit"#);
        insta::assert_snapshot!(refused(&"a".repeat(254)), @r#"the name "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"… is 254 bytes long; expected at most 253"#);
        assert!("a".repeat(253).parse::<NodeName>().is_ok());
    }

    proptest! {
        #[test]
        fn valid_names_are_read_and_written_unchanged(
            text in r"[a-z0-9]([-a-z0-9]{0,20}[a-z0-9])?(\.[a-z0-9]([-a-z0-9]{0,20}[a-z0-9])?){0,4}"
        ) {
            prop_assert_eq!(text.parse::<NodeName>().unwrap().to_string(), text);
        }

        #[test]
        fn whatever_is_accepted_has_the_form(text in ".{0,300}") {
            if let Ok(name) = text.parse::<Dns1123Subdomain>() {
                prop_assert_eq!(name.as_str(), &text);
                prop_assert!(text.len() <= 253);
                for label in text.split('.') {
                    prop_assert!(label.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-'));
                    prop_assert!(!label.is_empty() && !label.starts_with('-') && !label.ends_with('-'));
                }
            }
        }
    }
}
