//! The node's identity where its kubelet looks for it.

use std::path::Path;

use jiff::Timestamp;
use slipway_pki::ca::CaBundle;
use slipway_pki::certificate::Certificate;
use slipway_pki::decision::trust::VerifiedTrust;
use slipway_pki::key::PrivateKey;
use slipway_pki::kubeconfig::{ClientCertificateFiles, Credentials, Kubeconfig};
use zeroize::Zeroizing;

use super::JoinError;
use crate::files::{Files, Write, read_optional};
use crate::layout::Layout;

const CLUSTER: &str = "default-cluster";
const USER: &str = "default-auth";

/// Writes the client certificate with its key, the CA, and last kubelet.conf, which refers to them: while it is
/// missing, the node has not joined.
///
/// The certificate goes into a dated file, with a symbolic link to it: kubelet replaces the link when it renews the
/// certificate, and refuses to replace anything else.
pub(super) fn install(
    files: &mut Files,
    trust: &VerifiedTrust,
    chain: &[Certificate],
    key: &PrivateKey,
) -> Result<(), JoinError> {
    let failed = |error: &dyn std::error::Error| JoinError::Kubeconfig(error.to_string());
    let mut pem = Zeroizing::new(String::new());
    for certificate in chain {
        pem.push_str(&certificate.to_pem().map_err(|error| failed(&error))?);
    }
    pem.push_str(&key.to_pem().map_err(|error| failed(&error))?);
    let layout = files.layout().clone();
    let dated = dated_name(chain.first());
    let current = layout.kubelet_client_current().display().to_string();
    let kubeconfig = Kubeconfig {
        cluster_name: CLUSTER.to_owned(),
        endpoints: trust.endpoints().to_vec(),
        ca: Some(trust.ca().clone()),
        tls_server_name: None,
        identity: Some((
            USER.to_owned(),
            Credentials::ClientCertificateFiles(ClientCertificateFiles {
                certificate: current.clone(),
                key: current,
            }),
        )),
        namespace: Some("default".to_owned()),
    };
    let text = kubeconfig.to_yaml().map_err(|error| failed(&error))?;
    let mut writes = vec![
        Write::file(layout.kubelet().join(&dated), pem.as_bytes()),
        Write::link(layout.kubelet_client_current(), &dated),
    ];
    let ca;
    if !holds(&layout.ca_certificate(), trust.ca())? {
        ca = trust.ca().to_pem().map_err(|error| failed(&error))?;
        writes.push(Write::file(layout.ca_certificate(), ca.as_bytes()));
    }
    writes.push(Write::file(layout.kubelet_kubeconfig(), text.as_bytes()));
    Ok(files.write_all(&writes)?)
}

/// When the certificate that the kubelet uses now ends; none where it cannot be read.
pub(super) fn current_expiry(layout: &Layout) -> Option<Timestamp> {
    let text = Zeroizing::new(std::fs::read_to_string(layout.kubelet_client_current()).ok()?);
    Some(Certificate::list_from_pem(&text).ok()?.first()?.not_after())
}

/// `kubelet-client-2026-11-24-19-30-00.pem`, from the start of the certificate's validity, so that a second run after
/// a crash writes the same file.
fn dated_name(leaf: Option<&Certificate>) -> String {
    let from = leaf.map(Certificate::not_before).unwrap_or_default();
    format!("kubelet-client-{}.pem", from.strftime("%Y-%m-%d-%H-%M-%S"))
}

/// The CA is there already where the machine also made the cluster, or where somebody put it there for the node.
fn holds(path: &Path, ca: &CaBundle) -> Result<bool, JoinError> {
    let found = read_optional(path)?;
    Ok(found
        .and_then(|pem| CaBundle::from_pem(&pem).ok())
        .is_some_and(|found| found == *ca))
}
