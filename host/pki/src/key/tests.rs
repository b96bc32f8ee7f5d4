use josekit::jwk::alg::ec::EcKeyPair;
use proptest::prelude::*;

use super::*;

const ALGORITHMS: [KeyAlgorithm; 4] = [
    KeyAlgorithm::EcdsaP256,
    KeyAlgorithm::EcdsaP384,
    KeyAlgorithm::Ed25519,
    KeyAlgorithm::Rsa2048,
];

#[test]
fn a_key_survives_its_pem() {
    for algorithm in ALGORITHMS {
        let key = PrivateKey::generate(algorithm).unwrap();
        let read = PrivateKey::from_pem(&key.to_pem().unwrap()).unwrap();
        assert_eq!(read.public_key(), key.public_key());
        assert_eq!(read.pkcs8_der(), key.pkcs8_der());
    }
}

#[test]
fn a_key_says_nothing_of_itself_but_its_kind() {
    let key = PrivateKey::generate(KeyAlgorithm::EcdsaP256).unwrap();
    assert_eq!(format!("{key:?}"), "PrivateKey(EcdsaP256)");
}

#[test]
fn traditional_formats_are_read() {
    let ec = EcKeyPair::generate(josekit::jwk::alg::ec::EcCurve::P384).unwrap();
    let key =
        PrivateKey::from_pem(std::str::from_utf8(&ec.to_traditional_pem_private_key()).unwrap())
            .unwrap();
    assert_eq!(key.public_key().spki_der(), ec.to_der_public_key());
    let rsa = OpensslRsaKeyPair::generate(2048).unwrap();
    let key =
        PrivateKey::from_pem(std::str::from_utf8(&rsa.to_traditional_pem_private_key()).unwrap())
            .unwrap();
    assert_eq!(key.public_key().spki_der(), rsa.to_der_public_key());
    assert_eq!(key.public_key().algorithm(), PublicKeyAlgorithm::Rsa(2048));
}

#[test]
fn an_elliptic_key_without_its_public_half_is_completed() {
    // PKCS#8 around a SEC 1 key that has nothing but its number (RFC 5915: the public key is optional).
    let mut pkcs8 = vec![
        0x30, 0x41, 2, 1, 0, 0x30, 0x13, 6, 7, 0x2a, 0x86, 0x48, 0xce, 0x3d, 2, 1,
    ];
    pkcs8.extend([
        6, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 7, 4, 0x27, 0x30, 0x25, 2, 1, 1, 4, 0x20,
    ]);
    pkcs8.extend([7; 32]);
    let key = PrivateKey::from_pkcs8_der(&pkcs8).unwrap();
    assert_eq!(key.public_key().algorithm(), PublicKeyAlgorithm::EcdsaP256);
    assert_eq!(
        PrivateKey::from_pem(&key.to_pem().unwrap())
            .unwrap()
            .public_key(),
        key.public_key()
    );
}

#[test]
fn what_is_no_usable_key_is_refused_without_repeating_it() {
    let refused = |pem: &str| PrivateKey::from_pem(pem).unwrap_err().to_string();
    let p521 = EcKeyPair::generate(josekit::jwk::alg::ec::EcCurve::P521).unwrap();
    let small = OpensslRsaKeyPair::generate(1024).unwrap();
    for pem in [
        p521.to_pem_private_key(),
        p521.to_traditional_pem_private_key(),
        small.to_pem_private_key(),
    ] {
        let pem = String::from_utf8(pem).unwrap();
        let message = refused(&pem);
        assert!(message.contains("not usable"), "{message}");
        assert!(!message.contains(pem.lines().nth(1).unwrap()), "{message}");
    }
    assert_eq!(
        refused(
            "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n"
        ),
        KeyError::Encrypted.to_string()
    );
    assert!(refused("").contains("no PEM block"));
    let key = PrivateKey::generate(KeyAlgorithm::Ed25519)
        .unwrap()
        .to_pem()
        .unwrap()
        .to_string();
    assert!(refused(&format!("{key}{key}")).contains("more than one"));
}

