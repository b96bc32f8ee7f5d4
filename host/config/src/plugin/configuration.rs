//! The plugins of every extension point.

use std::collections::BTreeSet;
use std::path::Path;

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

use super::{Grants, Limits, PluginEntry, PluginName, PluginSource};
use crate::duration::GoDuration;
use crate::name::NodeName;

/// Names of the bundled components that the defaults speak of.
pub mod bundled {
    /// Trust source: the signed cluster-info of an API server.
    pub const TRUST_JWS: &str = "trust-jws";
    /// Trust source: a kubeconfig file.
    pub const TRUST_FILE: &str = "trust-file";
    /// Trust source: a kubeconfig behind an HTTPS URL.
    pub const TRUST_HTTPS: &str = "trust-https";
    /// CSR approver: a node renews its own certificate.
    pub(crate) const APPROVE_RENEWAL: &str = "approve-renewal";
    /// CSR approver: a person decides on new nodes.
    pub(crate) const APPROVE_MANUAL: &str = "approve-manual";
    /// CSR approver: a valid token is enough for a new node.
    pub(crate) const APPROVE_NODE_CLIENT: &str = "approve-node-client";
    /// Endpoint provider: the addresses that the operator wrote.
    pub(crate) const ENDPOINTS_STATIC: &str = "endpoints-static";
}

/// How long the trust source that talks to API servers may take, retries of one exchange included.
const NETWORK_DEADLINE: GoDuration = GoDuration::from_secs(15);

/// How long recordings are kept unless told otherwise.
const KEEP_RECORDINGS: GoDuration = GoDuration::from_secs(720 * 60 * 60);

/// Which plugins fill the extension points. A list that is left out is the default one; an empty list is nobody.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct PluginConfiguration {
    /// How a joining node learns the API servers and the CA: tried in this order.
    #[serde(deserialize_with = "distinct")]
    pub trust_sources: Vec<PluginEntry>,
    /// Who says whether a node gets the identity it asks for: all are asked.
    #[serde(deserialize_with = "distinct")]
    pub csr_approvers: Vec<PluginEntry>,
    /// Where bootstrap tokens live: none means the API server's own store; at most one in the mode `enforce`.
    #[serde(deserialize_with = "one_enforced")]
    pub token_stores: Vec<PluginEntry>,
    /// Which API servers to dial, in which order: asked in this order.
    #[serde(deserialize_with = "distinct")]
    pub endpoint_providers: Vec<PluginEntry>,
    /// Names of nodes of the control plane, which no bootstrap token can have, whether or not they exist yet.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub control_plane_nodes: BTreeSet<NodeName>,
    /// Names of nodes that may join again although they exist, with a new key: the approvers are asked, as for a new node. A
    /// node that does not stand here has to be deleted first.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub rejoin_allowed: BTreeSet<NodeName>,
    /// How long it is kept what the approvers' decisions rest upon, so that they can be replayed: 720h by default, 0 for not
    /// at all. It is read when the controllers start.
    #[serde(skip_serializing_if = "is_default_keep")]
    pub keep_recordings: GoDuration,
}

impl PluginConfiguration {
    /// The same configuration where a valid token is enough for a new node: `approve-node-client` in the place of
    /// `approve-manual`. Nothing changes where it approves already.
    #[must_use]
    pub fn with_auto_approve(mut self) -> Self {
        let mut is_there = self.enforced(bundled::APPROVE_NODE_CLIENT).next().is_some();
        self.csr_approvers = self
            .csr_approvers
            .into_iter()
            .filter_map(|entry| {
                if !entry.is_bundled(bundled::APPROVE_MANUAL) {
                    return Some(entry);
                }
                let replaces = !std::mem::replace(&mut is_there, true);
                replaces
                    .then(|| named(bundled::APPROVE_NODE_CLIENT))
                    .flatten()
            })
            .collect();
        if !is_there {
            self.csr_approvers
                .extend(named(bundled::APPROVE_NODE_CLIENT));
        }
        self
    }

    /// Whether a valid token is enough for a new node: `approve-node-client` is there for every name, and
    /// `approve-manual`, whose word counts before, is not.
    pub fn approves_automatically(&self) -> bool {
        let is_for_every_name = |entry: &PluginEntry| match entry.settings.get("names") {
            Some(Value::Array(names)) if !names.is_empty() => {
                let matches_all = |name: &Value| name.as_str().is_some_and(|name| name == "*");
                names.iter().any(matches_all)
            }
            _ => !entry.settings.contains_key("namesFile"),
        };
        self.enforced(bundled::APPROVE_NODE_CLIENT)
            .any(is_for_every_name)
            && self.enforced(bundled::APPROVE_MANUAL).next().is_none()
    }

