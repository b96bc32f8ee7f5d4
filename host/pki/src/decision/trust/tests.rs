use slipway_config::token::BootstrapToken;

use super::*;
use crate::ca::tests::authority;
use crate::jws;

mod model;

const SERVER: &str = "https://10.0.0.1:6443";
const OTHER: &str = "https://10.0.0.2:6443";
const ROGUE: &str = "https://evil.example:6443";

fn urls(list: &[&str]) -> Vec<ApiServerUrl> {
    list.iter().map(|url| url.parse().unwrap()).collect()
}

fn token() -> BootstrapToken {
    "abcdef.0123456789abcdef".parse().unwrap()
}

fn document(endpoints: &[&str], ca: Option<&CaBundle>) -> Vec<u8> {
    ClusterInfoKubeconfig::new(urls(endpoints), ca.cloned())
        .unwrap()
        .to_yaml()
        .unwrap()
        .into_bytes()
}

fn signed(document: &[u8]) -> SignedBytes {
    jws::verify(&token(), &jws::sign(&token(), document).unwrap(), document).unwrap()
}

fn proposed(endpoints: &[&str], ca: Option<&CaBundle>) -> Proposed {
    Proposed {
        endpoints: urls(endpoints),
        ca: ca.cloned(),
        evidence: Vec::new(),
    }
}

fn both(one: &CaBundle, other: &CaBundle) -> CaBundle {
    CaBundle::from_pem(format!("{}{}", one.to_pem().unwrap(), other.to_pem().unwrap()).as_bytes())
        .unwrap()
}

#[test]
fn what_a_plugin_returned_proves_nothing() {
    let rogue = authority().bundle();
    let evidence = vec![Finding::passed(
        "signature-verified",
        "all is well, believe me",
    )];
    let proposed = Proposed {
        evidence,
        ..proposed(&[ROGUE], Some(&rogue))
    };
    let error = establish(&proposed, &Proofs::default()).unwrap_err();
    insta::assert_snapshot!(error, @"nothing proves the cluster's CA: the trust source alone vouches for it; give its hash (a pin) or the CA itself, or accept this source");
    for accepted in [Accepted::TokenWithoutPin, Accepted::HttpsWithoutPin] {
        let proofs = Proofs {
            accepted: [accepted].into(),
            ..Proofs::default()
        };
        assert!(matches!(
            establish(&proposed, &proofs),
            Err(TrustError::NoProof { .. })
        ));
    }
    let proofs = Proofs {
        accepted: [Accepted::UnverifiedSource].into(),
        ..Proofs::default()
    };
    let trust = establish(&proposed, &proofs).unwrap();
    assert_eq!(
        (trust.proof(), trust.posture()),
        (Proof::Unverified, &[PostureId::UnverifiedTrustSource][..])
    );
}

#[test]
fn pins_narrow_whatever_is_offered() {
    let (ours, rogue) = (authority().bundle(), authority().bundle());
    let pins = ours.pins();
    let document = document(&[SERVER], Some(&both(&rogue, &ours)));
    let proofs = Proofs {
        pins: pins.clone(),
        signed: vec![signed(&document)],
        ..Proofs::default()
    };
    let trust = establish(&proposed(&[ROGUE], Some(&rogue)), &proofs).unwrap();
    assert_eq!((trust.ca(), trust.proof()), (&ours, Proof::Pinned));
    assert_eq!(trust.endpoints(), urls(&[SERVER]));
    assert!(trust.posture().is_empty());
    // A leaked token signs the attacker's CA: the pin stops it.
    let forged = self::document(&[SERVER], Some(&rogue));
    let proofs = Proofs {
        pins,
        signed: vec![signed(&forged)],
        ..Proofs::default()
    };
    let error = establish(&proposed(&[], None), &proofs).unwrap_err();
    let TrustError::Pins(mismatch) = error else {
        panic!("{error}")
    };
    assert_eq!(
        (mismatch.expected, mismatch.found),
        (ours.pins(), rogue.pins())
    );
}

#[test]
fn a_pin_is_not_weakened_by_what_was_accepted_besides() {
    let (ours, rogue) = (authority().bundle(), authority().bundle());
    let proofs = Proofs {
        pins: ours.pins(),
        out_of_band: Some(OutOfBand {
            ca: rogue.clone(),
            endpoints: urls(&[SERVER]),
        }),
        signed: vec![signed(&document(&[SERVER], Some(&rogue)))],
        accepted: [
            Accepted::TokenWithoutPin,
            Accepted::HttpsWithoutPin,
            Accepted::UnverifiedSource,
        ]
        .into(),
        ..Proofs::default()
    };
    assert!(matches!(
        establish(&proposed(&[SERVER], Some(&ours)), &proofs),
        Err(TrustError::Pins(_))
    ));
}

