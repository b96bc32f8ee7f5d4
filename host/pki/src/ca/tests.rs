use std::collections::BTreeSet;

use super::*;
use crate::certificate::Subject;
use crate::decision::signing::{DEFAULT_MAXIMUM, validity};
use crate::guardrail::Guarded;
use crate::signer::Usage;

/// A CA to test with.
pub(crate) fn authority() -> CertificateAuthority {
    authority_with(KeyAlgorithm::EcdsaP256)
}

/// A server's certificate for these names.
pub(crate) fn issue_server(
    authority: &CertificateAuthority,
    dns: &[&str],
    addresses: &[&str],
) -> Certificate {
    let dns_names: Vec<String> = dns.iter().map(|name| (*name).to_owned()).collect();
    let addresses: Vec<IpAddr> = addresses
        .iter()
        .map(|address| address.parse().unwrap())
        .collect();
    let server = ServerCertificate {
        common_name: "kube-apiserver",
        dns_names: &dns_names,
        addresses: &addresses,
    };
    let key = PrivateKey::generate(KeyAlgorithm::EcdsaP256).unwrap();
    authority
        .issue_server(&server, key.public_key(), a_day(authority))
        .unwrap()
}

fn authority_with(algorithm: KeyAlgorithm) -> CertificateAuthority {
    CertificateAuthority::generate(
        "kubernetes",
        algorithm,
        DEFAULT_CA_LIFETIME,
        Timestamp::now(),
    )
    .unwrap()
}

fn a_day(authority: &CertificateAuthority) -> Validity {
    validity(
        Timestamp::now(),
        Some(86_400),
        DEFAULT_MAXIMUM,
        authority.validity(),
    )
    .unwrap()
}

