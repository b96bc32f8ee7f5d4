//! Trust as a state machine: whatever a node is told by whom, trust is never more than its proof.

use proptest::prelude::*;
use proptest_state_machine::{ReferenceStateMachine, StateMachineTest, prop_state_machine};

use super::*;

/// A node between two clusters, one of them the attacker's: what the operator gives is about ours, what the plugin
/// returns may be either's, and whoever knows the token signs. The model keeps which CA each thing speaks of.
#[derive(Clone, Debug, Default)]
struct Situation {
    pinned: bool,
    out_of_band: bool,
    signed: Option<Whose>,
    https: Option<Whose>,
    proposed: Option<Whose>,
    named: bool,
    accepted: BTreeSet<Accepted>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Whose {
    Ours,
    Attackers,
}

#[derive(Clone, Debug)]
enum Event {
    Pin(bool),
    OutOfBand(bool),
    Signed(Option<Whose>),
    Https(Option<Whose>),
    Proposed(Option<Whose>),
    Named(bool),
    Accept(Accepted),
    Refuse(Accepted),
}

struct Model;

impl ReferenceStateMachine for Model {
    type State = Situation;
    type Transition = Event;

    fn init_state() -> BoxedStrategy<Situation> {
        Just(Situation::default()).boxed()
    }

    fn transitions(_: &Situation) -> BoxedStrategy<Event> {
        let whose = || {
            prop_oneof![
                Just(None),
                Just(Some(Whose::Ours)),
                Just(Some(Whose::Attackers))
            ]
        };
        let accepted = || {
            prop_oneof![
                Just(Accepted::TokenWithoutPin),
                Just(Accepted::HttpsWithoutPin),
                Just(Accepted::UnverifiedSource)
            ]
        };
        prop_oneof![
            any::<bool>().prop_map(Event::Pin),
            any::<bool>().prop_map(Event::OutOfBand),
            whose().prop_map(Event::Signed),
            whose().prop_map(Event::Https),
            whose().prop_map(Event::Proposed),
            any::<bool>().prop_map(Event::Named),
            accepted().prop_map(Event::Accept),
            accepted().prop_map(Event::Refuse),
        ]
        .boxed()
    }

    fn apply(mut state: Situation, event: &Event) -> Situation {
        match event {
            Event::Pin(pinned) => state.pinned = *pinned,
            Event::OutOfBand(given) => state.out_of_band = *given,
            Event::Signed(whose) => state.signed = *whose,
            Event::Https(whose) => state.https = *whose,
            Event::Proposed(whose) => state.proposed = *whose,
            Event::Named(named) => state.named = *named,
            Event::Accept(accepted) => drop(state.accepted.insert(*accepted)),
            Event::Refuse(accepted) => drop(state.accepted.remove(accepted)),
        }
        state
    }
}

struct Node {
    ours: CaBundle,
    attackers: CaBundle,
}

impl Node {
    fn ca(&self, whose: Whose) -> &CaBundle {
        if whose == Whose::Ours {
            &self.ours
        } else {
            &self.attackers
        }
    }

    fn server(whose: Whose) -> &'static str {
        if whose == Whose::Ours { SERVER } else { ROGUE }
    }
}

impl StateMachineTest for Node {
    type SystemUnderTest = Self;
    type Reference = Model;

    fn init_test(_: &Situation) -> Self {
        Self {
            ours: authority().bundle(),
            attackers: authority().bundle(),
        }
    }

    fn apply(self_: Self, _: &Situation, _: Event) -> Self {
        self_
    }

    fn check_invariants(self_: &Self, situation: &Situation) {
        let document = |whose| document(&[Self::server(whose)], Some(self_.ca(whose)));
        let proofs = Proofs {
            pins: if situation.pinned {
                self_.ours.pins()
            } else {
                Vec::new()
            },
            out_of_band: situation.out_of_band.then(|| OutOfBand {
                ca: self_.ours.clone(),
                endpoints: urls(&[SERVER]),
            }),
            signed: situation
                .signed
                .map(|whose| signed(&document(whose)))
                .into_iter()
                .collect(),
            https_document: situation
                .https
                .map(|whose| ClusterInfoKubeconfig::parse(&document(whose)).unwrap()),
            operator_endpoints: if situation.named {
                urls(&[SERVER])
            } else {
                Vec::new()
            },
            accepted: situation.accepted.clone(),
        };
        let proposed = match situation.proposed {
            Some(whose) => proposed(&[Self::server(whose)], Some(self_.ca(whose))),
            None => proposed(&[], None),
        };
        let Ok(trust) = establish(&proposed, &proofs) else {
            let nothing_missing = situation.out_of_band && !situation.pinned;
            assert!(!nothing_missing, "what the operator gave is enough");
            return;
        };
        // What the operator gave about our cluster is never given up for anything else.
        if situation.pinned || situation.out_of_band {
            assert_eq!(trust.ca(), &self_.ours);
        }
        // The attacker's CA gets in through an opt-in only, and the posture says so.
        if trust.ca() == &self_.attackers {
            let (accepted, posture) = match trust.proof() {
                Proof::SignedWithToken => (Accepted::TokenWithoutPin, PostureId::TokenWithoutPin),
                Proof::HttpsDocument => (
                    Accepted::HttpsWithoutPin,
                    PostureId::HttpsDiscoveryWithoutPin,
                ),
                Proof::Unverified => (Accepted::UnverifiedSource, PostureId::UnverifiedTrustSource),
                proof => panic!("{proof:?} let the attacker in"),
            };
            assert!(situation.accepted.contains(&accepted) && trust.posture().contains(&posture));
        }
        // A name comes from the plugin only where its source was accepted.
        let only_proposed =
            situation.signed.is_none() && situation.https.is_none() && !situation.named;
        if only_proposed && !situation.out_of_band {
            assert!(situation.accepted.contains(&Accepted::UnverifiedSource));
            assert!(trust.posture().contains(&PostureId::UnverifiedTrustSource));
        }
        assert!(!trust.endpoints().is_empty());
    }
}

prop_state_machine! {
    #[test]
    fn trust_is_never_more_than_its_proof(sequential 1..25 => Node);
}
