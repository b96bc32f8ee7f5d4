//! What approvers and guardrails say about a request.

use std::fmt;

use serde::{Deserialize, Serialize};

/// What became of one rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// The rule was applied and holds.
    Passed,
    /// The rule was applied and does not hold.
    Failed,
    /// The rule does not concern this request.
    Skipped,
}

/// One rule that was applied to a request, for people and for the decision log. It carries no authority of its own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// The rule's stable name, in kebab-case: `node-in-inventory`.
    pub rule: String,
    /// What became of it.
    pub outcome: Outcome,
    /// What was seen, in one sentence.
    pub seen: String,
    /// What to do about it, where there is something to do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fix: Option<String>,
}

/// What an approver thinks of a request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "verdict", content = "reason")]
pub enum Verdict {
    /// The node should have it.
    Approve,
    /// The node must not have it; final, with the reason.
    Deny(String),
    /// A person must decide, with the reason.
    Defer(String),
    /// Not this approver's business.
    Abstain,
}

impl fmt::Display for Verdict {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Approve => formatter.write_str("approve"),
            Self::Deny(reason) => write!(formatter, "deny: {reason}"),
            Self::Defer(reason) => write!(formatter, "leave it to a person: {reason}"),
            Self::Abstain => formatter.write_str("no opinion"),
        }
    }
}

impl Finding {
    /// A rule that holds.
    pub fn passed(rule: impl Into<String>, seen: impl Into<String>) -> Self {
        Self {
            rule: rule.into(),
            outcome: Outcome::Passed,
            seen: seen.into(),
            fix: None,
        }
    }

    /// A rule that does not hold.
    pub fn failed(rule: impl Into<String>, seen: impl Into<String>) -> Self {
        Self {
            rule: rule.into(),
            outcome: Outcome::Failed,
            seen: seen.into(),
            fix: None,
        }
    }

    /// A rule that does not concern the request.
    pub fn skipped(rule: impl Into<String>, seen: impl Into<String>) -> Self {
        Self {
            rule: rule.into(),
            outcome: Outcome::Skipped,
            seen: seen.into(),
            fix: None,
        }
    }

    /// The same finding with what to do about it.
    #[must_use]
    pub fn with_fix(self, fix: impl Into<String>) -> Self {
        Self {
            fix: Some(fix.into()),
            ..self
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn findings_and_verdicts_have_a_stable_json_form() {
        let finding = Finding::failed("node-in-inventory", "w1 is not listed").with_fix("add it");
        insta::assert_snapshot!(serde_json::to_string(&finding).unwrap(), @r#"{"rule":"node-in-inventory","outcome":"failed","seen":"w1 is not listed","fix":"add it"}"#);
        insta::assert_snapshot!(serde_json::to_string(&Verdict::Approve).unwrap(), @r#"{"verdict":"approve"}"#);
        insta::assert_snapshot!(serde_json::to_string(&Verdict::Defer("new".into())).unwrap(), @r#"{"verdict":"defer","reason":"new"}"#);
    }
}
