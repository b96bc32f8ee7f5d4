//! What a join keeps on disk, so that a later run goes on where an earlier one stopped: one file, replaced whole.
//!
//! The key and the request are in it before the first byte is sent; the names of the requests that were submitted, before
//! they are waited for; the certificate, as soon as it was delivered. When the join is complete, what remains says so.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use slipway_config::endpoint::ApiServerUrl;
use slipway_config::name::NodeName;
use slipway_config::posture::PostureEntry;
use slipway_pki::csr::{CertificateRequest, NodeCsr};
use slipway_pki::key::{KeyAlgorithm, PrivateKey};
use zeroize::{ZeroizeOnDrop, Zeroizing};

use super::JoinError;
use crate::files::{Files, read_optional};
use crate::layout::Layout;

const VERSION: u32 = 1;

/// The file.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Record {
    version: u32,
    node: NodeName,
    stage: Stage,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
enum Stage {
    Pending(PendingRecord),
    Joined(JoinedRecord),
}

#[derive(Serialize, Deserialize, ZeroizeOnDrop)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct PendingRecord {
    key: String,
    request: String,
    submitted_as: Vec<String>,
    certificate: Option<String>,
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

/// A join that is not complete, as it is on disk.
#[derive(Debug)]
pub(super) struct Pending {
    /// The node's name.
    pub node: NodeName,
    /// Its key.
    pub key: PrivateKey,
    /// The request in PEM, byte for byte as it is submitted.
    pub request: String,
    /// Names under which the request was submitted, the newest last.
    pub submitted_as: Vec<String>,
    /// The certificate in PEM, once it was delivered.
    pub certificate: Option<String>,
    /// Whether an earlier run made the key.
    pub kept: bool,
}

/// A join that is complete.
#[derive(Debug)]
pub(super) struct Complete {
    /// The node's name.
    pub node: NodeName,
    /// The outcome.
    pub joined: JoinedRecord,
}

impl Pending {
    /// Takes up the join of an earlier run, or begins one; on disk when it returns.
    pub(super) fn prepare(
        files: &mut Files,
        node: &NodeName,
        algorithm: KeyAlgorithm,
    ) -> Result<Self, JoinError> {
        match load(files.layout())? {
            Some(record) if record.node != *node => Err(JoinError::OtherNode {
                started: record.node,
                asked: node.clone(),
            }),
            Some(Record {
                stage: Stage::Pending(record),
                ..
            }) => Self::kept(files.layout(), node, &record),
            Some(_) | None => Self::begin(files, node, algorithm),
        }
    }

    fn begin(
        files: &mut Files,
        node: &NodeName,
        algorithm: KeyAlgorithm,
    ) -> Result<Self, JoinError> {
        let key =
            PrivateKey::generate(algorithm).map_err(|error| JoinError::Key(error.to_string()))?;
        let request = NodeCsr::client(node, &key)
            .and_then(|request| request.to_pem())
            .map_err(|error| JoinError::Key(error.to_string()))?;
        let pending = Self {
            node: node.clone(),
            key,
            request,
            submitted_as: Vec::new(),
            certificate: None,
            kept: false,
        };
        pending.save(files)?;
        Ok(pending)
    }

    fn kept(layout: &Layout, node: &NodeName, record: &PendingRecord) -> Result<Self, JoinError> {
        let damaged = |reason: String| damaged(layout, reason);
        let key = PrivateKey::from_pem(&record.key)
            .map_err(|error| damaged(format!("the key: {error}")))?;
        let request = CertificateRequest::from_pem(record.request.as_bytes())
            .map_err(|error| damaged(format!("the request: {error}")))?;
        if request.public_key() != key.public_key() || request.node_name().as_ref() != Some(node) {
            return Err(damaged(
                "the request is not for the key and the name that stand beside it".to_owned(),
            ));
        }
        Ok(Self {
            node: node.clone(),
            key,
            request: record.request.clone(),
            submitted_as: record.submitted_as.clone(),
            certificate: record.certificate.clone(),
            kept: true,
        })
    }

    /// Notes that a request of this name is about to be submitted.
    pub(super) fn note_request(&mut self, files: &mut Files, name: &str) -> Result<(), JoinError> {
        self.submitted_as.retain(|known| known != name);
        self.submitted_as.push(name.to_owned());
        self.save(files)
    }

    /// Keeps a delivered certificate; none forgets one that turned out to be of no use.
    pub(super) fn keep_certificate(
        &mut self,
        files: &mut Files,
        pem: Option<String>,
    ) -> Result<(), JoinError> {
        self.certificate = pem;
        self.save(files)
    }

    /// Notes that the node has its identity; key, request and certificate go from here.
    pub(super) fn complete(self, files: &mut Files, joined: JoinedRecord) -> Result<(), JoinError> {
        save(files, self.node, Stage::Joined(joined))
    }

    fn save(&self, files: &mut Files) -> Result<(), JoinError> {
        let key = self
            .key
            .to_pem()
            .map_err(|error| JoinError::Key(error.to_string()))?;
        let record = PendingRecord {
            key: key.to_string(),
            request: self.request.clone(),
            submitted_as: self.submitted_as.clone(),
            certificate: self.certificate.clone(),
        };
        save(files, self.node.clone(), Stage::Pending(record))
    }
}

/// The join that this machine has completed, if any.
pub(super) fn complete(layout: &Layout) -> Result<Option<Complete>, JoinError> {
    Ok(match load(layout)? {
        Some(Record {
            node,
            stage: Stage::Joined(joined),
            ..
        }) => Some(Complete { node, joined }),
        _ => None,
    })
}

/// Forgets an earlier join, its key included (`--new-key`).
pub(super) fn forget(files: &mut Files) -> Result<(), JoinError> {
    Ok(files.remove(&files.layout().join_record())?)
}

