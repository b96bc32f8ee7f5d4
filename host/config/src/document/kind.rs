//! The kinds of documents that are served.

use schemars::{Schema, schema_for};
use serde_json::{Value, json};

use super::Problem;
use super::type_meta::TYPE_META;
use crate::kubeadm::{self, ClusterConfiguration, InitConfiguration, JoinConfiguration, unserved};
use crate::plugin::PluginConfiguration;
use crate::text::{nearest, quoted};

/// A kind of document that is served.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum DocumentKind {
    /// kubeadm's InitConfiguration.
    InitConfiguration,
    /// kubeadm's ClusterConfiguration.
    ClusterConfiguration,
    /// kubeadm's JoinConfiguration.
    JoinConfiguration,
    /// Slipway's PluginConfiguration.
    PluginConfiguration,
}

/// The API version of Slipway's own documents.
const SLIPWAY_API_VERSION: &str = "slipway.dev/v1alpha1";

impl DocumentKind {
    /// Every kind.
    pub const ALL: [Self; 4] = [
        Self::InitConfiguration,
        Self::ClusterConfiguration,
        Self::JoinConfiguration,
        Self::PluginConfiguration,
    ];

    /// The kind's name, as `kind` has it.
    pub fn name(self) -> &'static str {
        match self {
            Self::InitConfiguration => "InitConfiguration",
            Self::ClusterConfiguration => "ClusterConfiguration",
            Self::JoinConfiguration => "JoinConfiguration",
            Self::PluginConfiguration => "PluginConfiguration",
        }
    }

    /// The kind's version, as `apiVersion` has it.
    pub fn api_version(self) -> &'static str {
        match self {
            Self::InitConfiguration | Self::ClusterConfiguration | Self::JoinConfiguration => {
                kubeadm::API_VERSION
            }
            Self::PluginConfiguration => SLIPWAY_API_VERSION,
        }
    }

    /// The kind's JSON Schema, for editors.
    pub fn schema(self) -> Schema {
        let mut schema = match self {
            Self::InitConfiguration => schema_for!(InitConfiguration),
            Self::ClusterConfiguration => schema_for!(ClusterConfiguration),
            Self::JoinConfiguration => schema_for!(JoinConfiguration),
            Self::PluginConfiguration => schema_for!(PluginConfiguration),
        };
        let object = schema.ensure_object();
        let [api_version, kind] = TYPE_META;
        if let Some(properties) = entry(object, "properties", json!({})).as_object_mut() {
            properties.insert(
                api_version.to_owned(),
                json!({ "const": self.api_version() }),
            );
            properties.insert(kind.to_owned(), json!({ "const": self.name() }));
        }
        if let Some(required) = entry(object, "required", json!([])).as_array_mut() {
            required.extend([api_version.into(), kind.into()]);
        }
        schema
    }

    /// The kind that a document says it is.
    pub(super) fn find(api_version: &str, kind: &str) -> Result<Self, Problem> {
        let Some(found) = Self::ALL.into_iter().find(|known| known.name() == kind) else {
            if let Some((kind, reason)) =
                unserved::KINDS.into_iter().find(|(name, _)| *name == kind)
            {
                return Err(Problem::KindNotServed { kind, reason });
            }
            let suggestion = nearest(kind, Self::ALL.map(Self::name));
            return Err(Problem::UnknownKind {
                kind: quoted(kind),
                suggestion,
            });
        };
        match found.api_version() == api_version {
            true => Ok(found),
            false => Err(Problem::Version {
                kind: found.name(),
                version: quoted(api_version),
                expected: found.api_version(),
            }),
        }
    }
}

impl std::str::FromStr for DocumentKind {
    type Err = Problem;

    /// Reads a kind's name.
    fn from_str(text: &str) -> Result<Self, Problem> {
        Self::ALL
            .into_iter()
            .find(|known| known.name() == text)
            .ok_or_else(|| Problem::UnknownKind {
                kind: quoted(text),
                suggestion: nearest(text, Self::ALL.map(Self::name)),
            })
    }
}

/// The member of an object, made where it is not there.
fn entry<'a>(
    object: &'a mut serde_json::Map<String, Value>,
    name: &str,
    default: Value,
) -> &'a mut Value {
    object.entry(name).or_insert(default)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_has_a_closed_schema_that_names_itself() {
        for kind in DocumentKind::ALL {
            let schema = serde_json::to_value(kind.schema()).unwrap();
            assert_eq!(schema["properties"]["kind"]["const"], kind.name());
            assert_eq!(
                schema["properties"]["apiVersion"]["const"],
                kind.api_version()
            );
            assert_eq!(schema["additionalProperties"], false, "{kind:?}");
            let required = schema["required"].as_array().unwrap();
            assert!(required.contains(&"kind".into()) && required.contains(&"apiVersion".into()));
            assert_eq!(kind.name().parse::<DocumentKind>().unwrap(), kind);
        }
    }

    #[test]
    fn the_schema_of_an_entry_is_what_is_read_and_not_what_is_held() {
        let schema = serde_json::to_value(DocumentKind::PluginConfiguration.schema()).unwrap();
        let entry = &schema["$defs"]["PluginEntry"];
        assert_eq!(entry["required"], json!(["name"]));
        assert_eq!(entry["additionalProperties"], false);
        assert_eq!(entry["properties"]["name"]["type"], "string");
    }
}
