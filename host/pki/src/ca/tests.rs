use super::*;

/// A CA to test with.
pub(crate) fn authority() -> CertificateAuthority {
    CertificateAuthority::generate(
        "kubernetes",
        KeyAlgorithm::EcdsaP256,
        DEFAULT_CA_LIFETIME,
        Timestamp::now(),
    )
    .unwrap()
}