fn load(layout: &Layout) -> Result<Option<Record>, JoinError> {
    let Some(text) = read_optional(&layout.join_record())?.map(Zeroizing::new) else {
        return Ok(None);
    };
    // serde_json repeats what it found, which may be the key.
    let record: Record = serde_json::from_slice(&text).map_err(|error| {
        let (line, column) = (error.line(), error.column());
        let reason = format!("it is not what slipway wrote, at line {line}, column {column}");
        damaged(layout, reason)
    })?;
    if record.version != VERSION {
        let reason = format!("it has version {}, expected {VERSION}", record.version);
        return Err(damaged(layout, reason));
    }
    Ok(Some(record))
}

fn save(files: &mut Files, node: NodeName, stage: Stage) -> Result<(), JoinError> {
    let record = Record {
        version: VERSION,
        node,
        stage,
    };
    let text = serde_json::to_vec_pretty(&record)
        .map(Zeroizing::new)
        .map_err(|error| damaged(files.layout(), error.to_string()))?;
    let path = files.layout().join_record();
    files.adopt(&path)?;
    Ok(files.write(&path, &text)?)
}

fn damaged(layout: &Layout, reason: String) -> JoinError {
    JoinError::Damaged {
        path: layout.join_record(),
        reason,
    }
}

/// A second handle on the key: a key cannot be cloned by accident.
pub(super) fn copy_key(key: &PrivateKey) -> Result<PrivateKey, JoinError> {
    PrivateKey::from_pkcs8_der(key.pkcs8_der()).map_err(|error| JoinError::Key(error.to_string()))
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

    fn prepare(files: &mut Files, name: &str) -> Result<Pending, JoinError> {
        Pending::prepare(files, &name.parse().unwrap(), KeyAlgorithm::EcdsaP256)
    }

    /// Puts another text where one stands in the record.
    fn replace(files: &Files, old: &str, new: &str) {
        let path = files.layout().join_record();
        let quoted = |text: &str| serde_json::to_string(text).unwrap();
        let text = fs::read_to_string(&path).unwrap();
        assert!(text.contains(&quoted(old)));
        fs::write(&path, text.replace(&quoted(old), &quoted(new))).unwrap();
    }

    #[test]
    fn the_same_key_and_request_are_taken_up_again() {
        let (_folder, mut files) = workspace();
        let mut first = prepare(&mut files, "a").unwrap();
        assert!(!first.kept);
        first.note_request(&mut files, "node-csr-1").unwrap();
        let second = prepare(&mut files, "a").unwrap();
        assert!(second.kept);
        assert_eq!(second.request, first.request);
        assert_eq!(second.key.public_key(), first.key.public_key());
        assert_eq!(second.submitted_as, ["node-csr-1"]);
    }

    #[test]
    fn a_complete_join_keeps_no_key() {
        let (_folder, mut files) = workspace();
        let pending = prepare(&mut files, "a").unwrap();
        assert!(complete(files.layout()).unwrap().is_none());
        let joined = JoinedRecord {
            server: "https://10.0.0.1:6443".parse().unwrap(),
            certificate_expires: Timestamp::UNIX_EPOCH,
            posture: Vec::new(),
        };
        pending.complete(&mut files, joined.clone()).unwrap();
        assert_eq!(complete(files.layout()).unwrap().unwrap().joined, joined);
        let left = fs::read_to_string(files.layout().join_record()).unwrap();
        assert!(!left.contains("PRIVATE KEY"), "{left}");
    }

    #[test]
    fn another_name_is_refused_and_a_new_start_allowed() {
        let (_folder, mut files) = workspace();
        let first = prepare(&mut files, "a").unwrap();
        let error = prepare(&mut files, "b").unwrap_err();
        assert!(matches!(error, JoinError::OtherNode { .. }), "{error}");
        forget(&mut files).unwrap();
        let second = prepare(&mut files, "b").unwrap();
        assert_ne!(second.key.public_key(), first.key.public_key());
    }

    #[test]
    fn damage_is_named_and_nothing_replaced() {
        let (_folder, mut files) = workspace();
        let pending = prepare(&mut files, "a").unwrap();
        let bad = "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n";
        replace(&files, &pending.key.to_pem().unwrap(), bad);
        let error = prepare(&mut files, "a").unwrap_err();
        assert!(error.to_string().contains("join.json"), "{error}");
        let left = fs::read_to_string(files.layout().join_record()).unwrap();
        assert!(left.contains("AAAA"));
    }

    #[test]
    fn a_key_in_the_wrong_place_is_not_repeated() {
        let (_folder, mut files) = workspace();
        let pending = prepare(&mut files, "a").unwrap();
        let key = pending.key.to_pem().unwrap();
        let text = serde_json::json!({"version": 1, "node": "a", "stage": {"pending": *key}});
        fs::write(files.layout().join_record(), text.to_string()).unwrap();
        let error = prepare(&mut files, "a").unwrap_err().to_string();
        assert!(
            error.contains("line 1") && !error.contains("PRIVATE"),
            "{error}"
        );
    }

    #[test]
    fn a_request_for_another_key_is_not_submitted() {
        let (_folder, mut files) = workspace();
        let pending = prepare(&mut files, "a").unwrap();
        let other = PrivateKey::generate(KeyAlgorithm::EcdsaP256).unwrap();
        let foreign = NodeCsr::client(&pending.node, &other)
            .unwrap()
            .to_pem()
            .unwrap();
        replace(&files, &pending.request, &foreign);
        let error = prepare(&mut files, "a").unwrap_err();
        assert!(error.to_string().contains("not for the key"), "{error}");
    }
}
