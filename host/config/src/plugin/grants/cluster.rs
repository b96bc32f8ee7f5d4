//! Objects of the cluster that a plugin may read.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::GrantError;
use crate::text::schema_as_written;

/// Objects of the cluster that a plugin may read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", try_from = "WrittenCluster")]
pub struct ClusterGrant {
    /// The API group; empty for the core group.
    pub group: String,
    /// The version: `v1`.
    pub version: String,
    /// The kind: `Node`.
    pub kind: String,
    /// The only namespace; none for objects without one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
    /// The only names; any, where there are none.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub names: Vec<String>,
}

impl ClusterGrant {
    pub(super) fn summary(&self) -> String {
        let group = if self.group.is_empty() {
            String::new()
        } else {
            format!("{}/", self.group)
        };
        let namespace = self
            .namespace
            .as_deref()
            .map(|namespace| format!(" in {namespace}"))
            .unwrap_or_default();
        let names = if self.names.is_empty() {
            String::new()
        } else {
            format!(" named {}", self.names.join(","))
        };
        format!(
            "cluster {group}{} {}{namespace}{names}",
            self.version, self.kind
        )
    }
}

schema_as_written!(ClusterGrant, WrittenCluster);

/// A grant for objects as it is written.
#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(rename = "ClusterGrant")]
struct WrittenCluster {
    /// The API group; empty for the core group.
    #[serde(default)]
    group: String,
    /// The version: `v1`.
    version: String,
    /// The kind: `Node`.
    kind: String,
    /// The only namespace; left out for objects without one.
    #[serde(default)]
    namespace: Option<String>,
    /// The only names; any when left out.
    #[serde(default)]
    names: Vec<String>,
}

impl TryFrom<WrittenCluster> for ClusterGrant {
    type Error = GrantError;

    fn try_from(written: WrittenCluster) -> Result<Self, GrantError> {
        let WrittenCluster {
            group,
            version,
            kind,
            namespace,
            names,
        } = written;
        if version.is_empty() || kind.is_empty() {
            return Err(GrantError::NoKind);
        }
        if kind.eq_ignore_ascii_case("secret") || kind.eq_ignore_ascii_case("secrets") {
            return Err(GrantError::Secrets);
        }
        Ok(Self {
            group,
            version,
            kind,
            namespace,
            names,
        })
    }
}
