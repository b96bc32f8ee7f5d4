use proptest::prelude::*;
use proptest_state_machine::{ReferenceStateMachine, StateMachineTest, prop_state_machine};

use super::*;

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

fn ledger(uses: Option<u32>, node: Option<&str>, expires: Option<i64>) -> TokenLedger {
    let bounds = TokenBounds {
        uses,
        node: node.map(|node| node.parse().unwrap()),
        cidrs: Vec::new(),
    };
    TokenLedger::new(
        "abcdef".parse().unwrap(),
        "uid".to_owned(),
        bounds,
        expires.map(at),
    )
}

/// The refusal of a token for one use, which the node `a` took.
fn used_up(taken: i64) -> Refusal {
    Refusal::UsedUp {
        uses: 1,
        last: Some(("a".parse().unwrap(), at(taken))),
    }
}

fn wanted(key: u8, node: &str) -> TokenUse {
    TokenUse {
        token_uid: "uid".to_owned(),
        key: [key; 32].into(),
        node: node.parse().unwrap(),
        signer: NodeSigner::KubeletClient,
        submitted: at(0),
    }
}

#[test]
fn a_use_is_reserved_then_consumed_and_the_same_key_may_come_again() {
    let (own, other) = (wanted(1, "a"), wanted(2, "a"));
    let reserved = ledger(Some(1), None, None).reserve(&own, at(1)).unwrap();
    assert_eq!(reserved.standing(&own, at(2)), Ok(UseStanding::Reserved));
    assert_eq!(reserved.standing(&other, at(2)), Err(used_up(1)));
    assert_eq!(reserved.reserve(&own, at(2)).unwrap(), reserved);
    let consumed = reserved.consume(&own, at(3)).unwrap();
    assert_eq!(consumed.standing(&own, at(4)), Ok(UseStanding::Consumed));
    assert_eq!(consumed.consume(&own, at(4)).unwrap(), consumed);
    assert_eq!(consumed.reserve(&own, at(4)).unwrap(), consumed);
    assert_eq!(consumed.standing(&other, at(4)), Err(used_up(3)));
    let grace_over = 3 + GRACE.as_secs() as i64;
    assert_eq!(
        consumed.standing(&own, at(grace_over - 1)),
        Ok(UseStanding::Consumed)
    );
    assert_eq!(consumed.standing(&own, at(grace_over)), Err(used_up(3)));
    // Where it went is known for as long as the ledger.
    let later = consumed.expire(at(10 * grace_over));
    assert_eq!(later.standing(&other, at(10 * grace_over)), Err(used_up(3)));
    assert_eq!(consumed.uses_left(at(grace_over)), Some(0));
}

#[test]
fn what_is_reserved_is_told_until_it_is_consumed_or_its_time_is_over() {
    let own = wanted(1, "a");
    let reserved = ledger(Some(2), None, None).reserve(&own, at(1)).unwrap();
    let told = |ledger: &TokenLedger, second| ledger.reservations(at(second)).collect::<Vec<_>>();
    let until = later(at(1), RESERVATION_LIMIT);
    let held = Reservation {
        node: own.node.clone(),
        key: own.key,
        until,
    };
    assert_eq!(told(&reserved, 2), [held]);
    assert_eq!(told(&reserved, until.as_second() + 1), []);
    let consumed = reserved.consume(&own, at(3)).unwrap();
    assert_eq!(told(&consumed, 3), []);
}

