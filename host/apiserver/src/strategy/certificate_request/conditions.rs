//! The conditions of a request: who may change which, and that a decision is final.

use jiff::Timestamp;
use k8s_openapi::api::certificates::v1::CertificateSigningRequestCondition as Condition;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

use crate::strategy::Violation;

/// The condition that lets a signer sign.
pub(crate) const APPROVED: &str = "Approved";
/// The condition that ends a request.
pub(crate) const DENIED: &str = "Denied";
/// The condition of a request that could not be signed.
pub(crate) const FAILED: &str = "Failed";

/// Who took the decision. The server writes it itself, so that nobody can name another.
pub(crate) const DECIDED: &str = "slipway.dev/Decided";

/// Whether a condition is a decision, written through `/approval` alone.
fn is_decision(condition: &Condition) -> bool {
    matches!(condition.type_.as_str(), APPROVED | DENIED)
}

/// The conditions after a write through `/approval` by `user`: decisions from the new object, the rest from the
/// old one.
pub(super) fn after_approval(
    old: &[Condition],
    new: &[Condition],
    user: &str,
    now: Timestamp,
) -> Vec<Condition> {
    let kept = old.iter().filter(|condition| !is_decision(condition));
    let written = new.iter().filter(|condition| is_decision(condition));
    let decided = written.clone().next().map(|decision| Condition {
        type_: DECIDED.to_owned(),
        status: "True".to_owned(),
        reason: Some(decision.type_.clone()),
        message: Some(user.to_owned()),
        ..Condition::default()
    });
    let decided = decided.filter(|_| !old.iter().any(is_decision));
    let conditions = kept.chain(written).cloned().chain(decided);
    with_times(old, conditions.collect(), now)
}

/// The conditions after a write through `/status`: decisions, and who took them, from the old object, the rest from
/// the new one.
pub(super) fn after_status(old: &[Condition], new: &[Condition], now: Timestamp) -> Vec<Condition> {
    let is_fixed = |condition: &Condition| is_decision(condition) || condition.type_ == DECIDED;
    let kept = old.iter().filter(|condition| is_fixed(condition));
    let written = new.iter().filter(|condition| !is_fixed(condition));
    with_times(old, kept.chain(written).cloned().collect(), now)
}

/// Fills in the times that the writer left out. A condition that keeps its status keeps the time of
/// its transition.
fn with_times(old: &[Condition], mut conditions: Vec<Condition>, now: Timestamp) -> Vec<Condition> {
    for condition in &mut conditions {
        let before = old.iter().find(|other| other.type_ == condition.type_);
        if condition.last_update_time.is_none() {
            condition.last_update_time = Some(Time(now));
        }
        if condition.last_transition_time.is_none() {
            condition.last_transition_time = before
                .filter(|other| other.status == condition.status)
                .and_then(|other| other.last_transition_time.clone())
                .or(Some(Time(now)));
        }
    }
    conditions
}

