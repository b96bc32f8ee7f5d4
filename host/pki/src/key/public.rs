//! Public keys: which are accepted, their fingerprint, and the signatures made with them.

use std::fmt;

use der::asn1::{ObjectIdentifier, UintRef};
use der::{Decode, Encode, Reader, SliceReader};
use ring::signature::{self, UnparsedPublicKey, VerificationAlgorithm};
use serde::{Deserialize, Serialize};
use slipway_config::digest::Sha256Digest;
use slipway_config::pin::CaPin;
use x509_cert::spki::{AlgorithmIdentifierOwned, SubjectPublicKeyInfoOwned};

use crate::pem::{self, PemError};

const PEM_LABEL: &str = "PUBLIC KEY";

/// Smallest RSA key that is accepted, in bits.
const RSA_MINIMUM: usize = 2048;
/// Largest RSA key that the provider verifies, in bits.
const RSA_MAXIMUM: usize = 8192;

const EC_PUBLIC_KEY: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.2.1");
const P256: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.3.1.7");
const P384: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.132.0.34");
const P521: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.132.0.35");
const ED25519: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.101.112");
const RSA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1");

const ECDSA_SHA1: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.4.1");
const ECDSA_SHA256: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.4.3.2");
const ECDSA_SHA384: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.4.3.3");
const RSA_MD5: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.4");
const RSA_SHA1: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.5");
const RSA_SHA256: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.11");
const RSA_SHA384: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.12");
const RSA_SHA512: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.13");

/// The kinds of public keys that a certificate may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum PublicKeyAlgorithm {
    /// ECDSA on P-256.
    EcdsaP256,
    /// ECDSA on P-384.
    EcdsaP384,
    /// Ed25519.
    Ed25519,
    /// RSA with so many bits, 2048 at least.
    Rsa(usize),
}

/// A public key that is good enough for a certificate.
#[derive(Clone, PartialEq, Eq)]
pub struct PublicKey {
    spki: Vec<u8>,
    raw: Vec<u8>,
    algorithm: PublicKeyAlgorithm,
}

/// SHA-256 over a key's SubjectPublicKeyInfo in DER: what a key is known by. Shown as 64 hex digits, stored as
/// `sha256:<64 hex digits>`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct KeyFingerprint(Sha256Digest);

/// Why a public key is refused.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PublicKeyError {
    /// The PEM around it cannot be read.
    #[error("the public key is no PEM: {0}")]
    Pem(#[from] PemError),
    /// It is no SubjectPublicKeyInfo in DER.
    #[error("the public key is not a SubjectPublicKeyInfo in DER: {0}")]
    Malformed(#[from] der::Error),
    /// It is of a kind that is not accepted.
    #[error("the public key is of the kind {0}; expected ECDSA P-256 or P-384, Ed25519, or RSA")]
    Kind(String),
    /// It is a P-521 key, which this build cannot use.
    #[error(
        "the public key is ECDSA P-521, which this build of Slipway cannot verify; use P-256 or P-384"
    )]
    P521,
    /// It is an RSA key of an unacceptable size.
    #[error("the public key is RSA with {0} bits; expected {RSA_MINIMUM} to {RSA_MAXIMUM}")]
    RsaSize(usize),
    /// It is an RSA key with an exponent that no sound key has.
    #[error(
        "the public key is RSA with an unusable exponent; expected an odd number of 3 to 33 bits"
    )]
    RsaExponent,
}

/// Why a signature does not count.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SignatureError {
    /// It uses a digest that can be forged.
    #[error("it is signed with {0}, which can be forged; sign with SHA-256 or better")]
    Weak(&'static str),
    /// Its algorithm is not known here, or does not go with the key.
    #[error("its signature algorithm {algorithm} is not accepted with a key of the kind {key}")]
    Algorithm {
        /// The algorithm's object identifier.
        algorithm: String,
        /// The kind of key.
        key: PublicKeyAlgorithm,
    },
    /// It is not of this message with this key.
    #[error("its signature was not made with the key it carries, or it was altered")]
    Mismatch,
}

impl PublicKey {
    /// Reads a SubjectPublicKeyInfo, checking that the key is of an accepted kind and size.
    pub(crate) fn from_spki_der(der: &[u8]) -> Result<Self, PublicKeyError> {
        let spki = SubjectPublicKeyInfoOwned::from_der(der)?;
        let raw = spki
            .subject_public_key
            .as_bytes()
            .ok_or(der::Error::from(der::Tag::BitString.value_error()))?;
        let algorithm = algorithm_of(&spki.algorithm, raw)?;
        Ok(Self {
            spki: der.to_vec(),
            raw: raw.to_vec(),
            algorithm,
        })
    }

