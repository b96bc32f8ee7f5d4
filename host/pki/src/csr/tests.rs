use std::net::IpAddr;

use proptest::prelude::*;

use super::*;
use crate::key::{KeyAlgorithm, PrivateKey};
use crate::signer::{NodeSigner, Usage};
use forge::*;

pub(crate) mod forge;

fn key() -> PrivateKey {
    PrivateKey::generate(KeyAlgorithm::EcdsaP256).unwrap()
}

fn node() -> NodeName {
    "worker-1".parse().unwrap()
}

fn refused(der: &[u8]) -> CsrError {
    CertificateRequest::from_der(der).expect_err("it was accepted")
}

#[test]
fn what_a_node_asks_for_is_read_back() {
    for algorithm in [
        KeyAlgorithm::EcdsaP256,
        KeyAlgorithm::EcdsaP384,
        KeyAlgorithm::Ed25519,
        KeyAlgorithm::Rsa2048,
    ] {
        let key = PrivateKey::generate(algorithm).unwrap();
        let csr = NodeCsr::client(&node(), &key).unwrap();
        let read = CertificateRequest::from_pem(csr.to_pem().unwrap().as_bytes()).unwrap();
        assert_eq!(read.node_name(), Some(node()));
        assert_eq!(read.public_key(), key.public_key());
        assert_eq!(read.subject().organizations, ["system:nodes"]);
        assert!(read.alternative_names().is_none() && read.other_extensions().is_empty());
        assert_eq!(csr.signer(), NodeSigner::KubeletClient);
        let enciphers = csr.usages().contains(&Usage::KeyEncipherment);
        assert_eq!(enciphers, algorithm == KeyAlgorithm::Rsa2048);
    }
}

#[test]
fn a_serving_request_has_its_names_and_is_not_made_without_any() {
    let address: IpAddr = "fd00::7".parse().unwrap();
    let csr = NodeCsr::serving(
        &node(),
        &["worker-1.example".parse().unwrap()],
        &[address],
        &key(),
    )
    .unwrap();
    let names = crate::certificate::AlternativeNames::from_general_names(
        csr.request().alternative_names().unwrap(),
    );
    assert_eq!(names.dns, ["worker-1.example"]);
    assert_eq!(names.addresses, [address]);
    assert_eq!(csr.usages(), [Usage::DigitalSignature, Usage::ServerAuth]);
    assert!(matches!(
        NodeCsr::serving(&node(), &[], &[], &key()),
        Err(NodeCsrError::NoNames)
    ));
}

#[test]
fn the_forge_makes_what_is_accepted_when_nothing_is_forged() {
    let key = key();
    let der = Forge::node("worker-1", &key).sign(&key);
    let pem = crate::pem::encode("CERTIFICATE REQUEST", &der).unwrap();
    let read = CertificateRequest::from_pem(pem.as_bytes()).unwrap();
    assert_eq!(read.node_name(), Some(node()));
    assert_eq!(read.der(), der, "as it was submitted");
    let printable = Forge::node("worker-1", &key).subject(&[
        rdn(O, PRINTABLE, b"system:nodes"),
        rdn(CN, PRINTABLE, b"system:node:worker-1"),
    ]);
    assert_eq!(
        CertificateRequest::from_der(&printable.sign(&key))
            .unwrap()
            .node_name(),
        Some(node())
    );
}

#[test]
fn bytes_before_after_and_between_are_refused() {
    let key = key();
    let der = Forge::node("worker-1", &key).sign(&key);
    assert!(matches!(
        refused(&[&der[..], &[0]].concat()),
        CsrError::Malformed(_)
    ));
    assert!(matches!(
        refused(&[&der[..], &der[..]].concat()),
        CsrError::Malformed(_)
    ));
    assert!(matches!(
        refused(&der[..der.len() - 1]),
        CsrError::Malformed(_)
    ));
    assert!(matches!(refused(&[]), CsrError::Malformed(_)));
    assert!(matches!(
        refused(&[0x30; 16 * 1024 + 1]),
        CsrError::TooLarge { .. }
    ));
    assert!(matches!(
        refused(&[0x30; 16 * 1024]),
        CsrError::Malformed(_)
    ));
    let pem = Forge::node("worker-1", &key).pem(&key);
    let refused = |pem: Vec<u8>| CertificateRequest::from_pem(&pem).expect_err("it was accepted");
    assert!(matches!(
        refused([&pem[..], &pem[..]].concat()),
        CsrError::Pem(_)
    ));
    assert!(matches!(
        refused([&pem[..], b"more"].concat()),
        CsrError::Pem(_)
    ));
    assert!(matches!(
        refused(vec![b' '; 17 * 1024]),
        CsrError::TooLarge { .. }
    ));
}

