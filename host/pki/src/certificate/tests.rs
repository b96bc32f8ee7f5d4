use jiff::Timestamp;
use proptest::prelude::*;

use super::*;
use crate::ca::CaBundle;
use crate::ca::tests::{authority, issue_server};
use crate::csr::tests::forge::{extension, oid, seq, tlv};
use crate::key::{KeyAlgorithm, PrivateKey, Signing};

#[test]
fn an_issued_certificate_says_what_it_was_issued_for() {
    let authority = authority();
    let certificate = issue_server(&authority, &["api.example"], &["10.0.0.1", "fd00::1"]);
    assert_eq!(certificate.subject().common_name(), Some("kube-apiserver"));
    assert!(certificate.is_for_dns_name("API.example") && !certificate.is_for_dns_name("example"));
    assert!(certificate.is_for_address("fd00::1".parse().unwrap()));
    assert!(!certificate.is_for_address("10.0.0.2".parse().unwrap()));
    assert_eq!(
        certificate.usages(),
        [
            Usage::DigitalSignature,
            Usage::KeyEncipherment,
            Usage::ServerAuth
        ]
    );
    assert!(!certificate.is_ca() && authority.certificate().is_ca());
    assert!(certificate.is_signed_by(authority.certificate()));
    assert!(!certificate.is_signed_by(self::authority().certificate()));
    assert!(!certificate.is_signed_by(&certificate));
    assert_eq!(
        Certificate::from_pem(certificate.to_pem().unwrap().as_bytes()).unwrap(),
        certificate
    );
}

#[test]
fn a_certificate_holds_from_its_first_to_its_last_second() {
    let certificate = authority().certificate().clone();
    let second = jiff::SignedDuration::from_secs(1);
    assert!(certificate.check_dates(certificate.not_before()).is_ok());
    assert!(certificate.check_dates(certificate.not_after()).is_ok());
    let early = certificate.not_before() - second;
    let late = certificate.not_after() + second;
    assert_eq!(
        certificate.check_dates(early),
        Err(DateError::NotYetValid {
            not_before: certificate.not_before(),
            now: early
        })
    );
    assert_eq!(
        certificate.check_dates(late),
        Err(DateError::Expired {
            not_after: certificate.not_after(),
            now: late
        })
    );
    let error = DateError::Expired {
        not_after: Timestamp::UNIX_EPOCH,
        now: Timestamp::UNIX_EPOCH + second,
    };
    insta::assert_snapshot!(error, @"the certificate expired at 1970-01-01T00:00:00Z, and by this machine's clock it is 1970-01-01T00:00:01Z");
}

#[test]
fn a_ca_is_called_one_and_may_sign() {
    use rcgen::{BasicConstraints, CertificateParams, IsCa, KeyUsagePurpose};
    let key = PrivateKey::generate(KeyAlgorithm::EcdsaP256).unwrap();
    let is_ca = |is_ca, key_usages: &[KeyUsagePurpose]| {
        let mut params = CertificateParams::default();
        params.is_ca = is_ca;
        params.key_usages = key_usages.to_vec();
        let made = params.self_signed(&Signing(&key)).unwrap();
        Certificate::from_der(made.der()).unwrap().is_ca()
    };
    let ca = || IsCa::Ca(BasicConstraints::Unconstrained);
    assert!(is_ca(ca(), &[]));
    assert!(is_ca(ca(), &[KeyUsagePurpose::KeyCertSign]));
    assert!(!is_ca(ca(), &[KeyUsagePurpose::DigitalSignature]));
    assert!(!is_ca(IsCa::NoCa, &[]));
    assert!(!is_ca(IsCa::ExplicitNoCa, &[]));
    assert!(!is_ca(IsCa::NoCa, &[KeyUsagePurpose::KeyCertSign]));
}

