//! What is wrong with a configuration file, and where.

use serde_saphyr::{Error, MessageFormatter, UserMessageFormatter};

use crate::kubeadm::unserved;
use crate::text::{nearest, quoted, without_token_secrets};

/// What is wrong with a configuration file, and where.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{file}:{line}:{column}: {problem}")]
pub struct DocumentError {
    /// The file's name.
    pub file: String,
    /// The line, from 1.
    pub line: u64,
    /// The column in characters, from 1.
    pub column: u64,
    /// What is wrong.
    pub problem: Problem,
}

/// What is wrong.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Problem {
    /// The text is too long.
    #[error("the file is larger than {} KiB; expected configuration", limit / 1024)]
    TooLarge {
        /// What it may hold, in bytes.
        limit: usize,
    },
    /// The text is not UTF-8.
    #[error("the line is not UTF-8")]
    NotUtf8,
    /// There is nothing in it.
    #[error("there is no document; expected YAML with apiVersion and kind")]
    NoDocument,
    /// The text is not YAML, or more than a configuration needs of it.
    #[error("this cannot be read as YAML: {message}")]
    Syntax {
        /// What the parser says.
        message: String,
    },
    /// A document does not say what it is.
    #[error(
        "the document has no {field}; expected, for instance, apiVersion: slipway.dev/v1alpha1 and kind: PluginConfiguration"
    )]
    NoType {
        /// The field that is missing.
        field: &'static str,
    },
    /// A kind is not known.
    #[error("unknown kind {kind}; {}", suggested(*suggestion, &KINDS))]
    UnknownKind {
        /// The kind, quoted and cut.
        kind: String,
        /// The nearest known one.
        suggestion: Option<&'static str>,
    },
    /// A kind is known and not served.
    #[error("the kind {kind} is not served: {reason}; take the document out")]
    KindNotServed {
        /// The kind.
        kind: &'static str,
        /// Why.
        reason: &'static str,
    },
    /// A kind is served in another version.
    #[error("{kind} is not served in the version {version}; expected apiVersion: {expected}")]
    Version {
        /// The kind.
        kind: &'static str,
        /// The version found, quoted and cut.
        version: String,
        /// The version served.
        expected: &'static str,
    },
    /// A second document of one kind.
    #[error("this is the second {kind} of the file; expected one")]
    Twice {
        /// The kind.
        kind: &'static str,
    },
    /// A field is not known.
    #[error("unknown field {field}; {}", suggested(*suggestion, expected))]
    UnknownField {
        /// The field, quoted and cut.
        field: String,
        /// The nearest known one.
        suggestion: Option<&'static str>,
        /// All that are known there.
        expected: Vec<&'static str>,
    },
    /// A field of kubeadm's is not served.
    #[error("kubeadm's field {field} is not served: {reason}; take it out")]
    FieldNotServed {
        /// The field, quoted and cut.
        field: String,
        /// Why.
        reason: &'static str,
    },
    /// A field is missing.
    #[error("the field {field} is missing")]
    MissingField {
        /// The field.
        field: &'static str,
    },
    /// A field stands there twice.
    #[error("the field {field} stands here twice; expected it once")]
    DuplicateField {
        /// The field, quoted and cut.
        field: String,
    },
    /// A value is none of those that are known.
    #[error("unknown value {value}; {}", suggested(*suggestion, expected))]
    UnknownValue {
        /// The value, quoted and cut.
        value: String,
        /// The nearest known one.
        suggestion: Option<&'static str>,
        /// All that are known there.
        expected: Vec<&'static str>,
    },
    /// A value is of the wrong kind.
    #[error("expected {expected}{}", found.as_deref().map(|found| format!(", found {found}")).unwrap_or_default())]
    WrongType {
        /// What was expected.
        expected: String,
        /// What was found.
        found: Option<String>,
    },
    /// A value does not hold what it should.
    #[error("{0}")]
    Invalid(String),
}

