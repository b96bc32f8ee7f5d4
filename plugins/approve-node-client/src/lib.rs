//! Approves client certificates of new nodes that come with a bootstrap token and stay within its bounds, without
//! a person. Names can be narrowed by the settings.

mod pattern;
mod rules;

use serde::Deserialize;
use slipway_sdk::prelude::*;

use pattern::NamePattern;

/// What the operator can set.
///
/// ```yaml
/// settings:
///   names: ["worker-*", edge-1]
///   otherName: deny
/// ```
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Settings {
    /// Names that a node may have, in which `*` stands for any characters; every name if there are none.
    pub names: Vec<String>,
    /// What happens to a node of another name.
    pub other_name: OtherName,
}

/// What happens to a node whose name is not among those of the settings.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OtherName {
    /// A person decides.
    #[default]
    Defer,
    /// It is denied, for good.
    Deny,
}

/// Approves client certificates of new nodes.
#[derive(Debug)]
pub struct ApproveNodeClient {
    names: Vec<NamePattern>,
    other_name: OtherName,
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
        let plugin = Self {
            names,
            other_name: settings.other_name,
        };
        SettingErrors::unless_empty(errors, plugin)
    }
}

impl CsrApprover for ApproveNodeClient {
    fn review(&self, request: &CertificateRequest) -> Result<Review, ReviewError> {
        let mut findings = Vec::new();
        for rule in rules::RULES {
            match rule(self, request) {
                Ok(finding) => findings.push(finding),
                Err(objection) => {
                    findings.push(objection.finding);
                    return Ok(Review {
                        verdict: objection.verdict,
                        findings,
                    });
                }
            }
        }
        Ok(Review::approve().findings(findings))
    }
}

slipway_sdk::export_csr_approver!(ApproveNodeClient);

#[cfg(test)]
mod tests;
