//! Certificates as they are read: what they say, who signed them, when they hold.

mod names;

use std::fmt;
use std::net::IpAddr;

use der::asn1::ObjectIdentifier;
use der::{Decode, Encode};
use jiff::Timestamp;
use slipway_config::pin::CaPin;
use x509_cert::ext::pkix::{
    BasicConstraints, ExtendedKeyUsage, KeyUsage, KeyUsages, SubjectAltName,
};

use crate::key::{PublicKey, PublicKeyError};
use crate::pem::{self, PemError};
use crate::signer::Usage;

pub use names::{AlternativeNames, Subject};
pub(crate) use names::{COMMON_NAME, ORGANIZATION, address, text};

const LABEL: &str = "CERTIFICATE";
const CLIENT_AUTH: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.3.2");
const SERVER_AUTH: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.3.1");

/// A certificate that could be read. Nothing is said about who signed it ([`Certificate::is_signed_by`]) or whether it
/// holds now ([`Certificate::check_dates`]).
#[derive(Clone, PartialEq, Eq)]
pub struct Certificate {
    der: Vec<u8>,
    parsed: x509_cert::Certificate,
    subject: Subject,
    alternative_names: AlternativeNames,
    public_key: PublicKey,
    not_before: Timestamp,
    not_after: Timestamp,
}