#[test]
fn lengths_as_ber_allows_them_are_refused_wherever_they_stand() {
    let key = key();
    let honest = Forge::node("worker-1", &key);
    let resigned = |forge: Forge| refused(&forge.sign(&key));
    let body = honest.sign(&key)[3..].to_vec();
    assert!(matches!(
        refused(&tlv_ber(0x30, &body)),
        CsrError::Malformed(_)
    ));
    let subject = Forge {
        subject: tlv_ber(
            0x30,
            &[
                rdn(O, UTF8, b"system:nodes"),
                rdn(CN, UTF8, b"system:node:worker-1"),
            ]
            .concat(),
        ),
        ..Forge::node("worker-1", &key)
    };
    assert!(matches!(resigned(subject), CsrError::Malformed(_)));
    let indefinite = [&[0x30, 0x80][..], &body, &[0, 0]].concat();
    assert!(matches!(refused(&indefinite), CsrError::Malformed(_)));
    // Within an octet string, where a reader that decodes lazily does not look.
    let names = tlv_ber(0x30, &tlv(DNS, b"worker-1.example"));
    let hidden = Forge::node("worker-1", &key)
        .attributes(&[extension_request(&[extension(SUBJECT_ALT_NAME, &names)])]);
    assert!(matches!(
        resigned(hidden),
        CsrError::Malformed(_) | CsrError::NotCanonical
    ));
    let critical_false = seq(&[
        oid(SUBJECT_ALT_NAME),
        tlv(0x01, &[0]),
        tlv(0x04, &seq(&[tlv(DNS, b"a")])),
    ]);
    let default = Forge::node("worker-1", &key).attributes(&[extension_request(&[critical_false])]);
    assert!(matches!(
        resigned(default),
        CsrError::Malformed(_) | CsrError::NotCanonical
    ));
}

#[test]
fn sets_out_of_order_are_refused() {
    let key = key();
    let (organization, common_name) = (attribute(O, UTF8, b"x"), attribute(CN, UTF8, b"y"));
    assert!(common_name < organization);
    let unsorted = Forge {
        subject: seq(&[tlv(0x31, &[organization, common_name].concat())]),
        ..Forge::node("worker-1", &key)
    };
    assert!(matches!(
        refused(&unsorted.sign(&key)),
        CsrError::NotCanonical
    ));
}

#[test]
fn a_part_of_the_subject_has_one_attribute() {
    let key = key();
    let mut pair = [
        attribute(CN, UTF8, b"system:node:worker-1"),
        attribute(O, UTF8, b"system:nodes"),
    ];
    pair.sort();
    let pair = pair.concat();
    let multi = Forge {
        subject: seq(&[tlv(0x31, &pair)]),
        ..Forge::node("worker-1", &key)
    };
    assert!(matches!(
        refused(&multi.sign(&key)),
        CsrError::MultiValuedName(2)
    ));
    let empty = Forge {
        subject: seq(&[tlv(0x31, &[])]),
        ..Forge::node("worker-1", &key)
    };
    assert!(matches!(
        refused(&empty.sign(&key)),
        CsrError::MultiValuedName(0) | CsrError::Malformed(_)
    ));
}

#[test]
fn a_subject_is_text_of_the_usual_kinds() {
    let key = key();
    let subject = |tag, value: &[u8]| {
        let forge = Forge::node("worker-1", &key)
            .subject(&[rdn(O, UTF8, b"system:nodes"), rdn(CN, tag, value)]);
        forge.sign(&key)
    };
    assert!(matches!(
        refused(&subject(TELETEX, b"system:node:worker-1")),
        CsrError::SubjectText(_)
    ));
    assert!(matches!(
        refused(&subject(0x1e, b"\0a\0b")),
        CsrError::SubjectText(_)
    ));
    assert!(matches!(
        refused(&subject(0x02, &[1])),
        CsrError::SubjectText(_)
    ));
    assert!(matches!(
        refused(&subject(UTF8, &[0xff, 0xfe])),
        CsrError::SubjectText(_)
    ));
    assert!(matches!(
        refused(&subject(PRINTABLE, b"system:node:a\0b")),
        CsrError::SubjectText(_)
    ));
}