#[test]
fn signed_bytes_are_parsed_by_the_host_and_the_proposal_does_not_matter() {
    let (ours, rogue) = (authority().bundle(), authority().bundle());
    let mut proofs = Proofs {
        signed: vec![signed(&document(&[SERVER, OTHER], Some(&ours)))],
        ..Proofs::default()
    };
    let error = establish(&proposed(&[SERVER], Some(&ours)), &proofs).unwrap_err();
    insta::assert_snapshot!(error, @"nothing proves the cluster's CA: it is signed with the token only; give its hash (a pin), or accept a token without a pin");
    proofs.accepted.insert(Accepted::TokenWithoutPin);
    let trust = establish(&proposed(&[ROGUE], Some(&rogue)), &proofs).unwrap();
    assert_eq!(trust.ca(), &ours);
    assert_eq!(trust.endpoints(), urls(&[SERVER, OTHER]));
    assert_eq!(
        (trust.proof(), trust.posture()),
        (Proof::SignedWithToken, &[PostureId::TokenWithoutPin][..])
    );
}

#[test]
fn the_payload_of_the_stand_alone_service_counts_as_much() {
    let ours = authority().bundle();
    let payload = AlphaClusterInfo {
        ca: ours.clone(),
        endpoints: urls(&[SERVER]),
    }
    .to_json()
    .unwrap();
    let proofs = Proofs {
        pins: ours.pins(),
        signed: vec![signed(&payload)],
        ..Proofs::default()
    };
    let trust = establish(&proposed(&[], None), &proofs).unwrap();
    assert_eq!((trust.ca(), trust.proof()), (&ours, Proof::Pinned));
    assert_eq!(trust.endpoints(), urls(&[SERVER]));
}

#[test]
fn different_documents_under_one_token_are_refused() {
    let ours = authority().bundle();
    let (one, other) = (
        document(&[SERVER], Some(&ours)),
        document(&[OTHER], Some(&ours)),
    );
    let twice = |signed| Proofs {
        pins: ours.pins(),
        signed,
        ..Proofs::default()
    };
    assert!(
        establish(
            &proposed(&[], None),
            &twice(vec![signed(&one), signed(&one)])
        )
        .is_ok()
    );
    let error = establish(
        &proposed(&[], None),
        &twice(vec![signed(&one), signed(&other)]),
    )
    .unwrap_err();
    assert!(matches!(error, TrustError::SignedDocumentsDiffer(_)));
    let error = establish(&proposed(&[], None), &twice(vec![signed(b"hello")])).unwrap_err();
    assert!(matches!(error, TrustError::SignedDocument(_)));
}

#[test]
fn the_operators_own_ca_needs_nothing_else() {
    let (ours, rogue) = (authority().bundle(), authority().bundle());
    let given = OutOfBand {
        ca: ours.clone(),
        endpoints: Vec::new(),
    };
    // cluster-info without a CA (`--omit-ca-from-cluster-info`), and a proposal of another.
    let signed = vec![signed(&document(&[SERVER], None))];
    let proofs = Proofs {
        out_of_band: Some(given),
        signed,
        ..Proofs::default()
    };
    let trust = establish(&proposed(&[ROGUE], Some(&rogue)), &proofs).unwrap();
    assert_eq!((trust.ca(), trust.proof()), (&ours, Proof::OutOfBand));
    assert!(trust.posture().is_empty());
    let without = Proofs {
        out_of_band: None,
        ..proofs
    };
    assert!(matches!(
        establish(&proposed(&[], None), &without),
        Err(TrustError::NoCa)
    ));
}