/// Why a certificate cannot be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CertificateError {
    /// The PEM around it cannot be read.
    #[error("the certificate is no PEM: {0}")]
    Pem(#[from] PemError),
    /// It is no X.509 certificate in DER.
    #[error("it is not an X.509 certificate in DER: {0}")]
    Malformed(#[from] der::Error),
    /// It carries a key that is not accepted.
    #[error("the certificate's key is not accepted: {0}")]
    PublicKey(#[from] PublicKeyError),
    /// It has the same extension twice.
    #[error("the certificate has the extension {0} twice")]
    DuplicateExtension(String),
    /// Its dates are outside what a timestamp can hold.
    #[error("the certificate's dates cannot be represented: {0}")]
    Dates(#[from] jiff::Error),
}

/// A certificate used outside its time, with both times, so that a wrong clock can be told from an old certificate.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DateError {
    /// It does not hold yet.
    #[error("the certificate holds from {not_before} on, and by this machine's clock it is {now}")]
    NotYetValid {
        /// When it begins to hold.
        not_before: Timestamp,
        /// The time it was checked at.
        now: Timestamp,
    },
    /// It has expired.
    #[error("the certificate expired at {not_after}, and by this machine's clock it is {now}")]
    Expired {
        /// The last moment at which it held.
        not_after: Timestamp,
        /// The time it was checked at.
        now: Timestamp,
    },
}

impl Certificate {
    /// Reads a certificate in DER, with nothing after it.
    pub fn from_der(der: &[u8]) -> Result<Self, CertificateError> {
        let parsed = x509_cert::Certificate::from_der(der)?;
        let body = parsed.tbs_certificate();
        let extensions = body.extensions().map_or(&[][..], Vec::as_slice);
        for (index, extension) in extensions.iter().enumerate() {
            if extensions
                .iter()
                .take(index)
                .any(|earlier| earlier.extn_id == extension.extn_id)
            {
                return Err(CertificateError::DuplicateExtension(
                    extension.extn_id.to_string(),
                ));
            }
        }
        let alternative_names = match body.get_extension::<SubjectAltName>()? {
            Some((_, names)) => AlternativeNames::from_general_names(&names.0),
            None => AlternativeNames::default(),
        };
        let validity = body.validity();
        Ok(Self {
            der: der.to_vec(),
            subject: Subject::from_name(body.subject()),
            alternative_names,
            public_key: PublicKey::from_spki_der(&body.subject_public_key_info().to_der()?)?,
            not_before: timestamp(validity.not_before)?,
            not_after: timestamp(validity.not_after)?,
            parsed,
        })
    }

    /// Reads one certificate in PEM with nothing but white space around it.
    pub fn from_pem(pem: &[u8]) -> Result<Self, CertificateError> {
        Self::from_der(&pem::single(pem, LABEL)?)
    }

    /// Reads the certificates of a text in their order, passing over other blocks and text between them.
    pub fn list_from_pem(text: &str) -> Result<Vec<Self>, CertificateError> {
        let (blocks, _) = pem::blocks(text)?;
        let certificates = blocks.iter().filter(|block| block.label == LABEL);
        certificates
            .map(|block| Self::from_der(&block.decode()?))
            .collect()
    }

    /// The certificate in DER.
    pub fn der(&self) -> &[u8] {
        &self.der
    }

    /// The certificate in PEM, ending with a line feed.
    pub fn to_pem(&self) -> Result<String, CertificateError> {
        Ok(pem::encode(LABEL, &self.der)?)
    }

    /// Common name and organizations.
    pub fn subject(&self) -> &Subject {
        &self.subject
    }

    /// The subject in DER, by which issued certificates name their issuer.
    pub(crate) fn subject_der(&self) -> Result<Vec<u8>, CertificateError> {
        Ok(self.parsed.tbs_certificate().subject().to_der()?)
    }

    /// The issuer in DER.
    pub(crate) fn issuer_der(&self) -> Result<Vec<u8>, CertificateError> {
        Ok(self.parsed.tbs_certificate().issuer().to_der()?)
    }

    /// The names that it is valid for.
    pub fn alternative_names(&self) -> &AlternativeNames {
        &self.alternative_names
    }

    /// Whether it is valid for a server of this name.
    pub fn is_for_dns_name(&self, name: &str) -> bool {
        self.alternative_names
            .dns
            .iter()
            .any(|own| own.eq_ignore_ascii_case(name))
    }

    /// Whether it is valid for a server at this address.
    pub fn is_for_address(&self, address: IpAddr) -> bool {
        self.alternative_names.addresses.contains(&address)
    }

    /// The key that it vouches for.
    pub fn public_key(&self) -> &PublicKey {
        &self.public_key
    }

    /// The hash of its key that a joining node can be given.
    pub fn pin(&self) -> CaPin {
        self.public_key.pin()
    }

    /// When it begins to hold.
    pub fn not_before(&self) -> Timestamp {
        self.not_before
    }

    /// The last moment at which it holds.
    pub fn not_after(&self) -> Timestamp {
        self.not_after
    }

    /// Whether it holds at `now`.
    pub fn check_dates(&self, now: Timestamp) -> Result<(), DateError> {
        if now < self.not_before {
            return Err(DateError::NotYetValid {
                not_before: self.not_before,
                now,
            });
        }
        if now > self.not_after {
            return Err(DateError::Expired {
                not_after: self.not_after,
                now,
            });
        }
        Ok(())
    }

    /// The serial number in upper-case hex.
    pub fn serial_number(&self) -> String {
        let bytes = self.parsed.tbs_certificate().serial_number();
        bytes
            .as_bytes()
            .iter()
            .map(|byte| format!("{byte:02X}"))
            .collect()
    }

    /// Whether it may sign other certificates: a CA by its basic constraints, and its key usage, where it has one,
    /// allows it.
    pub fn is_ca(&self) -> bool {
        let body = self.parsed.tbs_certificate();
        let is_ca = matches!(body.get_extension::<BasicConstraints>(), Ok(Some((_, constraints))) if constraints.ca);
        let may_sign = match body.get_extension::<KeyUsage>() {
            Ok(Some((_, usage))) => usage.0.contains(KeyUsages::KeyCertSign),
            Ok(None) => true,
            Err(_) => false,
        };
        is_ca && may_sign
    }

    /// The usages that a node's certificate can have, as far as this one has them.
    pub fn usages(&self) -> Vec<Usage> {
        let body = self.parsed.tbs_certificate();
        let key_usage = body
            .get_extension::<KeyUsage>()
            .ok()
            .flatten()
            .map(|(_, usage)| usage.0);
        let extended = body
            .get_extension::<ExtendedKeyUsage>()
            .ok()
            .flatten()
            .map(|(_, usage)| usage.0);
        let has = |oid| {
            extended
                .as_ref()
                .is_some_and(|usages| usages.contains(&oid))
        };
        Usage::ALL
            .into_iter()
            .filter(|usage| match usage {
                Usage::DigitalSignature => {
                    key_usage.is_some_and(|flags| flags.contains(KeyUsages::DigitalSignature))
                }
                Usage::KeyEncipherment => {
                    key_usage.is_some_and(|flags| flags.contains(KeyUsages::KeyEncipherment))
                }
                Usage::ClientAuth => has(CLIENT_AUTH),
                Usage::ServerAuth => has(SERVER_AUTH),
            })
            .collect()
    }

    /// Whether `issuer`'s key signed it and it names `issuer` as its issuer. Says nothing about dates, nor whether
    /// `issuer` may sign.
    pub fn is_signed_by(&self, issuer: &Self) -> bool {
        let body = self.parsed.tbs_certificate();
        let Ok(message) = body.to_der() else {
            return false;
        };
        let Some(signature) = self.parsed.signature().as_bytes() else {
            return false;
        };
        body.issuer() == issuer.parsed.tbs_certificate().subject()
            && body.signature() == self.parsed.signature_algorithm()
            && issuer
                .public_key
                .verify(body.signature(), &message, signature)
                .is_ok()
    }

    pub(crate) fn name(&self) -> &x509_cert::name::Name {
        self.parsed.tbs_certificate().subject()
    }
}

impl fmt::Debug for Certificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Certificate")
            .field("subject", &self.subject)
            .field("alternative_names", &self.alternative_names)
            .field("public_key", &self.public_key)
            .field("not_before", &self.not_before)
            .field("not_after", &self.not_after)
            .finish_non_exhaustive()
    }
}

fn timestamp(time: x509_cert::time::Time) -> Result<Timestamp, jiff::Error> {
    Timestamp::from_second(i64::try_from(time.to_unix_duration().as_secs()).unwrap_or(i64::MAX))
}

#[cfg(test)]
mod tests;