#[test]
fn the_hosts_that_are_asked_for_are_in_the_form_that_is_compared() {
    let key = key();
    let mapped = [&[0; 10][..], &[0xff, 0xff, 10, 0, 0, 7]].concat();
    let names: [(u8, &[u8]); 5] = [
        (DNS, b"Worker-1.Example"),
        (IP, &[10, 0, 0, 1]),
        (IP, &mapped),
        // Neither a host name nor an address.
        (DNS, b"*.example"),
        (IP, &[10, 0, 0]),
    ];
    let asked = Forge::node("worker-1", &key).alternative_names(&names);
    let read = UnverifiedRequest::from_pem(&asked.pem(&key)).unwrap();
    let hosts: Vec<_> = read.hosts().iter().map(Host::to_unbracketed).collect();
    assert_eq!(hosts, ["worker-1.example", "10.0.0.1", "10.0.0.7"]);
    let none = UnverifiedRequest::from_pem(&Forge::node("worker-1", &key).pem(&key)).unwrap();
    assert_eq!(none.hosts(), []);
}

#[test]
fn nothing_is_there_twice() {
    let key = key();
    let names = extension(SUBJECT_ALT_NAME, &seq(&[tlv(DNS, b"a.example")]));
    let others = extension(SUBJECT_ALT_NAME, &seq(&[tlv(DNS, b"b.example")]));
    let resigned = |attributes: &[Vec<u8>]| {
        refused(
            &Forge::node("worker-1", &key)
                .attributes(attributes)
                .sign(&key),
        )
    };
    let twice = resigned(&[extension_request(&[names.clone(), others.clone()])]);
    assert!(matches!(twice, CsrError::DuplicateExtension(_)), "{twice}");
    let mut pair = [
        extension_request(std::slice::from_ref(&names)),
        extension_request(std::slice::from_ref(&others)),
    ];
    pair.sort();
    assert!(matches!(resigned(&pair), CsrError::DuplicateAttribute(_)));
    let same = [
        extension_request(std::slice::from_ref(&names)),
        extension_request(std::slice::from_ref(&names)),
    ];
    assert!(matches!(
        resigned(&same),
        CsrError::DuplicateAttribute(_) | CsrError::Malformed(_)
    ));
    let mut values = [seq(&[names]), seq(&[others])];
    values.sort();
    let two_values = seq(&[oid(EXTENSION_REQUEST), tlv(0x31, &values.concat())]);
    assert!(matches!(
        resigned(&[two_values]),
        CsrError::ExtensionValues(2)
    ));
    let no_value = seq(&[oid(EXTENSION_REQUEST), tlv(0x31, &[])]);
    assert!(matches!(
        resigned(&[no_value]),
        CsrError::ExtensionValues(0) | CsrError::Malformed(_)
    ));
    let password = seq(&[
        oid("1.2.840.113549.1.9.7"),
        tlv(0x31, &tlv(UTF8, b"secret")),
    ]);
    assert!(matches!(
        resigned(&[password]),
        CsrError::UnknownAttribute(_)
    ));
}

#[test]
fn a_broken_signature_or_another_key_is_refused() {
    let (key, other) = (key(), key());
    let forge = Forge::node("worker-1", &key);
    assert!(matches!(
        refused(&forge.sign(&other)),
        CsrError::Signature(SignatureError::Mismatch)
    ));
    assert!(matches!(
        refused(&forge.with_signature(&[])),
        CsrError::Signature(SignatureError::Mismatch)
    ));
    let signed = forge.sign(&key);
    let position = signed
        .windows(8)
        .position(|window| window == b"worker-1")
        .unwrap();
    let mut forged = signed.clone();
    forged[position..position + 8].copy_from_slice(b"worker-2");
    assert!(matches!(
        refused(&forged),
        CsrError::Signature(SignatureError::Mismatch)
    ));
}