#[test]
fn nothing_is_consumed_that_was_not_reserved() {
    let ledger = ledger(Some(1), None, None);
    assert_eq!(
        ledger.consume(&wanted(1, "a"), at(1)),
        Err(Refusal::NotReserved)
    );
    let reserved = ledger.reserve(&wanted(1, "a"), at(1)).unwrap();
    for other in [
        wanted(2, "a"),
        wanted(1, "b"),
        TokenUse {
            signer: NodeSigner::KubeletServing,
            ..wanted(1, "a")
        },
    ] {
        assert_eq!(reserved.consume(&other, at(2)), Err(used_up(1)));
    }
    let limit = 1 + RESERVATION_LIMIT.as_secs() as i64;
    assert!(reserved.consume(&wanted(1, "a"), at(limit - 1)).is_ok());
    assert_eq!(
        reserved.consume(&wanted(1, "a"), at(limit)),
        Err(Refusal::NotReserved)
    );
    assert_eq!(reserved.uses_left(at(limit)), Some(1));
}

#[test]
fn uses_without_a_limit_are_counted_and_leave_nothing_behind() {
    let fresh = ledger(None, None, None);
    let mut used = fresh.clone();
    for key in 0..200 {
        let reserved = used.reserve(&wanted(key, "a"), at(1)).unwrap();
        assert_eq!(reserved, used, "nothing is scarce");
        used = reserved.consume(&wanted(key, "a"), at(2)).unwrap();
    }
    assert_eq!(used.used(), 200);
    assert_eq!(used.uses_left(at(2)), None);
    let size = |ledger: &TokenLedger| serde_json::to_string(ledger).unwrap().len();
    assert_eq!(size(&used), size(&fresh) + "200".len() - "0".len());
}

#[test]
fn a_denial_gives_the_use_back() {
    let reserved = ledger(Some(1), None, None)
        .reserve(&wanted(1, "a"), at(1))
        .unwrap();
    let released = reserved.release(&wanted(1, "a"), at(2));
    assert_eq!(released.uses_left(at(2)), Some(1));
    assert!(released.reserve(&wanted(2, "b"), at(2)).is_ok());
    let consumed = reserved.consume(&wanted(1, "a"), at(2)).unwrap();
    assert_eq!(
        consumed.release(&wanted(1, "a"), at(3)).uses_left(at(3)),
        Some(0)
    );
}

#[test]
fn a_deleted_token_is_revoked_for_good() {
    let reserved = ledger(None, None, None)
        .reserve(&wanted(1, "a"), at(1))
        .unwrap();
    let revoked = reserved.revoke(at(5));
    for refused in [
        revoked.reserve(&wanted(1, "a"), at(6)),
        revoked.consume(&wanted(1, "a"), at(6)),
    ] {
        assert_eq!(refused, Err(Refusal::Revoked(at(5))));
    }
    assert_eq!(revoked.revoke(at(9)).revoked(), Some(at(5)));
}

#[test]
fn bounds_and_identity_hold() {
    let bound = ledger(None, Some("a"), Some(10));
    assert!(bound.reserve(&wanted(1, "a"), at(1)).is_ok());
    let refused = bound.reserve(&wanted(1, "b"), at(1)).unwrap_err();
    assert_eq!(
        refused,
        Refusal::OtherNode {
            bound: "a".parse().unwrap(),
            asked: "b".parse().unwrap()
        }
    );
    // Submitted in time, approved later: a person may still do that.
    assert!(
        bound
            .reserve(
                &TokenUse {
                    submitted: at(9),
                    ..wanted(1, "a")
                },
                at(50)
            )
            .is_ok()
    );
    let late = TokenUse {
        submitted: at(10),
        ..wanted(1, "a")
    };
    assert_eq!(
        bound.reserve(&late, at(50)),
        Err(Refusal::Expired {
            expired: at(10),
            submitted: at(10)
        })
    );
    let other = TokenUse {
        token_uid: "new".to_owned(),
        ..wanted(1, "a")
    };
    insta::assert_snapshot!(bound.reserve(&other, at(1)).unwrap_err(), @"it was made anew since: the token that was used has the UID new, the one there is now uid");
    assert_eq!(
        ledger(Some(0), None, None).reserve(&wanted(1, "a"), at(1)),
        Err(Refusal::UsedUp {
            uses: 0,
            last: None
        })
    );
}

