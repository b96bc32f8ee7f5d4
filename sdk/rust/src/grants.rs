//! What the operator granted, for a plugin that says in [`Plugin::configure`](crate::Plugin::configure) which grant its
//! settings lack, rather than failing in its first call.
//!
//! A plugin that can do without some of its imports names them with [`optional_imports!`](crate::optional_imports): it
//! loads without the grants, and what was not granted refuses each call, or is a clock that stands still.

use std::fmt;

use serde::Deserialize;

use crate::cluster::Kind;
use crate::host;
use crate::http::Url;
use crate::settings::SettingError;

/// What the operator granted.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Grants {
    /// Whether names can be resolved.
    pub dns: bool,
    /// Whether clocks can be read.
    pub clocks: bool,
    /// Whether there are random bytes.
    pub random: bool,
    /// The names of the folders.
    pub folders: Vec<String>,
    /// The names of those that can be written to.
    pub writable_folders: Vec<String>,
    /// The servers that can be asked over HTTP.
    pub http: Vec<Origin>,
    /// The objects of the cluster that can be read.
    pub cluster: Vec<Objects>,
}

/// A server.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Origin {
    /// `https` or `http`.
    pub scheme: String,
    /// A host name, or an IP address.
    pub host: String,
    /// The port.
    pub port: u16,
}

/// Objects of one kind.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Objects {
    /// API group, empty for the core group.
    pub group: String,
    /// API version.
    pub version: String,
    /// The kind.
    pub kind: String,
    /// The only namespace; none for kinds without namespaces.
    pub namespace: Option<String>,
    /// The only names; any, where there are none.
    pub names: Vec<String>,
}

impl Grants {
    /// What was granted.
    ///
    /// # Errors
    /// The host does not say so.
    pub fn load() -> Result<Self, SettingError> {
        let told = host::grants().map_err(SettingError::whole)?;
        serde_json::from_str(&told).map_err(|error| {
            SettingError::whole(format!(
                "the grants have another form than expected: {error}"
            ))
        })
    }

    /// That names can be resolved.
    ///
    /// # Errors
    /// They cannot; the error says what to grant.
    pub fn need_dns(&self, setting: &str) -> Result<(), SettingError> {
        need(self.dns, setting, "dns: true")
    }

    /// That clocks can be read.
    ///
    /// # Errors
    /// They cannot; the error says what to grant.
    pub fn need_clocks(&self, setting: &str) -> Result<(), SettingError> {
        need(self.clocks, setting, "clocks: true")
    }

    /// That there is a folder of this name.
    ///
    /// # Errors
    /// There is none; the error says what to grant.
    pub fn need_folder(&self, setting: &str, name: &str) -> Result<(), SettingError> {
        let granted = self.folders.iter().any(|granted| granted == name);
        need(
            granted,
            setting,
            format_args!("filesystem: [{{name: {name}, path: /its/path}}]"),
        )
    }

    /// That there is a folder of this name, and that it can be written to.
    ///
    /// # Errors
    /// It cannot; the error says what to grant.
    pub fn need_writable_folder(&self, setting: &str, name: &str) -> Result<(), SettingError> {
        let granted = self.writable_folders.iter().any(|granted| granted == name);
        need(
            granted,
            setting,
            format_args!("filesystem: [{{name: {name}, path: /its/path, writable: true}}]"),
        )
    }

    /// That a URL can be fetched.
    ///
    /// # Errors
    /// It cannot; the error says what to grant. Or it is no URL.
    pub fn need_http(&self, setting: &str, url: &str) -> Result<(), SettingError> {
        let wanted = Url::parse(url)
            .ok()
            .and_then(|url| url.origin())
            .ok_or_else(|| {
                SettingError::new(
                    setting,
                    format!("{url:?} is not an absolute http or https URL without credentials"),
                )
            })?;
        let Origin { scheme, host, port } = &wanted;
        need(
            self.http.contains(&wanted),
            setting,
            format_args!("http: [{{scheme: {scheme}, host: {host:?}, port: {port}}}]"),
        )
    }