#[test]
fn digests_that_can_be_forged_are_refused_by_name() {
    let rsa = PrivateKey::generate(KeyAlgorithm::Rsa2048).unwrap();
    let with = |algorithm: &str| Forge {
        signature_algorithm: seq(&[oid(algorithm), tlv(0x05, &[])]),
        ..Forge::node("worker-1", &rsa)
    };
    assert!(matches!(
        refused(&with("1.2.840.113549.1.1.5").sign(&rsa)),
        CsrError::Signature(SignatureError::Weak("SHA-1"))
    ));
    assert!(matches!(
        refused(&with("1.2.840.113549.1.1.4").sign(&rsa)),
        CsrError::Signature(SignatureError::Weak("MD5"))
    ));
    assert!(matches!(
        refused(&with("1.2.840.113549.1.1.10").sign(&rsa)),
        CsrError::Signature(SignatureError::Algorithm { .. })
    ));
    let ec = key();
    let sha1 = Forge {
        signature_algorithm: seq(&[oid("1.2.840.10045.4.1")]),
        ..Forge::node("worker-1", &ec)
    };
    assert!(matches!(
        refused(&sha1.sign(&ec)),
        CsrError::Signature(SignatureError::Weak("SHA-1"))
    ));
    let parameters = Forge {
        signature_algorithm: seq(&[oid("1.2.840.10045.4.3.2"), tlv(0x05, &[])]),
        ..Forge::node("worker-1", &ec)
    };
    assert!(matches!(
        refused(&parameters.sign(&ec)),
        CsrError::Signature(SignatureError::Algorithm { .. })
    ));
}

#[test]
fn keys_that_are_too_weak_or_unknown_are_refused_by_name() {
    use josekit::jwk::KeyPair as _;
    use josekit::jwk::alg::{ec, rsa};
    let key = key();
    let with = |spki: Vec<u8>| {
        refused(
            &Forge {
                spki,
                ..Forge::node("worker-1", &key)
            }
            .sign(&key),
        )
    };
    let small = rsa::RsaKeyPair::generate(1024).unwrap().to_der_public_key();
    assert!(matches!(
        with(small),
        CsrError::PublicKey(PublicKeyError::RsaSize(1024))
    ));
    let p521 = ec::EcKeyPair::generate(ec::EcCurve::P521)
        .unwrap()
        .to_der_public_key();
    assert!(matches!(
        with(p521),
        CsrError::PublicKey(PublicKeyError::P521)
    ));
    let koblitz = ec::EcKeyPair::generate(ec::EcCurve::Secp256k1)
        .unwrap()
        .to_der_public_key();
    assert!(matches!(
        with(koblitz),
        CsrError::PublicKey(PublicKeyError::Kind(_))
    ));
    // Exponent 1 makes every signature right.
    let modulus = [&[0u8][..], &[0xff; 256]].concat();
    let one = seq(&[tlv(0x02, &modulus), tlv(0x02, &[1])]);
    let spki = seq(&[
        seq(&[oid("1.2.840.113549.1.1.1"), tlv(0x05, &[])]),
        tlv(0x03, &[&[0], &one[..]].concat()),
    ]);
    assert!(matches!(
        with(spki),
        CsrError::PublicKey(PublicKeyError::RsaExponent)
    ));
    // A compressed point would give one key two fingerprints.
    let mut compressed = vec![0, 2];
    compressed.extend([7; 32]);
    let spki = seq(&[
        seq(&[oid("1.2.840.10045.2.1"), oid("1.2.840.10045.3.1.7")]),
        tlv(0x03, &compressed),
    ]);
    assert!(matches!(
        with(spki),
        CsrError::PublicKey(PublicKeyError::Kind(_))
    ));
}

proptest! {
    #[test]
    fn one_flipped_bit_is_never_accepted_as_another_request(byte in 0usize..300, bit in 0u8..8) {
        let key = key();
        let der = Forge::node("worker-1", &key).sign(&key);
        let mut altered = der.clone();
        let byte = byte % der.len();
        altered[byte] ^= 1 << bit;
        if let Ok(read) = CertificateRequest::from_der(&altered) {
            prop_assert_eq!(read.node_name(), Some(node()), "only the signature itself may have another spelling");
        }
    }

    #[test]
    fn no_bytes_make_the_reader_panic(bytes: Vec<u8>) {
        let _ = CertificateRequest::from_der(&bytes);
        let _ = CertificateRequest::from_pem(&bytes);
    }
}
