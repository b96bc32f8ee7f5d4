//! The cluster's CA and what it issues on this machine: the API server's certificate and the administrator's.
//!
//! What is there and good is kept, an operator's own CA included; what is missing is made. The key is always on disk
//! before the certificate that belongs to it.

use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::Timestamp;
use ring::rand::{SecureRandom, SystemRandom};
use slipway_pki::ca::{CaError, CertificateAuthority, ClientCertificate, ServerCertificate};
use slipway_pki::certificate::Certificate;
use slipway_pki::decision::signing;
use slipway_pki::key::{KeyAlgorithm, PrivateKey};
use zeroize::Zeroizing;

use super::settings::Settings;
use crate::files::{FileError, Files, exists, read_optional};
use crate::layout::Layout;

/// The CA's common name, as kubeadm has it.
const CA_NAME: &str = "kubernetes";
const ADMINISTRATOR: &str = "kubernetes-admin";
const ADMINISTRATORS: &str = "system:masters";

/// A certificate that ends within this time is made anew; one that is made for less than three times as long, once a
/// third of its time is left.
const RENEWAL: Duration = Duration::from_secs(30 * 24 * 3600);

/// The trust of a cluster, in memory and on disk.
#[derive(Debug)]
pub struct Certificates {
    /// The cluster's CA.
    pub authority: CertificateAuthority,
    /// The API server's identity.
    pub server: Identity,
    /// The administrator's identity; its place on disk is admin.conf.
    pub administrator: Identity,
    /// Whether the CA was there before.
    pub ca: Origin,
}

/// A certificate with its key.
#[derive(Debug)]
pub struct Identity {
    /// The certificate.
    pub certificate: Certificate,
    /// Its key.
    pub key: PrivateKey,
}

/// Where the CA comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// It was made by this run.
    Made,
    /// An earlier run made it.
    Kept,
    /// The operator put it there.
    Given,
}

