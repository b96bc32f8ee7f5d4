//! Key pairs: made, read and written, and used to sign.

mod older;
mod public;

use std::fmt;

use josekit::jwk::KeyPair as _;
use josekit::jwk::alg::rsa::RsaKeyPair as OpensslRsaKeyPair;
use ring::rand::{SecureRandom, SystemRandom};
use ring::signature::{self, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _, RsaKeyPair};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::pem::{self, PemError};

pub use public::{KeyFingerprint, PublicKey, PublicKeyAlgorithm, PublicKeyError, SignatureError};

/// The kinds of keys that can be made here.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[non_exhaustive]
pub enum KeyAlgorithm {
    /// ECDSA on P-256, signing with SHA-256.
    #[default]
    #[serde(rename = "ECDSA-P256")]
    EcdsaP256,
    /// ECDSA on P-384, signing with SHA-384.
    #[serde(rename = "ECDSA-P384")]
    EcdsaP384,
    /// Ed25519.
    #[serde(rename = "Ed25519")]
    Ed25519,
    /// RSA with 2048 bits, signing with SHA-256.
    #[serde(rename = "RSA-2048")]
    Rsa2048,
    /// RSA with 3072 bits, signing with SHA-256.
    #[serde(rename = "RSA-3072")]
    Rsa3072,
    /// RSA with 4096 bits, signing with SHA-256.
    #[serde(rename = "RSA-4096")]
    Rsa4096,
}

/// A private key. It cannot print itself, and its encoded form is wiped when it is dropped.
pub struct PrivateKey {
    pkcs8: Zeroizing<Vec<u8>>,
    pair: Pair,
    public: PublicKey,
}