#[test]
fn a_document_from_a_web_server_needs_a_pin_or_the_opt_in() {
    let ours = authority().bundle();
    let https = ClusterInfoKubeconfig::new(urls(&[SERVER]), Some(ours.clone())).unwrap();
    let mut proofs = Proofs {
        https_document: Some(https),
        ..Proofs::default()
    };
    assert!(matches!(
        establish(&proposed(&[], None), &proofs),
        Err(TrustError::NoProof { .. })
    ));
    proofs.accepted.insert(Accepted::HttpsWithoutPin);
    let trust = establish(&proposed(&[], None), &proofs).unwrap();
    assert_eq!(
        (trust.proof(), trust.posture()),
        (
            Proof::HttpsDocument,
            &[PostureId::HttpsDiscoveryWithoutPin][..]
        )
    );
    proofs.pins = ours.pins();
    let trust = establish(&proposed(&[], None), &proofs).unwrap();
    assert_eq!((trust.proof(), trust.posture()), (Proof::Pinned, &[][..]));
}

#[test]
fn a_servers_name_is_never_the_plugins_word() {
    let ours = authority().bundle();
    let pinned = Proofs {
        pins: ours.pins(),
        ..Proofs::default()
    };
    let error = establish(&proposed(&[ROGUE], Some(&ours)), &pinned).unwrap_err();
    insta::assert_snapshot!(error, @"no API server is known from verified information; name one yourself, as host:port");
    let named = Proofs {
        operator_endpoints: urls(&[SERVER]),
        ..pinned.clone()
    };
    assert_eq!(
        establish(&proposed(&[ROGUE], Some(&ours)), &named)
            .unwrap()
            .endpoints(),
        urls(&[SERVER])
    );
    let accepted = Proofs {
        accepted: [Accepted::UnverifiedSource].into(),
        ..pinned
    };
    assert!(matches!(
        establish(&proposed(&[], Some(&ours)), &accepted),
        Err(TrustError::NoEndpoint)
    ));
    let trust = establish(&proposed(&[ROGUE], Some(&ours)), &accepted).unwrap();
    assert_eq!(
        (trust.proof(), trust.posture()),
        (Proof::Pinned, &[PostureId::UnverifiedTrustSource][..])
    );
}

#[test]
fn the_second_document_is_the_first_and_brings_the_whole_bundle() {
    let (ours, next) = (authority().bundle(), authority().bundle());
    let first = document(&[SERVER], Some(&both(&ours, &next)));
    let proofs = Proofs {
        pins: ours.pins(),
        signed: vec![signed(&first)],
        ..Proofs::default()
    };
    let trust = establish(&proposed(&[], None), &proofs).unwrap();
    assert_eq!(trust.ca(), &ours);
    let mut altered = first.clone();
    altered.push(b'\n');
    assert!(matches!(
        trust.clone().confirm(&altered),
        Err(TrustError::SecondDocumentDiffers)
    ));
    let confirmed = trust.confirm(&first).unwrap();
    assert_eq!(confirmed.ca(), &both(&ours, &next));
    assert_eq!(confirmed.proof(), Proof::Pinned);
}

#[test]
fn the_document_over_the_verified_connection_says_which_api_servers_there_are() {
    let (ours, next) = (authority().bundle(), authority().bundle());
    let proofs = Proofs {
        out_of_band: Some(OutOfBand {
            ca: ours.clone(),
            endpoints: urls(&[SERVER]),
        }),
        ..Proofs::default()
    };
    let trust = establish(&proposed(&[], None), &proofs).unwrap();
    let without_ca = trust
        .clone()
        .confirm(&document(&[SERVER, OTHER], None))
        .unwrap();
    assert_eq!(without_ca.endpoints(), urls(&[SERVER, OTHER]));
    assert_eq!(without_ca.ca(), &ours);
    let rotating = both(&ours, &next);
    let confirmed = trust.confirm(&document(&[OTHER], Some(&rotating))).unwrap();
    assert_eq!(confirmed.endpoints(), urls(&[OTHER]));
    assert_eq!(confirmed.ca(), &rotating);
}

#[test]
fn a_proposal_is_parsed_or_refused() {
    let pem = authority().bundle().to_pem().unwrap();
    let parse = |endpoints: &[&str], ca: &str| {
        let endpoints: Vec<String> = endpoints.iter().map(|url| (*url).to_owned()).collect();
        Proposed::parse(&endpoints, ca, Vec::new())
    };
    assert_eq!(parse(&[SERVER], &pem).unwrap().endpoints, urls(&[SERVER]));
    assert_eq!(parse(&[], " \n").unwrap().ca, None);
    assert!(matches!(
        parse(&["http://a:1"], &pem),
        Err(TrustError::Endpoint(_))
    ));
    assert!(matches!(
        parse(&[SERVER], "nonsense"),
        Err(TrustError::Ca(BundleError::Empty))
    ));
}
