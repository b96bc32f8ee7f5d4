//! Hosts, entries, requests, and guests built from source.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock};

use serde_json::{Value, json};
use slipway_config::digest::Sha256Digest;
use slipway_config::finding::Verdict;
use slipway_config::plugin::PluginEntry;
use slipway_guest_build::{GuestBuild, Toolchain};
use slipway_plugin::extension::csr_approver::{Requester, Review, ReviewError, ReviewRequest};
use slipway_plugin::{CsrApprover, HostOptions, LoadError, Outside, PluginHost};

/// The component of a guest under `tests/guests`, built once for all tests.
pub(crate) fn guest(name: &str) -> PathBuf {
    static GUESTS: OnceLock<BTreeMap<String, PathBuf>> = OnceLock::new();
    GUESTS.get_or_init(build)[&format!("test-guest-{name}")].clone()
}

fn build() -> BTreeMap<String, PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().unwrap();
    let mut build = GuestBuild::new(root.join("Cargo.toml"), target.join("guests"));
    for name in [
        "false-store",
        "hostile",
        "wants-everything",
        "wrong-type",
        "language-runtime",
    ] {
        build = build.package(format!("test-guest-{name}"));
    }
    build
        .run(&Toolchain::locate().unwrap())
        .unwrap()
        .into_iter()
        .map(|component| (component.name, component.path))
        .collect()
}

/// A host without a cluster. Tests share a cache, so that each guest is compiled once.
pub(crate) fn host() -> PluginHost {
    PluginHost::new(options()).unwrap()
}

/// What [`host`] is made with.
pub(crate) fn options() -> HostOptions {
    HostOptions {
        cache_dir: Some(Path::new(env!("CARGO_TARGET_TMPDIR")).join("compiled-plugins")),
        ..HostOptions::default()
    }
}

/// An entry for a guest, with its digest and what `more` says.
pub(crate) fn entry(name: &str, more: Value) -> PluginEntry {
    let path = guest(name);
    let digest = Sha256Digest::of(&std::fs::read(&path).unwrap());
    let mut entry = json!({"name": name, "source": path, "digest": digest});
    merge(&mut entry, more);
    serde_json::from_value(entry).unwrap()
}

/// An entry for a bundled component, with what `more` says.
pub(crate) fn bundled(name: &str, more: Value) -> PluginEntry {
    let mut entry = json!({"name": name});
    merge(&mut entry, more);
    serde_json::from_value(entry).unwrap()
}

fn merge(entry: &mut Value, more: Value) {
    let (Value::Object(entry), Value::Object(more)) = (entry, more) else {
        panic!("not objects");
    };
    entry.extend(more);
}

/// Loads an approver into a host of its own.
pub(crate) async fn approver(entry: PluginEntry) -> Arc<dyn CsrApprover> {
    host().load_csr_approver(&entry).await.unwrap()
}

/// Why an approver does not load.
pub(crate) async fn refusal(entry: PluginEntry) -> String {
    match host().load_csr_approver(&entry).await {
        Ok(_) => panic!("{} loads", entry.name),
        Err(error) => chain(&error),
    }
}

/// An error with its sources.
pub(crate) fn chain(error: &LoadError) -> String {
    let mut text = error.to_string();
    let mut source = std::error::Error::source(error);
    while let Some(error) = source {
        text.push_str(&format!(": {error}"));
        source = error.source();
    }
    text
}

/// A request of a new node, with the name that test guests look at.
pub(crate) fn request(name: &str) -> ReviewRequest {
    ReviewRequest {
        name: name.to_owned(),
        uid: "uid-1".to_owned(),
        signer_name: "kubernetes.io/kube-apiserver-client-kubelet".to_owned(),
        node_name: "worker-1".parse().unwrap(),
        usages: vec!["digital signature".to_owned(), "client auth".to_owned()],
        dns_names: Vec::new(),
        ip_addresses: Vec::new(),
        key_algorithm: "ECDSA P-256".to_owned(),
        key_fingerprint: "00".repeat(32),
        expiration_seconds: None,
        der: vec![0x30, 0],
        requester: Requester {
            username: "system:bootstrap:abcdef".to_owned(),
            groups: vec!["system:bootstrappers".to_owned()],
            extra: BTreeMap::new(),
        },
        token: None,
        created: "2030-01-01T00:00:00Z".parse().unwrap(),
        rejoins: false,
    }
}

/// What an approver makes of a request by its name.
pub(crate) async fn review(approver: &dyn CsrApprover, name: &str) -> Result<Review, ReviewError> {
    approver.review(&request(name), &Outside::live()).await
}

/// The reason with which an approver defers.
pub(crate) async fn deferred(approver: &dyn CsrApprover, name: &str) -> String {
    match review(approver, name).await.unwrap().verdict {
        Verdict::Defer(reason) => reason,
        other => panic!("{other:?}"),
    }
}

/// Why an approver gave no usable answer.
pub(crate) async fn failure(approver: &dyn CsrApprover, name: &str) -> String {
    match review(approver, name).await {
        Err(ReviewError::Failed(error)) => error.to_string(),
        other => panic!("{other:?}"),
    }
}

/// What is logged on this thread.
pub(crate) struct Log {
    lines: Arc<Mutex<Vec<u8>>>,
    _guard: tracing::subscriber::DefaultGuard,
}

impl Log {
    /// Captures until it is dropped.
    pub(crate) fn capture() -> Self {
        let lines = Arc::new(Mutex::new(Vec::new()));
        let writer = Arc::clone(&lines);
        let subscriber = tracing_subscriber::fmt()
            .with_ansi(false)
            .with_writer(move || Writer(Arc::clone(&writer)))
            .finish();
        Self {
            lines,
            _guard: tracing::subscriber::set_default(subscriber),
        }
    }

    /// The lines so far.
    pub(crate) fn text(&self) -> String {
        String::from_utf8(self.lines.lock().unwrap().clone()).unwrap()
    }
}

struct Writer(Arc<Mutex<Vec<u8>>>);

impl std::io::Write for Writer {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}