/// Why there is no private key, or no signature.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KeyError {
    /// The PEM around the key cannot be read.
    #[error("the private key is no PEM: {0}")]
    Pem(#[from] PemError),
    /// It is encrypted with a passphrase.
    #[error("the private key is encrypted; decrypt it first, Slipway asks for no passphrase")]
    Encrypted,
    /// It is none of the kinds of keys that can be used.
    #[error(
        "the private key is not usable: {reason}; expected ECDSA P-256 or P-384, Ed25519, or RSA of 2048 to 4096 bits"
    )]
    Unusable {
        /// Why; it never repeats any of the key.
        reason: String,
    },
    /// The system gave no randomness, or the provider failed.
    #[error("no {0:?} key could be made: the system's source of randomness failed")]
    Generation(KeyAlgorithm),
    /// OpenSSL could not make an RSA key.
    #[error("no RSA key could be made: {0}")]
    RsaGeneration(#[source] josekit::JoseError),
    /// The public half is not usable, which means that the two halves disagree.
    #[error("the public half of the key is not usable: {0}")]
    Public(#[from] PublicKeyError),
}

enum Pair {
    Ecdsa(EcdsaKeyPair),
    Ed25519(Ed25519KeyPair),
    Rsa(Box<RsaKeyPair>),
}

impl PrivateKey {
    /// Makes a key from the system's randomness. RSA takes a second or so.
    pub fn generate(algorithm: KeyAlgorithm) -> Result<Self, KeyError> {
        let random = SystemRandom::new();
        let failed = |_| KeyError::Generation(algorithm);
        let ecdsa = |curve| -> Result<_, KeyError> {
            let document = EcdsaKeyPair::generate_pkcs8(curve, &random).map_err(failed)?;
            Ok(Zeroizing::new(document.as_ref().to_vec()))
        };
        Self::from_pkcs8(match algorithm {
            KeyAlgorithm::EcdsaP256 => ecdsa(&signature::ECDSA_P256_SHA256_ASN1_SIGNING)?,
            KeyAlgorithm::EcdsaP384 => ecdsa(&signature::ECDSA_P384_SHA384_ASN1_SIGNING)?,
            KeyAlgorithm::Ed25519 => {
                let mut seed = Zeroizing::new([0; 32]);
                random.fill(seed.as_mut()).map_err(failed)?;
                ed25519_pkcs8(&seed)
            }
            KeyAlgorithm::Rsa2048 => rsa_pkcs8(2048)?,
            KeyAlgorithm::Rsa3072 => rsa_pkcs8(3072)?,
            KeyAlgorithm::Rsa4096 => rsa_pkcs8(4096)?,
        })
    }

    /// Reads a key in PEM: PKCS#8 (`PRIVATE KEY`), SEC 1 (`EC PRIVATE KEY`) or PKCS#1 (`RSA PRIVATE KEY`). Other blocks
    /// in the same text are passed over: `openssl ecparam` writes the curve's name before the key, and kubelet keeps
    /// its certificate in the same file.
    pub fn from_pem(text: &str) -> Result<Self, KeyError> {
        let (blocks, _) = pem::blocks(text)?;
        let mut keys = blocks
            .iter()
            .filter(|block| block.label.ends_with("PRIVATE KEY"));
        let block = keys.next().ok_or(PemError::Nothing {
            expected: "PRIVATE KEY",
        })?;
        if keys.next().is_some() {
            return Err(PemError::Several {
                expected: "PRIVATE KEY",
            }
            .into());
        }
        match block.label {
            "PRIVATE KEY" => Self::from_pkcs8(Zeroizing::new(block.decode()?)),
            "EC PRIVATE KEY" => Self::from_older(older::from_sec1, block),
            "RSA PRIVATE KEY" => Self::from_older(older::from_pkcs1, block),
            "ENCRYPTED PRIVATE KEY" => Err(KeyError::Encrypted),
            label => Err(PemError::Label {
                found: label.to_owned(),
                expected: "PRIVATE KEY",
            }
            .into()),
        }
    }

    /// Reads a key in PKCS#8, DER. An elliptic key without its public half is completed.
    pub fn from_pkcs8_der(der: &[u8]) -> Result<Self, KeyError> {
        Self::from_pkcs8(Zeroizing::new(der.to_vec()))
    }

    /// The key in PKCS#8, PEM.
    pub fn to_pem(&self) -> Result<Zeroizing<String>, KeyError> {
        Ok(Zeroizing::new(pem::encode("PRIVATE KEY", &self.pkcs8)?))
    }

    /// The key in PKCS#8, DER, as TLS libraries take it.
    pub fn pkcs8_der(&self) -> &[u8] {
        &self.pkcs8
    }

    /// The public half.
    pub fn public_key(&self) -> &PublicKey {
        &self.public
    }

    fn from_older(
        read: fn(&[u8]) -> Option<Zeroizing<Vec<u8>>>,
        block: &pem::Block<'_>,
    ) -> Result<Self, KeyError> {
        let der = Zeroizing::new(block.decode()?);
        Self::from_pkcs8(read(&der).ok_or_else(|| KeyError::Unusable {
            reason: "it cannot be decoded".to_owned(),
        })?)
    }

    fn from_pkcs8(pkcs8: Zeroizing<Vec<u8>>) -> Result<Self, KeyError> {
        match Pair::read(&pkcs8) {
            Ok(pair) => Ok(Self {
                public: public_half(&pair)?,
                pkcs8,
                pair,
            }),
            Err(reason) => match older::from_pkcs8(&pkcs8) {
                Some(completed) => {
                    let pair =
                        Pair::read(&completed).map_err(|reason| KeyError::Unusable { reason })?;
                    Ok(Self {
                        public: public_half(&pair)?,
                        pkcs8: completed,
                        pair,
                    })
                }
                None => Err(KeyError::Unusable { reason }),
            },
        }
    }
}

impl Pair {
    /// Reads PKCS#8; the error says what is wrong with it as the kind of key that it is.
    fn read(pkcs8: &[u8]) -> Result<Self, String> {
        let random = SystemRandom::new();
        let ecdsa = |curve| EcdsaKeyPair::from_pkcs8(curve, pkcs8, &random).map(Self::Ecdsa);
        let attempts = [
            Ed25519KeyPair::from_pkcs8_maybe_unchecked(pkcs8).map(Self::Ed25519),
            ecdsa(&signature::ECDSA_P256_SHA256_ASN1_SIGNING),
            ecdsa(&signature::ECDSA_P384_SHA384_ASN1_SIGNING),
            RsaKeyPair::from_pkcs8(pkcs8).map(|pair| Self::Rsa(Box::new(pair))),
        ];
        let mut reason = "it is of another kind".to_owned();
        for attempt in attempts {
            match attempt.map_err(|rejected| rejected.to_string()) {
                Ok(pair) => return Ok(pair),
                Err(other) if other == "WrongAlgorithm" => {}
                Err(rejected) => reason = rejected,
            }
        }
        Err(reason)
    }
}

impl fmt::Debug for PrivateKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("PrivateKey")
            .field(&self.public.algorithm())
            .finish()
    }
}