/// The cluster's trust could not be made.
#[derive(Debug, thiserror::Error)]
pub enum CertsError {
    /// A file.
    #[error(transparent)]
    File(#[from] FileError),
    /// One half of the CA is there, and the other is not.
    #[error("there is {} without {}", found.display(), missing.display())]
    HalfCa {
        /// What is there.
        found: PathBuf,
        /// What is not.
        missing: PathBuf,
    },
    /// The phase that makes the CA was left out, and there is none.
    #[error("there is no {}, and the phase certs, which would make it, was left out", path.display())]
    Missing {
        /// What is missing.
        path: PathBuf,
    },
    /// The CA that is there cannot be used.
    #[error("the CA in {} cannot be used: {source}", path.display())]
    BadCa {
        /// The certificate's file.
        path: PathBuf,
        /// Why not.
        #[source]
        source: CaError,
    },
    /// A key or certificate could not be made.
    #[error("cannot make {what}: {reason}")]
    Make {
        /// What was to be made.
        what: &'static str,
        /// Why it failed.
        reason: String,
    },
}

/// Makes or takes up the CA and everything that it issues.
pub fn create(
    files: &mut Files,
    settings: &Settings,
    now: Timestamp,
) -> Result<Certificates, CertsError> {
    let (authority, ca) = authority(files, settings, now)?;
    let server = server(files, &authority, settings, now)?;
    let administrator = issue(
        &authority,
        settings,
        now,
        "the administrator's certificate",
        |key, validity| {
            let client = ClientCertificate {
                user: ADMINISTRATOR,
                group: Some(ADMINISTRATORS),
            };
            authority.issue_client(&client, key.public_key(), validity)
        },
    )?;
    secrets(files)?;
    Ok(Certificates {
        authority,
        server,
        administrator,
        ca,
    })
}

/// Fails unless there is a CA to go on with.
pub(super) fn require(layout: &Layout) -> Result<(), CertsError> {
    for path in [layout.ca_certificate(), layout.ca_key()] {
        if !exists(&path)? {
            return Err(CertsError::Missing { path });
        }
    }
    Ok(())
}

fn authority(
    files: &mut Files,
    settings: &Settings,
    now: Timestamp,
) -> Result<(CertificateAuthority, Origin), CertsError> {
    let (certificate_path, key_path) = (files.layout().ca_certificate(), files.layout().ca_key());
    match (read_optional(&certificate_path)?, read_secret(&key_path)?) {
        (Some(certificate), Some(key)) => {
            let authority =
                CertificateAuthority::from_pem(&certificate, &key, now).map_err(|source| {
                    CertsError::BadCa {
                        path: certificate_path.clone(),
                        source,
                    }
                })?;
            let origin = if files.is_ours(&key_path)? {
                Origin::Kept
            } else {
                Origin::Given
            };
            Ok((authority, origin))
        }
        (Some(_), None) => Err(CertsError::HalfCa {
            found: certificate_path,
            missing: key_path,
        }),
        (None, Some(_)) if !files.is_ours(&key_path)? => Err(CertsError::HalfCa {
            found: key_path,
            missing: certificate_path,
        }),
        // A key of ours without a certificate is what a crash in between leaves; nothing was signed with it.
        (None, _) => {
            let authority = new_authority(settings, now)?;
            let key = authority
                .key_pem()
                .map_err(|error| failed("the CA", &error))?;
            files.write(&key_path, key.as_bytes())?;
            files.write(
                &certificate_path,
                pem("the CA", authority.certificate())?.as_bytes(),
            )?;
            Ok((authority, Origin::Made))
        }
    }
}

/// A CA as the settings want one; on no disk yet.
pub(super) fn new_authority(
    settings: &Settings,
    now: Timestamp,
) -> Result<CertificateAuthority, CertsError> {
    let (algorithm, lifetime) = (settings.key_algorithm, settings.lifetimes.ca);
    CertificateAuthority::generate(CA_NAME, algorithm, lifetime, now)
        .map_err(|error| failed("the CA", &error))
}

fn server(
    files: &mut Files,
    authority: &CertificateAuthority,
    settings: &Settings,
    now: Timestamp,
) -> Result<Identity, CertsError> {
    const WHAT: &str = "the API server's certificate";
    let (certificate_path, key_path) = (
        files.layout().apiserver_certificate(),
        files.layout().apiserver_key(),
    );
    let names = settings.server_names();
    if let (Some(certificate), Some(key)) =
        (read_optional(&certificate_path)?, read_secret(&key_path)?)
    {
        let kept = Certificate::from_pem(&certificate)
            .ok()
            .zip(PrivateKey::from_pem(&key).ok());
        if let Some((certificate, key)) =
            kept.filter(|(certificate, key)| is_good(certificate, key, authority, settings, now))
        {
            return Ok(Identity { certificate, key });
        }
    }
    let identity = issue(authority, settings, now, WHAT, |key, validity| {
        let server = ServerCertificate {
            common_name: "kube-apiserver",
            dns_names: &names.dns,
            addresses: &names.addresses,
        };
        authority.issue_server(&server, key.public_key(), validity)
    })?;
    let key = identity
        .key
        .to_pem()
        .map_err(|error| failed(WHAT, &error))?;
    files.write(&key_path, key.as_bytes())?;
    files.write(
        &certificate_path,
        pem(WHAT, &identity.certificate)?.as_bytes(),
    )?;
    Ok(identity)
}

/// Whether an API server's certificate of an earlier run still serves.
fn is_good(
    certificate: &Certificate,
    key: &PrivateKey,
    authority: &CertificateAuthority,
    settings: &Settings,
    now: Timestamp,
) -> bool {
    let names = settings.server_names();
    certificate.public_key() == key.public_key()
        && certificate.is_signed_by(authority.certificate())
        && is_current(certificate, settings, now)
        && !now
            .checked_add(settings.lifetimes.issued)
            .is_ok_and(|then| then < certificate.not_after())
        && names
            .dns
            .iter()
            .all(|name| certificate.is_for_dns_name(name))
        && names
            .addresses
            .iter()
            .all(|address| certificate.is_for_address(*address))
}

/// Whether a certificate holds, and will for a while.
pub(super) fn is_current(certificate: &Certificate, settings: &Settings, now: Timestamp) -> bool {
    certificate.check_dates(now).is_ok()
        && now
            .checked_add(RENEWAL.min(settings.lifetimes.issued / 3))
            .is_ok_and(|soon| soon < certificate.not_after())
}

fn issue(
    authority: &CertificateAuthority,
    settings: &Settings,
    now: Timestamp,
    what: &'static str,
    sign: impl FnOnce(&PrivateKey, signing::Validity) -> Result<Certificate, CaError>,
) -> Result<Identity, CertsError> {
    let key = PrivateKey::generate(settings.key_algorithm).map_err(|error| failed(what, &error))?;
    let validity = signing::validity(now, None, settings.lifetimes.issued, authority.validity())
        .map_err(|error| failed(what, &error))?;
    let certificate = sign(&key, validity).map_err(|error| failed(what, &error))?;
    Ok(Identity { certificate, key })
}

/// Keys that never leave this machine: what signs the heads of the decision log, and what seals a store's tokens.
fn secrets(files: &mut Files) -> Result<(), CertsError> {
    const LOG: &str = "the decision log's key";
    let path = files.layout().decision_log_key();
    if !exists(&path)? {
        let key =
            PrivateKey::generate(KeyAlgorithm::Ed25519).map_err(|error| failed(LOG, &error))?;
        files.write(
            &path,
            key.to_pem()
                .map_err(|error| failed(LOG, &error))?
                .as_bytes(),
        )?;
    }
    let path = files.layout().sealing_key();
    if !exists(&path)? {
        let mut key = Zeroizing::new([0_u8; 32]);
        SystemRandom::new()
            .fill(key.as_mut_slice())
            .map_err(|_| CertsError::Make {
                what: "the key that seals tokens",
                reason: "the system's source of randomness failed".to_owned(),
            })?;
        files.write(&path, key.as_slice())?;
    }
    Ok(())
}

fn read_secret(path: &Path) -> Result<Option<Zeroizing<String>>, FileError> {
    Ok(read_optional(path)?
        .map(|bytes| Zeroizing::new(String::from_utf8_lossy(&bytes).into_owned())))
}

fn pem(what: &'static str, certificate: &Certificate) -> Result<String, CertsError> {
    certificate.to_pem().map_err(|error| failed(what, &error))
}

fn failed(what: &'static str, error: &dyn std::error::Error) -> CertsError {
    CertsError::Make {
        what,
        reason: error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::init::settings::Lifetimes;
    use crate::init::settings::tests::settings;
    use crate::layout::Layout;

    fn workspace() -> (tempfile::TempDir, Files) {
        let folder = tempfile::tempdir().unwrap();
        let files = Files::open(&Layout::under(folder.path())).unwrap();
        (folder, files)
    }

    #[test]
    fn a_cluster_gets_a_ca_a_server_and_an_administrator() {
        let (_folder, mut files) = workspace();
        let made = create(&mut files, &settings("10.0.0.1:6443"), Timestamp::now()).unwrap();
        assert_eq!(made.ca, Origin::Made);
        assert!(
            made.server
                .certificate
                .is_signed_by(made.authority.certificate())
        );
        assert!(
            made.server
                .certificate
                .is_for_address("10.0.0.1".parse().unwrap())
        );
        assert!(
            made.server
                .certificate
                .is_for_dns_name("kubernetes.default.svc")
        );
        assert_eq!(
            made.administrator.certificate.subject().organizations,
            ["system:masters"]
        );
    }

    #[test]
    fn a_second_run_keeps_ca_and_server_and_adds_names_when_asked() {
        let (_folder, mut files) = workspace();
        let mut wanted = settings("10.0.0.1:6443");
        let first = create(&mut files, &wanted, Timestamp::now()).unwrap();
        let second = create(&mut files, &wanted, Timestamp::now()).unwrap();
        assert_eq!(second.ca, Origin::Kept);
        assert_eq!(
            second.authority.certificate(),
            first.authority.certificate()
        );
        assert_eq!(second.server.certificate, first.server.certificate);
        wanted.extra_sans = vec!["bastion.example".parse().unwrap()];
        let third = create(&mut files, &wanted, Timestamp::now()).unwrap();
        assert!(third.server.certificate.is_for_dns_name("bastion.example"));
        assert_eq!(third.authority.certificate(), first.authority.certificate());
    }

    #[test]
    fn everything_holds_as_long_as_was_asked_for() {
        const HOUR: u64 = 3600;
        let (_folder, mut files) = workspace();
        let mut wanted = settings("10.0.0.1:6443");
        wanted.lifetimes = Lifetimes {
            ca: Duration::from_secs(100 * HOUR),
            issued: Duration::from_secs(6 * HOUR),
        };
        let now = Timestamp::from_second(Timestamp::now().as_second()).unwrap();
        let after = |hours| now + jiff::SignedDuration::from_hours(hours);
        let made = create(&mut files, &wanted, now).unwrap();
        assert_eq!(made.authority.certificate().not_after(), after(100));
        assert_eq!(made.server.certificate.not_after(), after(6));
        assert_eq!(made.administrator.certificate.not_after(), after(6));

        let later = create(&mut files, &wanted, after(3)).unwrap();
        assert_eq!(later.server.certificate, made.server.certificate);
        let near_its_end = create(&mut files, &wanted, after(5)).unwrap();
        assert_eq!(near_its_end.server.certificate.not_after(), after(11));
        wanted.lifetimes.issued = Duration::from_secs(HOUR);
        let shorter = create(&mut files, &wanted, after(5)).unwrap();
        assert_eq!(shorter.server.certificate.not_after(), after(6));
        assert_eq!(
            shorter.authority.certificate(),
            made.authority.certificate()
        );
    }

    #[test]
    fn an_operators_own_ca_is_used_and_left_alone() {
        let (_folder, mut files) = workspace();
        let theirs = CertificateAuthority::generate(
            "theirs",
            KeyAlgorithm::EcdsaP384,
            Lifetimes::default().ca,
            Timestamp::now(),
        )
        .unwrap();
        fs::create_dir_all(files.layout().certificates()).unwrap();
        fs::write(
            files.layout().ca_certificate(),
            theirs.certificate().to_pem().unwrap(),
        )
        .unwrap();
        fs::write(
            files.layout().ca_key(),
            theirs.key_pem().unwrap().as_bytes(),
        )
        .unwrap();
        let made = create(&mut files, &settings("10.0.0.1:6443"), Timestamp::now()).unwrap();
        assert_eq!(made.ca, Origin::Given);
        assert_eq!(made.authority.certificate(), theirs.certificate());
        assert!(files.manifest().entry(&files.layout().ca_key()).is_none());
    }

    #[test]
    fn half_a_ca_is_refused_unless_a_crash_of_ours_left_it() {
        let (_folder, mut files) = workspace();
        let wanted = settings("10.0.0.1:6443");
        create(&mut files, &wanted, Timestamp::now()).unwrap();
        let key = fs::read(files.layout().ca_key()).unwrap();
        fs::remove_file(files.layout().ca_certificate()).unwrap();
        let again = create(&mut files, &wanted, Timestamp::now()).unwrap();
        assert_eq!(again.ca, Origin::Made);
        assert!(
            again
                .server
                .certificate
                .is_signed_by(again.authority.certificate())
        );
        assert_ne!(fs::read(files.layout().ca_key()).unwrap(), key);

        fs::remove_file(files.layout().ca_key()).unwrap();
        let error = create(&mut files, &wanted, Timestamp::now()).unwrap_err();
        assert!(matches!(error, CertsError::HalfCa { .. }), "{error}");
    }

    #[test]
    fn an_expired_ca_is_named_as_such() {
        let (_folder, mut files) = workspace();
        create(&mut files, &settings("10.0.0.1:6443"), Timestamp::now()).unwrap();
        let later = Timestamp::now() + jiff::SignedDuration::from_hours(24 * 365 * 20);
        let error = create(&mut files, &settings("10.0.0.1:6443"), later).unwrap_err();
        assert!(error.to_string().contains("expired"), "{error}");
    }
}
