//! One plugin of an extension point.

use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Grants, Limits, PluginSource};
use crate::digest::Sha256Digest;
use crate::text::{quoted, schema_as_written, written_as_string};

/// A plugin's name in the configuration: at most 63 characters of `[a-z0-9-]`, the first a letter, the last no hyphen.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PluginName(String);

/// A text is no name of a plugin.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{name} is no name of a plugin; expected at most 63 of a to z, 0 to 9 and '-', a letter first, no '-' last"
)]
pub struct PluginNameError {
    /// The text, quoted and cut.
    pub name: String,
}

/// Whether a plugin's answers count.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// They do.
    #[default]
    Enforce,
    /// It runs beside the others; its answers are reported, and decide nothing.
    Shadow,
}

/// A plugin, where it comes from, and what it may do.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", try_from = "Written")]
pub struct PluginEntry {
    /// What the plugin is called here, in messages and in the decision log.
    pub name: PluginName,
    /// Where it comes from.
    pub source: PluginSource,
    /// The digest of the component; always there for one that was read and is not bundled.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub digest: Option<Sha256Digest>,
    /// Whether its answers count.
    pub mode: Mode,
    /// The plugin's own settings.
    #[serde(skip_serializing_if = "serde_json::Map::is_empty")]
    pub settings: serde_json::Map<String, serde_json::Value>,
    /// What it may use of the host.
    #[serde(skip_serializing_if = "Grants::is_empty")]
    pub grants: Grants,
    /// What one call may take.
    #[serde(skip_serializing_if = "Limits::is_default")]
    pub limits: Limits,
}

/// Why an entry is refused as a whole.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EntryError {
    /// A component that is not bundled has no digest.
    #[error(
        "the plugin {name:?} comes from {origin} and has no digest; expected digest: sha256:<64 hex digits>, which \
         `slipway plugin inspect` shows"
    )]
    NoDigest {
        /// The entry's name.
        name: String,
        /// Its source, quoted and cut.
        origin: String,
    },
}

impl PluginName {
    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl PluginEntry {
    /// The bundled component `name` without settings or grants, within the default limits.
    pub fn bundled(name: PluginName) -> Self {
        Self::from_source(name.clone(), PluginSource::Bundled(name))
    }

    /// A component without digest, settings or grants, within the default limits.
    pub(crate) fn from_source(name: PluginName, source: PluginSource) -> Self {
        Self {
            name,
            source,
            digest: None,
            mode: Mode::default(),
            settings: serde_json::Map::new(),
            grants: Grants::default(),
            limits: Limits::default(),
        }
    }

    /// Whether this is the bundled component `name`.
    pub fn is_bundled(&self, name: &str) -> bool {
        matches!(&self.source, PluginSource::Bundled(bundled) if bundled.as_str() == name)
    }
}

schema_as_written!(PluginEntry, Written);

/// An entry as it is written.
#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(rename = "PluginEntry")]
struct Written {
    /// What the plugin is called here, in messages and in the decision log.
    name: PluginName,
    /// Where it comes from; the bundled component of the entry's name when left out.
    #[serde(default)]
    source: Option<PluginSource>,
    /// The digest of the component. A component that is not bundled must have one.
    #[serde(default)]
    digest: Option<Sha256Digest>,
    /// Whether its answers count.
    #[serde(default)]
    mode: Mode,
    /// The plugin's own settings.
    #[serde(default)]
    settings: serde_json::Map<String, serde_json::Value>,
    /// What it may use of the host; nothing when left out.
    #[serde(default)]
    grants: Grants,
    /// What one call may take.
    #[serde(default)]
    limits: Limits,
}

impl TryFrom<Written> for PluginEntry {
    type Error = EntryError;

    fn try_from(written: Written) -> Result<Self, EntryError> {
        let source = written
            .source
            .unwrap_or_else(|| PluginSource::Bundled(written.name.clone()));
        if written.digest.is_none() && !matches!(source, PluginSource::Bundled(_)) {
            return Err(EntryError::NoDigest {
                name: written.name.to_string(),
                origin: quoted(&source.to_string()),
            });
        }
        Ok(Self {
            name: written.name,
            source,
            digest: written.digest,
            mode: written.mode,
            settings: written.settings,
            grants: written.grants,
            limits: written.limits,
        })
    }
}

impl FromStr for PluginName {
    type Err = PluginNameError;

    fn from_str(text: &str) -> Result<Self, PluginNameError> {
        let allowed = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
        let valid = text.len() <= 63
            && text.starts_with(|c: char| c.is_ascii_lowercase())
            && !text.ends_with('-')
            && text.bytes().all(allowed);
        match valid {
            true => Ok(Self(text.to_owned())),
            false => Err(PluginNameError { name: quoted(text) }),
        }
    }
}

impl fmt::Display for PluginName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl AsRef<str> for PluginName {
    fn as_ref(&self) -> &str {
        self.as_str()
    }
}

written_as_string!(
    PluginName,
    "^[a-z]([a-z0-9-]{0,61}[a-z0-9])?$",
    "the name of a plugin"
);

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(yaml: &str) -> Result<PluginEntry, String> {
        serde_saphyr::from_str(yaml).map_err(|error| error.without_snippet().to_string())
    }

    #[test]
    fn an_entry_without_a_source_is_the_bundled_component_of_its_name() {
        let entry = read("name: approve-manual").unwrap();
        assert!(entry.is_bundled("approve-manual"));
        assert_eq!(
            entry,
            PluginEntry::bundled("approve-manual".parse().unwrap())
        );
    }

    #[test]
    fn a_component_from_elsewhere_needs_its_digest() {
        insta::assert_snapshot!(read("{name: inventory, source: ./inventory.wasm}").unwrap_err(), @r#"the plugin "inventory" comes from "./inventory.wasm" and has no digest; expected digest: sha256:<64 hex digits>, which `slipway plugin inspect` shows"#);
        let digest = Sha256Digest::of(b"x");
        let entry = read(&format!(
            "{{name: inventory, source: ./inventory.wasm, digest: '{digest}'}}"
        ))
        .unwrap();
        assert_eq!(entry.digest, Some(digest));
    }

    #[test]
    fn names_are_checked() {
        insta::assert_snapshot!(read("name: Inventory").unwrap_err(), @r#""Inventory" is no name of a plugin; expected at most 63 of a to z, 0 to 9 and '-', a letter first, no '-' last at line 1, column 7"#);
        for name in ["", "-a", "a-", "1a", "a_b", &"a".repeat(64)] {
            assert!(name.parse::<PluginName>().is_err(), "{name:?}");
        }
    }

    proptest! {
        #[test]
        fn names_are_read_and_written_unchanged(text in "[a-z]([a-z0-9-]{0,61}[a-z0-9])?") {
            prop_assert_eq!(text.parse::<PluginName>().unwrap().to_string(), text);
        }

        #[test]
        fn no_text_makes_the_parser_panic(text in ".{0,70}") {
            let _ = text.parse::<PluginName>();
        }
    }
}
