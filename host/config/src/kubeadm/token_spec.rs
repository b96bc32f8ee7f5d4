//! A token that is to be made.

use jiff::{RoundMode, Timestamp, TimestampRound, Unit};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize, Serializer};

use super::masked;
use crate::duration::GoDuration;
use crate::text::{nearest, quoted, schema_as_written};
use crate::token::{BootstrapToken, DEFAULT_TTL, TokenGroup, TokenUsages};

/// A token that is to be made. Written out, it shows itself without its secret.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "Written")]
pub struct TokenSpec {
    /// The token; made when left out.
    pub token: Option<BootstrapToken>,
    /// What it is for, for people; may be empty.
    pub description: String,
    /// How long it lives.
    pub lifetime: Lifetime,
    /// What it may be used for; signing and authentication when left out.
    pub usages: TokenUsages,
    /// The groups it gives; kubeadm's own when left out.
    pub groups: Vec<TokenGroup>,
}

/// How long a token lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lifetime {
    /// That long from its making; for ever, where it is zero.
    Ttl(GoDuration),
    /// Until then.
    Until(Timestamp),
}

/// Why a token cannot be made so.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TokenSpecError {
    /// There are two lifetimes.
    #[error("a bootstrap token has both ttl and expires; expected one of them")]
    TwoLifetimes,
    /// The end is no point in time.
    #[error("{expires} is no time; expected RFC 3339, such as 2026-12-01T10:00:00Z")]
    Expires {
        /// The text, quoted and cut.
        expires: String,
    },
    /// A usage is not known.
    #[error("a bootstrap token cannot be used for {usage}; expected {}", suggestion.unwrap_or("signing or authentication"))]
    Usage {
        /// The text, quoted and cut.
        usage: String,
        /// The nearest known one.
        suggestion: Option<&'static str>,
    },
}

impl Lifetime {
    /// When a token that is made at `now` ends, in whole seconds as Kubernetes writes times; never, where there is no
    /// end. An end beyond the calendar is the calendar's.
    pub fn end(self, now: Timestamp) -> Option<Timestamp> {
        match self {
            Self::Ttl(ttl) if ttl.is_zero() => None,
            Self::Ttl(ttl) => {
                let end = now.checked_add(ttl.get()).unwrap_or(Timestamp::MAX);
                let seconds = TimestampRound::new()
                    .smallest(Unit::Second)
                    .mode(RoundMode::Ceil);
                Some(end.round(seconds).unwrap_or(end))
            }
            Self::Until(end) => Some(end),
        }
    }
}

impl Default for Lifetime {
    fn default() -> Self {
        Self::Ttl(DEFAULT_TTL)
    }
}

impl Default for TokenSpec {
    fn default() -> Self {
        Self {
            token: None,
            description: String::new(),
            lifetime: Lifetime::default(),
            usages: TokenUsages::ALL,
            groups: vec![TokenGroup::default_node_token()],
        }
    }
}

schema_as_written!(TokenSpec, Written);

/// A token as it is written.
#[derive(Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(rename = "BootstrapToken")]
struct Written {
    /// The token; made when left out.
    #[serde(skip_serializing)]
    token: Option<BootstrapToken>,
    /// What it is for, for people.
    #[serde(skip_serializing_if = "String::is_empty")]
    description: String,
    /// How long it lives from its making; 24h when left out, for ever when 0.
    #[serde(skip_serializing_if = "Option::is_none")]
    ttl: Option<GoDuration>,
    /// When it ends, in RFC 3339, in the place of ttl.
    #[serde(skip_serializing_if = "Option::is_none")]
    expires: Option<String>,
    /// What it may be used for: signing, authentication; both when left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    usages: Option<Vec<String>>,
    /// The groups it gives; system:bootstrappers:kubeadm:default-node-token when left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    groups: Option<Vec<TokenGroup>>,
}

impl TryFrom<Written> for TokenSpec {
    type Error = TokenSpecError;

    fn try_from(written: Written) -> Result<Self, TokenSpecError> {
        let lifetime = match (written.ttl, written.expires) {
            (Some(_), Some(_)) => return Err(TokenSpecError::TwoLifetimes),
            (Some(ttl), None) => Lifetime::Ttl(ttl),
            (None, Some(text)) => {
                Lifetime::Until(text.parse().map_err(|_| TokenSpecError::Expires {
                    expires: quoted(&text),
                })?)
            }
            (None, None) => Lifetime::default(),
        };
        Ok(Self {
            token: written.token,
            description: written.description,
            lifetime,
            usages: written
                .usages
                .as_deref()
                .map_or(Ok(TokenUsages::ALL), usages)?,
            groups: written
                .groups
                .unwrap_or_else(|| vec![TokenGroup::default_node_token()]),
        })
    }
}

