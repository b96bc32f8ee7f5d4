use proptest::prelude::*;
use proptest_state_machine::{ReferenceStateMachine, StateMachineTest, prop_state_machine};

use super::*;

fn opinion(approver: &str, answer: Result<Verdict, &str>) -> Opinion {
    Opinion {
        approver: approver.to_owned(),
        answer: answer.map_err(str::to_owned),
    }
}

fn said(approver: &str, text: &str) -> Reason {
    reason(approver, text)
}

#[test]
fn a_denial_wins_over_everything() {
    let opinions = [
        opinion("a", Ok(Verdict::Approve)),
        opinion("b", Err("trap")),
        opinion("c", Ok(Verdict::Defer("new".to_owned()))),
        opinion("d", Ok(Verdict::Deny("stolen".to_owned()))),
    ];
    assert_eq!(combine(&opinions), Decision::Denied(said("d", "stolen")));
}

#[test]
fn an_error_wins_over_a_deferral_and_a_deferral_over_an_approval() {
    let approve = opinion("a", Ok(Verdict::Approve));
    let error = opinion("b", Err("timeout"));
    let defer = opinion("c", Ok(Verdict::Defer("new".to_owned())));
    let combined = combine(&[approve.clone(), defer.clone(), error]);
    assert_eq!(
        combined,
        Decision::Retry {
            errors: vec![said("b", "timeout")]
        }
    );
    let combined = combine(&[approve.clone(), defer]);
    assert_eq!(
        combined,
        Decision::Pending {
            reasons: vec![said("c", "new")]
        }
    );
    let combined = combine(&[opinion("x", Ok(Verdict::Abstain)), approve]);
    assert_eq!(
        combined,
        Decision::Approved {
            by: vec!["a".to_owned()]
        }
    );
}

#[test]
fn nobody_approves_where_nobody_says_so() {
    assert_eq!(
        combine(&[]),
        Decision::Pending {
            reasons: Vec::new()
        }
    );
    let abstentions = [
        opinion("a", Ok(Verdict::Abstain)),
        opinion("b", Ok(Verdict::Abstain)),
    ];
    assert_eq!(
        combine(&abstentions),
        Decision::Pending {
            reasons: Vec::new()
        }
    );
}

#[test]
fn a_broken_guardrail_is_denied_whatever_the_approvers_say() {
    let findings = vec![
        Finding::failed("node-is-new", "a node named w exists"),
        Finding::failed("lifetime", "too short"),
        Finding::passed("key-strength", "fine"),
    ];
    let approve = [opinion("a", Ok(Verdict::Approve))];
    let decision = decide(Standing::Open, &Guarded::Broken(findings), &approve).unwrap();
    assert_eq!(
        decision,
        Decision::Denied(said(
            GUARDRAILS,
            "node-is-new: a node named w exists; lifetime: too short"
        ))
    );
    assert_eq!(decide(Standing::Open, &Guarded::Ignored, &approve), None);
}

