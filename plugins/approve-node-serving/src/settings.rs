//! What the operator sets, and what becomes of it.

use ipnet::IpNet;
use regex_lite::Regex;
use serde::Deserialize;
use slipway_sdk::grants::Grants;
use slipway_sdk::prelude::*;

/// The place of the node's name in the names that it may have, in a file's name and in a URL.
pub(crate) const NODE: &str = "{node}";

/// The name of the folder with the inventory among the grants.
pub(crate) const FOLDER: &str = "inventory";

/// What the operator can set.
///
/// ```yaml
/// settings:
///   nodeNames: worker-[0-9]+
///   dnsNames: ["{node}", "{node}.corp.example"]
///   networks: [10.0.0.0/16]
///   maxExpirationSeconds: 31536000
///   compareWith: {inventory: {file: nodes.json}}
///   otherwise: defer
/// ```
#[derive(Debug, Default, Deserialize)]
#[cfg_attr(not(target_family = "wasm"), derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Settings {
    /// A regular expression that the whole name of a node has to match; every name, if left out.
    pub node_names: Option<String>,
    /// The DNS names that a node may have, with `{node}` in the place of its name; its name alone, if left out. What the
    /// inventory or the Machine knows of the node comes on top.
    pub dns_names: Option<Vec<String>>,
    /// The networks in which every address has to be: `10.0.0.0/16`, `2001:db8::/32`. All networks, if left out.
    pub networks: Vec<String>,
    /// The longest lifetime that a node may ask for, in seconds; any, if left out. The signer has its own maximum besides.
    pub max_expiration_seconds: Option<u32>,
    /// What names and addresses are compared with.
    pub compare_with: Source,
    /// What happens to a request that breaks a rule.
    pub otherwise: Otherwise,
}

/// What names and addresses are compared with. Each needs a grant of its own.
#[derive(Debug, Default, Deserialize)]
#[cfg_attr(not(target_family = "wasm"), derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub enum Source {
    /// The addresses that the node's DNS names resolve to. Needs the grant `dns`. The default.
    #[default]
    Dns,
    /// A list of the operator.
    Inventory(Inventory),
    /// The Machine of Cluster API that names the node in `status.nodeRef`. Needs a grant `cluster` for the Machines.
    Machines(Machines),
}

/// A JSON document of the operator: `{"worker-1": {"addresses": ["10.0.0.5"], "dnsNames": ["worker-1.corp.example"]}}`.
#[derive(Debug, Deserialize)]
#[cfg_attr(not(target_family = "wasm"), derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub enum Inventory {
    /// A file's name in the folder that is granted (`filesystem`) under the name `inventory`; with `{node}` in the place of
    /// the node's name where each node has its own.
    File(String),
    /// A URL, whose server is granted (`http`); with `{node}` likewise.
    Url(String),
}

/// Where the Machines are.
#[derive(Debug, Deserialize)]
#[cfg_attr(not(target_family = "wasm"), derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Machines {
    /// Their API group.
    #[serde(default = "cluster_api")]
    pub group: String,
    /// Their API version: `v1beta1`.
    pub version: String,
    /// Their namespace.
    pub namespace: String,
}

/// What happens to a request that breaks a rule.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[cfg_attr(not(target_family = "wasm"), derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Otherwise {
    /// It is denied, for good; the kubelet asks again by itself. The default.
    #[default]
    Deny,
    /// A person decides.
    Defer,
}

fn cluster_api() -> String {
    "cluster.x-k8s.io".to_owned()
}

/// The settings, read.
#[derive(Debug)]
pub(crate) struct Policy {
    /// The pattern as the operator wrote it, and anchored.
    pub(crate) node_names: Option<(String, Regex)>,
    dns_names: Vec<String>,
    pub(crate) networks: Vec<IpNet>,
    pub(crate) max_expiration_seconds: Option<u32>,
    pub(crate) source: Source,
    otherwise: Otherwise,
}

