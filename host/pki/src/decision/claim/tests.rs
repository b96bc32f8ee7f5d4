use std::collections::BTreeMap;

use proptest::prelude::*;
use proptest_state_machine::{ReferenceStateMachine, StateMachineTest, prop_state_machine};

use super::*;

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

fn claim(key: u8, request: &str) -> Claim {
    Claim {
        node: "worker-1".parse().unwrap(),
        key: [key; 32].into(),
        request: format!("{request}-request"),
        request_uid: request.to_owned(),
        token_uid: Some("token-uid".to_owned()),
        expires: Some(at(1000)),
        claimed: at(0),
    }
}

fn facts(request: ClaimedRequest) -> ClaimFacts {
    ClaimFacts {
        request,
        node_exists: false,
        token_revoked: false,
    }
}

#[test]
fn a_free_name_is_claimed_and_the_same_key_holds_it() {
    let wanted = claim(1, "first");
    assert_eq!(next(None, &wanted, at(1)), Step::Create(wanted.clone()));
    let again = claim(1, "second");
    assert_eq!(
        next(Some((&wanted, facts(ClaimedRequest::Open))), &again, at(1)),
        Step::Held
    );
}

#[test]
fn a_claim_made_after_the_token_expired_is_not_over_at_once() {
    let Step::Create(late) = next(None, &claim(1, "first"), at(1000)) else {
        panic!()
    };
    assert_eq!(late.expires, None);
    assert_eq!(
        next(
            Some((&late, facts(ClaimedRequest::Open))),
            &claim(1, "first"),
            at(1001)
        ),
        Step::Held
    );
}

#[test]
fn a_claim_is_held_until_the_second_in_which_its_token_expires() {
    let claim = claim(1, "first");
    assert!(claim.is_held_by(&claim, at(999)));
    assert!(!claim.is_held_by(&claim, at(1000)));
    let eternal = Claim {
        expires: None,
        ..claim.clone()
    };
    assert!(eternal.is_held_by(&claim, Timestamp::MAX));
}

proptest! {
    /// What is held without looking further is held by the rules, too, for a request and a token that are in order.
    #[test]
    fn the_shorter_way_to_a_held_claim_comes_to_the_same(
        key in 1_u8..3,
        request in prop::sample::select(vec!["first", "second"]),
        node_exists: bool,
        now in 900_i64..1100,
    ) {
        let (made, wanted) = (claim(1, "first"), claim(key, request));
        let facts = ClaimFacts { node_exists, ..facts(ClaimedRequest::Open) };
        let held = made.is_held_by(&wanted, at(now));
        prop_assert_eq!(held, key == 1 && request == "first" && now < 1000);
        if held {
            prop_assert_eq!(next(Some((&made, facts)), &wanted, at(now)), Step::Held);
        }
    }
}

#[test]
fn another_key_waits_for_a_person_and_is_told_why() {
    let (existing, wanted) = (claim(1, "first"), claim(2, "second"));
    for request in [
        ClaimedRequest::Open,
        ClaimedRequest::Delivered,
        ClaimedRequest::Gone,
    ] {
        let Step::Defer(finding) = next(Some((&existing, facts(request))), &wanted, at(1)) else {
            panic!("{request:?}")
        };
        assert_eq!(finding.rule, "name-unclaimed");
        insta::allow_duplicates! {
            insta::assert_snapshot!(finding.seen, @"the name worker-1 is claimed by another key, 0101010101010101010101010101010101010101010101010101010101010101, through the request first-request, since 1970-01-01T00:00:00Z");
        }
    }
}

#[test]
fn a_claim_ends_as_the_design_says_and_not_before() {
    let claim = claim(1, "first");
    let ends = |request, node_exists, token_revoked, now| {
        end(
            &claim,
            ClaimFacts {
                request,
                node_exists,
                token_revoked,
            },
            at(now),
        )
    };
    assert_eq!(
        ends(ClaimedRequest::Denied, false, false, 1),
        Some(ClaimEnd::Denied)
    );
    assert_eq!(
        ends(ClaimedRequest::Delivered, true, false, 1),
        Some(ClaimEnd::Fulfilled)
    );
    assert_eq!(
        ends(ClaimedRequest::Gone, true, false, 1),
        Some(ClaimEnd::Fulfilled)
    );
    assert_eq!(ends(ClaimedRequest::Delivered, false, false, 1), None);
    assert_eq!(ends(ClaimedRequest::Open, true, false, 1), None);
    assert_eq!(
        ends(ClaimedRequest::Open, false, true, 1),
        Some(ClaimEnd::TokenOver)
    );
    assert_eq!(ends(ClaimedRequest::Open, false, false, 999), None);
    assert_eq!(
        ends(ClaimedRequest::Open, false, false, 1000),
        Some(ClaimEnd::TokenOver)
    );
    let eternal = Claim {
        expires: None,
        token_uid: None,
        ..claim.clone()
    };
    assert_eq!(
        end(&eternal, facts(ClaimedRequest::Open), Timestamp::MAX),
        None
    );
}

