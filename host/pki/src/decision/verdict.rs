//! What becomes of a certificate signing request.
//!
//! Each approver approves, denies, defers to a person, or abstains; an error is no verdict. A denial wins over
//! everything, an error over a deferral, a deferral over an approval.

use slipway_config::finding::{Finding, Outcome, Verdict};

use crate::guardrail::Guarded;

/// What one approver answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Opinion {
    /// The approver's name.
    pub approver: String,
    /// Its verdict, or why there is none: a trap, a timeout, a malformed answer, an outage.
    pub answer: Result<Verdict, String>,
}

/// Something that an approver said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reason {
    /// Who said it: an approver's name, or [`GUARDRAILS`].
    pub approver: String,
    /// What it said.
    pub text: String,
}

/// What is to be done with a request now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision {
    /// Approve it. Final.
    Approved {
        /// The approvers who approved; at least one.
        by: Vec<String>,
    },
    /// Deny it. Final.
    Denied(Reason),
    /// Leave it to a person.
    Pending {
        /// Why; empty where every approver abstained.
        reasons: Vec<Reason>,
    },
    /// Ask again later, with back-off.
    Retry {
        /// What went wrong; at least one.
        errors: Vec<Reason>,
    },
}

impl Decision {
    /// What becomes of a request whose name another key has, with what was found about that.
    pub fn name_claimed(finding: &Finding) -> Self {
        Self::Pending {
            reasons: vec![reason(GUARDRAILS, &finding.seen)],
        }
    }
}

/// Where a request stands already. Approved and denied exclude each other and are final.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Neither approved nor denied.
    Open,
    /// Approved, by whomever.
    Approved,
    /// Denied, by whomever.
    Denied,
}

/// Who denies what breaks a guardrail, and who keeps for a person what no approver may decide.
pub const GUARDRAILS: &str = "guardrails";

/// What is to be done with a request: guardrails first, then the approvers. None where there is nothing to do, because
/// it is decided already or for a signer that is not configured here.
///
/// The approvers need not be asked where the guardrails are broken: the opinions do not matter then.
pub fn decide(standing: Standing, guarded: &Guarded, opinions: &[Opinion]) -> Option<Decision> {
    if standing != Standing::Open {
        return None;
    }
    match guarded {
        Guarded::Ignored => None,
        Guarded::Broken(findings) => Some(Decision::Denied(broken(findings))),
        Guarded::Passed(request) => Some(outcome(opinions, request.deferral())),
    }
}

/// What all opinions of a request that passes the guardrails lead to. Where those have a person decide, `deferral` says
/// why, and no approval is enough.
pub fn outcome(opinions: &[Opinion], deferral: Option<&str>) -> Decision {
    match (combine(opinions), deferral) {
        (Decision::Approved { .. }, Some(deferral)) => Decision::Pending {
            reasons: vec![reason(GUARDRAILS, deferral)],
        },
        (decision, _) => decision,
    }
}

/// One decision out of all opinions.
pub(crate) fn combine(opinions: &[Opinion]) -> Decision {
    let mut approvals = Vec::new();
    let mut deferrals = Vec::new();
    let mut errors = Vec::new();
    for Opinion { approver, answer } in opinions {
        match answer {
            Ok(Verdict::Deny(text)) => return Decision::Denied(reason(approver, text)),
            Ok(Verdict::Approve) => approvals.push(approver.clone()),
            Ok(Verdict::Defer(text)) => deferrals.push(reason(approver, text)),
            Ok(Verdict::Abstain) => {}
            Err(text) => errors.push(reason(approver, text)),
        }
    }
    if !errors.is_empty() {
        Decision::Retry { errors }
    } else if !deferrals.is_empty() || approvals.is_empty() {
        Decision::Pending { reasons: deferrals }
    } else {
        Decision::Approved { by: approvals }
    }
}

fn reason(approver: &str, text: &str) -> Reason {
    Reason {
        approver: approver.to_owned(),
        text: text.to_owned(),
    }
}

fn broken(findings: &[Finding]) -> Reason {
    let broken = findings
        .iter()
        .filter(|finding| finding.outcome == Outcome::Failed);
    let texts: Vec<String> = broken
        .map(|finding| format!("{}: {}", finding.rule, finding.seen))
        .collect();
    reason(GUARDRAILS, &texts.join("; "))
}

#[cfg(test)]
mod tests;