/// A request through its life: approvers change their minds, people and others decide, the guardrails break and hold.
#[derive(Clone, Debug)]
struct Life {
    standing: Standing,
    guarded: Guardrails,
    opinions: Vec<Answer>,
    /// What the rules of the design say is to be done now.
    expected: Option<Kind>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Guardrails {
    Hold,
    Broken,
    Ignored,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Answer {
    Approve,
    Deny,
    Defer,
    Abstain,
    Error,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Kind {
    Approved,
    Denied,
    Pending,
    Retry,
}

#[derive(Clone, Debug)]
enum Event {
    /// The controller looks at it and does what is to be done.
    Reconcile,
    Somebody(Standing),
    Guardrails(Guardrails),
    Opinions(Vec<Answer>),
}

fn kind(decision: &Decision) -> Kind {
    match decision {
        Decision::Approved { .. } => Kind::Approved,
        Decision::Denied(_) => Kind::Denied,
        Decision::Pending { .. } => Kind::Pending,
        Decision::Retry { .. } => Kind::Retry,
    }
}

struct Model;

impl ReferenceStateMachine for Model {
    type State = Life;
    type Transition = Event;

    fn init_state() -> BoxedStrategy<Life> {
        let life = Life {
            standing: Standing::Open,
            guarded: Guardrails::Hold,
            opinions: Vec::new(),
            expected: None,
        };
        Just(life).boxed()
    }

    fn transitions(_: &Life) -> BoxedStrategy<Event> {
        let answer = prop_oneof![
            4 => Just(Answer::Approve),
            1 => Just(Answer::Deny),
            1 => Just(Answer::Defer),
            2 => Just(Answer::Abstain),
            1 => Just(Answer::Error),
        ];
        prop_oneof![
            4 => Just(Event::Reconcile),
            1 => prop_oneof![Just(Standing::Approved), Just(Standing::Denied)].prop_map(Event::Somebody),
            2 => prop_oneof![3 => Just(Guardrails::Hold), 1 => Just(Guardrails::Broken), 1 => Just(Guardrails::Ignored)]
                .prop_map(Event::Guardrails),
            4 => prop::collection::vec(answer, 0..5).prop_map(Event::Opinions),
        ]
        .boxed()
    }

    fn apply(mut life: Life, event: &Event) -> Life {
        match event {
            Event::Reconcile => {
                let has = |answer| life.opinions.contains(&answer);
                life.expected = match (life.standing, life.guarded) {
                    (Standing::Approved | Standing::Denied, _) | (_, Guardrails::Ignored) => None,
                    (Standing::Open, Guardrails::Broken) => Some(Kind::Denied),
                    _ if has(Answer::Deny) => Some(Kind::Denied),
                    _ if has(Answer::Error) => Some(Kind::Retry),
                    _ if has(Answer::Defer) => Some(Kind::Pending),
                    _ if has(Answer::Approve) => Some(Kind::Approved),
                    _ => Some(Kind::Pending),
                };
                match life.expected {
                    Some(Kind::Approved) => life.standing = Standing::Approved,
                    Some(Kind::Denied) => life.standing = Standing::Denied,
                    _ => {}
                }
            }
            // The API server lets nobody withdraw or contradict what was decided.
            Event::Somebody(standing) if life.standing == Standing::Open => {
                life.standing = *standing
            }
            Event::Somebody(_) => {}
            Event::Guardrails(guarded) => life.guarded = *guarded,
            Event::Opinions(opinions) => life.opinions.clone_from(opinions),
        }
        life
    }
}

/// The request as the controller knows it.
struct Controller {
    standing: Standing,
    guarded: Guarded,
    opinions: Vec<Opinion>,
}

fn guarded(guardrails: Guardrails) -> Guarded {
    match guardrails {
        Guardrails::Hold => crate::guardrail::tests::passed(),
        Guardrails::Broken => Guarded::Broken(vec![Finding::failed("rule", "broken")]),
        Guardrails::Ignored => Guarded::Ignored,
    }
}

fn answer(answer: Answer) -> Opinion {
    let text = "because".to_owned();
    opinion(
        "approver",
        match answer {
            Answer::Approve => Ok(Verdict::Approve),
            Answer::Deny => Ok(Verdict::Deny(text)),
            Answer::Defer => Ok(Verdict::Defer(text)),
            Answer::Abstain => Ok(Verdict::Abstain),
            Answer::Error => Err("outage"),
        },
    )
}

impl StateMachineTest for Controller {
    type SystemUnderTest = Self;
    type Reference = Model;

    fn init_test(life: &Life) -> Self {
        Self {
            standing: life.standing,
            guarded: guarded(life.guarded),
            opinions: Vec::new(),
        }
    }

    fn apply(mut self_: Self, life: &Life, event: Event) -> Self {
        match event {
            Event::Reconcile => {
                let decision = decide(self_.standing, &self_.guarded, &self_.opinions);
                assert_eq!(decision.as_ref().map(kind), life.expected);
                match decision {
                    Some(Decision::Approved { by }) => {
                        assert!(!by.is_empty());
                        self_.standing = Standing::Approved;
                    }
                    Some(Decision::Denied(reason)) => {
                        assert!(!reason.text.is_empty());
                        self_.standing = Standing::Denied;
                    }
                    _ => {}
                }
            }
            Event::Somebody(standing) if self_.standing == Standing::Open => {
                self_.standing = standing
            }
            Event::Somebody(_) => {}
            Event::Guardrails(guardrails) => self_.guarded = guarded(guardrails),
            Event::Opinions(opinions) => {
                self_.opinions = opinions.into_iter().map(answer).collect()
            }
        }
        self_
    }

    fn check_invariants(self_: &Self, life: &Life) {
        assert_eq!(self_.standing, life.standing);
    }
}

prop_state_machine! {
    #[test]
    fn a_request_is_decided_once_and_as_the_design_says(sequential 1..40 => Controller);
}

#[test]
fn what_only_a_person_may_approve_is_not_approved_by_plugins() {
    let guarded = crate::guardrail::tests::deferred();
    let approve = [opinion("a", Ok(Verdict::Approve))];
    let Some(Decision::Pending { reasons }) = decide(Standing::Open, &guarded, &approve) else {
        panic!()
    };
    assert_eq!(
        reasons,
        [said(
            GUARDRAILS,
            "jane is neither a bootstrap token nor the node itself"
        )]
    );
    let deny = [opinion("a", Ok(Verdict::Deny("no".to_owned())))];
    assert_eq!(
        decide(Standing::Open, &guarded, &deny),
        Some(Decision::Denied(said("a", "no")))
    );
}
