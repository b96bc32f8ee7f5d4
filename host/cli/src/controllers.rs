//! What the controllers are given, wherever they run.

use std::path::Path;

use anyhow::{Context as _, Result};
use jiff::Timestamp;
use slipway_bootstrap::files::Files;
use slipway_bootstrap::layout::Layout;
use slipway_config::duration::GoDuration;
use slipway_config::plugin::{Mode, PluginConfiguration};
use slipway_controller::{Chain, DecisionLog};
use slipway_pki::ca::CertificateAuthority;
use slipway_pki::key::{KeyAlgorithm, PrivateKey};
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

/// The decision log of this machine, with recordings as long as the configuration wants them.
pub(crate) fn decision_log(
    layout: &Layout,
    configuration: &PluginConfiguration,
) -> Result<DecisionLog> {
    let folder = layout.decision_log();
    Ok(match configuration.keep_recordings {
        GoDuration::ZERO => DecisionLog::open(&folder)?,
        keep => DecisionLog::open_with_recordings(&folder, keep.into())?,
    })
}

/// The key that signs where the decision log of this machine ends, made where there is none: `init` makes it for its own
/// server, and nobody for controllers that work elsewhere.
pub(crate) fn log_key(layout: &Layout) -> Result<PrivateKey> {
    if let Some(key) = existing_log_key(layout)? {
        return Ok(key);
    }
    let key = PrivateKey::generate(KeyAlgorithm::Ed25519)?;
    Files::open(layout)?.write(&layout.decision_log_key(), key.to_pem()?.as_bytes())?;
    Ok(key)
}

/// The same, where it is there.
pub(crate) fn existing_log_key(layout: &Layout) -> Result<Option<PrivateKey>> {
    let path = layout.decision_log_key();
    let pem = match std::fs::read(&path) {
        Ok(pem) => Zeroizing::new(pem),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error).with_context(|| format!("cannot read {}", path.display())),
    };
    let text = Zeroizing::new(String::from_utf8_lossy(&pem).into_owned());
    Ok(Some(PrivateKey::from_pem(&text)?))
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