#[test]
fn a_signature_holds_for_its_message_only() {
    use x509_cert::spki::AlgorithmIdentifierOwned;
    let key = PrivateKey::generate(KeyAlgorithm::Ed25519).unwrap();
    let algorithm = AlgorithmIdentifierOwned {
        oid: "1.3.101.112".parse().unwrap(),
        parameters: None,
    };
    let signature = key.sign(b"message").unwrap();
    key.public_key()
        .verify(&algorithm, b"message", &signature)
        .unwrap();
    assert!(matches!(
        key.public_key().verify(&algorithm, b"massage", &signature),
        Err(SignatureError::Mismatch)
    ));
}

proptest! {
    #[test]
    fn no_damage_to_a_key_makes_the_reader_panic(
        position: prop::sample::Index, length in 0usize..40, insert in "[-A-Za-z0-9+/=\n ]{0,40}"
    ) {
        let mut damaged = PEM.to_string();
        let start = position.index(damaged.len());
        let end = (start + length).min(damaged.len());
        damaged.replace_range(start..end, &insert);
        let _ = PrivateKey::from_pem(&damaged);
    }

    #[test]
    fn no_bytes_make_the_reader_panic(
        position: prop::sample::Index, byte: u8, bytes: Vec<u8>, label in "(EC |RSA |)PRIVATE KEY"
    ) {
        let block = |der: &[u8]| pem::encode(&label, der).unwrap();
        let mut damaged = pem::single(PEM.as_bytes(), "PRIVATE KEY").unwrap();
        let position = position.index(damaged.len());
        damaged[position] = byte;
        for der in [&bytes, &damaged] {
            let _ = PrivateKey::from_pkcs8_der(der);
            let _ = PrivateKey::from_pem(&block(der));
        }
    }
}

/// The same for every case of a property.
static PEM: std::sync::LazyLock<String> = std::sync::LazyLock::new(|| {
    let key = PrivateKey::generate(KeyAlgorithm::EcdsaP256).unwrap();
    key.to_pem().unwrap().to_string()
});

#[test]
fn a_length_that_is_not_true_takes_no_memory() {
    // A sequence of the right length, and in it a number that claims 16 EiB.
    let mut der = vec![0x30, 12, 2, 0x88];
    der.extend([0x0f; 8]);
    der.push(0);
    der.push(0);
    for label in ["PRIVATE KEY", "EC PRIVATE KEY", "RSA PRIVATE KEY"] {
        let error = PrivateKey::from_pem(&pem::encode(label, &der).unwrap()).unwrap_err();
        assert!(matches!(error, KeyError::Unusable { .. }), "{error}");
    }
}

#[test]
fn an_elliptic_number_that_is_none_is_refused() {
    let key = PrivateKey::generate(KeyAlgorithm::EcdsaP256).unwrap();
    let pkcs8 = key.pkcs8_der().to_vec();
    let place = pkcs8
        .windows(2)
        .position(|window| window == [4, 0x20])
        .unwrap()
        + 2;
    for number in [[0; 32], [0xff; 32]] {
        let mut bad = pkcs8.clone();
        bad[place..place + 32].copy_from_slice(&number);
        let error = PrivateKey::from_pkcs8_der(&bad).unwrap_err();
        assert!(matches!(error, KeyError::Unusable { .. }), "{error}");
    }
}

#[test]
fn a_public_half_of_another_key_is_refused() {
    let ec = EcKeyPair::generate(josekit::jwk::alg::ec::EcCurve::P256).unwrap();
    let mut der = pem::single(&ec.to_traditional_pem_private_key(), "EC PRIVATE KEY").unwrap();
    *der.last_mut().unwrap() ^= 1;
    let error = PrivateKey::from_pem(&pem::encode("EC PRIVATE KEY", &der).unwrap()).unwrap_err();
    assert!(matches!(error, KeyError::Unusable { .. }), "{error}");
}