fn usages(names: &[String]) -> Result<TokenUsages, TokenSpecError> {
    let mut usages = TokenUsages {
        signing: false,
        authentication: false,
    };
    for name in names {
        match name.as_str() {
            "signing" => usages.signing = true,
            "authentication" => usages.authentication = true,
            name => {
                let suggestion = nearest(name, TokenUsages::ALL.names());
                return Err(TokenSpecError::Usage {
                    usage: quoted(name),
                    suggestion,
                });
            }
        }
    }
    Ok(usages)
}

impl Serialize for TokenSpec {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Shown {
            #[serde(skip_serializing_if = "Option::is_none")]
            token: Option<String>,
            #[serde(flatten)]
            rest: Written,
        }
        let (ttl, expires) = match self.lifetime {
            Lifetime::Ttl(ttl) => (Some(ttl), None),
            Lifetime::Until(end) => (None, Some(end.to_string())),
        };
        let rest = Written {
            token: None,
            description: self.description.clone(),
            ttl,
            expires,
            usages: Some(self.usages.names().into_iter().map(str::to_owned).collect()),
            groups: Some(self.groups.clone()),
        };
        Shown {
            token: self.token.as_ref().map(masked),
            rest,
        }
        .serialize(serializer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(yaml: &str) -> Result<TokenSpec, String> {
        serde_saphyr::from_str(yaml).map_err(|error| error.without_snippet().to_string())
    }

    #[test]
    fn what_is_left_out_is_as_kubeadm_has_it() {
        let spec = read("token: abcdef.0123456789abcdef").unwrap();
        assert_eq!(
            spec,
            TokenSpec {
                token: spec.token.clone(),
                ..TokenSpec::default()
            }
        );
        assert_eq!(spec.lifetime, Lifetime::Ttl(GoDuration::from_hours(24)));
        assert_eq!(
            spec.groups[0].as_str(),
            "system:bootstrappers:kubeadm:default-node-token"
        );
    }

    #[test]
    fn a_lifetime_of_zero_has_no_end() {
        let now: Timestamp = "2026-12-01T10:00:00Z".parse().unwrap();
        assert_eq!(read("ttl: 0").unwrap().lifetime.end(now), None);
        assert_eq!(
            read("ttl: 1h").unwrap().lifetime.end(now),
            Some("2026-12-01T11:00:00Z".parse().unwrap())
        );
        let later: Timestamp = "2026-12-01T10:00:00.25Z".parse().unwrap();
        assert_eq!(
            read("ttl: 1s").unwrap().lifetime.end(later),
            Some("2026-12-01T10:00:02Z".parse().unwrap()),
            "it lives as long as it was told, and not a part of a second less"
        );
        assert_eq!(
            read("expires: 2026-12-02T00:00:00Z")
                .unwrap()
                .lifetime
                .end(now),
            Some("2026-12-02T00:00:00Z".parse().unwrap())
        );
        assert_eq!(
            Lifetime::Ttl(GoDuration::from_hours(u32::MAX)).end(now),
            Some(Timestamp::MAX)
        );
    }

    #[test]
    fn what_cannot_be_made_is_refused_with_its_reason() {
        insta::assert_snapshot!(read("{ttl: 1h, expires: 2026-12-01T10:00:00Z}").unwrap_err(), @"a bootstrap token has both ttl and expires; expected one of them");
        insta::assert_snapshot!(read("expires: tomorrow").unwrap_err(), @r#""tomorrow" is no time; expected RFC 3339, such as 2026-12-01T10:00:00Z"#);
        insta::assert_snapshot!(read("usages: [sign]").unwrap_err(), @r#"a bootstrap token cannot be used for "sign"; expected signing"#);
        insta::assert_snapshot!(read("usages: [signin]").unwrap_err(), @r#"a bootstrap token cannot be used for "signin"; expected signing"#);
        insta::assert_snapshot!(read("groups: [system:masters]").unwrap_err(), @r#"a token cannot give the group "system:masters"; expected "system:bootstrappers:" and at most 256 characters of a to z, 0 to 9, ':' and '-' after it, the last one a letter or a digit at line 1, column 10"#);
    }

    #[test]
    fn what_is_written_has_no_secret() {
        let spec = read("{token: abcdef.0123456789abcdef, description: x}").unwrap();
        insta::assert_snapshot!(serde_saphyr::to_string(&spec).unwrap(), @r"
        token: abcdef.****************
        description: x
        ttl: 24h
        usages:
        - signing
        - authentication
        groups:
        - system:bootstrappers:kubeadm:default-node-token
        ");
    }
}