fn passed(guarded: Guarded) -> GuardedRequest {
    match guarded {
        Guarded::Passed(request) => *request,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_ca_survives_its_files_whatever_its_key() {
    for algorithm in [
        KeyAlgorithm::EcdsaP256,
        KeyAlgorithm::EcdsaP384,
        KeyAlgorithm::Ed25519,
        KeyAlgorithm::Rsa2048,
    ] {
        let authority = authority_with(algorithm);
        let pem = authority.certificate().to_pem().unwrap();
        let read = CertificateAuthority::from_pem(
            pem.as_bytes(),
            &authority.key_pem().unwrap(),
            Timestamp::now(),
        )
        .unwrap();
        assert_eq!(read.certificate(), authority.certificate());
        assert!(read.certificate().is_signed_by(authority.certificate()));
        assert!(issue_server(&read, &["a.example"], &[]).is_signed_by(authority.certificate()));
    }
}

#[test]
fn a_ca_whose_parts_do_not_fit_is_refused() {
    let (authority, other) = (authority(), authority());
    let pem = authority.certificate().to_pem().unwrap();
    let now = Timestamp::now();
    let refused = |pem: &str, key: &str, now| {
        CertificateAuthority::from_pem(pem.as_bytes(), key, now).unwrap_err()
    };
    assert!(matches!(
        refused(&pem, &other.key_pem().unwrap(), now),
        CaError::KeyMismatch { .. }
    ));
    let key = authority.key_pem().unwrap();
    assert!(matches!(
        refused(&pem, &key, Timestamp::UNIX_EPOCH),
        CaError::Dates(DateError::NotYetValid { .. })
    ));
    let late = later(now, DEFAULT_CA_LIFETIME + Duration::from_secs(60));
    assert!(matches!(
        refused(&pem, &key, late),
        CaError::Dates(DateError::Expired { .. })
    ));
    let leaf_key = PrivateKey::generate(KeyAlgorithm::EcdsaP256).unwrap();
    let client = ClientCertificate {
        user: "jane",
        group: None,
    };
    let leaf = authority
        .issue_client(&client, leaf_key.public_key(), a_day(&authority))
        .unwrap();
    let refusal = refused(&leaf.to_pem().unwrap(), &leaf_key.to_pem().unwrap(), now);
    insta::assert_snapshot!(refusal, @r#"the certificate of CN "jane" may not sign others: it is not a CA by its basic constraints and key usage"#);
    assert!(!format!("{authority:?}").contains("PRIVATE"));
}

#[test]
fn a_ca_whose_name_cannot_be_repeated_is_refused() {
    let key = PrivateKey::generate(KeyAlgorithm::EcdsaP256).unwrap();
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.distinguished_name = DistinguishedName::new();
    params
        .distinguished_name
        .push(DnType::OrganizationName, "one");
    // The same attribute by its number: rcgen writes both, and keeps one when it reads.
    params
        .distinguished_name
        .push(DnType::CustomDnType(vec![2, 5, 4, 10]), "two");
    let certificate =
        Certificate::from_der(params.self_signed(&Signing(&key)).unwrap().der()).unwrap();
    assert_eq!(certificate.subject().organizations, ["one", "two"]);
    let pem = certificate.to_pem().unwrap();
    let refused =
        CertificateAuthority::from_pem(pem.as_bytes(), &key.to_pem().unwrap(), Timestamp::now());
    assert!(matches!(refused, Err(CaError::Subject { .. })));
}

#[test]
fn a_client_certificate_is_for_its_user_and_group() {
    let authority = authority();
    let key = PrivateKey::generate(KeyAlgorithm::EcdsaP256).unwrap();
    let client = ClientCertificate {
        user: "kubernetes-admin",
        group: Some("system:masters"),
    };
    let certificate = authority
        .issue_client(&client, key.public_key(), a_day(&authority))
        .unwrap();
    let subject = Subject {
        common_names: vec!["kubernetes-admin".to_owned()],
        organizations: vec!["system:masters".to_owned()],
    };
    assert_eq!(certificate.subject(), &subject);
    assert_eq!(
        certificate.usages(),
        [
            Usage::DigitalSignature,
            Usage::KeyEncipherment,
            Usage::ClientAuth
        ]
    );
    assert_eq!(certificate.public_key(), key.public_key());
}

#[test]
fn a_node_gets_the_checked_values_and_nothing_else() {
    let authority = authority();
    for guarded in [
        crate::guardrail::tests::passed(),
        crate::guardrail::tests::passed_serving(),
    ] {
        let request = passed(guarded);
        let validity = a_day(&authority);
        let certificate = authority.sign_node(&request, validity).unwrap();
        assert_eq!(
            certificate.subject().common_name(),
            Some("system:node:worker-1")
        );
        assert_eq!(certificate.subject().organizations, ["system:nodes"]);
        assert_eq!(certificate.public_key(), request.public_key());
        assert_eq!(certificate.usages(), request.usages());
        let names: Vec<String> = request
            .dns_names()
            .iter()
            .map(ToString::to_string)
            .collect();
        assert_eq!(certificate.alternative_names().dns, names);
        assert_eq!(
            certificate.alternative_names().addresses,
            request.addresses()
        );
        assert_eq!(certificate.alternative_names().others, 0);
        assert_eq!(
            (certificate.not_before(), certificate.not_after()),
            (validity.not_before, validity.not_after)
        );
        assert!(!certificate.is_ca() && certificate.is_signed_by(authority.certificate()));
    }
}

#[test]
fn no_serial_number_is_given_twice_even_for_one_key() {
    let authority = authority();
    let request = passed(crate::guardrail::tests::passed());
    let numbers: BTreeSet<String> = (0..20)
        .map(|_| {
            authority
                .sign_node(&request, a_day(&authority))
                .unwrap()
                .serial_number()
        })
        .collect();
    assert_eq!(numbers.len(), 20);
    assert!(numbers.iter().all(|number| number.len() == 32));
}

#[test]
fn dates_beyond_2049_are_written_as_they_should_be() {
    let now: Timestamp = "2048-06-01T00:00:00Z".parse().unwrap();
    let authority = CertificateAuthority::generate(
        "kubernetes",
        KeyAlgorithm::EcdsaP256,
        DEFAULT_CA_LIFETIME,
        now,
    )
    .unwrap();
    assert_eq!(
        authority.certificate().not_before(),
        "2048-05-31T23:55:00Z".parse().unwrap()
    );
    assert_eq!(
        authority.certificate().not_after(),
        "2058-05-30T00:00:00Z".parse().unwrap()
    );
}

#[test]
fn a_bundle_is_cas_only_each_once_and_is_narrowed_by_pins() {
    let (one, other) = (authority(), authority());
    let pem = |authority: &CertificateAuthority| authority.certificate().to_pem().unwrap();
    let text = format!(
        "# ours\n{}\nsubject=other\n{}{}",
        pem(&one),
        pem(&other),
        pem(&one)
    );
    let bundle = CaBundle::from_pem(text.as_bytes()).unwrap();
    assert_eq!(
        bundle.pins(),
        [one.certificate().pin(), other.certificate().pin()]
    );
    assert_eq!(
        CaBundle::from_pem(bundle.to_pem().unwrap().as_bytes()).unwrap(),
        bundle
    );
    assert_eq!(
        bundle.narrow(&[other.certificate().pin()]).unwrap(),
        other.bundle()
    );
    let stranger = authority().certificate().pin();
    let mismatch = bundle.narrow(&[stranger]).unwrap_err();
    assert_eq!(mismatch.found, bundle.pins());
    assert!(mismatch.to_string().contains(&stranger.to_string()));
    let leaf = issue_server(&one, &["a.example"], &[]).to_pem().unwrap();
    let mixed = format!("{}{leaf}", pem(&one));
    assert!(matches!(
        CaBundle::from_pem(mixed.as_bytes()),
        Err(BundleError::NotACa { .. })
    ));
    assert!(matches!(CaBundle::from_pem(b""), Err(BundleError::Empty)));
    assert!(matches!(
        CaBundle::from_pem(&[0xff]),
        Err(BundleError::NotText)
    ));
    assert!(matches!(
        CaBundle::from_pem(&pem(&one).as_bytes()[..60]),
        Err(BundleError::Certificate(_))
    ));
}