#[test]
fn the_end_of_a_token_can_be_moved_and_nothing_else_changes() {
    let used = ledger(Some(2), Some("a"), Some(10))
        .reserve(&wanted(1, "a"), at(1))
        .unwrap();
    let late = TokenUse {
        submitted: at(10),
        ..wanted(2, "a")
    };
    assert!(matches!(
        used.reserve(&late, at(10)),
        Err(Refusal::Expired { .. })
    ));
    let moved = used.expiring(Some(at(11)));
    assert_eq!(moved.expires(), Some(at(11)));
    assert!(moved.reserve(&late, at(10)).is_ok());
    assert!(used.expiring(None).reserve(&late, at(10)).is_ok());
    assert_eq!(moved.expiring(Some(at(10))), used);
}

#[test]
fn the_ledger_has_a_stable_json_form() {
    let own = wanted(0xab, "a");
    let ledger = ledger(Some(2), Some("a"), Some(10))
        .reserve(&own, at(1))
        .unwrap()
        .consume(&own, at(2))
        .unwrap();
    let json = serde_json::to_string(&ledger).unwrap();
    insta::assert_snapshot!(json, @r#"{"tokenId":"abcdef","tokenUid":"uid","bounds":{"node":"a","uses":2},"expires":"1970-01-01T00:00:10Z","used":1,"reserved":[],"consumed":[{"key":"sha256:abababababababababababababababababababababababababababababababab","node":"a","signer":"kubernetes.io/kube-apiserver-client-kubelet","at":"1970-01-01T00:00:02Z"}]}"#);
    assert_eq!(serde_json::from_str::<TokenLedger>(&json).unwrap(), ledger);
    assert!(serde_json::from_str::<TokenLedger>(&json.replace("used", "uses")).is_err());
}

/// The model keeps every use for ever and counts from its whole history.
#[derive(Clone, Debug)]
struct History {
    now: i64,
    uses: Option<u32>,
    revoked: bool,
    events: Vec<(Event, i64)>,
    reserved: Vec<(u8, i64)>,
    consumed: Vec<(u8, i64)>,
    accepted: bool,
}

#[derive(Clone, Debug, PartialEq)]
enum Event {
    Reserve(u8),
    Consume(u8),
    Release(u8),
    Revoke,
    TimePasses(i64),
    /// The controller restarts: the ledger goes through its stored form.
    Restart,
}

impl History {
    fn live(&self, entries: &[(u8, i64)], key: u8, limit: Duration) -> bool {
        entries
            .iter()
            .any(|(own, since)| *own == key && self.now < since + limit.as_secs() as i64)
    }

    fn taken(&self) -> usize {
        let live = self
            .reserved
            .iter()
            .filter(|(_, since)| self.now < since + RESERVATION_LIMIT.as_secs() as i64);
        self.consumed.len() + live.count()
    }

    fn has_room(&self) -> bool {
        self.uses.is_none_or(|uses| self.taken() < uses as usize)
    }
}

struct Model;

impl ReferenceStateMachine for Model {
    type State = History;
    type Transition = Event;

    fn init_state() -> BoxedStrategy<History> {
        prop_oneof![Just(None), (0..4u32).prop_map(Some)]
            .prop_map(|uses| History {
                now: 0,
                uses,
                revoked: false,
                events: Vec::new(),
                reserved: Vec::new(),
                consumed: Vec::new(),
                accepted: true,
            })
            .boxed()
    }

    fn transitions(_: &History) -> BoxedStrategy<Event> {
        prop_oneof![
            6 => (0..4u8).prop_map(Event::Reserve),
            6 => (0..4u8).prop_map(Event::Consume),
            2 => (0..4u8).prop_map(Event::Release),
            1 => Just(Event::Revoke),
            4 => prop_oneof![0..100i64, 3000..4000i64].prop_map(Event::TimePasses),
            1 => Just(Event::Restart),
        ]
        .boxed()
    }

    fn apply(mut state: History, event: &Event) -> History {
        state.accepted = true;
        match event {
            Event::Reserve(key) if !state.revoked => {
                let known = state.live(&state.consumed, *key, GRACE)
                    || state.live(&state.reserved, *key, RESERVATION_LIMIT);
                state.accepted = known || state.has_room();
                if state.accepted && !known && state.uses.is_some() {
                    state.reserved.push((*key, state.now));
                }
            }
            Event::Consume(key) if !state.revoked => {
                let consumed = state.live(&state.consumed, *key, GRACE);
                let reserved = state.live(&state.reserved, *key, RESERVATION_LIMIT);
                state.accepted = consumed || reserved || state.uses.is_none();
                if !consumed && reserved {
                    state.reserved.retain(|(own, _)| own != key);
                    state.consumed.push((*key, state.now));
                }
            }
            Event::Reserve(_) | Event::Consume(_) => state.accepted = false,
            Event::Release(key) => state.reserved.retain(|(own, _)| own != key),
            Event::Revoke => {
                state.revoked = true;
                state.reserved.clear();
            }
            Event::TimePasses(seconds) => state.now += seconds,
            Event::Restart => {}
        }
        state.events.push((event.clone(), state.now));
        state
    }
}

struct Ledger(TokenLedger);

impl StateMachineTest for Ledger {
    type SystemUnderTest = Self;
    type Reference = Model;

    fn init_test(history: &History) -> Self {
        Self(ledger(history.uses, None, None))
    }

    fn apply(self_: Self, history: &History, event: Event) -> Self {
        let ledger = &self_.0;
        let now = at(history.now);
        let next = match event {
            Event::Reserve(key) => ledger.reserve(&wanted(key, "a"), now),
            Event::Consume(key) => ledger.consume(&wanted(key, "a"), now),
            Event::Release(key) => Ok(ledger.release(&wanted(key, "a"), now)),
            Event::Revoke => Ok(ledger.revoke(now)),
            Event::TimePasses(_) => Ok(ledger.expire(now)),
            Event::Restart => {
                Ok(serde_json::from_str(&serde_json::to_string(ledger).unwrap()).unwrap())
            }
        };
        assert_eq!(next.is_ok(), history.accepted, "{:?}", history.events);
        Self(next.unwrap_or(self_.0))
    }

    fn check_invariants(self_: &Self, history: &History) {
        let left = history
            .uses
            .map(|uses| uses.saturating_sub(history.taken() as u32));
        assert_eq!(self_.0.uses_left(at(history.now)), left);
        assert!(
            history
                .uses
                .is_none_or(|uses| history.consumed.len() <= uses as usize)
        );
        assert_eq!(self_.0.revoked().is_some(), history.revoked);
    }
}

prop_state_machine! {
    #[test]
    fn a_token_is_never_used_more_often_than_it_may_be(sequential 1..80 => Ledger);
}

#[test]
fn a_token_that_is_used_up_says_when_by_whom_and_what_to_do() {
    let taken = |uses, keys: &[u8]| {
        let mut ledger = ledger(Some(uses), None, None);
        for key in keys {
            ledger = ledger
                .reserve(&wanted(*key, "a"), at(i64::from(*key)))
                .unwrap();
        }
        ledger
            .standing(&wanted(9, "b"), at(9))
            .unwrap_err()
            .to_string()
    };
    insta::assert_snapshot!(taken(1, &[1]), @"its only use is taken, by a at 1970-01-01T00:00:01Z; `slipway token create` makes another token");
    insta::assert_snapshot!(taken(2, &[1, 2]), @"all of its 2 uses are taken, the last by a at 1970-01-01T00:00:02Z; `slipway token create` makes another token");
    insta::assert_snapshot!(taken(0, &[]), @"all of its 0 uses are taken; `slipway token create` makes another token");
}
