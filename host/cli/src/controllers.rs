//! What the controllers are given, wherever they run.

use std::path::Path;

use anyhow::{Context as _, Result};
use jiff::Timestamp;
use slipway_config::plugin::Mode;
use slipway_controller::Chain;
use slipway_pki::ca::CertificateAuthority;
use slipway_plugin::{Configured, CsrApprover};
use zeroize::Zeroizing;

/// The CA that signs, from its files.
pub(crate) fn authority(certificate: &Path, key: &Path) -> Result<CertificateAuthority> {
    let read = |file: &Path| {
        std::fs::read(file).with_context(|| format!("cannot read {}", file.display()))
    };
    let pem = Zeroizing::new(read(key)?);
    // What is no text is no PEM either, and is refused as such.
    let pem = Zeroizing::new(String::from_utf8_lossy(&pem).into_owned());
    CertificateAuthority::from_pem(&read(certificate)?, &pem, Timestamp::now()).with_context(|| {
        format!(
            "the CA {} and its key {} cannot be used",
            certificate.display(),
            key.display()
        )
    })
}

/// The approvers that decide, and those that look on.
pub(crate) fn chain(approvers: Vec<Configured<dyn CsrApprover>>) -> Chain {
    let (enforced, shadow): (Vec<_>, Vec<_>) = approvers
        .into_iter()
        .partition(|approver| approver.mode == Mode::Enforce);
    let plugins = |approvers: Vec<Configured<dyn CsrApprover>>| {
        approvers.into_iter().map(|one| one.plugin).collect()
    };
    Chain::new(plugins(enforced)).with_shadow(plugins(shadow))
}