#[test]
fn claims_have_a_stable_json_form() {
    let json = serde_json::to_string(&claim(0xab, "first")).unwrap();
    insta::assert_snapshot!(json, @r#"{"node":"worker-1","key":"sha256:abababababababababababababababababababababababababababababababab","request":"first-request","requestUid":"first","tokenUid":"token-uid","expires":"1970-01-01T00:16:40Z","claimed":"1970-01-01T00:00:00Z"}"#);
    assert_eq!(
        serde_json::from_str::<Claim>(&json).unwrap(),
        claim(0xab, "first")
    );
    assert!(serde_json::from_str::<Claim>(&json.replace("tokenUid", "token")).is_err());
}

/// Machines with keys of their own ask for one name; the name is stored as an API server stores an object: creates fail
/// where there is one. The model knows of every approval that was written.
#[derive(Clone, Debug, Default)]
struct Name {
    now: i64,
    /// What became of each key's request.
    requests: BTreeMap<u8, ClaimedRequest>,
    node_exists: bool,
    token_revoked: bool,
}

#[derive(Clone, Debug)]
enum Event {
    /// The approver looks at the request of this key, until it may write the approval or must not.
    Review(u8),
    Deny(u8),
    Deliver(u8),
    Collect(u8),
    NodeAppears,
    NodeVanishes,
    TokenIsDeleted,
    TimePasses(i64),
}

struct Model;

impl ReferenceStateMachine for Model {
    type State = Name;
    type Transition = Event;

    fn init_state() -> BoxedStrategy<Name> {
        let requests = (0..4).map(|key| (key, ClaimedRequest::Open)).collect();
        Just(Name {
            requests,
            ..Name::default()
        })
        .boxed()
    }

    fn transitions(_: &Name) -> BoxedStrategy<Event> {
        prop_oneof![
            6 => (0..4u8).prop_map(Event::Review),
            1 => (0..4u8).prop_map(Event::Deny),
            2 => (0..4u8).prop_map(Event::Deliver),
            1 => (0..4u8).prop_map(Event::Collect),
            1 => Just(Event::NodeAppears),
            1 => Just(Event::NodeVanishes),
            1 => Just(Event::TokenIsDeleted),
            1 => (0..400i64).prop_map(Event::TimePasses),
        ]
        .boxed()
    }

    fn apply(mut state: Name, event: &Event) -> Name {
        match event {
            Event::Review(_) => {}
            Event::Deny(key) => drop(state.requests.insert(*key, ClaimedRequest::Denied)),
            Event::Deliver(key) => drop(state.requests.insert(*key, ClaimedRequest::Delivered)),
            Event::Collect(key) => drop(state.requests.insert(*key, ClaimedRequest::Gone)),
            Event::NodeAppears => state.node_exists = true,
            Event::NodeVanishes => state.node_exists = false,
            Event::TokenIsDeleted => state.token_revoked = true,
            Event::TimePasses(seconds) => state.now += seconds,
        }
        state
    }
}

#[derive(Default)]
struct Approver {
    stored: Option<Claim>,
    approved: Option<u8>,
    /// Whether a claim was over and cleared since the last approval.
    cleared: bool,
}

impl StateMachineTest for Approver {
    type SystemUnderTest = Self;
    type Reference = Model;

    fn init_test(_: &Name) -> Self {
        Self::default()
    }

    fn apply(mut self_: Self, name: &Name, event: Event) -> Self {
        let Event::Review(key) = event else {
            return self_;
        };
        let facts = |claim: &Claim| ClaimFacts {
            request: name.requests[&claim.request_uid.parse::<u8>().unwrap()],
            node_exists: name.node_exists,
            token_revoked: name.token_revoked,
        };
        let wanted = Claim {
            claimed: at(name.now),
            ..claim(key, &key.to_string())
        };
        // What is decided is not looked at again, and the guardrails refuse what a deleted token asked for.
        if facts(&wanted).request != ClaimedRequest::Open || name.token_revoked {
            return self_;
        }
        for round in 0.. {
            assert!(round < 3, "the approver goes round in circles");
            let existing = self_.stored.clone();
            match next(
                existing.as_ref().map(|claim| (claim, facts(claim))),
                &wanted,
                at(name.now),
            ) {
                Step::Create(claim) => {
                    assert!(self_.stored.replace(claim).is_none());
                }
                Step::Clear(_) => {
                    self_.stored = None;
                    self_.cleared = true;
                }
                Step::Held => {
                    assert_eq!(self_.stored.as_ref().unwrap().key, wanted.key);
                    let other = self_.approved.is_some_and(|approved| approved != key);
                    assert!(
                        !other || self_.cleared,
                        "two keys were approved for one name"
                    );
                    self_.approved = Some(key);
                    self_.cleared = false;
                    break;
                }
                Step::Defer(_) => {
                    assert_ne!(self_.stored.as_ref().unwrap().key, wanted.key);
                    break;
                }
            }
        }
        self_
    }
}

prop_state_machine! {
    #[test]
    fn one_key_at_a_time_holds_a_name(sequential 1..60 => Approver);
}
