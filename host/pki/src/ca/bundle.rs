//! Sets of CA certificates to trust, and their pins.

use std::fmt;

use slipway_config::pin::CaPin;

use crate::certificate::{Certificate, CertificateError};

/// One or more CA certificates in the order in which they were given, none twice.
#[derive(Clone, PartialEq, Eq)]
pub struct CaBundle(Vec<Certificate>);

/// Why a text is no bundle of CA certificates.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BundleError {
    /// A certificate in it cannot be read.
    #[error("the CA bundle cannot be read: {0}")]
    Certificate(#[from] CertificateError),
    /// It is not text.
    #[error("the CA bundle is not UTF-8 text")]
    NotText,
    /// There is no certificate in it.
    #[error(
        "the CA bundle has no certificate in it; expected one or more -----BEGIN CERTIFICATE-----"
    )]
    Empty,
    /// There are more certificates in it than any cluster has.
    #[error("the CA bundle has {0} certificates; expected at most {LARGEST_BUNDLE}")]
    TooMany(usize),
    /// A certificate in it is no CA's.
    #[error("the certificate of {subject} in the CA bundle is not a CA's")]
    NotACa {
        /// Whose certificate it is.
        subject: String,
    },
}

/// No certificate of a bundle has a key that was pinned.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "no CA certificate offered has a pinned key: pinned is {}, offered is {}",
    list(expected),
    list(found)
)]
pub struct PinMismatch {
    /// The pins that the operator gave.
    pub expected: Vec<CaPin>,
    /// The pins of the certificates offered.
    pub found: Vec<CaPin>,
}

/// Most certificates that a bundle may have.
const LARGEST_BUNDLE: usize = 64;

impl CaBundle {
    /// Reads the CA certificates of a text in PEM. Text between them is passed over; a certificate that is no CA's is an
    /// error, since trusting it would trust one server for everything.
    pub fn from_pem(text: &[u8]) -> Result<Self, BundleError> {
        let text = std::str::from_utf8(text).map_err(|_| BundleError::NotText)?;
        Self::of_all(Certificate::list_from_pem(text)?)
    }

    /// The same, of certificates in DER.
    pub fn from_der(certificates: &[Vec<u8>]) -> Result<Self, BundleError> {
        let read = certificates.iter().map(|der| Certificate::from_der(der));
        Self::of_all(read.collect::<Result<_, _>>()?)
    }

    fn of_all(given: Vec<Certificate>) -> Result<Self, BundleError> {
        let mut certificates: Vec<Certificate> = Vec::new();
        for certificate in given {
            if !certificate.is_ca() {
                return Err(BundleError::NotACa {
                    subject: certificate.subject().to_string(),
                });
            }
            if !certificates.contains(&certificate) {
                certificates.push(certificate);
            }
        }
        match certificates.len() {
            0 => Err(BundleError::Empty),
            count if count > LARGEST_BUNDLE => Err(BundleError::TooMany(count)),
            _ => Ok(Self(certificates)),
        }
    }

    /// The bundle in PEM.
    pub fn to_pem(&self) -> Result<String, BundleError> {
        let pems: Vec<String> = self
            .0
            .iter()
            .map(Certificate::to_pem)
            .collect::<Result<_, _>>()?;
        Ok(pems.concat())
    }

    /// The certificates; there is at least one.
    pub fn certificates(&self) -> &[Certificate] {
        &self.0
    }

    /// The pins of the certificates, in their order.
    pub fn pins(&self) -> Vec<CaPin> {
        self.0.iter().map(Certificate::pin).collect()
    }

    /// The certificates whose keys are among `pins`, so that a rogue certificate beside a pinned one is not trusted.
    pub fn narrow(&self, pins: &[CaPin]) -> Result<Self, PinMismatch> {
        let pinned: Vec<_> = self
            .0
            .iter()
            .filter(|certificate| pins.contains(&certificate.pin()))
            .cloned()
            .collect();
        if pinned.is_empty() {
            return Err(PinMismatch {
                expected: pins.to_vec(),
                found: self.pins(),
            });
        }
        Ok(Self(pinned))
    }

    pub(crate) fn of(certificate: Certificate) -> Self {
        Self(vec![certificate])
    }
}

impl fmt::Debug for CaBundle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("CaBundle").field(&self.pins()).finish()
    }
}

fn list(pins: &[CaPin]) -> String {
    pins.iter()
        .map(CaPin::to_string)
        .collect::<Vec<_>>()
        .join(", ")
}
