//! Certificate authorities: made, read, and used to sign.

mod bundle;
mod issue;

use std::fmt;
use std::net::IpAddr;
use std::time::Duration;

use jiff::Timestamp;
use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, IsCa, Issuer, KeyUsagePurpose,
};
use zeroize::Zeroizing;

use crate::certificate::{Certificate, CertificateError, DateError};
use crate::decision::signing::{BACKDATE, SigningError, Validity};
use crate::guardrail::GuardedRequest;
use crate::key::{KeyAlgorithm, KeyError, PrivateKey, PublicKey, Signing};
use crate::time::{earlier, later, whole_seconds};

pub use bundle::{BundleError, CaBundle, PinMismatch};

/// How long a CA made here holds unless it is asked otherwise, as with kubeadm: ten years.
pub const DEFAULT_CA_LIFETIME: Duration = Duration::from_secs(10 * 365 * 24 * 3600);

/// A CA's certificate together with its key.
pub struct CertificateAuthority {
    certificate: Certificate,
    issuer: Issuer<'static, Signing<PrivateKey>>,
}

/// A server's certificate to issue. The names come from the operator or from Slipway itself, never from a request.
#[derive(Clone, Debug)]
pub struct ServerCertificate<'a> {
    /// The common name, for people: `kube-apiserver`.
    pub common_name: &'a str,
    /// DNS names that it is valid for.
    pub dns_names: &'a [String],
    /// Addresses that it is valid for.
    pub addresses: &'a [IpAddr],
}

/// A client's certificate to issue for an identity that Slipway itself sets up, such as the administrator's. Nodes get
/// theirs through [`CertificateAuthority::sign_node`].
#[derive(Clone, Debug)]
pub struct ClientCertificate<'a> {
    /// The user that it stands for.
    pub user: &'a str,
    /// The group that the user belongs to, if any. rcgen can write one organization only.
    pub group: Option<&'a str>,
}

