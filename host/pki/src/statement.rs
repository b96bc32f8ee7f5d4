//! Statements of this machine, signed with an Ed25519 key of its own: JWS in compact serialization (RFC 7515), EdDSA
//! (RFC 8037), which any library for JOSE verifies.

use josekit::JoseError;
use josekit::jws::{EdDSA, JwsHeader, deserialize_compact, serialize_compact};

use crate::key::{PrivateKey, PublicKey};

/// Why a statement does not count, or could not be made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StatementError {
    /// It is none, or was not signed with the key.
    #[error("it is no statement that was signed with this key: {0}")]
    Refused(#[source] JoseError),
    /// It was signed with the key, and is about something else.
    #[error("it is a statement of another type than {0}")]
    OtherType(&'static str),
    /// It could not be signed.
    #[error("it could not be signed: {0}")]
    Provider(#[source] JoseError),
}

/// Signs `payload` as a statement of the type `type_`, which keeps it from being taken for another.
///
/// # Errors
/// The key is not an Ed25519 key.
pub fn sign(
    key: &PrivateKey,
    type_: &'static str,
    payload: &[u8],
) -> Result<String, StatementError> {
    let signer = EdDSA
        .signer_from_der(key.pkcs8_der())
        .map_err(StatementError::Provider)?;
    let mut header = JwsHeader::new();
    header.set_token_type(type_);
    header.set_key_id(key.public_key().fingerprint().to_string());
    serialize_compact(payload, &header, &signer).map_err(StatementError::Provider)
}

/// The payload of a statement that was signed with `key`.
///
/// # Errors
/// It was not, or is of another type.
pub fn verify(
    key: &PublicKey,
    type_: &'static str,
    statement: &str,
) -> Result<Vec<u8>, StatementError> {
    let verifier = EdDSA
        .verifier_from_der(key.spki_der())
        .map_err(StatementError::Refused)?;
    let (payload, header) =
        deserialize_compact(statement.trim(), &verifier).map_err(StatementError::Refused)?;
    match header.token_type() {
        Some(found) if found == type_ => Ok(payload),
        _ => Err(StatementError::OtherType(type_)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key::KeyAlgorithm;

    const TYPE: &str = "a+jws";

    fn key(algorithm: KeyAlgorithm) -> PrivateKey {
        PrivateKey::generate(algorithm).unwrap()
    }

    #[test]
    fn a_statement_is_what_was_signed_with_the_key() {
        let own = key(KeyAlgorithm::Ed25519);
        let signed = sign(&own, TYPE, b"payload").unwrap();
        let verify = |key: &PrivateKey, type_, text: &str| verify(key.public_key(), type_, text);
        assert_eq!(
            verify(&own, TYPE, &format!("{signed}\n")).unwrap(),
            b"payload"
        );
        let other = key(KeyAlgorithm::Ed25519);
        assert!(matches!(
            verify(&other, TYPE, &signed),
            Err(StatementError::Refused(_))
        ));
        assert!(matches!(
            verify(&own, "b+jws", &signed),
            Err(StatementError::OtherType("b+jws"))
        ));
        let parts: Vec<_> = signed.split('.').collect();
        for forged in [
            String::new(),
            parts[..2].join("."),
            format!("{}.{}.{}", parts[0], "cGF5bG9hZDI", parts[2]),
            format!("{}..{}", parts[0], parts[2]),
            format!("eyJhbGciOiJub25lIn0.{}.", parts[1]),
        ] {
            assert!(verify(&own, TYPE, &forged).is_err(), "{forged}");
        }
    }

    #[test]
    fn only_an_ed25519_key_makes_statements() {
        assert!(sign(&key(KeyAlgorithm::EcdsaP256), TYPE, b"").is_err());
    }
}
