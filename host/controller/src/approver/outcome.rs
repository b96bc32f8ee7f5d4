//! A decision in words.

use slipway_config::finding::{Finding, Outcome};
use slipway_pki::decision::verdict::{Decision, Reason};

use crate::chain::Reviewed;
use crate::redact;

/// Most findings that are shown beside the reasons.
const MOST_FINDINGS: usize = 3;

/// What our condition says about an undecided request.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Explained {
    /// For programs: `Deferred`, `Retrying`.
    pub(super) reason: &'static str,
    /// For people.
    pub(super) message: String,
}

/// Why a request is not decided, with the findings that matter.
pub(super) fn explain(
    decision: &Decision,
    reviewed: &Reviewed,
    finding: Option<&Finding>,
) -> Explained {
    let reason = match decision {
        Decision::Retry { .. } => "Retrying",
        _ => "Deferred",
    };
    let found = reviewed
        .enforced
        .iter()
        .filter_map(|answer| answer.review.as_ref().ok())
        .flat_map(|review| &review.findings)
        .filter(|finding| finding.outcome == Outcome::Failed);
    let failed: Vec<String> = found
        .take(MOST_FINDINGS)
        .chain(finding)
        .map(sentence)
        .collect();
    let message = match failed.is_empty() {
        true => summary(decision),
        false => format!("{} [{}]", summary(decision), failed.join("; ")),
    };
    Explained { reason, message }
}

/// A decision and its reasons in one line.
pub(super) fn summary(decision: &Decision) -> String {
    match decision {
        Decision::Approved { by } => format!("approved by {}", by.join(", ")),
        Decision::Denied(reason) => said(reason),
        Decision::Pending { reasons } if reasons.is_empty() => {
            "no approver took a decision; a person must".to_owned()
        }
        Decision::Pending { reasons } | Decision::Retry { errors: reasons } => {
            reasons.iter().map(said).collect::<Vec<_>>().join("; ")
        }
    }
}

fn said(reason: &Reason) -> String {
    format!("{}: {}", reason.approver, redact::text(&reason.text))
}

fn sentence(finding: &Finding) -> String {
    let seen = redact::text(&finding.seen);
    match &finding.fix {
        Some(fix) => format!("{}: {seen}; {}", finding.rule, redact::text(fix)),
        None => format!("{}: {seen}", finding.rule),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reason(text: &str) -> Reason {
        Reason {
            approver: "approve-manual".to_owned(),
            text: text.to_owned(),
        }
    }

    #[test]
    fn decisions_read_as_sentences() {
        let approved = Decision::Approved {
            by: vec!["a".to_owned(), "b".to_owned()],
        };
        insta::assert_snapshot!(summary(&approved), @"approved by a, b");
        let denied = Decision::Denied(reason("the token abcdef.0123456789abcdef is bad"));
        insta::assert_snapshot!(summary(&denied), @"approve-manual: the token abcdef.[redacted] is bad");
        let silent = Decision::Pending {
            reasons: Vec::new(),
        };
        insta::assert_snapshot!(summary(&silent), @"no approver took a decision; a person must");
        let pending = Decision::Pending {
            reasons: vec![reason("w1 is new"), reason("so is w2")],
        };
        let finding = Finding::failed("name-unclaimed", "w1 is claimed").with_fix("deny the other");
        let explained = explain(&pending, &Reviewed::default(), Some(&finding));
        assert_eq!(explained.reason, "Deferred");
        insta::assert_snapshot!(explained.message, @"approve-manual: w1 is new; approve-manual: so is w2 [name-unclaimed: w1 is claimed; deny the other]");
        let retry = Decision::Retry {
            errors: vec![reason("no answer")],
        };
        assert_eq!(
            explain(&retry, &Reviewed::default(), None).reason,
            "Retrying"
        );
    }
}
