//! What the parsers share: quoting foreign text in messages, and the serde and schema sides of a type that is written
//! as a string.

use std::borrow::Cow;

use crate::token::{TokenId, TokenSecret};

/// Characters of a foreign text that a message shows before it is cut.
const SHOWN: usize = 80;

/// A foreign text as a message shows it: quoted, control characters escaped, cut when it is long, without the secret of
/// a bootstrap token that strayed into it.
pub(crate) fn quoted(text: &str) -> String {
    let text = without_token_secrets(text);
    match text.char_indices().nth(SHOWN) {
        Some((cut, _)) => format!("{:?}…", text.get(..cut).unwrap_or_default()),
        None => format!("{text:?}"),
    }
}

/// `text` with the secret of everything that looks like a bootstrap token masked.
pub(crate) fn without_token_secrets(text: &str) -> Cow<'_, str> {
    let is_token_character = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    let mut masked = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('.') {
        let id = before
            .chars()
            .rev()
            .take_while(|c| is_token_character(*c))
            .count();
        let secret = after.chars().take_while(|c| is_token_character(*c)).count();
        masked.push_str(before);
        masked.push('.');
        rest = after;
        if id >= TokenId::LENGTH && secret >= TokenSecret::LENGTH {
            masked.push_str("****************");
            rest = after.get(secret..).unwrap_or_default();
        }
    }
    match masked.is_empty() {
        true => Cow::Borrowed(text),
        false => Cow::Owned(masked + rest),
    }
}

/// The candidate that a mistyped or shortened `text` was most likely meant to be, where there is one near enough.
pub fn nearest<'a>(text: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let text = text.to_lowercase();
    let length = text.chars().count();
    let near_enough = if length < 4 { 1 } else { (length / 3).max(2) };
    candidates
        .into_iter()
        .filter_map(|candidate| {
            let lower = candidate.to_lowercase();
            let distance = strsim::damerau_levenshtein(&text, &lower);
            let is_shortened = length >= 4 && lower.starts_with(&text);
            (distance <= near_enough || is_shortened).then_some((distance, candidate))
        })
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// Implements `Serialize` through `Display`, `Deserialize` through `FromStr` and `JsonSchema` as a string that matches
/// `$pattern`.
macro_rules! written_as_string {
    ($type:ident, $pattern:literal, $expected:literal) => {
        $crate::text::written_as_string!(@read $type, $pattern, $expected);

        impl serde::Serialize for $type {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }
    };
    (@read $type:ident, $pattern:literal, $expected:literal) => {
        impl<'de> serde::Deserialize<'de> for $type {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                struct Visitor;
                impl serde::de::Visitor<'_> for Visitor {
                    type Value = $type;

                    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                        f.write_str($expected)
                    }

                    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Self::Value, E> {
                        text.parse().map_err(E::custom)
                    }
                }
                deserializer.deserialize_str(Visitor)
            }
        }

        impl schemars::JsonSchema for $type {
            fn schema_name() -> std::borrow::Cow<'static, str> {
                stringify!($type).into()
            }

            fn inline_schema() -> bool {
                true
            }

            fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
                schemars::json_schema!({ "type": "string", "pattern": $pattern, "description": $expected })
            }
        }
    };
}

/// Implements `JsonSchema` for a type through the form in which it is written.
macro_rules! schema_as_written {
    ($type:ident, $written:ty) => {
        impl schemars::JsonSchema for $type {
            fn schema_name() -> std::borrow::Cow<'static, str> {
                <$written as schemars::JsonSchema>::schema_name()
            }

            fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
                <$written as schemars::JsonSchema>::json_schema(generator)
            }
        }
    };
}

pub(crate) use {schema_as_written, written_as_string};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_escape_control_characters_and_cut_long_texts() {
        assert_eq!(quoted("a\n\u{1b}[31mb"), r#""a\n\u{1b}[31mb""#);
        let long = "é".repeat(SHOWN_AND_MORE);
        assert_eq!(quoted(&long).chars().count(), super::SHOWN + 3);
    }

    const SHOWN_AND_MORE: usize = super::SHOWN + 1;

    #[test]
    fn a_token_that_strays_into_a_message_loses_its_secret() {
        assert_eq!(
            quoted("x abcdef.0123456789abcdef y"),
            r#""x abcdef.**************** y""#
        );
        assert_eq!(
            quoted("a.abcdef.0123456789abcdefgh.b"),
            r#""a.abcdef.****************.b""#
        );
        assert_eq!(quoted("10.0.0.1"), r#""10.0.0.1""#);
    }

    #[test]
    fn only_what_is_near_is_suggested() {
        let names = ["trustSources", "csrApprovers", "tokenStores"];
        assert_eq!(nearest("trustSource", names), Some("trustSources"));
        assert_eq!(nearest("csrapprovers", names), Some("csrApprovers"));
        assert_eq!(nearest("approvers", names), Some("csrApprovers"));
        assert_eq!(nearest("trust", names), Some("trustSources"));
        assert_eq!(nearest("settings", names), None);
        assert_eq!(nearest("t", names), None);
    }
}