/// Lets rcgen sign with a key of ours.
pub(crate) struct Signing<K>(pub(crate) K);

impl AsRef<PrivateKey> for PrivateKey {
    fn as_ref(&self) -> &PrivateKey {
        self
    }
}

impl<K: AsRef<PrivateKey>> rcgen::PublicKeyData for Signing<K> {
    fn der_bytes(&self) -> &[u8] {
        self.0.as_ref().public.raw()
    }

    fn algorithm(&self) -> &'static rcgen::SignatureAlgorithm {
        self.0.as_ref().public.rcgen_algorithm()
    }
}

impl<K: AsRef<PrivateKey>> rcgen::SigningKey for Signing<K> {
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, rcgen::Error> {
        self.0
            .as_ref()
            .sign(message)
            .map_err(|_| rcgen::Error::RingUnspecified)
    }
}

impl PrivateKey {
    /// Signs with the algorithm that belongs to the kind of key ([`KeyAlgorithm`]).
    pub(crate) fn sign(&self, message: &[u8]) -> Result<Vec<u8>, ring::error::Unspecified> {
        let random = SystemRandom::new();
        match &self.pair {
            Pair::Ecdsa(pair) => Ok(pair.sign(&random, message)?.as_ref().to_vec()),
            Pair::Ed25519(pair) => Ok(pair.sign(message).as_ref().to_vec()),
            Pair::Rsa(pair) => {
                let mut signature = vec![0; pair.public().modulus_len()];
                pair.sign(
                    &signature::RSA_PKCS1_SHA256,
                    &random,
                    message,
                    &mut signature,
                )?;
                Ok(signature)
            }
        }
    }
}

fn public_half(pair: &Pair) -> Result<PublicKey, KeyError> {
    Ok(match pair {
        Pair::Ecdsa(pair) => PublicKey::from_ec_point(pair.public_key().as_ref())?,
        Pair::Ed25519(pair) => PublicKey::from_ed25519(pair.public_key().as_ref())?,
        Pair::Rsa(pair) => PublicKey::from_rsa(pair.public_key().as_ref())?,
    })
}

/// PKCS#8 version 1 (RFC 8410), which every OpenSSL reads; ring's own generator writes version 2, which OpenSSL 3.0
/// does not.
fn ed25519_pkcs8(seed: &[u8; 32]) -> Zeroizing<Vec<u8>> {
    const PREFIX: [u8; 16] = [
        0x30, 0x2e, 2, 1, 0, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 4, 0x22, 4, 0x20,
    ];
    Zeroizing::new([PREFIX.as_slice(), seed].concat())
}

fn rsa_pkcs8(bits: u32) -> Result<Zeroizing<Vec<u8>>, KeyError> {
    let pair = OpensslRsaKeyPair::generate(bits).map_err(KeyError::RsaGeneration)?;
    Ok(Zeroizing::new(pair.to_der_private_key()))
}

#[cfg(test)]
mod tests;