    /// That objects of a kind can be read, all of a namespace or of a kind without.
    ///
    /// # Errors
    /// They cannot; the error says what to grant.
    pub fn need_objects(
        &self,
        setting: &str,
        kind: &Kind<'_>,
        namespace: &str,
    ) -> Result<(), SettingError> {
        let granted = self.cluster.iter().any(|objects| {
            objects.group == kind.group
                && objects.version == kind.version
                && objects.kind == kind.kind
                && objects.namespace.as_deref().unwrap_or_default() == namespace
        });
        let group = match kind.group {
            "" => String::new(),
            group => format!("group: {group}, "),
        };
        let within = match namespace {
            "" => String::new(),
            namespace => format!(", namespace: {namespace}"),
        };
        let Kind { version, kind, .. } = kind;
        need(
            granted,
            setting,
            format_args!("cluster: [{{{group}version: {version}, kind: {kind}{within}}}]"),
        )
    }
}

fn need(granted: bool, setting: &str, grant: impl fmt::Display) -> Result<(), SettingError> {
    if granted {
        return Ok(());
    }
    Err(SettingError::new(
        setting,
        format!("this needs a grant: add `grants: {{{grant}}}` to the plugin's entry"),
    ))
}

/// Names interfaces, without their versions, that the plugin imports and can do without: it loads when they are not granted.
/// [`Grants`] tells what was.
///
/// ```
/// slipway_sdk::optional_imports!["wasi:http/outgoing-handler", "wasi:sockets/ip-name-lookup"];
/// ```
#[macro_export]
macro_rules! optional_imports {
    ($($interface:literal),+ $(,)?) => {
        #[cfg(target_family = "wasm")]
        const _: () = {
            const TEXT: &[u8] = ::core::concat!($($interface, "\n"),+).as_bytes();
            #[used]
            #[unsafe(link_section = "slipway:optional-imports")]
            static SECTION: [u8; TEXT.len()] = {
                let mut section = [0; TEXT.len()];
                section.copy_from_slice(TEXT);
                section
            };
        };
        #[cfg(not(target_family = "wasm"))]
        const _: &[&str] = &[$($interface),+];
    };
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cluster::NODE;
    use crate::testing::MockHost;

    #[test]
    fn a_missing_grant_is_named_as_the_line_to_add() {
        let _host = MockHost::new().install();
        let none = Grants::load().unwrap();
        let missing = [
            none.need_dns("a"),
            none.need_clocks("a"),
            none.need_folder("a", "inventory"),
            none.need_writable_folder("", "tokens"),
            none.need_http("a", "https://inventory.example/nodes"),
            none.need_http("a", "inventory.example"),
            none.need_objects("a", &NODE, ""),
        ]
        .map(|needed| needed.unwrap_err().to_string());
        assert_eq!(
            missing,
            [
                "a: this needs a grant: add `grants: {dns: true}` to the plugin's entry",
                "a: this needs a grant: add `grants: {clocks: true}` to the plugin's entry",
                "a: this needs a grant: add `grants: {filesystem: [{name: inventory, path: /its/path}]}` to the \
                 plugin's entry",
                "this needs a grant: add `grants: {filesystem: [{name: tokens, path: /its/path, writable: true}]}` to the \
                 plugin's entry",
                "a: this needs a grant: add `grants: {http: [{scheme: https, host: \"inventory.example\", port: 443}]}` \
                 to the plugin's entry",
                "a: \"inventory.example\" is not an absolute http or https URL without credentials",
                "a: this needs a grant: add `grants: {cluster: [{version: v1, kind: Node}]}` to the plugin's entry",
            ]
        );
    }

    #[test]
    fn what_is_granted_is_there() {
        let _host = MockHost::new()
            .directory("inventory")
            .read_only("seen")
            .http("https://[2001:db8::1]:8443/x", 200, "")
            .clocks()
            .dns()
            .object(&NODE, "", "a", serde_json::json!({}))
            .install();
        let granted = Grants::load().unwrap();
        granted.need_dns("a").unwrap();
        granted.need_clocks("a").unwrap();
        granted.need_folder("a", "inventory").unwrap();
        granted.need_writable_folder("a", "inventory").unwrap();
        granted.need_folder("a", "seen").unwrap();
        assert!(granted.need_writable_folder("a", "seen").is_err());
        granted
            .need_http("a", "https://[2001:db8::1]:8443/y")
            .unwrap();
        granted.need_objects("a", &NODE, "").unwrap();
        assert!(granted.need_objects("a", &NODE, "default").is_err());
    }
}
