//! What a plugin tells people about the rules that it applied.

use crate::bindings::imports::slipway::plugin::types as wit;

/// One rule that a plugin applied. It is shown by the command line and written to the decision log, and carries no
/// authority of its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The rule's stable name, in kebab-case: `node-in-inventory`.
    pub rule: String,
    /// What became of it.
    pub outcome: Outcome,
    /// What was seen, in one sentence.
    pub seen: String,
    /// What to do about it, where there is something to do.
    pub fix: Option<String>,
}

/// What became of one rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Outcome {
    /// The rule was applied and holds.
    Passed,
    /// The rule was applied and does not hold.
    Failed,
    /// The rule does not concern this request.
    Skipped,
}

impl Finding {
    /// The rule was applied and holds.
    pub fn passed(rule: impl Into<String>, seen: impl Into<String>) -> Self {
        Self::new(rule, Outcome::Passed, seen)
    }

    /// The rule was applied and does not hold.
    pub fn failed(rule: impl Into<String>, seen: impl Into<String>) -> Self {
        Self::new(rule, Outcome::Failed, seen)
    }

    /// The rule does not concern this request.
    pub fn skipped(rule: impl Into<String>, seen: impl Into<String>) -> Self {
        Self::new(rule, Outcome::Skipped, seen)
    }

    /// Adds what to do about it.
    #[must_use]
    pub fn fix(mut self, fix: impl Into<String>) -> Self {
        self.fix = Some(fix.into());
        self
    }

    fn new(rule: impl Into<String>, outcome: Outcome, seen: impl Into<String>) -> Self {
        Self {
            rule: rule.into(),
            outcome,
            seen: seen.into(),
            fix: None,
        }
    }
}

impl From<Finding> for wit::Finding {
    fn from(finding: Finding) -> Self {
        Self {
            rule: finding.rule,
            outcome: match finding.outcome {
                Outcome::Passed => wit::Outcome::Passed,
                Outcome::Failed => wit::Outcome::Failed,
                Outcome::Skipped => wit::Outcome::Skipped,
            },
            seen: finding.seen,
            fix: finding.fix,
        }
    }
}