#[test]
fn names_of_other_kinds_are_counted_and_not_taken_for_any() {
    use der::asn1::{Ia5String, OctetString};
    use x509_cert::ext::pkix::name::GeneralName;
    let text = |text: &str| Ia5String::new(text).unwrap();
    let octets = |octets: &[u8]| GeneralName::IpAddress(OctetString::new(octets).unwrap());
    let names = AlternativeNames::from_general_names(&[
        GeneralName::DnsName(text("a.example")),
        GeneralName::Rfc822Name(text("a@example")),
        GeneralName::UniformResourceIdentifier(text("spiffe://a/b")),
        octets(&[10, 0, 0, 1]),
        octets(&[10, 0, 0]),
    ]);
    assert_eq!(names.dns, ["a.example"]);
    assert_eq!(names.addresses, ["10.0.0.1".parse::<IpAddr>().unwrap()]);
    assert_eq!(names.others, 3);
}

#[test]
fn an_altered_certificate_is_signed_by_nobody() {
    let authority = authority();
    let certificate = issue_server(&authority, &["api.example"], &[]);
    let position = certificate
        .der()
        .windows(11)
        .position(|window| window == b"api.example")
        .unwrap();
    let mut altered = certificate.der().to_vec();
    altered[position] = b'b';
    let altered = Certificate::from_der(&altered).unwrap();
    assert!(altered.is_for_dns_name("bpi.example"));
    assert!(!altered.is_signed_by(authority.certificate()));
}

#[test]
fn an_extension_twice_and_bytes_at_the_end_are_refused() {
    let der = authority().certificate().der().to_vec();
    assert!(matches!(
        Certificate::from_der(&[&der[..], &[0]].concat()),
        Err(CertificateError::Malformed(_))
    ));
    // The certificate taken apart, and put together with one extension more.
    let constraints = extension("2.5.29.19", &seq(&[tlv(0x01, &[0xff])]));
    let parsed = x509_cert::Certificate::from_der(&der).unwrap();
    let body = parsed.tbs_certificate();
    let mut extensions: Vec<Vec<u8>> = body
        .extensions()
        .unwrap()
        .iter()
        .map(|extension| extension.to_der().unwrap())
        .collect();
    extensions.push(constraints);
    let forged = seq(&[
        seq(&[
            tlv(0xa0, &tlv(0x02, &[2])),
            body.serial_number().to_der().unwrap(),
            body.signature().to_der().unwrap(),
            body.issuer().to_der().unwrap(),
            body.validity().to_der().unwrap(),
            body.subject().to_der().unwrap(),
            body.subject_public_key_info().to_der().unwrap(),
            tlv(0xa3, &seq(&extensions)),
        ]),
        seq(&[oid("1.2.840.10045.4.3.2")]),
        tlv(0x03, &[0, 0]),
    ]);
    assert!(matches!(
        Certificate::from_der(&forged),
        Err(CertificateError::DuplicateExtension(_))
    ));
}

proptest! {
    #[test]
    fn no_bytes_make_the_reader_panic(bytes: Vec<u8>) {
        let _ = Certificate::from_der(&bytes);
        let _ = Certificate::from_pem(&bytes);
        let _ = CaBundle::from_pem(&bytes);
    }

    #[test]
    fn no_damage_to_a_certificate_makes_the_readers_panic(
        position: prop::sample::Index, length in 0usize..40, insert in prop::collection::vec(any::<u8>(), 0..40)
    ) {
        let certificate = &*CERTIFICATE;
        for whole in [certificate.der().to_vec(), certificate.to_pem().unwrap().into_bytes()] {
            let mut damaged = whole;
            let start = position.index(damaged.len());
            let end = (start + length).min(damaged.len());
            damaged.splice(start..end, insert.iter().copied());
            let _ = Certificate::from_der(&damaged);
            let _ = Certificate::from_pem(&damaged);
            let _ = CaBundle::from_pem(&damaged);
        }
    }
}

/// The same for every case of a property.
static CERTIFICATE: std::sync::LazyLock<Certificate> =
    std::sync::LazyLock::new(|| authority().certificate().clone());
