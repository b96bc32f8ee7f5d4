//! What keeps a plugin from loading, and what can be read of it without running it.

use std::fs;

use proptest::prelude::*;
use proptest::sample::Index;
use serde_json::json;
use slipway_config::digest::Sha256Digest;
use slipway_config::plugin::PluginEntry;
use slipway_plugin::inspection::{ImportNeed, Subject};
use slipway_plugin::{ExtensionPoint, HostOptions, PluginHost};

use crate::support::{
    Log, approver, bundled as bundled_entry, deferred, entry, failure, guest, host, refusal,
};

/// The entry of a file, with the digest of what it was.
fn entry_of(path: &std::path::Path, digest: &str) -> PluginEntry {
    serde_json::from_value(json!({"name": "mine", "source": path, "digest": digest})).unwrap()
}

#[tokio::test]
async fn a_file_that_was_changed_is_another_plugin() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("mine.wasm");
    fs::copy(guest("hostile"), &path).unwrap();
    let digest = entry("hostile", json!({})).digest.unwrap().to_string();
    host()
        .load_csr_approver(&entry_of(&path, &digest))
        .await
        .unwrap();
    fs::copy(guest("wrong-type"), &path).unwrap();
    let found = entry("wrong-type", json!({})).digest.unwrap();
    assert_eq!(
        refusal(entry_of(&path, &digest)).await,
        format!(
            "plugin mine: the component has the digest {found}, and the entry says {digest}; a changed component is \
             another plugin and needs consent again"
        )
    );
}

#[tokio::test]
async fn what_is_no_plugin_is_told_apart() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("mine.wasm");
    let refused = async |bytes: &[u8]| {
        fs::write(&path, bytes).unwrap();
        let digest = slipway_config::digest::Sha256Digest::of(bytes).to_string();
        refusal(entry_of(&path, &digest)).await
    };
    insta::assert_snapshot!(refused(b"\0asm\x01\0\0\0").await, @"plugin mine: not a WebAssembly component: it is a core module; make a component of it with `wasm-tools component new`");
    insta::assert_snapshot!(refused(b"#!/bin/sh\n").await, @"plugin mine: not a WebAssembly component: it does not begin as WebAssembly does");
    insta::assert_snapshot!(refused(b"\0asm\x0d\0\x01\0").await, @"plugin mine: it is not a plugin of Slipway: it does not export slipway:plugin/csr-approver");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    /// Whatever became of a component, it is refused or it runs within its bounds; the host goes on.
    #[test]
    fn a_damaged_component_does_no_harm(
        flips in prop::collection::vec((any::<Index>(), any::<u8>()), 0..4), cut: Option<Index>
    ) {
        let mut bytes = fs::read(guest("false-store")).unwrap();
        for (index, byte) in flips {
            let length = bytes.len();
            bytes[index.index(length)] = byte;
        }
        bytes.truncate(cut.map_or(bytes.len(), |cut| cut.index(bytes.len())));
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("mine.wasm");
        fs::write(&path, &bytes).unwrap();
        let digest = Sha256Digest::of(&bytes).to_string();
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let host = PluginHost::new(HostOptions::default()).unwrap();
            if let Err(error) = host.load_csr_approver(&entry_of(&path, &digest)).await {
                assert!(error.to_string().contains("plugin mine"), "{error}");
            }
        });
    }
}

#[tokio::test]
async fn a_file_that_is_none_is_not_waited_for() {
    let folder = tempfile::tempdir().unwrap();
    let digest = format!("sha256:{}", "0".repeat(64));
    let refused = async |path: &std::path::Path| {
        refusal(entry_of(path, &digest))
            .await
            .replace(&*folder.path().to_string_lossy(), "FOLDER")
    };
    insta::assert_snapshot!(refused(&folder.path().join("absent.wasm")).await, @"plugin mine: cannot read FOLDER/absent.wasm: No such file or directory (os error 2)");
    insta::assert_snapshot!(refused(folder.path()).await, @"plugin mine: cannot read FOLDER: it is not a regular file");
    let pipe = folder.path().join("pipe");
    let made = std::process::Command::new("mkfifo")
        .arg(&pipe)
        .status()
        .unwrap();
    assert!(made.success());
    insta::assert_snapshot!(refused(&pipe).await, @"plugin mine: cannot read FOLDER/pipe: it is not a regular file");
}

