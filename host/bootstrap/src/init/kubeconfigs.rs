//! admin.conf: how an administrator reaches the cluster.

use jiff::Timestamp;
use slipway_pki::key::PrivateKey;
use slipway_pki::kubeconfig::{Credentials, Kubeconfig};

use super::InitError;
use super::certs::{Certificates, is_current};
use super::settings::Settings;
use crate::files::{Files, read_optional};

const USER: &str = "kubernetes-admin";

/// Writes admin.conf, with the certificate of this run.
pub(super) fn write(
    files: &mut Files,
    settings: &Settings,
    certificates: &Certificates,
) -> Result<(), InitError> {
    let failed = |error: &dyn std::error::Error| InitError::Kubeconfig(error.to_string());
    let administrator = &certificates.administrator;
    let key = PrivateKey::from_pkcs8_der(administrator.key.pkcs8_der())
        .map_err(|error| failed(&error))?;
    let kubeconfig = Kubeconfig {
        cluster_name: settings.cluster_name.to_string(),
        endpoints: settings.servers(),
        ca: Some(certificates.authority.bundle()),
        tls_server_name: None,
        identity: Some((
            USER.to_owned(),
            Credentials::ClientCertificate {
                chain: vec![administrator.certificate.clone()],
                key: Box::new(key),
            },
        )),
        namespace: None,
    };
    let text = kubeconfig.to_yaml().map_err(|error| failed(&error))?;
    files.write(&files.layout().admin_kubeconfig(), text.as_bytes())?;
    Ok(())
}

/// Whether the admin.conf that is there is one of ours, for this cluster, and will be of use for a while.
pub(super) fn is_good(
    files: &Files,
    settings: &Settings,
    certificates: &Certificates,
    now: Timestamp,
) -> Result<bool, InitError> {
    let path = files.layout().admin_kubeconfig();
    if !files.is_ours(&path)? {
        return Ok(false);
    }
    let Some(text) = read_optional(&path)? else {
        return Ok(false);
    };
    let text = zeroize::Zeroizing::new(text);
    let Ok(kubeconfig) = Kubeconfig::parse(&text) else {
        return Ok(false);
    };
    let serves = match &kubeconfig.identity {
        Some((_, Credentials::ClientCertificate { chain, .. })) => {
            chain.first().is_some_and(|leaf| {
                leaf.is_signed_by(certificates.authority.certificate())
                    && is_current(leaf, settings, now)
            })
        }
        _ => false,
    };
    Ok(serves
        && kubeconfig.cluster_name == settings.cluster_name.as_str()
        && kubeconfig.endpoints == settings.servers())
}
