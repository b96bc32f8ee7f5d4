//! What the parsers share: quoting foreign text in messages, and the serde and schema sides of a type that is written
//! as a string.

/// Characters of a foreign text that a message shows before it is cut.
const SHOWN: usize = 80;

/// A foreign text as a message shows it: quoted, control characters escaped, cut when it is long.
pub(crate) fn quoted(text: &str) -> String {
    match text.char_indices().nth(SHOWN) {
        Some((cut, _)) => format!("{:?}…", text.get(..cut).unwrap_or_default()),
        None => format!("{text:?}"),
    }
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

pub(crate) use written_as_string;

#[cfg(test)]
mod tests {
    use super::quoted;

    #[test]
    fn quotes_escape_control_characters_and_cut_long_texts() {
        assert_eq!(quoted("a\n\u{1b}[31mb"), r#""a\n\u{1b}[31mb""#);
        let long = "é".repeat(SHOWN_AND_MORE);
        assert_eq!(quoted(&long).chars().count(), super::SHOWN + 3);
    }

    const SHOWN_AND_MORE: usize = super::SHOWN + 1;
}