/// Everything wrong with the conditions, given those before the write.
pub(super) fn violations(old: &[Condition], new: &[Condition]) -> Vec<Violation> {
    let mut found = Vec::new();
    for (index, condition) in new.iter().enumerate() {
        let field = format!("status.conditions[{index}]");
        let type_ = condition.type_.as_str();
        if type_.is_empty() {
            found.push(Violation::missing(format!("{field}.type")));
        }
        if new.iter().take(index).any(|other| other.type_ == type_) {
            found.push(Violation::duplicate(
                format!("{field}.type"),
                format!("{type_:?}"),
            ));
        }
        if condition.status.is_empty() {
            found.push(Violation::missing(format!("{field}.status")));
            continue;
        }
        let statuses: &[&str] = match type_ {
            APPROVED | DENIED | FAILED => &["True"],
            _ => &["False", "True", "Unknown"],
        };
        if !statuses.contains(&condition.status.as_str()) {
            found.push(Violation::not_supported(
                format!("{field}.status"),
                &condition.status,
                statuses,
            ));
        }
    }
    let has = |conditions: &[Condition], type_: &str| {
        conditions.iter().any(|condition| condition.type_ == type_)
    };
    let mut decisions = new.iter().map(|condition| condition.type_.as_str());
    let last = decisions.rfind(|type_| matches!(*type_, APPROVED | DENIED));
    if let Some(last) = last.filter(|_| has(new, APPROVED) && has(new, DENIED)) {
        found.push(Violation::invalid(
            "status.conditions",
            format!("{last:?}: Approved and Denied conditions are mutually exclusive"),
        ));
    }
    for type_ in [APPROVED, DENIED, FAILED] {
        if has(old, type_) && !has(new, type_) {
            found.push(Violation::forbidden(
                "status.conditions",
                format!("updates may not remove a condition of type {type_:?}"),
            ));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::strategy::violation::Problem;

    fn condition(type_: &str, status: &str) -> Condition {
        Condition {
            type_: type_.into(),
            status: status.into(),
            ..Condition::default()
        }
    }

    fn types(conditions: &[Condition]) -> Vec<&str> {
        conditions
            .iter()
            .map(|condition| condition.type_.as_str())
            .collect()
    }

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    #[test]
    fn each_door_changes_its_own_conditions_only() {
        let old = [condition("slipway.dev/Reviewed", "False")];
        let new = [condition(APPROVED, "True"), condition(FAILED, "True")];
        assert_eq!(
            types(&after_approval(&old, &new, "anna", at(1))),
            ["slipway.dev/Reviewed", APPROVED, DECIDED]
        );
        assert_eq!(types(&after_status(&old, &new, at(1))), [FAILED]);
        let decided = [condition(APPROVED, "True")];
        assert_eq!(types(&after_status(&decided, &[], at(1))), [APPROVED]);
    }

    #[test]
    fn who_decided_is_written_by_the_server_and_stays() {
        let named = |user: &str| Condition {
            message: Some(user.to_owned()),
            ..condition(DECIDED, "True")
        };
        let by = |conditions: &[Condition]| {
            let found = conditions.iter().find(|one| one.type_ == DECIDED);
            found.and_then(|one| one.message.clone())
        };
        let forged = [named("berta"), condition(APPROVED, "True")];
        let decided = after_approval(&[], &forged, "anna", at(1));
        assert_eq!(by(&decided).as_deref(), Some("anna"));
        let again = after_approval(&decided, &decided, "berta", at(2));
        assert_eq!(by(&again).as_deref(), Some("anna"));
        assert_eq!(again.len(), 2);
        let through_status = after_status(&decided, &forged, at(2));
        assert_eq!(by(&through_status).as_deref(), Some("anna"));
        assert_eq!(by(&after_status(&[], &forged, at(2))), None);
        assert_eq!(
            by(&after_approval(&[], &[named("berta")], "anna", at(1))),
            None
        );
    }

    #[test]
    fn times_are_filled_in_and_a_transition_keeps_its_own() {
        let first = after_status(&[], &[condition("x", "False")], at(1));
        assert_eq!(first[0].last_update_time, Some(Time(at(1))));
        assert_eq!(first[0].last_transition_time, Some(Time(at(1))));
        let same = after_status(&first, &[condition("x", "False")], at(2));
        assert_eq!(same[0].last_update_time, Some(Time(at(2))));
        assert_eq!(same[0].last_transition_time, Some(Time(at(1))));
        let turned = after_status(&first, &[condition("x", "True")], at(3));
        assert_eq!(turned[0].last_transition_time, Some(Time(at(3))));
    }

    #[test]
    fn a_decision_is_final() {
        let approved = [condition(APPROVED, "True")];
        let both = [condition(APPROVED, "True"), condition(DENIED, "True")];
        assert_eq!(violations(&[], &approved), []);
        assert_eq!(violations(&approved, &approved), []);
        assert_eq!(violations(&approved, &both).len(), 1);
        assert_eq!(violations(&approved, &[]).len(), 1);
        assert_eq!(violations(&approved, &[condition(DENIED, "True")]).len(), 1);
    }

    #[test]
    fn a_decision_is_true_and_made_once() {
        assert_eq!(violations(&[], &[condition(APPROVED, "False")]).len(), 1);
        assert_eq!(violations(&[], &[condition(DENIED, "Unknown")]).len(), 1);
        assert_eq!(violations(&[], &[condition("x", "False")]), []);
        assert_eq!(violations(&[], &[condition("x", "yes")]).len(), 1);
        assert_eq!(violations(&[], &[condition("", "True")]).len(), 1);
        assert_eq!(
            violations(&[], &[condition(APPROVED, "")])[0].problem,
            Problem::Required
        );
        assert_eq!(
            violations(&[], &[condition("x", "True"), condition("x", "False")]).len(),
            1
        );
    }
}
