//! A token with everything that Kubernetes keeps about it.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{
    BootstrapToken, TokenGroup, TokenGroupError, TokenId, TokenIdError, TokenSecret,
    TokenSecretError,
};
use crate::text::quoted;

/// What a token may be used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TokenUsages {
    /// It signs cluster-info.
    pub signing: bool,
    /// It authenticates to the API server.
    pub authentication: bool,
}

/// A token as Kubernetes keeps it, in a Secret of the type [`SECRET_TYPE`](super::SECRET_TYPE).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenRecord {
    /// The public part.
    pub id: TokenId,
    /// The secret part.
    pub secret: TokenSecret,
    /// What it is for, for people; may be empty.
    pub description: String,
    /// When it ends; never, where there is none.
    pub expires: Option<Timestamp>,
    /// What it may be used for.
    pub usages: TokenUsages,
    /// The groups it gives besides `system:bootstrappers`.
    pub groups: Vec<TokenGroup>,
}

/// Why a Secret holds no token. No value is repeated, but for groups.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RecordError {
    /// A key that every token has is not there.
    #[error(
        "the Secret {secret_name} has no key {key:?}; expected one with a bootstrap token's data"
    )]
    Missing {
        /// The Secret's name, quoted.
        secret_name: String,
        /// The key.
        key: &'static str,
    },
    /// A value is not UTF-8.
    #[error("the Secret {secret_name} has a value under {key:?} that is not UTF-8")]
    NotUtf8 {
        /// The Secret's name, quoted.
        secret_name: String,
        /// The key.
        key: &'static str,
    },
    /// The token's ID is malformed.
    #[error("the Secret {secret_name} has a malformed \"token-id\": {source}")]
    Id {
        /// The Secret's name, quoted.
        secret_name: String,
        /// What is wrong.
        source: TokenIdError,
    },
    /// The token's secret is malformed.
    #[error("the Secret {secret_name} has a malformed \"token-secret\": {source}")]
    Secret {
        /// The Secret's name, quoted.
        secret_name: String,
        /// What is wrong.
        source: TokenSecretError,
    },
    /// The name does not agree with the ID in it.
    #[error(
        "the Secret {secret_name} holds the token {id}; expected it in the Secret \"bootstrap-token-{id}\""
    )]
    Name {
        /// The Secret's name, quoted.
        secret_name: String,
        /// The token's ID.
        id: TokenId,
    },
    /// A group is not one that a token may give; the whole token is void.
    #[error("the Secret {secret_name} has a bad group in \"auth-extra-groups\": {source}")]
    Group {
        /// The Secret's name, quoted.
        secret_name: String,
        /// What is wrong.
        source: TokenGroupError,
    },
}

const TOKEN_ID: &str = "token-id";
const TOKEN_SECRET: &str = "token-secret";
const DESCRIPTION: &str = "description";
const EXPIRATION: &str = "expiration";
const USAGE_SIGNING: &str = "usage-bootstrap-signing";
const USAGE_AUTHENTICATION: &str = "usage-bootstrap-authentication";
const EXTRA_GROUPS: &str = "auth-extra-groups";

impl TokenUsages {
    /// Signing and authentication, what kubeadm gives its tokens.
    pub const ALL: Self = Self {
        signing: true,
        authentication: true,
    };

    /// The usages' names as kubeadm writes them.
    pub fn names(self) -> Vec<&'static str> {
        [
            (self.signing, "signing"),
            (self.authentication, "authentication"),
        ]
        .into_iter()
        .filter_map(|(given, name)| given.then_some(name))
        .collect()
    }
}

