//! Findings of plugins.

use slipway_config::finding::{Finding, Outcome};

use crate::bindings::import::types;
use crate::text::one_line;

/// Findings that are kept of one answer.
const FINDINGS: usize = 256;

/// The findings of an answer, fit for display.
pub(super) fn from_guest(findings: Vec<types::Finding>) -> Vec<Finding> {
    findings
        .into_iter()
        .take(FINDINGS)
        .map(|finding| Finding {
            rule: one_line(&finding.rule),
            outcome: match finding.outcome {
                types::Outcome::Passed => Outcome::Passed,
                types::Outcome::Failed => Outcome::Failed,
                types::Outcome::Skipped => Outcome::Skipped,
            },
            seen: one_line(&finding.seen),
            fix: finding.fix.as_deref().map(one_line),
        })
        .collect()
}