    /// The entries of a bundled approver whose verdicts count.
    fn enforced(&self, name: &'static str) -> impl Iterator<Item = &PluginEntry> {
        self.csr_approvers
            .iter()
            .filter(move |entry| entry.is_bundled(name) && entry.mode == super::Mode::Enforce)
    }

    /// The same configuration, whose relative paths count from `folder`: the one of the file that held it.
    #[must_use]
    pub fn with_paths_from(mut self, folder: &Path) -> Self {
        let lists = [
            &mut self.trust_sources,
            &mut self.csr_approvers,
            &mut self.token_stores,
            &mut self.endpoint_providers,
        ];
        for entry in lists.into_iter().flatten() {
            if let PluginSource::Path(path) = &mut entry.source {
                *path = folder.join(&*path);
            }
            entry.grants = std::mem::take(&mut entry.grants).with_paths_from(folder);
        }
        self
    }

    /// Every entry, in the order of the extension points.
    pub fn entries(&self) -> impl Iterator<Item = &PluginEntry> {
        [
            &self.trust_sources,
            &self.csr_approvers,
            &self.token_stores,
            &self.endpoint_providers,
        ]
        .into_iter()
        .flatten()
    }
}

impl Default for PluginConfiguration {
    /// The bundled components: nothing new gets in without a person, renewals do, and bootstrap tokens live in the API
    /// server's own store.
    fn default() -> Self {
        let trust_jws = named(bundled::TRUST_JWS).map(|entry| PluginEntry {
            grants: Grants {
                unverified_https: true,
                ..Grants::default()
            },
            limits: Limits {
                deadline: NETWORK_DEADLINE,
                ..Limits::default()
            },
            ..entry
        });
        Self {
            trust_sources: trust_jws
                .into_iter()
                .chain(named(bundled::TRUST_FILE))
                .chain(named(bundled::TRUST_HTTPS))
                .collect(),
            csr_approvers: named(bundled::APPROVE_RENEWAL)
                .into_iter()
                .chain(named(bundled::APPROVE_MANUAL))
                .collect(),
            token_stores: Vec::new(),
            endpoint_providers: named(bundled::ENDPOINTS_STATIC).into_iter().collect(),
            control_plane_nodes: BTreeSet::new(),
            rejoin_allowed: BTreeSet::new(),
            keep_recordings: KEEP_RECORDINGS,
        }
    }
}

fn is_default_keep(keep: &GoDuration) -> bool {
    *keep == KEEP_RECORDINGS
}

/// The bundled component of this name, which is always a name.
fn named(name: &str) -> Option<PluginEntry> {
    name.parse::<PluginName>().ok().map(PluginEntry::bundled)
}

/// Reads a list whose entries have names of their own.
fn distinct<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<PluginEntry>, D::Error> {
    let entries = Vec::<PluginEntry>::deserialize(deserializer)?;
    let mut names = BTreeSet::new();
    match entries.iter().find(|entry| !names.insert(&entry.name)) {
        Some(entry) => Err(serde::de::Error::custom(format_args!(
            "two entries of one list have the name {:?}; expected names that differ",
            entry.name.as_str()
        ))),
        None => Ok(entries),
    }
}

