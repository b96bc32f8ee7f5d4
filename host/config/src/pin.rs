//! Pins of CA certificates (`--discovery-token-ca-cert-hash`).

use std::fmt;
use std::str::FromStr;

use crate::digest::{DigestError, Sha256Digest};
use crate::text::written_as_string;

/// The SHA-256 digest of a CA certificate's SubjectPublicKeyInfo in DER, written as kubeadm writes it:
/// `sha256:<64 hex digits>`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CaPin(Sha256Digest);

/// Why a text is no pin.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the CA certificate hash {0}")]
pub struct PinError(#[source] DigestError);

impl CaPin {
    /// The pin of the key whose DER-encoded SubjectPublicKeyInfo this is.
    pub fn of_spki(der: &[u8]) -> Self {
        Self(Sha256Digest::of(der))
    }

    /// The digest's bytes.
    pub fn as_bytes(&self) -> &[u8; 32] {
        self.0.as_bytes()
    }

    /// The digest in lower-case hex, without the prefix.
    pub fn to_hex(&self) -> String {
        self.0.to_hex()
    }
}

impl From<[u8; 32]> for CaPin {
    fn from(bytes: [u8; 32]) -> Self {
        Self(bytes.into())
    }
}

impl FromStr for CaPin {
    type Err = PinError;

    fn from_str(text: &str) -> Result<Self, PinError> {
        text.parse().map(Self).map_err(PinError)
    }
}

impl fmt::Display for CaPin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for CaPin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CaPin({self})")
    }
}

written_as_string!(
    CaPin,
    "^[sS][hH][aA]256:[0-9a-fA-F]{64}$",
    "the hash of a CA certificate, sha256:<64 hex digits>"
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prefix_and_digits_are_read_in_either_case() {
        let pin: CaPin = format!("SHA256:{}", "Ab".repeat(32)).parse().unwrap();
        assert_eq!(pin.as_bytes(), &[0xab; 32]);
        assert_eq!(pin.to_string(), format!("sha256:{}", "ab".repeat(32)));
        assert_eq!(pin.to_hex(), "ab".repeat(32));
        assert_eq!(CaPin::from([0xab; 32]), pin);
    }

    #[test]
    fn a_bad_pin_is_named_as_such() {
        insta::assert_snapshot!("abc".parse::<CaPin>().unwrap_err(), @r#"the CA certificate hash "abc" does not begin with "sha256:"; expected sha256:<64 hex digits>"#);
    }
}
