//! Decides requests by rules, for those who write no code: each rule is a condition in the Common Expression Language (CEL)
//! over the request, with a verdict. The first rule whose condition holds decides.
//!
//! Rules are read and checked when the plugin is loaded: names of fields and functions, types where they are known, and what
//! an evaluation can cost. A condition that fails with a request (a field that is not there) decides nothing: the request waits
//! until the rule is mended.

mod check;
mod facts;
mod functions;
mod rule;

use serde::Deserialize;
use slipway_sdk::prelude::*;

use facts::Facts;
use rule::Rule;

/// What the operator can set.
///
/// ```yaml
/// settings:
///   rules:
///   - name: no-short-names
///     when: size(request.nodeName) < 5
///     then: deny
///     message: names of nodes have five characters or more
///   - name: workers-with-their-own-token
///     when: >-
///       has(request.token) && has(request.token.node) && request.nodeName.matches('^worker-[0-9]+$')
///     then: approve
///   otherwise: defer
/// ```
#[derive(Debug, Deserialize)]
#[cfg_attr(not(target_family = "wasm"), derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Settings {
    /// The rules, in the order in which they are tried.
    pub rules: Vec<RuleSetting>,
    /// What becomes of a request to which no rule applies.
    #[serde(default)]
    pub otherwise: Otherwise,
}

/// One rule.
#[derive(Debug, Deserialize)]
#[cfg_attr(not(target_family = "wasm"), derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RuleSetting {
    /// What the rule is called in findings: lower-case letters, digits and '-'.
    pub name: String,
    /// The condition: a CEL expression that is true or false.
    pub when: String,
    /// The verdict where the condition holds.
    pub then: Then,
    /// Why, for people.
    #[serde(default)]
    pub message: Option<String>,
    /// The same as a CEL expression that is a text, such as `'no token for ' + request.nodeName`.
    #[serde(default)]
    pub message_expression: Option<String>,
}

/// The verdict of a rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[cfg_attr(not(target_family = "wasm"), derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Then {
    /// The node should have the certificate.
    Approve,
    /// It must not have it, for good.
    Deny,
    /// A person decides.
    Defer,
}

/// What becomes of a request to which no rule applies.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[cfg_attr(not(target_family = "wasm"), derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Otherwise {
    /// Other approvers decide. The default.
    #[default]
    Abstain,
    /// It is denied, for good.
    Deny,
    /// A person decides.
    Defer,
}

/// Decides by rules.
#[derive(Debug)]
pub struct ApproveRules {
    rules: Vec<Rule>,
    otherwise: Otherwise,
}

impl Plugin for ApproveRules {
    type Settings = Settings;

    fn configure(settings: Settings) -> Result<Self, SettingErrors> {
        let mut errors = Vec::new();
        let mut rules: Vec<Rule> = Vec::new();
        if settings.rules.is_empty() {
            errors.push(SettingError::new("rules", "expected at least one rule"));
        }
        for (index, setting) in settings.rules.into_iter().enumerate() {
            let path = format!("rules[{index}]");
            if rules.iter().any(|rule| rule.name == setting.name) {
                let message = format!("another rule is called {:?}", setting.name);
                errors.push(SettingError::new(format!("{path}.name"), message));
            }
            match Rule::new(&path, setting) {
                Ok(rule) => rules.push(rule),
                Err(more) => errors.extend(more),
            }
        }
        let otherwise = settings.otherwise;
        SettingErrors::unless_empty(errors, Self { rules, otherwise })
    }
}

impl CsrApprover for ApproveRules {
    fn review(&self, request: &CertificateRequest) -> Result<Review, ReviewError> {
        let context = functions::context(&Facts::from(request))?;
        let mut findings = Vec::new();
        for rule in &self.rules {
            if !rule.applies(&context)? {
                findings.push(Finding::skipped(
                    &rule.name,
                    format!("it is not so that {}", rule.condition()),
                ));
                continue;
            }
            let seen = format!("{} holds", rule.condition());
            let (review, finding) = match rule.then {
                Then::Approve => (Review::approve(), Finding::passed(&rule.name, seen)),
                Then::Deny => (
                    Review::deny(rule.message(&context)?),
                    Finding::failed(&rule.name, seen),
                ),
                Then::Defer => (
                    Review::defer(rule.message(&context)?),
                    Finding::failed(&rule.name, seen),
                ),
            };
            return Ok(review.findings(findings).finding(finding));
        }
        const REASON: &str = "no rule of approve-rules applies";
        let review = match self.otherwise {
            Otherwise::Abstain => Review::abstain(),
            Otherwise::Deny => Review::deny(REASON),
            Otherwise::Defer => Review::defer(REASON),
        };
        Ok(review.findings(findings))
    }
}

slipway_sdk::export_csr_approver!(ApproveRules);

#[cfg(test)]
mod tests;
