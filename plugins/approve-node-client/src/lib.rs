//! Approves client certificates of new nodes that come with a bootstrap token and stay within its bounds, without
//! a person. The settings narrow which names a node may have, and how old a request may be.

mod pattern;
mod rules;

use std::time::Duration;

use serde::Deserialize;
use slipway_sdk::grants::Grants;
use slipway_sdk::prelude::*;

use pattern::NamePattern;
use rules::End;

/// The name of the folder with the list of names among the grants.
const FOLDER: &str = "inventory";

/// What the operator can set.
///
/// ```yaml
/// settings:
///   names: ["worker-*", edge-1]
///   maxAgeSeconds: 3600
///   otherName: deny
/// ```
#[derive(Debug, Default, Deserialize)]
#[cfg_attr(not(target_family = "wasm"), derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Settings {
    /// Names that a node may have, in which `*` stands for any characters; every name, if there are neither these nor a file.
    pub names: Vec<String>,
    /// A file with more of them, one a line, `#` beginning a comment, in the folder that is granted (`filesystem`) under the
    /// name `inventory`. It is read for each request.
    pub names_file: Option<String>,
    /// What happens to a node of another name.
    pub other_name: OtherName,
    /// How old a request may be, in seconds; an older one waits for a person. Needs the grant `clocks`.
    pub max_age_seconds: Option<u64>,
    /// What happens where a node of this name exists already, and the host lets it join again.
    pub rejoin: Rejoin,
}

/// What happens to a node whose name is not among those of the settings.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[cfg_attr(not(target_family = "wasm"), derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum OtherName {
    /// A person decides. The default.
    #[default]
    Defer,
    /// It is denied, for good.
    Deny,
}

/// What happens to a machine that takes the name of a node that exists.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[cfg_attr(not(target_family = "wasm"), derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Rejoin {
    /// A person decides. The default.
    #[default]
    Defer,
    /// It is denied, for good.
    Deny,
    /// It is judged like a new node.
    Approve,
}

/// Approves client certificates of new nodes.
#[derive(Debug)]
pub struct ApproveNodeClient {
    names: Vec<NamePattern>,
    names_file: Option<String>,
    other_name: OtherName,
    max_age: Option<Duration>,
    rejoin: Rejoin,
}

impl Plugin for ApproveNodeClient {
    type Settings = Settings;

    fn configure(settings: Settings) -> Result<Self, SettingErrors> {
        let mut errors = Vec::new();
        let mut names = Vec::new();
        for (index, name) in settings.names.iter().enumerate() {
            match NamePattern::parse(name) {
                Ok(pattern) => names.push(pattern),
                Err(reason) => errors.push(SettingError::new(format!("names[{index}]"), reason)),
            }
        }
        errors.extend(missing_grants(&settings).err());
        let plugin = Self {
            names,
            names_file: settings.names_file,
            other_name: settings.other_name,
            max_age: settings.max_age_seconds.map(Duration::from_secs),
            rejoin: settings.rejoin,
        };
        SettingErrors::unless_empty(errors, plugin)
    }
}

fn missing_grants(settings: &Settings) -> Result<(), SettingError> {
    if settings.names_file.is_none() && settings.max_age_seconds.is_none() {
        return Ok(());
    }
    let grants = Grants::load()?;
    if settings.names_file.is_some() {
        grants.need_folder("namesFile", FOLDER)?;
    }
    if settings.max_age_seconds.is_some() {
        grants.need_clocks("maxAgeSeconds")?;
    }
    Ok(())
}

impl CsrApprover for ApproveNodeClient {
    fn review(&self, request: &CertificateRequest) -> Result<Review, ReviewError> {
        let mut findings = Vec::new();
        for rule in rules::RULES {
            match rule(self, request) {
                Ok(finding) => findings.push(finding),
                Err(End::Objection { verdict, finding }) => {
                    findings.push(finding);
                    return Ok(Review { verdict, findings });
                }
                Err(End::Error(error)) => return Err(error),
            }
        }
        Ok(Review::approve().findings(findings))
    }
}

slipway_sdk::optional_imports!["wasi:clocks/wall-clock", "wasi:filesystem/preopens"];

slipway_sdk::export_csr_approver!(ApproveNodeClient);

#[cfg(test)]
mod tests;