#[tokio::test]
async fn sources_that_lead_nowhere_are_errors() {
    insta::assert_snapshot!(refusal(bundled_entry("approve-manuel", json!({}))).await, @r#"there is no bundled plugin "approve-manuel" (did you mean "approve-manual"?)"#);
    insta::assert_snapshot!(refusal(bundled_entry("nothing-like-it", json!({}))).await, @r#"there is no bundled plugin "nothing-like-it""#);
    let digest = format!("sha256:{}", "0".repeat(64));
    let oci = json!({"source": "oci://registry.example/mine:1", "digest": digest});
    insta::assert_snapshot!(refusal(bundled_entry("mine", oci)).await, @"plugin mine: source oci://registry.example/mine:1 is an OCI reference, which this version does not support; fetch the component and give its path");
}

#[tokio::test]
async fn a_plugin_of_another_kind_or_type_does_not_load() {
    insta::assert_snapshot!(refusal(bundled_entry("trust-jws", json!({}))).await, @"plugin trust-jws: it is a trust-source, and stands under csrApprovers, which takes a csr-approver");
    insta::assert_snapshot!(refusal(entry("wrong-type", json!({}))).await, @"plugin wrong-type does not fit this host: failed to convert function to given type: type mismatch with parameters: expected `record` found `string`");
}

#[tokio::test]
async fn settings_that_a_plugin_does_not_take_keep_it_from_loading() {
    let settings = json!({"settings": {"nmaes": []}});
    insta::assert_snapshot!(refusal(bundled_entry("approve-renewal", settings)).await, @r#"plugin approve-renewal does not accept its settings: nmaes: there is no setting "nmaes"; none is expected here"#);
}

#[tokio::test]
async fn a_plugin_is_known_by_its_digest_settings_and_grants() {
    let entry = entry("wants-everything", everything());
    let identity = approver(entry.clone()).await.identity().clone();
    assert_eq!(identity.name, "wants-everything");
    assert_eq!(identity.version, "0.1.0");
    assert_eq!(Some(identity.digest), entry.digest);
    assert_eq!(identity.grants, entry.grants.summary());
    assert_eq!(identity.source, entry.source.to_string());
}

#[tokio::test]
async fn the_runtime_of_a_language_loads_and_finds_nothing() {
    let log = Log::capture();
    let approver = approver(entry("language-runtime", json!({}))).await;
    insta::assert_snapshot!(deferred(&*approver, "look").await, @"environment 0, arguments 0, folders 0, seed (0, 0), input false, output true, errors true, socket false, lookup false");
    assert!(log.text().contains("half a line"), "{}", log.text());
    insta::assert_snapshot!(failure(&*approver, "exit").await, @"plugin language-runtime trapped: it exited with status 1");
}

#[tokio::test]
async fn a_component_is_inspected_without_running_it() {
    let host = host();
    let inspect = async |name| host.inspect(Subject::File(guest(name))).await.unwrap();

    let hostile = inspect("hostile").await;
    assert_eq!(hostile.kinds, [ExtensionPoint::CsrApprover]);
    assert_eq!(hostile.metadata.name.as_deref(), Some("test-guest-hostile"));
    assert_eq!(hostile.metadata.version.as_deref(), Some("0.1.0"));
    assert_eq!(hostile.grants_needed(), Vec::<&str>::new());
    assert_eq!(hostile.digest, entry("hostile", json!({})).digest.unwrap());

    let wants = inspect("wants-everything").await;
    insta::assert_snapshot!(wants.grants_needed().join("\n"), @r"
        grants: {cluster: [{version: v1, kind: Node}]}
        grants: {clocks: true}
        grants: {random: true}
        grants: {filesystem: [{name: NAME, path: /a/folder}]}
        grants: {dns: true}
        grants: {http: [{scheme: https, host: a.server, port: 443}]}
    ");

    let runtime = inspect("language-runtime").await;
    assert!(runtime.grants_needed().is_empty(), "{runtime:?}");
    let files = runtime
        .imports
        .iter()
        .find(|import| import.interface.starts_with("wasi:filesystem/preopens"))
        .unwrap();
    assert!(matches!(files.need, ImportNeed::Optional(_)), "{files:?}");

    let bundled = host
        .inspect(Subject::Bundled("trust-jws".to_owned()))
        .await
        .unwrap();
    assert_eq!(bundled.kinds, [ExtensionPoint::TrustSource]);
}

#[tokio::test]
async fn each_missing_grant_is_named_in_turn() {
    let all = everything();
    let mut sentences = Vec::new();
    for missing in ["clocks", "random", "dns", "http", "filesystem", "cluster"] {
        let mut entry = all.clone();
        entry["grants"].as_object_mut().unwrap().remove(missing);
        sentences.push(refusal(entry_with(entry)).await);
    }
    insta::assert_snapshot!(sentences.join("\n"), @r"
        plugin wants-everything imports wasi:clocks/wall-clock@0.2.12, which needs a grant: add `grants: {clocks: true}` to its entry under csrApprovers
        plugin wants-everything imports wasi:random/random@0.2.12, which needs a grant: add `grants: {random: true}` to its entry under csrApprovers
        plugin wants-everything imports wasi:sockets/instance-network@0.2.12, which needs a grant: add `grants: {dns: true}` to its entry under csrApprovers
        plugin wants-everything imports wasi:http/types@0.2.12, which needs a grant: add `grants: {http: [{scheme: https, host: a.server, port: 443}]}` to its entry under csrApprovers
        plugin wants-everything imports wasi:filesystem/types@0.2.12, which needs a grant: add `grants: {filesystem: [{name: NAME, path: /a/folder}]}` to its entry under csrApprovers
        plugin wants-everything imports slipway:plugin/cluster@0.1.0, which needs a grant: add `grants: {cluster: [{version: v1, kind: Node}]}` to its entry under csrApprovers
    ");
}

#[tokio::test]
async fn what_was_compiled_before_is_used_again() {
    let folder = tempfile::tempdir().unwrap();
    let cache_dir = Some(folder.path().join("plugins"));
    for _ in 0..2 {
        let host = PluginHost::new(HostOptions {
            cache_dir: cache_dir.clone(),
            ..HostOptions::default()
        })
        .unwrap();
        let approver = host
            .load_csr_approver(&entry("hostile", json!({})))
            .await
            .unwrap();
        assert_eq!(deferred(&*approver, "remember").await, "1");
    }
    let files = fs::read_dir(folder.path().join("plugins")).unwrap().count();
    assert_eq!(files, 1);
}

/// Everything that an approver can be granted.
pub(crate) fn everything() -> serde_json::Value {
    json!({"grants": {
        "clocks": true,
        "random": true,
        "dns": true,
        "http": [{"scheme": "http", "host": "127.0.0.1", "port": 9}],
        "filesystem": [{"name": "data", "path": "/tmp"}],
        "cluster": [{"version": "v1", "kind": "Node"}],
    }})
}

fn entry_with(more: serde_json::Value) -> PluginEntry {
    entry("wants-everything", more)
}