    /// Reads a key in PEM, `PUBLIC KEY`.
    ///
    /// # Errors
    /// It is no such PEM, or a key of a kind that is not accepted.
    pub fn from_pem(text: &[u8]) -> Result<Self, PublicKeyError> {
        Self::from_spki_der(&pem::single(text, PEM_LABEL)?)
    }

    /// The key in PEM.
    ///
    /// # Errors
    /// None that is known of.
    pub fn to_pem(&self) -> Result<String, PublicKeyError> {
        Ok(pem::encode(PEM_LABEL, &self.spki)?)
    }

    /// The SubjectPublicKeyInfo in DER.
    pub fn spki_der(&self) -> &[u8] {
        &self.spki
    }

    /// Which kind of key it is.
    pub fn algorithm(&self) -> PublicKeyAlgorithm {
        self.algorithm
    }

    /// What the key is known by.
    pub fn fingerprint(&self) -> KeyFingerprint {
        KeyFingerprint(Sha256Digest::of(&self.spki))
    }

    /// The pin of a CA with this key; the fingerprint in kubeadm's notation.
    pub fn pin(&self) -> CaPin {
        CaPin::of_spki(&self.spki)
    }

    /// Whether `signature` is one of `message` with this key, by an algorithm that is good enough.
    pub(crate) fn verify(
        &self,
        algorithm: &AlgorithmIdentifierOwned,
        message: &[u8],
        signature: &[u8],
    ) -> Result<(), SignatureError> {
        let verification = self.verification(algorithm)?;
        UnparsedPublicKey::new(verification, &self.raw)
            .verify(message, signature)
            .map_err(|_| SignatureError::Mismatch)
    }

    pub(super) fn raw(&self) -> &[u8] {
        &self.raw
    }

    pub(crate) fn rcgen_algorithm(&self) -> &'static rcgen::SignatureAlgorithm {
        match self.algorithm {
            PublicKeyAlgorithm::EcdsaP256 => &rcgen::PKCS_ECDSA_P256_SHA256,
            PublicKeyAlgorithm::EcdsaP384 => &rcgen::PKCS_ECDSA_P384_SHA384,
            PublicKeyAlgorithm::Ed25519 => &rcgen::PKCS_ED25519,
            PublicKeyAlgorithm::Rsa(_) => &rcgen::PKCS_RSA_SHA256,
        }
    }

    /// A key from an uncompressed point (SEC 1, section 2.3.3).
    pub(super) fn from_ec_point(point: &[u8]) -> Result<Self, PublicKeyError> {
        let curve = if point.len() == 65 { P256 } else { P384 };
        Self::from_parts(
            EC_PUBLIC_KEY,
            Some(der::asn1::Any::encode_from(&curve)?),
            point,
        )
    }

    pub(super) fn from_ed25519(key: &[u8]) -> Result<Self, PublicKeyError> {
        Self::from_parts(ED25519, None, key)
    }

    /// A key from an RSAPublicKey in DER (RFC 8017, appendix A.1.1).
    pub(super) fn from_rsa(key: &[u8]) -> Result<Self, PublicKeyError> {
        Self::from_parts(RSA, Some(der::asn1::Any::null()), key)
    }

    fn from_parts(
        oid: ObjectIdentifier,
        parameters: Option<der::asn1::Any>,
        raw: &[u8],
    ) -> Result<Self, PublicKeyError> {
        let spki = SubjectPublicKeyInfoOwned {
            algorithm: AlgorithmIdentifierOwned { oid, parameters },
            subject_public_key: der::asn1::BitString::from_bytes(raw)?,
        };
        Self::from_spki_der(&spki.to_der()?)
    }

    fn verification(
        &self,
        algorithm: &AlgorithmIdentifierOwned,
    ) -> Result<&'static dyn VerificationAlgorithm, SignatureError> {
        use PublicKeyAlgorithm::{EcdsaP256, EcdsaP384, Ed25519, Rsa};
        let unknown = || SignatureError::Algorithm {
            algorithm: algorithm.oid.to_string(),
            key: self.algorithm,
        };
        match algorithm.oid {
            ECDSA_SHA1 | RSA_SHA1 => return Err(SignatureError::Weak("SHA-1")),
            RSA_MD5 => return Err(SignatureError::Weak("MD5")),
            _ => {}
        }
        // RFC 4055 requires NULL with RSA, RFC 5758 and RFC 8410 nothing with the others.
        let parameters_fit = match self.algorithm {
            Rsa(_) => algorithm
                .parameters
                .as_ref()
                .is_some_and(|parameters| parameters.is_null()),
            EcdsaP256 | EcdsaP384 | Ed25519 => algorithm.parameters.is_none(),
        };
        if !parameters_fit {
            return Err(unknown());
        }
        Ok(match (self.algorithm, algorithm.oid) {
            (EcdsaP256, ECDSA_SHA256) => &signature::ECDSA_P256_SHA256_ASN1,
            (EcdsaP256, ECDSA_SHA384) => &signature::ECDSA_P256_SHA384_ASN1,
            (EcdsaP384, ECDSA_SHA256) => &signature::ECDSA_P384_SHA256_ASN1,
            (EcdsaP384, ECDSA_SHA384) => &signature::ECDSA_P384_SHA384_ASN1,
            (Ed25519, ED25519) => &signature::ED25519,
            (Rsa(_), RSA_SHA256) => &signature::RSA_PKCS1_2048_8192_SHA256,
            (Rsa(_), RSA_SHA384) => &signature::RSA_PKCS1_2048_8192_SHA384,
            (Rsa(_), RSA_SHA512) => &signature::RSA_PKCS1_2048_8192_SHA512,
            _ => return Err(unknown()),
        })
    }
}

