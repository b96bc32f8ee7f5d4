//! What a join keeps on disk, so that a later run goes on where an earlier one stopped.
//!
//! The key and the request are there before the first byte is sent; the names of the requests that were submitted, before
//! they are waited for; the certificate, as soon as it was delivered. All of it goes when the join is complete, but
//! for the record that says so.

use std::path::PathBuf;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use slipway_config::endpoint::ApiServerUrl;
use slipway_config::name::NodeName;
use slipway_config::posture::PostureEntry;
use slipway_pki::csr::{CertificateRequest, NodeCsr};
use slipway_pki::key::{KeyAlgorithm, PrivateKey};

use super::JoinError;
use crate::files::{Files, read_optional};
use crate::layout::Layout;

const VERSION: u32 = 1;

/// How far a join came.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Record {
    version: u32,
    /// The node's name.
    pub node: NodeName,
    /// Requests that were submitted with the key, the newest last.
    pub requests: Vec<String>,
    /// Set once the node has its identity.
    pub joined: Option<JoinedRecord>,
}

/// The outcome of a complete join.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct JoinedRecord {
    /// The API server in kubelet.conf.
    pub server: ApiServerUrl,
    /// When the certificate that was delivered expires.
    pub certificate_expires: Timestamp,
    /// What was accepted to trust the cluster.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub posture: Vec<PostureEntry>,
}

/// The node's key with the request for it, both on disk.
#[derive(Debug)]
pub(super) struct Keyed {
    /// The key.
    pub key: PrivateKey,
    /// The request in PEM, byte for byte as it is submitted.
    pub request: String,
    /// Whether an earlier run made them.
    pub kept: bool,
}

/// Reads the record of an earlier run.
pub(super) fn load(layout: &Layout) -> Result<Option<Record>, JoinError> {
    let path = record_path(layout);
    let Some(text) = read_optional(&path)? else {
        return Ok(None);
    };
    let damaged = |reason: String| JoinError::Damaged {
        path: path.clone(),
        reason,
    };
    let record: Record =
        serde_json::from_slice(&text).map_err(|error| damaged(error.to_string()))?;
    if record.version != VERSION {
        return Err(damaged(format!(
            "it has version {}, expected {VERSION}",
            record.version
        )));
    }
    Ok(Some(record))
}

/// Takes up the key and the request of an earlier run, or makes them; durable when it returns.
pub(super) fn prepare(
    files: &mut Files,
    node: &NodeName,
    algorithm: KeyAlgorithm,
) -> Result<(Keyed, Record), JoinError> {
    if let Some(record) = load(files.layout())? {
        if record.node != *node {
            return Err(JoinError::OtherNode {
                started: record.node,
                asked: node.clone(),
            });
        }
        if let Some(keyed) = kept(files.layout(), node)? {
            return Ok((keyed, record));
        }
    }
    let record = Record {
        version: VERSION,
        node: node.clone(),
        requests: Vec::new(),
        joined: None,
    };
    save(files, &record)?;
    let (key, kept) = match kept_key(files.layout())? {
        Some(key) => (key, true),
        None => {
            let key = PrivateKey::generate(algorithm)
                .map_err(|error| JoinError::Key(error.to_string()))?;
            let pem = key
                .to_pem()
                .map_err(|error| JoinError::Key(error.to_string()))?;
            files.write(&key_path(files.layout()), pem.as_bytes())?;
            (key, false)
        }
    };
    let request = NodeCsr::client(node, &key)
        .and_then(|request| request.to_pem())
        .map_err(|error| JoinError::Key(error.to_string()))?;
    files.write(&request_path(files.layout()), request.as_bytes())?;
    Ok((Keyed { key, request, kept }, record))
}

/// Notes that a request of this name is about to be submitted.
pub(super) fn note_request(
    files: &mut Files,
    record: &mut Record,
    name: &str,
) -> Result<(), JoinError> {
    record.requests.retain(|known| known != name);
    record.requests.push(name.to_owned());
    save(files, record)
}

