//! A decision in words.

use slipway_config::finding::{Finding, Outcome};
use slipway_config::redact;
use slipway_pki::decision::verdict::{Decision, Reason};

use crate::chain::Reviewed;
use crate::decision_log::PluginOpinion;

/// Most findings that are shown beside the reasons.
const MOST_FINDINGS: usize = 3;

/// The longest name of a rule that is shown beside a decision, in bytes.
const LONGEST_RULE: usize = 63;

/// What our condition says about an undecided request.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Explained {
    /// For programs: `Deferred`, `NameClaimed`, `Retrying`.
    pub(super) reason: &'static str,
    /// For people: the reasons in the first line, then a line for each finding and, indented, one for what to do about
    /// it.
    pub(super) message: String,
}

/// Why a request is not decided, with the findings that matter. `claim` says that another key has the node's name.
pub(super) fn explain(
    decision: &Decision,
    reviewed: &Reviewed,
    claim: Option<&Finding>,
) -> Explained {
    let reason = match (decision, claim) {
        (Decision::Retry { .. }, _) => "Retrying",
        (_, Some(_)) => "NameClaimed",
        (_, None) => "Deferred",
    };
    let found = reviewed
        .enforced
        .iter()
        .filter_map(|answer| answer.review.as_ref().ok())
        .flat_map(|review| &review.findings)
        .filter(|finding| finding.outcome == Outcome::Failed);
    let mut lines = vec![summary(decision, &[])];
    for finding in found.take(MOST_FINDINGS).chain(claim) {
        if !is_said(decision, &finding.seen) {
            lines.push(format!("{}: {}", finding.rule, redact::text(&finding.seen)));
        }
        let fix = finding.fix.as_deref();
        lines.extend(fix.map(|fix| format!("  {}", redact::text(fix))));
    }
    Explained {
        reason,
        message: lines.join("\n"),
    }
}

/// Whether a reason says what a finding saw.
fn is_said(decision: &Decision, seen: &str) -> bool {
    match decision {
        Decision::Pending { reasons } | Decision::Retry { errors: reasons } => {
            reasons.iter().any(|reason| reason.text == seen)
        }
        Decision::Approved { .. } | Decision::Denied(_) => false,
    }
}

/// A decision and its reasons in one line; of what is final the rules, too, by which the approvers came to it.
pub(crate) fn summary(decision: &Decision, opinions: &[PluginOpinion]) -> String {
    match decision {
        Decision::Approved { by } => {
            let by = by.iter().map(|approver| {
                format!(
                    "{approver}{}",
                    by_rules(approver, Outcome::Passed, opinions)
                )
            });
            format!("approved by {}", by.collect::<Vec<_>>().join(", "))
        }
        Decision::Denied(Reason { approver, text }) => {
            let rules = by_rules(approver, Outcome::Failed, opinions);
            format!("{approver}{rules}: {}", redact::text(text))
        }
        Decision::Pending { reasons } if reasons.is_empty() => {
            "no approver took a decision; a person must".to_owned()
        }
        Decision::Pending { reasons } | Decision::Retry { errors: reasons } => {
            let said =
                |Reason { approver, text }: &Reason| format!("{approver}: {}", redact::text(text));
            reasons.iter().map(said).collect::<Vec<_>>().join("; ")
        }
    }
}

/// The rules of an approver with this outcome, in parentheses; nothing where it names none. What is not named like a rule could
/// be read as something else.
fn by_rules(approver: &str, outcome: Outcome, opinions: &[PluginOpinion]) -> String {
    let own = opinions
        .iter()
        .filter(|opinion| opinion.plugin == approver && !opinion.shadow);
    let rules: Vec<_> = own
        .flat_map(|opinion| &opinion.findings)
        .filter(|finding| finding.outcome == outcome)
        .map(|finding| finding.rule.as_str())
        .filter(|rule| is_named_like_a_rule(rule))
        .take(MOST_FINDINGS)
        .collect();
    match rules.is_empty() {
        true => String::new(),
        false => format!(" ({})", rules.join(", ")),
    }
}

fn is_named_like_a_rule(name: &str) -> bool {
    let is_allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    (1..=LONGEST_RULE).contains(&name.len()) && name.bytes().all(is_allowed)
}

#[cfg(test)]
mod tests {
    use slipway_config::digest::Sha256Digest;

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
        insta::assert_snapshot!(summary(&approved, &[]), @"approved by a, b");
        let opinion = PluginOpinion {
            plugin: "b".to_owned(),
            version: String::new(),
            digest: Sha256Digest::of(b""),
            settings: Sha256Digest::of(b""),
            grants: Vec::new(),
            shadow: false,
            disagrees: false,
            verdict: None,
            error: None,
            findings: vec![
                Finding::skipped("one", ""),
                Finding::passed("two", ""),
                Finding::passed("", ""),
                Finding::passed("x), c (four", ""),
                Finding::passed("five".repeat(16), ""),
                Finding::failed("three", ""),
            ],
            duration_us: 0,
        };
        let looks_on = PluginOpinion {
            plugin: "a".to_owned(),
            shadow: true,
            ..opinion.clone()
        };
        let opinions = [looks_on, opinion];
        insta::assert_snapshot!(summary(&approved, &opinions), @"approved by a, b (two)");
        let denied = Decision::Denied(Reason {
            approver: "b".to_owned(),
            text: "no".to_owned(),
        });
        insta::assert_snapshot!(summary(&denied, &opinions), @"b (three): no");
        let denied = Decision::Denied(reason("the token abcdef.0123456789abcdef is bad"));
        insta::assert_snapshot!(summary(&denied, &[]), @"approve-manual: the token abcdef.[redacted] is bad");
        let silent = Decision::Pending {
            reasons: Vec::new(),
        };
        insta::assert_snapshot!(summary(&silent, &[]), @"no approver took a decision; a person must");
        let pending = Decision::Pending {
            reasons: vec![reason("w1 is new"), reason("so is w2")],
        };
        let finding = Finding::failed("name-unclaimed", "w1 is claimed").with_fix("deny the other");
        let explained = explain(&pending, &Reviewed::default(), Some(&finding));
        assert_eq!(explained.reason, "NameClaimed");
        insta::assert_snapshot!(explained.message, @r"
        approve-manual: w1 is new; approve-manual: so is w2
        name-unclaimed: w1 is claimed
          deny the other
        ");
        assert_eq!(
            explain(&pending, &Reviewed::default(), None).reason,
            "Deferred"
        );
        let repeated = Finding::failed("name-unclaimed", "w1 is new").with_fix("deny the other");
        insta::assert_snapshot!(explain(&pending, &Reviewed::default(), Some(&repeated)).message, @r"
        approve-manual: w1 is new; approve-manual: so is w2
          deny the other
        ");
        let retry = Decision::Retry {
            errors: vec![reason("no answer")],
        };
        assert_eq!(
            explain(&retry, &Reviewed::default(), None).reason,
            "Retrying"
        );
    }
}