impl Policy {
    pub(crate) fn new(settings: Settings) -> Result<Self, SettingErrors> {
        let mut errors = Vec::new();
        let node_names = settings.node_names.and_then(|pattern| {
            anchored(&pattern)
                .map_err(|error| errors.push(SettingError::new("nodeNames", error)))
                .map(|regex| (pattern, regex))
                .ok()
        });
        let dns_names = settings.dns_names.unwrap_or_else(|| vec![NODE.to_owned()]);
        for (index, form) in dns_names.iter().enumerate() {
            if !is_form(form) {
                errors.push(SettingError::new(
                    format!("dnsNames[{index}]"),
                    format!(
                        "{form:?} names no DNS name of a node; expected lower-case letters, digits, '-', '.' and {NODE} \
                         for the node's name"
                    ),
                ));
            }
        }
        let mut networks = Vec::new();
        for (index, text) in settings.networks.iter().enumerate() {
            match text.parse::<IpNet>() {
                Ok(network) => networks.push(network),
                Err(_) => errors.push(SettingError::new(
                    format!("networks[{index}]"),
                    format!(
                        "{text:?} is no network; expected one such as 10.0.0.0/16 or 2001:db8::/32"
                    ),
                )),
            }
        }
        if settings.max_expiration_seconds == Some(0) {
            errors.push(SettingError::new(
                "maxExpirationSeconds",
                "expected 1 or more, found 0",
            ));
        }
        if let Err(error) = settings.compare_with.check() {
            errors.push(error);
        }
        SettingErrors::unless_empty(
            errors,
            Self {
                node_names,
                dns_names,
                networks,
                max_expiration_seconds: settings.max_expiration_seconds,
                source: settings.compare_with,
                otherwise: settings.otherwise,
            },
        )
    }

    /// The DNS names that a node may have by the settings.
    pub(crate) fn names_of(&self, node: &str) -> Vec<String> {
        self.dns_names
            .iter()
            .map(|form| form.replace(NODE, node))
            .collect()
    }

    /// What becomes of a request that breaks a rule.
    pub(crate) fn object(&self, reason: String) -> Review {
        match self.otherwise {
            Otherwise::Deny => Review::deny(reason),
            Otherwise::Defer => Review::defer(reason),
        }
    }
}

impl Source {
    /// That it can be asked at all.
    fn check(&self) -> Result<(), SettingError> {
        let grants = Grants::load()?;
        match self {
            Self::Dns => grants.need_dns("compareWith"),
            Self::Inventory(Inventory::File(file)) => {
                const PATH: &str = "compareWith.inventory.file";
                if file.is_empty() || file.starts_with('/') {
                    return Err(SettingError::new(
                        PATH,
                        format!(
                            "{file:?} is no name in the granted folder; expected one such as nodes.json"
                        ),
                    ));
                }
                grants.need_folder(PATH, FOLDER)
            }
            Self::Inventory(Inventory::Url(url)) => {
                const PATH: &str = "compareWith.inventory.url";
                if url.split('/').take(3).any(|part| part.contains(NODE)) {
                    return Err(SettingError::new(
                        PATH,
                        format!(
                            "{NODE} can stand in the path only: the server is the operator's to choose"
                        ),
                    ));
                }
                grants.need_http(PATH, url)
            }
            Self::Machines(machines) => grants.need_objects(
                "compareWith.machines",
                &machines.kind(),
                &machines.namespace,
            ),
        }
    }

    /// What to do about a node that the source does not know.
    pub(crate) fn remedy(&self) -> &'static str {
        match self {
            Self::Dns => "add the node to the DNS",
            Self::Inventory(_) => "add the node to the inventory",
            Self::Machines(_) => "see that the Machine has the node in status.nodeRef",
        }
    }
}

/// The expression for the whole text, not for a part of it.
fn anchored(pattern: &str) -> Result<Regex, String> {
    // By itself first: a lone parenthesis would close the group that is put around it.
    Regex::new(pattern)
        .and_then(|_| Regex::new(&format!("^(?:{pattern})$")))
        .map_err(|error| format!("{pattern:?} is no regular expression: {error}"))
}

fn is_form(form: &str) -> bool {
    let rest = form.replace(NODE, "n");
    let is_allowed =
        |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-.".contains(&byte);
    form.contains(NODE) && rest.bytes().all(is_allowed)
}