/// Keeps a delivered certificate.
pub(super) fn keep_certificate(files: &mut Files, pem: &str) -> Result<(), JoinError> {
    Ok(files.write(&certificate_path(files.layout()), pem.as_bytes())?)
}

/// The certificate that an earlier run was given.
pub(super) fn certificate(layout: &Layout) -> Result<Option<String>, JoinError> {
    read_text(certificate_path(layout))
}

/// Forgets a certificate that turned out to be of no use.
pub(super) fn forget_certificate(files: &mut Files) -> Result<(), JoinError> {
    Ok(files.remove(&certificate_path(files.layout()))?)
}

/// Notes that the node has its identity; the working copies of key, request and certificate go.
pub(super) fn complete(
    files: &mut Files,
    node: &NodeName,
    joined: JoinedRecord,
) -> Result<(), JoinError> {
    let record = Record {
        version: VERSION,
        node: node.clone(),
        requests: Vec::new(),
        joined: Some(joined),
    };
    save(files, &record)?;
    let layout = files.layout().clone();
    for path in [
        certificate_path(&layout),
        request_path(&layout),
        key_path(&layout),
    ] {
        files.remove(&path)?;
    }
    Ok(())
}

/// A second handle on the key: a key cannot be cloned by accident.
pub(super) fn copy_key(key: &PrivateKey) -> Result<PrivateKey, JoinError> {
    PrivateKey::from_pkcs8_der(key.pkcs8_der()).map_err(|error| JoinError::Key(error.to_string()))
}

/// Forgets an earlier join, its key included (`--new-key`).
pub(super) fn forget(files: &mut Files) -> Result<(), JoinError> {
    let layout = files.layout().clone();
    let working = [
        certificate_path(&layout),
        request_path(&layout),
        key_path(&layout),
        record_path(&layout),
    ];
    for path in working {
        files.remove(&path)?;
    }
    Ok(())
}

fn save(files: &mut Files, record: &Record) -> Result<(), JoinError> {
    let path = record_path(files.layout());
    let text = serde_json::to_vec_pretty(record).map_err(|error| JoinError::Damaged {
        path: path.clone(),
        reason: error.to_string(),
    })?;
    Ok(files.write(&path, &text)?)
}

fn kept_key(layout: &Layout) -> Result<Option<PrivateKey>, JoinError> {
    let path = key_path(layout);
    let Some(pem) = read_text(path.clone())? else {
        return Ok(None);
    };
    let pem = zeroize::Zeroizing::new(pem);
    PrivateKey::from_pem(&pem)
        .map(Some)
        .map_err(|error| JoinError::Damaged {
            path,
            reason: error.to_string(),
        })
}

/// The key and the request, where both are there and belong together.
fn kept(layout: &Layout, node: &NodeName) -> Result<Option<Keyed>, JoinError> {
    let path = request_path(layout);
    let (Some(key), Some(request)) = (kept_key(layout)?, read_text(path.clone())?) else {
        return Ok(None);
    };
    let parsed =
        CertificateRequest::from_pem(request.as_bytes()).map_err(|error| JoinError::Damaged {
            path: path.clone(),
            reason: error.to_string(),
        })?;
    if parsed.public_key() != key.public_key() || parsed.node_name().as_ref() != Some(node) {
        let reason = "it is not for the key and the name that stand beside it".to_owned();
        return Err(JoinError::Damaged { path, reason });
    }
    Ok(Some(Keyed {
        key,
        request,
        kept: true,
    }))
}

fn read_text(path: PathBuf) -> Result<Option<String>, JoinError> {
    read_optional(&path)?
        .map(|bytes| {
            String::from_utf8(bytes).map_err(|_| JoinError::Damaged {
                path,
                reason: "it is not text".to_owned(),
            })
        })
        .transpose()
}

