//! Who a plugin is, for decision records and lists.

use serde::{Deserialize, Serialize};
use slipway_config::digest::Sha256Digest;

/// A plugin as it was loaded. It is its digest: a changed file, other settings or other grants are
/// another plugin.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PluginIdentity {
    /// The entry's name in the configuration.
    pub name: String,
    /// The version that the plugin states about itself; empty where it states none.
    pub version: String,
    /// SHA-256 over the component.
    pub digest: Sha256Digest,
    /// Where the component came from: `bundled:trust-jws`, or a path.
    pub source: String,
    /// SHA-256 over the settings as JSON.
    pub settings_digest: Sha256Digest,
    /// What the operator granted, one line each, in the order of the configuration.
    pub grants: Vec<String>,
}