/// Reads a list of which at most one entry decides.
fn one_enforced<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<PluginEntry>, D::Error> {
    let entries = distinct(deserializer)?;
    match entries
        .iter()
        .filter(|entry| entry.mode == super::Mode::Enforce)
        .nth(1)
    {
        Some(entry) => Err(serde::de::Error::custom(format_args!(
            "the token store {:?} is the second one in the mode enforce; expected at most one",
            entry.name.as_str()
        ))),
        None => Ok(entries),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(entries: &[PluginEntry]) -> Vec<&str> {
        entries.iter().map(|entry| entry.name.as_str()).collect()
    }

    fn read(yaml: &str) -> Result<PluginConfiguration, String> {
        serde_saphyr::from_str(yaml).map_err(|error| error.without_snippet().to_string())
    }

    #[test]
    fn by_default_nothing_new_gets_in_without_a_person() {
        let configuration = PluginConfiguration::default();
        assert_eq!(
            names(&configuration.csr_approvers),
            ["approve-renewal", "approve-manual"]
        );
        assert_eq!(
            names(&configuration.trust_sources),
            ["trust-jws", "trust-file", "trust-https"]
        );
        assert_eq!(
            names(&configuration.endpoint_providers),
            ["endpoints-static"]
        );
        assert!(configuration.token_stores.is_empty());
        assert!(!configuration.approves_automatically());
        let granted: Vec<_> = configuration
            .entries()
            .filter(|entry| entry.grants != Grants::default())
            .collect();
        assert_eq!(granted.len(), 1);
        assert_eq!(
            granted[0].grants,
            Grants {
                unverified_https: true,
                ..Grants::default()
            }
        );
    }

    #[test]
    fn automatic_approval_takes_the_place_of_the_person() {
        let automatic = PluginConfiguration::default().with_auto_approve();
        assert_eq!(
            names(&automatic.csr_approvers),
            ["approve-renewal", "approve-node-client"]
        );
        assert!(automatic.approves_automatically());
        assert_eq!(automatic.clone().with_auto_approve(), automatic);
        let nobody = PluginConfiguration {
            csr_approvers: Vec::new(),
            ..PluginConfiguration::default()
        };
        assert_eq!(
            names(&nobody.with_auto_approve().csr_approvers),
            ["approve-node-client"]
        );
    }

    #[test]
    fn what_is_narrowed_or_left_to_a_person_is_not_automatic() {
        let automatic = |approvers: &str| {
            read(&format!("csrApprovers: [{approvers}]"))
                .unwrap()
                .approves_automatically()
        };
        let of_names = |names: &str| {
            format!("{{name: a, source: approve-node-client, settings: {{names: {names}}}}}")
        };
        assert!(automatic("{name: approve-node-client}"));
        assert!(automatic(&of_names("[]")));
        assert!(automatic(&of_names("[edge-1, '*']")));
        assert!(!automatic(&of_names("[worker-1, 'edge-*']")));
        assert!(!automatic(
            "{name: approve-node-client}, {name: approve-manual}"
        ));
        assert!(automatic(
            "{name: approve-node-client}, {name: approve-manual, mode: shadow}"
        ));
        assert!(!automatic("{name: approve-node-client, mode: shadow}"));
    }

    #[test]
    fn relative_paths_count_from_the_folder_of_the_file() {
        let digest = crate::digest::Sha256Digest::of(b"x");
        let yaml = format!(
            "csrApprovers: [{{name: a, source: ./a.wasm, digest: '{digest}'}}, {{name: b, source: /b, digest: '{digest}', \
             grants: {{filesystem: [{{name: f, path: ./in}}, {{name: g, path: /g}}], http: [{{host: h, credentialFile: ../c}}]}}}}]"
        );
        let configuration = read(&yaml)
            .unwrap()
            .with_paths_from(Path::new("/etc/slipway"));
        let granted: Vec<_> = configuration
            .csr_approvers
            .iter()
            .flat_map(|entry| {
                let folders = entry.grants.filesystem.iter().map(|grant| &grant.path);
                let files = entry.grants.http.iter();
                folders.chain(files.filter_map(|grant| grant.credential_file.as_ref()))
            })
            .collect();
        assert_eq!(
            granted,
            [
                Path::new("/etc/slipway/in"),
                Path::new("/g"),
                Path::new("/etc/slipway/../c")
            ]
        );
        let sources: Vec<_> = configuration
            .csr_approvers
            .into_iter()
            .map(|entry| entry.source)
            .collect();
        assert_eq!(
            sources,
            [
                PluginSource::Path("/etc/slipway/a.wasm".into()),
                PluginSource::Path("/b".into())
            ]
        );
    }

    #[test]
    fn a_list_that_is_left_out_is_the_default_and_an_empty_one_is_nobody() {
        let configuration = read("csrApprovers: []").unwrap();
        assert!(configuration.csr_approvers.is_empty());
        assert_eq!(
            configuration.trust_sources,
            PluginConfiguration::default().trust_sources
        );
    }

    #[test]
    fn lists_are_checked_as_wholes() {
        insta::assert_snapshot!(read("csrApprovers: [{name: a}, {name: a}]").unwrap_err(), @r#"two entries of one list have the name "a"; expected names that differ at line 1, column 15"#);
        insta::assert_snapshot!(read("tokenStores: [{name: a}, {name: b}]").unwrap_err(), @r#"the token store "b" is the second one in the mode enforce; expected at most one at line 1, column 14"#);
        assert_eq!(
            read("tokenStores: [{name: a}, {name: b, mode: shadow}]")
                .unwrap()
                .token_stores
                .len(),
            2
        );
    }

    #[test]
    fn what_is_written_is_read_again() {
        let configuration = PluginConfiguration::default().with_auto_approve();
        let yaml = serde_saphyr::to_string(&configuration).unwrap();
        assert_eq!(read(&yaml), Ok(configuration));
    }
}
