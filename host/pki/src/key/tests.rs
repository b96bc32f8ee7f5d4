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