fn record_path(layout: &Layout) -> PathBuf {
    layout.join_state().join("join.json")
}

fn key_path(layout: &Layout) -> PathBuf {
    layout.join_state().join("key.pem")
}

fn request_path(layout: &Layout) -> PathBuf {
    layout.join_state().join("request.pem")
}

fn certificate_path(layout: &Layout) -> PathBuf {
    layout.join_state().join("certificate.pem")
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn workspace() -> (tempfile::TempDir, Files) {
        let folder = tempfile::tempdir().unwrap();
        let files = Files::open(&Layout::under(folder.path())).unwrap();
        (folder, files)
    }

    fn name(text: &str) -> NodeName {
        text.parse().unwrap()
    }

    #[test]
    fn the_same_key_and_request_are_taken_up_again() {
        let (_folder, mut files) = workspace();
        let (first, mut record) = prepare(&mut files, &name("a"), KeyAlgorithm::EcdsaP256).unwrap();
        assert!(!first.kept);
        note_request(&mut files, &mut record, "node-csr-1").unwrap();
        let (second, record) = prepare(&mut files, &name("a"), KeyAlgorithm::EcdsaP256).unwrap();
        assert!(second.kept);
        assert_eq!(second.request, first.request);
        assert_eq!(second.key.public_key(), first.key.public_key());
        assert_eq!(record.requests, ["node-csr-1"]);
    }

    #[test]
    fn a_crash_between_key_and_request_keeps_the_key() {
        let (_folder, mut files) = workspace();
        let (first, _) = prepare(&mut files, &name("a"), KeyAlgorithm::EcdsaP256).unwrap();
        fs::remove_file(request_path(files.layout())).unwrap();
        let (second, _) = prepare(&mut files, &name("a"), KeyAlgorithm::EcdsaP256).unwrap();
        assert!(second.kept);
        assert_eq!(second.key.public_key(), first.key.public_key());
    }

    #[test]
    fn another_name_is_refused_and_a_new_start_allowed() {
        let (_folder, mut files) = workspace();
        let (first, _) = prepare(&mut files, &name("a"), KeyAlgorithm::EcdsaP256).unwrap();
        let error = prepare(&mut files, &name("b"), KeyAlgorithm::EcdsaP256).unwrap_err();
        assert!(matches!(error, JoinError::OtherNode { .. }), "{error}");
        forget(&mut files).unwrap();
        let (second, _) = prepare(&mut files, &name("b"), KeyAlgorithm::EcdsaP256).unwrap();
        assert_ne!(second.key.public_key(), first.key.public_key());
    }

    #[test]
    fn damage_is_named_and_nothing_replaced() {
        let (_folder, mut files) = workspace();
        prepare(&mut files, &name("a"), KeyAlgorithm::EcdsaP256).unwrap();
        let path = key_path(files.layout());
        fs::write(
            &path,
            "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n",
        )
        .unwrap();
        let error = prepare(&mut files, &name("a"), KeyAlgorithm::EcdsaP256).unwrap_err();
        assert!(error.to_string().contains("key.pem"), "{error}");
        assert!(fs::read_to_string(&path).unwrap().contains("AAAA"));
    }

    #[test]
    fn a_request_for_another_key_is_not_submitted() {
        let (_folder, mut files) = workspace();
        prepare(&mut files, &name("a"), KeyAlgorithm::EcdsaP256).unwrap();
        let other = PrivateKey::generate(KeyAlgorithm::EcdsaP256).unwrap();
        let foreign = NodeCsr::client(&name("a"), &other)
            .unwrap()
            .to_pem()
            .unwrap();
        fs::write(request_path(files.layout()), foreign).unwrap();
        let error = prepare(&mut files, &name("a"), KeyAlgorithm::EcdsaP256).unwrap_err();
        assert!(error.to_string().contains("not for the key"), "{error}");
    }
}