/// Names of the kinds, for suggestions.
const KINDS: [&str; 4] = [
    "InitConfiguration",
    "ClusterConfiguration",
    "JoinConfiguration",
    "PluginConfiguration",
];

/// The second half of a sentence on an unknown name.
fn suggested(suggestion: Option<&str>, expected: &[&str]) -> String {
    match suggestion {
        Some(suggestion) => format!("did you mean {suggestion}?"),
        None => format!("expected {}", alternatives(expected)),
    }
}

/// `a, b or c`.
fn alternatives(names: &[&str]) -> String {
    match names {
        [] => "nothing".to_owned(),
        [name] => (*name).to_owned(),
        [names @ .., last] => format!("{} or {last}", names.join(", ")),
    }
}

impl Problem {
    /// What the deserializer found.
    pub(super) fn of(error: &Error) -> Self {
        let error = error.without_snippet();
        match error {
            Error::AliasError { error, .. } => Self::of(error),
            Error::SerdeUnknownField {
                field, expected, ..
            } => match unserved::reason(field, expected) {
                Some(reason) => Self::FieldNotServed {
                    field: quoted(field),
                    reason,
                },
                None => Self::UnknownField {
                    field: quoted(field),
                    suggestion: nearest(field, expected.iter().copied()),
                    expected: expected.clone(),
                },
            },
            Error::SerdeMissingField { field, .. } => Self::MissingField { field },
            Error::SerdeUnknownVariant {
                variant, expected, ..
            } => Self::UnknownValue {
                value: quoted(variant),
                suggestion: nearest(variant, expected.iter().copied()),
                expected: expected.clone(),
            },
            Error::DuplicateMappingKey { key, .. } => Self::DuplicateField {
                field: quoted(key.as_deref().unwrap_or("?")),
            },
            Error::SerdeInvalidType {
                unexpected,
                expected,
                ..
            }
            | Error::SerdeInvalidValue {
                unexpected,
                expected,
                ..
            } => Self::WrongType {
                expected: expected.clone(),
                found: Some(without_token_secrets(unexpected).into_owned()),
            },
            Error::Unexpected { expected, .. } => Self::wrong_type(plain(expected)),
            Error::InvalidScalar { ty, .. } => Self::wrong_type(plain(ty)),
            Error::InvalidBooleanStrict { .. } => Self::wrong_type("true or false"),
            Error::NullIntoString { .. } => Self::WrongType {
                expected: "a text".to_owned(),
                found: Some("nothing".to_owned()),
            },
            Error::ExternallyTaggedEnumExpectedScalarOrMapping { .. } => Self::wrong_type("a text"),
            Error::Message { msg, .. } => Self::Invalid(without_token_secrets(msg).into_owned()),
            error => {
                let message = UserMessageFormatter.format_message(error);
                Self::Syntax {
                    message: without_token_secrets(&message).into_owned(),
                }
            }
        }
    }

    fn wrong_type(expected: &str) -> Self {
        Self::WrongType {
            expected: expected.to_owned(),
            found: None,
        }
    }
}

/// The parser's word for a type in plain words.
fn plain(expected: &str) -> &str {
    match expected {
        "mapping start" => "a mapping",
        "sequence start" => "a list",
        "string scalar" | "string" => "a text",
        "bool" | "boolean" => "true or false",
        "u16" => "a whole number up to 65535",
        "u32" => "a whole number up to 4294967295",
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use serde::de::Error as _;

    use super::*;

    #[test]
    fn what_others_say_of_a_value_loses_the_secret_of_a_token() {
        let error = Error::custom("no address: abcdef.0123456789abcdef");
        assert_eq!(
            Problem::of(&error),
            Problem::Invalid("no address: abcdef.****************".to_owned())
        );
    }

    #[test]
    fn alternatives_are_a_phrase() {
        assert_eq!(alternatives(&["a", "b", "c"]), "a, b or c");
        assert_eq!(alternatives(&["a"]), "a");
        assert_eq!(alternatives(&[]), "nothing");
    }
}
