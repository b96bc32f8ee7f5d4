//! Bootstrap identities: new nodes only, within the token's bounds (attack cases 12, 13 and 20).

use super::*;
use crate::decision::ledger::TokenUse;

fn bounds() -> TokenBounds {
    TokenBounds::default()
}

fn wanted(key: &PrivateKey, node: &str) -> TokenUse {
    TokenUse {
        token_uid: "token-uid".to_owned(),
        key: key.public_key().fingerprint(),
        node: name(node),
        signer: NodeSigner::KubeletClient,
        submitted: time("2026-01-01T11:59:00Z"),
    }
}

#[test]
fn a_node_that_exists_cannot_be_joined_again() {
    let mut case = Case::bootstrap();
    case.cluster.nodes.push(known("worker-1", &[], &[]));
    insta::assert_snapshot!(case.broken(), @"node-is-new: a node named worker-1 exists");
    case.cluster.rejoin_allowed.insert(name("worker-2"));
    assert!(case.broken().starts_with("node-is-new"));
    case.cluster.rejoin_allowed.insert(name("worker-1"));
    case.passes();
}

#[test]
fn a_control_plane_nodes_name_cannot_be_joined_even_without_a_node_object() {
    let case = Case::bootstrap();
    let mut case = Case {
        request: Forge::node("control-1", &case.key).pem(&case.key),
        ..case
    };
    insta::assert_snapshot!(case.broken(), @"node-is-new: control-1 is a node of the control plane");
    case.cluster.rejoin_allowed.insert(name("control-1"));
    case.passes();
}

#[test]
fn a_new_identity_in_the_name_of_a_node_that_exists_is_marked_and_a_renewal_is_not() {
    assert!(!Case::bootstrap().passes().rejoins());
    let mut case = Case::bootstrap();
    case.cluster.rejoin_allowed.insert(name("worker-1"));
    assert!(!case.passes().rejoins(), "there is no such node");
    case.cluster.nodes.push(known("worker-1", &[], &[]));
    assert!(case.passes().rejoins());
    assert!(
        case.asked_by("jane", &["system:authenticated"])
            .passes()
            .rejoins()
    );
    assert!(!Case::renewal().passes().rejoins());
}

#[test]
fn a_token_asks_for_client_certificates_only() {
    let case = Case::serving();
    let groups: Vec<&str> = vec!["system:bootstrappers", "system:authenticated"];
    let case = case.asked_by("system:bootstrap:abcdef", &groups);
    insta::assert_snapshot!(case.broken(), @"serving-for-itself: a bootstrap token asks for a serving certificate; it may ask for a client certificate only");
}

#[test]
fn a_deleted_token_is_revoked() {
    let mut case = Case::bootstrap();
    case.cluster.token = None;
    insta::assert_snapshot!(case.broken(), @"token-bounds: the token abcdef does not exist any more");
    let revoked = ledger(bounds(), None).revoke(time("2026-01-01T11:59:30Z"));
    case.cluster.token = Some(TokenFacts {
        ledger: revoked,
        source_address: None,
    });
    insta::assert_snapshot!(case.broken(), @"token-bounds: the token abcdef may not be used for this: it was deleted at 2026-01-01T11:59:30Z");
}

#[test]
fn the_ledger_of_another_token_does_not_count() {
    let mut case = Case::bootstrap();
    let other = TokenLedger::new(
        "zzzzzz".parse().unwrap(),
        "token-uid".to_owned(),
        bounds(),
        None,
    );
    case.cluster.token = Some(TokenFacts {
        ledger: other,
        source_address: None,
    });
    assert!(
        case.broken()
            .starts_with("token-bounds: the token abcdef does not exist")
    );
}

#[test]
fn a_token_for_one_node_is_for_no_other() {
    let bound = |node: &str| {
        Case::bootstrap().token(
            TokenBounds {
                node: Some(name(node)),
                ..bounds()
            },
            None,
        )
    };
    bound("worker-1").passes();
    insta::assert_snapshot!(bound("worker-3").broken(), @"token-bounds: the token abcdef may not be used for this: it is for the node worker-3 only, not for worker-1");
}

#[test]
fn a_token_for_one_use_is_for_one_key() {
    let mut case = Case::bootstrap();
    let once = ledger(
        TokenBounds {
            uses: Some(1),
            ..bounds()
        },
        None,
    );
    let now = case.cluster.now;
    let own = once.reserve(&wanted(&case.key, "worker-1"), now).unwrap();
    case.cluster.token = Some(TokenFacts {
        ledger: own,
        source_address: None,
    });
    case.passes();
    let other = PrivateKey::generate(KeyAlgorithm::EcdsaP256).unwrap();
    let taken = once.reserve(&wanted(&other, "worker-9"), now).unwrap();
    case.cluster.token = Some(TokenFacts {
        ledger: taken,
        source_address: None,
    });
    insta::assert_snapshot!(case.broken(), @"token-bounds: the token abcdef may not be used for this: its only use is taken, by worker-9 at 2026-01-01T12:00:00Z; `slipway token create` makes another token");
    let Guarded::Broken(findings) = case.check() else {
        panic!("it is refused")
    };
    insta::assert_snapshot!(findings[0].fix.as_deref().unwrap(), @"make another token: `slipway token create --node worker-1 --uses 1`");
}

#[test]
fn a_token_that_expired_before_is_refused_and_one_that_expired_since_is_left_to_a_person() {
    let expires = |at| Case::bootstrap().token(bounds(), Some(at));
    insta::assert_snapshot!(expires("2026-01-01T11:59:00Z").broken(), @"token-bounds: the token abcdef may not be used for this: it expired at 2026-01-01T11:59:00Z, before the request was submitted at 2026-01-01T11:59:00Z");
    insta::assert_snapshot!(expires("2026-01-01T11:59:01Z").passes().deferral().unwrap(), @"the token abcdef was valid when the request was submitted and expired at 2026-01-01T11:59:01Z: the node has to ask with another, since this one does not fetch its certificate any more");
    assert!(
        expires("2026-01-01T12:00:00Z")
            .passes()
            .deferral()
            .is_some()
    );
    assert_eq!(expires("2026-01-01T12:00:01Z").passes().deferral(), None);
}

#[test]
fn a_token_bound_to_addresses_counts_from_there_only() {
    let mut case = Case::bootstrap().token(
        TokenBounds {
            cidrs: vec!["10.1.0.0/16".parse().unwrap()],
            ..bounds()
        },
        None,
    );
    let mut from = |address: Option<&str>| {
        case.cluster.token.as_mut().unwrap().source_address =
            address.map(|address| address.parse().unwrap());
        case.check()
    };
    assert!(matches!(from(Some("10.1.255.255")), Guarded::Passed(_)));
    assert!(matches!(from(Some("::ffff:10.1.0.1")), Guarded::Passed(_)));
    assert!(matches!(from(Some("10.2.0.0")), Guarded::Broken(_)));
    assert!(matches!(from(None), Guarded::Broken(_)));
    insta::assert_snapshot!(case.broken(), @"token-source: the token is bound to source addresses, and this request's is not known");
}