/// Why there is no CA, or no certificate from it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CaError {
    /// The CA's certificate cannot be read, or one that was made cannot be read again.
    #[error("{0}")]
    Certificate(#[from] CertificateError),
    /// The CA's key cannot be read or made.
    #[error("{0}")]
    Key(#[from] KeyError),
    /// Certificate and key do not belong together.
    #[error(
        "the CA's key does not belong to its certificate: the certificate's key is {certificate}, the key is {key}"
    )]
    KeyMismatch {
        /// The hash of the certificate's key.
        certificate: slipway_config::pin::CaPin,
        /// The hash of the key's public half.
        key: slipway_config::pin::CaPin,
    },
    /// The certificate is no CA's.
    #[error(
        "the certificate of {subject} may not sign others: it is not a CA by its basic constraints and key usage"
    )]
    NotACa {
        /// Whose certificate it is.
        subject: String,
    },
    /// The CA does not hold now.
    #[error("{0}")]
    Dates(#[from] DateError),
    /// The CA's name is of a form that issued certificates could not repeat exactly.
    #[error("the CA's subject cannot be repeated exactly in a certificate: {reason}")]
    Subject {
        /// What is unusual about it.
        reason: &'static str,
    },
    /// The lifetime of what is to be signed cannot be had.
    #[error("{0}")]
    Signing(#[from] SigningError),
    /// A certificate was to hold before 1970.
    #[error("a certificate cannot hold at {0}: certificates are made for times after 1970")]
    BeforeEpoch(Timestamp),
    /// A certificate could not be put together or signed.
    #[error("the certificate could not be made: {0}")]
    Issue(#[from] rcgen::Error),
    /// The system gave no randomness for a serial number.
    #[error("no serial number could be made: the system's source of randomness failed")]
    Randomness,
}

impl CertificateAuthority {
    /// Makes a CA with a key of its own, which holds for `lifetime` from `now` and a little before.
    pub fn generate(
        common_name: &str,
        algorithm: KeyAlgorithm,
        lifetime: Duration,
        now: Timestamp,
    ) -> Result<Self, CaError> {
        let key = PrivateKey::generate(algorithm)?;
        let mut params = CertificateParams::default();
        params.distinguished_name = DistinguishedName::new();
        params
            .distinguished_name
            .push(DnType::CommonName, common_name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![
            KeyUsagePurpose::DigitalSignature,
            KeyUsagePurpose::KeyEncipherment,
            KeyUsagePurpose::KeyCertSign,
        ];
        let not_before = whole_seconds(earlier(now, BACKDATE));
        issue::set_validity(
            &mut params,
            Validity {
                not_before,
                not_after: whole_seconds(later(now, lifetime)),
            },
        )?;
        issue::set_serial_number(&mut params)?;
        let made = params.self_signed(&Signing(&key))?;
        Self::assemble(Certificate::from_der(made.der())?, key)
    }

    /// Reads a CA from its certificate and its key, in PEM. Certificate and key must belong together, and the
    /// certificate must be a CA's and hold at `now`.
    pub fn from_pem(certificate: &[u8], key: &str, now: Timestamp) -> Result<Self, CaError> {
        let certificate = Certificate::from_pem(certificate)?;
        certificate.check_dates(now)?;
        Self::assemble(certificate, PrivateKey::from_pem(key)?)
    }

    /// The CA's certificate.
    pub fn certificate(&self) -> &Certificate {
        &self.certificate
    }

    /// The CA's certificate as a bundle of one.
    pub fn bundle(&self) -> CaBundle {
        CaBundle::of(self.certificate.clone())
    }

    /// The CA's key in PEM.
    pub fn key_pem(&self) -> Result<Zeroizing<String>, CaError> {
        Ok(self.issuer.key().0.to_pem()?)
    }

    /// When the CA's own certificate holds.
    pub fn validity(&self) -> Validity {
        Validity {
            not_before: self.certificate.not_before(),
            not_after: self.certificate.not_after(),
        }
    }

    /// Issues a server's certificate for `key`.
    pub fn issue_server(
        &self,
        server: &ServerCertificate<'_>,
        key: &PublicKey,
        validity: Validity,
    ) -> Result<Certificate, CaError> {
        self.sign(issue::server(server)?, key, validity)
    }

    /// Issues a client's certificate for `key`.
    pub fn issue_client(
        &self,
        client: &ClientCertificate<'_>,
        key: &PublicKey,
        validity: Validity,
    ) -> Result<Certificate, CaError> {
        self.sign(issue::client(client), key, validity)
    }

    /// Signs what passed the guardrails. Subject, usages and names are written anew from the checked values; nothing
    /// of the request is copied but the key. `validity` is that of [`crate::decision::signing::validity`].
    pub fn sign_node(
        &self,
        request: &GuardedRequest,
        validity: Validity,
    ) -> Result<Certificate, CaError> {
        self.sign(issue::node(request)?, request.public_key(), validity)
    }

    fn sign(
        &self,
        mut params: CertificateParams,
        key: &PublicKey,
        validity: Validity,
    ) -> Result<Certificate, CaError> {
        issue::set_validity(&mut params, validity)?;
        issue::set_serial_number(&mut params)?;
        params.use_authority_key_identifier_extension = true;
        params.is_ca = IsCa::ExplicitNoCa;
        let key = rcgen::SubjectPublicKeyInfo::from_der(key.spki_der())?;
        Ok(Certificate::from_der(
            params.signed_by(&key, &self.issuer)?.der(),
        )?)
    }

    fn assemble(certificate: Certificate, key: PrivateKey) -> Result<Self, CaError> {
        if certificate.public_key() != key.public_key() {
            return Err(CaError::KeyMismatch {
                certificate: certificate.pin(),
                key: key.public_key().pin(),
            });
        }
        if !certificate.is_ca() {
            return Err(CaError::NotACa {
                subject: certificate.subject().to_string(),
            });
        }
        if certificate.name().iter_rdn().any(|rdn| rdn.len() != 1) {
            return Err(CaError::Subject {
                reason: "a part of it does not have exactly one attribute",
            });
        }
        let der = certificate.der().to_vec().into();
        let authority = Self {
            issuer: Issuer::from_ca_cert_der(&der, Signing(key))?,
            certificate,
        };
        authority.check_issuer()
    }

    /// rcgen keeps a name as a map, in which a second O or OU of the CA is lost: then nobody could find the issuer of
    /// what it signs. So one certificate is signed and looked at.
    fn check_issuer(self) -> Result<Self, CaError> {
        let client = ClientCertificate {
            user: "probe",
            group: None,
        };
        let probe = self.issue_client(&client, self.certificate.public_key(), self.validity())?;
        if probe.issuer_der()? != self.certificate.subject_der()? {
            return Err(CaError::Subject {
                reason: "it has the same attribute twice, or an unusual one",
            });
        }
        if !probe.is_signed_by(&self.certificate) {
            return Err(CaError::Subject {
                reason: "a certificate signed with the CA's key does not verify",
            });
        }
        Ok(self)
    }
}

impl fmt::Debug for CertificateAuthority {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("CertificateAuthority")
            .field(&self.certificate)
            .finish()
    }
}

#[cfg(test)]
pub(crate) mod tests;