impl TokenRecord {
    /// Reads the data of the Secret `secret_name`.
    ///
    /// # Errors
    /// When it holds no token, when its name and the token's ID disagree, and when it gives a group outside
    /// `system:bootstrappers:`. An expiration that cannot be read makes the token expired ([`expiration_of`]).
    pub fn from_secret_data(
        data: &BTreeMap<String, Vec<u8>>,
        secret_name: &str,
    ) -> Result<Self, RecordError> {
        let secret_name_quoted = || quoted(secret_name);
        let value = |key| text(data, key, secret_name);
        let required = |key| {
            value(key)?.ok_or_else(|| RecordError::Missing {
                secret_name: secret_name_quoted(),
                key,
            })
        };

        let id: TokenId = required(TOKEN_ID)?
            .parse()
            .map_err(|source| RecordError::Id {
                secret_name: secret_name_quoted(),
                source,
            })?;
        if id.secret_name() != secret_name {
            return Err(RecordError::Name {
                secret_name: secret_name_quoted(),
                id,
            });
        }
        let secret = required(TOKEN_SECRET)?
            .parse()
            .map_err(|source| RecordError::Secret {
                secret_name: secret_name_quoted(),
                source,
            })?;
        let groups = value(EXTRA_GROUPS)?
            .filter(|groups| !groups.is_empty())
            .map_or(Ok(Vec::new()), |groups| {
                groups
                    .split(',')
                    .map(str::parse)
                    .collect::<Result<_, _>>()
                    .map_err(|source| RecordError::Group {
                        secret_name: secret_name_quoted(),
                        source,
                    })
            })?;
        let is_true = |key| data.get(key).is_some_and(|value| value == b"true");
        Ok(Self {
            id,
            secret,
            description: value(DESCRIPTION)?.unwrap_or_default().to_owned(),
            expires: expiration_of(data),
            usages: TokenUsages {
                signing: is_true(USAGE_SIGNING),
                authentication: is_true(USAGE_AUTHENTICATION),
            },
            groups,
        })
    }

    /// The data of the Secret that holds this token. What is empty or false is left out.
    pub fn to_secret_data(&self) -> BTreeMap<String, Vec<u8>> {
        let groups: Vec<&str> = self.groups.iter().map(TokenGroup::as_str).collect();
        let usage = |given: bool| given.then(|| "true".to_owned());
        let not_empty = |text: String| (!text.is_empty()).then_some(text);
        [
            (TOKEN_ID, Some(self.id.to_string())),
            (TOKEN_SECRET, Some(self.secret.expose().to_owned())),
            (DESCRIPTION, not_empty(self.description.clone())),
            (EXPIRATION, self.expires.map(|expires| expires.to_string())),
            (USAGE_SIGNING, usage(self.usages.signing)),
            (USAGE_AUTHENTICATION, usage(self.usages.authentication)),
            (EXTRA_GROUPS, not_empty(groups.join(","))),
        ]
        .into_iter()
        .filter_map(|(key, value)| Some((key.to_owned(), value?.into_bytes())))
        .collect()
    }

    /// The token itself.
    pub fn token(&self) -> BootstrapToken {
        BootstrapToken {
            id: self.id.clone(),
            secret: self.secret.clone(),
        }
    }

    /// Whether the token is over at `now`.
    pub fn is_expired(&self, now: Timestamp) -> bool {
        self.expires.is_some_and(|expires| expires <= now)
    }
}

/// When the token in a Secret's data ends; never, where it has no expiration. One that cannot be read as RFC 3339 counts
/// as the beginning of 1970, so that the token is over at any time: this holds whatever else is wrong with the Secret.
pub fn expiration_of(data: &BTreeMap<String, Vec<u8>>) -> Option<Timestamp> {
    let value = data.get(EXPIRATION).filter(|value| !value.is_empty())?;
    let time = str::from_utf8(value)
        .ok()
        .filter(|text| is_rfc3339(text))
        .and_then(|text| text.parse().ok());
    Some(time.unwrap_or(Timestamp::UNIX_EPOCH))
}

/// Whether a text has the shape that RFC 3339 and Go's parser demand; jiff reads others, too.
fn is_rfc3339(text: &str) -> bool {
    let shape = |text: &str, pattern: &str| {
        text.len() == pattern.len()
            && text.bytes().zip(pattern.bytes()).all(|(b, p)| {
                if p == b'0' {
                    b.is_ascii_digit()
                } else {
                    b == p
                }
            })
    };
    let Some((date_time, rest)) = text.split_at_checked("0000-00-00T00:00:00".len()) else {
        return false;
    };
    let zone = match rest.strip_prefix('.') {
        Some(rest) => {
            let zone = rest.trim_start_matches(|c: char| c.is_ascii_digit());
            if zone.len() == rest.len() {
                return false;
            }
            zone
        }
        None => rest,
    };
    shape(date_time, "0000-00-00T00:00:00")
        && !date_time.ends_with("60")
        && (zone == "Z" || shape(zone, "+00:00") || shape(zone, "-00:00"))
}

/// The value of a key as text.
fn text<'a>(
    data: &'a BTreeMap<String, Vec<u8>>,
    key: &'static str,
    secret_name: &str,
) -> Result<Option<&'a str>, RecordError> {
    data.get(key)
        .map(|value| str::from_utf8(value))
        .transpose()
        .map_err(|_| RecordError::NotUtf8 {
            secret_name: quoted(secret_name),
            key,
        })
}

#[cfg(test)]
mod tests;