impl KeyFingerprint {
    /// The digest's bytes.
    pub fn as_bytes(&self) -> &[u8; 32] {
        self.0.as_bytes()
    }
}

impl From<[u8; 32]> for KeyFingerprint {
    fn from(bytes: [u8; 32]) -> Self {
        Self(bytes.into())
    }
}

impl fmt::Display for KeyFingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.to_hex())
    }
}

impl fmt::Debug for KeyFingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeyFingerprint({self})")
    }
}

impl fmt::Display for PublicKeyAlgorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::EcdsaP256 => f.write_str("ECDSA P-256"),
            Self::EcdsaP384 => f.write_str("ECDSA P-384"),
            Self::Ed25519 => f.write_str("Ed25519"),
            Self::Rsa(bits) => write!(f, "RSA {bits}"),
        }
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicKey({}, {})", self.algorithm, self.fingerprint())
    }
}

fn algorithm_of(
    algorithm: &AlgorithmIdentifierOwned,
    raw: &[u8],
) -> Result<PublicKeyAlgorithm, PublicKeyError> {
    let kind = || PublicKeyError::Kind(algorithm.oid.to_string());
    match algorithm.oid {
        ED25519 if algorithm.parameters.is_none() && raw.len() == 32 => {
            Ok(PublicKeyAlgorithm::Ed25519)
        }
        EC_PUBLIC_KEY => {
            let curve: ObjectIdentifier = algorithm
                .parameters
                .as_ref()
                .ok_or_else(kind)?
                .decode_as()?;
            // Uncompressed points only, so that one key has one SubjectPublicKeyInfo and one fingerprint.
            match (curve, raw) {
                (P256, [4, ..]) if raw.len() == 65 => Ok(PublicKeyAlgorithm::EcdsaP256),
                (P384, [4, ..]) if raw.len() == 97 => Ok(PublicKeyAlgorithm::EcdsaP384),
                (P521, _) => Err(PublicKeyError::P521),
                _ => Err(PublicKeyError::Kind(format!("ECDSA on {curve}"))),
            }
        }
        RSA if algorithm
            .parameters
            .as_ref()
            .is_some_and(|parameters| parameters.is_null()) =>
        {
            rsa(raw)
        }
        _ => Err(kind()),
    }
}

/// Checks an RSAPublicKey (RFC 8017, appendix A.1.1).
fn rsa(der: &[u8]) -> Result<PublicKeyAlgorithm, PublicKeyError> {
    let mut reader = SliceReader::new(der)?;
    let (modulus, exponent): (UintRef<'_>, UintRef<'_>) =
        reader.sequence(|inner| Ok::<_, der::Error>((inner.decode()?, inner.decode()?)))?;
    reader.finish()?;
    let bits = bits(modulus.as_bytes());
    if !(RSA_MINIMUM..=RSA_MAXIMUM).contains(&bits) {
        return Err(PublicKeyError::RsaSize(bits));
    }
    let exponent = exponent.as_bytes().iter().try_fold(0u64, |value, byte| {
        value.checked_mul(256).map(|value| value | u64::from(*byte))
    });
    match exponent {
        Some(exponent) if exponent % 2 == 1 && (3..1 << 33).contains(&exponent) => {
            Ok(PublicKeyAlgorithm::Rsa(bits))
        }
        _ => Err(PublicKeyError::RsaExponent),
    }
}

/// Length of a big-endian number without leading zeros, in bits.
fn bits(number: &[u8]) -> usize {
    let leading = number
        .first()
        .map_or(0, |first| first.leading_zeros() as usize);
    (number.len() * 8).saturating_sub(leading)
}
