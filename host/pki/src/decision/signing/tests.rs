use std::time::Duration;

use proptest::prelude::*;
use proptest_state_machine::{ReferenceStateMachine, StateMachineTest, prop_state_machine};

use super::*;

const YEAR: u64 = 365 * 24 * 3600;

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

fn ca(not_before: i64, not_after: i64) -> Validity {
    Validity {
        not_before: at(not_before),
        not_after: at(not_after),
    }
}

#[test]
fn what_is_asked_for_is_given_up_to_the_maximum() {
    let ca = ca(0, 100 * YEAR as i64);
    let day = Duration::from_secs(86_400);
    let lifetime = |requested, maximum| {
        let validity = validity(at(1_000_000), requested, maximum, ca).unwrap();
        (
            validity.not_before.as_second() - 1_000_000,
            validity.not_after.as_second() - 1_000_000,
        )
    };
    assert_eq!(lifetime(Some(600), day), (-300, 600));
    assert_eq!(lifetime(Some(86_400), day), (-300, 86_400));
    assert_eq!(lifetime(Some(86_401), day), (-300, 86_400));
    assert_eq!(lifetime(None, day), (-300, 86_400));
    assert_eq!(
        lifetime(Some(u32::MAX), DEFAULT_MAXIMUM),
        (-300, YEAR as i64)
    );
}

#[test]
fn nothing_outlives_or_precedes_the_ca() {
    let ca = ca(1000, 5000);
    for inside in [1000, 1100] {
        let given = validity(at(inside), None, DEFAULT_MAXIMUM, ca).unwrap();
        assert_eq!(given, ca);
    }
    for outside in [999, 5000, 5001] {
        let error = validity(at(outside), None, DEFAULT_MAXIMUM, ca).unwrap_err();
        assert_eq!(
            error,
            SigningError::CaOutsideItsTime {
                ca,
                now: at(outside)
            }
        );
    }
    insta::assert_snapshot!(
        validity(at(5000), None, DEFAULT_MAXIMUM, ca).unwrap_err(),
        @"the CA's certificate holds from 1970-01-01T00:16:40Z to 1970-01-01T01:23:20Z, and it is 1970-01-01T01:23:20Z"
    );
}

#[test]
fn fractions_of_seconds_are_cut_and_a_maximum_of_nothing_is_an_error() {
    let now: Timestamp = "2026-01-01T00:00:00.999Z".parse().unwrap();
    let ca = ca(0, 100 * YEAR as i64);
    let given = validity(now, Some(600), Duration::from_millis(1500), ca).unwrap();
    assert_eq!(given.not_after, "2026-01-01T00:00:01Z".parse().unwrap());
    let second = Duration::from_secs(1);
    let given = validity(now, None, second, ca).unwrap();
    assert_eq!(given.not_after, "2026-01-01T00:00:01Z".parse().unwrap());
    for nothing in [Duration::ZERO, Duration::from_millis(999)] {
        assert_eq!(
            validity(now, None, nothing, ca),
            Err(SigningError::Maximum(nothing))
        );
    }
}

/// A signer over the years: certificates are signed and renewed, the maximum is changed, the CA is replaced.
#[derive(Clone, Debug)]
struct Years {
    now: i64,
    maximum: u64,
    ca: (i64, i64),
    requested: Option<u32>,
}

#[derive(Clone, Debug)]
enum Event {
    TimePasses(i64),
    MaximumIsSet(u64),
    CaIsReplaced(i64),
    CertificateIsAsked(Option<u32>),
}

struct Model;

impl ReferenceStateMachine for Model {
    type State = Years;
    type Transition = Event;

    fn init_state() -> BoxedStrategy<Years> {
        (0..4_000_000_000i64, 1..10 * YEAR, 1..20 * YEAR as i64)
            .prop_map(|(now, maximum, lifetime)| Years {
                now,
                maximum,
                ca: (now - 300, now + lifetime),
                requested: None,
            })
            .boxed()
    }

    fn transitions(_: &Years) -> BoxedStrategy<Event> {
        prop_oneof![
            (0..2 * YEAR as i64).prop_map(Event::TimePasses),
            (1..10 * YEAR).prop_map(Event::MaximumIsSet),
            (1..20 * YEAR as i64).prop_map(Event::CaIsReplaced),
            any::<Option<u32>>().prop_map(Event::CertificateIsAsked),
        ]
        .boxed()
    }

    fn apply(mut state: Years, event: &Event) -> Years {
        match event {
            Event::TimePasses(seconds) => state.now += seconds,
            Event::MaximumIsSet(maximum) => state.maximum = *maximum,
            Event::CaIsReplaced(lifetime) => state.ca = (state.now - 300, state.now + lifetime),
            Event::CertificateIsAsked(requested) => state.requested = *requested,
        }
        state
    }
}

struct Signer;

impl StateMachineTest for Signer {
    type SystemUnderTest = ();
    type Reference = Model;

    fn init_test(_: &Years) {}

    fn apply(_: (), years: &Years, _: Event) {
        let (from, to) = years.ca;
        let given = validity(
            at(years.now),
            years.requested,
            Duration::from_secs(years.maximum),
            ca(from, to),
        );
        let ca_holds = from <= years.now && years.now < to;
        assert_eq!(given.is_ok(), ca_holds);
        let Ok(given) = given else { return };
        let (not_before, not_after) = (given.not_before.as_second(), given.not_after.as_second());
        assert!(
            from <= not_before
                && not_before <= years.now
                && years.now < not_after
                && not_after <= to
        );
        let asked = years.requested.map_or(years.maximum, u64::from);
        // Either the whole of what was asked for, or up to a limit that exists.
        let granted = (not_after - years.now) as u64;
        assert!(granted <= asked.max(1) && granted <= years.maximum);
        assert!(granted == asked || granted == years.maximum || not_after == to);
        assert!(years.now - not_before == 300 || not_before == from);
    }
}

prop_state_machine! {
    #[test]
    fn the_signer_keeps_its_promises_over_the_years(sequential 1..30 => Signer);
}
