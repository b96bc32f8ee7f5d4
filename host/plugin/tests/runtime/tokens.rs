//! The bundled token store through the real runtime: sealed files in a granted folder.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use serde_json::json;
use slipway_config::token::{BootstrapToken, TokenBounds, TokenRecord, TokenUsages};
use slipway_plugin::extension::token_store::{Precondition, StoredToken, TokenStoreError};
use slipway_plugin::{SealingKey, TokenStore};

use crate::support::{bundled, entry, host};

async fn store(folder: &Path, key: &SealingKey) -> Arc<dyn TokenStore> {
    let entry = bundled(
        "tokens-file",
        json!({
            "grants": {"filesystem": [{"name": "tokens", "path": folder, "writable": true}]},
            "limits": {"deadline": "10s"},
        }),
    );
    host().load_token_store(&entry, key.clone()).await.unwrap()
}

fn token(text: &str) -> StoredToken {
    let BootstrapToken { id, secret } = text.parse().unwrap();
    StoredToken {
        record: TokenRecord {
            id,
            secret,
            description: "a token".to_owned(),
            expires: None,
            usages: TokenUsages::ALL,
            groups: Vec::new(),
        },
        bounds: TokenBounds::default(),
        uid: "uid-1".to_owned(),
        created: "2030-01-01T00:00:00Z".parse().unwrap(),
    }
}

#[tokio::test]
async fn tokens_are_kept_and_changed_by_version() {
    let folder = tempfile::tempdir().unwrap();
    let key = SealingKey::generate().unwrap();
    let store = store(folder.path(), &key).await;
    let first = token("abcdef.0123456789abcdef");
    let id = &first.record.id;
    assert!(store.get(id).await.unwrap().is_none());

    let version = store.put(&first, Precondition::Absent).await.unwrap();
    let found = store.get(id).await.unwrap().unwrap();
    assert_eq!(found.value.record, first.record);
    assert_eq!(found.version, version);
    let again = store.put(&first, Precondition::Absent).await;
    assert!(matches!(again, Err(TokenStoreError::Conflict)), "{again:?}");

    let mut changed = first.clone();
    changed.record.description = "changed".to_owned();
    let newer = store
        .put(&changed, Precondition::Version(version.clone()))
        .await
        .unwrap();
    assert_ne!(newer, version);
    let stale = store.delete(id, &version).await;
    assert!(matches!(stale, Err(TokenStoreError::Conflict)), "{stale:?}");

    store
        .put(&token("000000.0123456789abcdef"), Precondition::Absent)
        .await
        .unwrap();
    let all = store.list().await.unwrap();
    let ids: Vec<_> = all.iter().map(|one| one.value.record.id.as_str()).collect();
    assert_eq!(ids, ["000000", "abcdef"]);

    store.delete(id, &newer).await.unwrap();
    assert!(store.get(id).await.unwrap().is_none());
}

#[tokio::test]
async fn a_store_sees_no_secret_and_passes_nothing_off() {
    let folder = tempfile::tempdir().unwrap();
    let key = SealingKey::generate().unwrap();
    let store = store(folder.path(), &key).await;
    store
        .put(&token("abcdef.0123456789abcdef"), Precondition::Absent)
        .await
        .unwrap();
    let files: Vec<_> = fs::read_dir(folder.path())
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    for file in &files {
        let bytes = fs::read(file).unwrap();
        let secret = b"0123456789abcdef";
        assert!(!bytes.windows(secret.len()).any(|window| window == secret));
    }

    let elsewhere = store_with_another_key(folder.path()).await;
    let id = token("abcdef.0123456789abcdef").record.id;
    let refused = elsewhere.get(&id).await.unwrap_err();
    assert!(
        matches!(refused, TokenStoreError::Unsealable { .. }),
        "{refused:?}"
    );
    assert!(matches!(
        elsewhere.list().await,
        Err(TokenStoreError::Unsealable { .. })
    ));
}

async fn store_with_another_key(folder: &Path) -> Arc<dyn TokenStore> {
    store(folder, &SealingKey::generate().unwrap()).await
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_that_saw_the_same_version_one_changes_the_token() {
    let folder = tempfile::tempdir().unwrap();
    let store = store(folder.path(), &SealingKey::generate().unwrap()).await;
    let first = token("abcdef.0123456789abcdef");
    let mut version = store.put(&first, Precondition::Absent).await.unwrap();
    for _ in 0..5 {
        let writers: Vec<_> = (0..8)
            .map(|writer| {
                let (store, version) = (Arc::clone(&store), version.clone());
                let mut changed = first.clone();
                changed.record.description = format!("of writer {writer}");
                tokio::spawn(
                    async move { store.put(&changed, Precondition::Version(version)).await },
                )
            })
            .collect();
        let mut winners = Vec::new();
        for writer in writers {
            match writer.await.unwrap() {
                Ok(version) => winners.push(version),
                Err(error) => assert!(matches!(error, TokenStoreError::Conflict), "{error:?}"),
            }
        }
        assert_eq!(winners.len(), 1, "{winners:?}");
        version = winners.remove(0);
        let found = store.get(&first.record.id).await.unwrap().unwrap();
        assert_eq!(found.version, version);
    }
    let left = fs::read_dir(folder.path()).unwrap().count();
    assert_eq!(left, 1, "one file a record, and nothing else");
}

#[tokio::test]
async fn what_a_store_should_not_answer_is_no_token() {
    let token = token("abcdef.0123456789abcdef");
    let id = &token.record.id;
    let mut said = Vec::new();
    for fault in [
        "another-id",
        "passed-off",
        "altered",
        "no-version",
        "long-version",
        "twice",
    ] {
        let folder = tempfile::tempdir().unwrap();
        let more = json!({
            "settings": {"fault": fault},
            "grants": {"filesystem": [{"name": "tokens", "path": folder.path(), "writable": true}]},
            "limits": {"deadline": "10s"},
        });
        let store = host()
            .load_token_store(&entry("false-store", more), SealingKey::generate().unwrap())
            .await
            .unwrap();
        let put = store.put(&token, Precondition::Absent).await.map(drop);
        let got = match fault {
            "passed-off" => store.get(&"000000".parse().unwrap()).await.map(drop),
            _ => store.get(id).await.map(drop),
        };
        let listed = store.list().await.map(drop);
        for (call, answer) in [("put", put), ("get", got), ("list", listed)] {
            if let Err(error) = answer {
                said.push(format!("{fault}: {call}: {}", told(&error)));
            }
        }
    }
    insta::assert_snapshot!(said.join("\n"), @r"
        another-id: get: plugin false-store gave a malformed answer: asked for token abcdef, it returns 000000
        passed-off: get: the record of token 000000 does not open: it was sealed with another key or for another token, or was altered
        altered: get: the record of token abcdef does not open: it was sealed with another key or for another token, or was altered
        altered: list: the record of token abcdef does not open: it was sealed with another key or for another token, or was altered
        no-version: put: plugin false-store gave a malformed answer: the version of a record has 0 bytes; expected 1 to 256
        no-version: get: plugin false-store gave a malformed answer: the version of a record has 0 bytes; expected 1 to 256
        no-version: list: plugin false-store gave a malformed answer: the version of a record has 0 bytes; expected 1 to 256
        long-version: put: plugin false-store gave a malformed answer: the version of a record has 257 bytes; expected 1 to 256
        long-version: get: plugin false-store gave a malformed answer: the version of a record has 257 bytes; expected 1 to 256
        long-version: list: plugin false-store gave a malformed answer: the version of a record has 257 bytes; expected 1 to 256
        twice: list: plugin false-store gave a malformed answer: it lists token abcdef twice
    ");
}

/// An error with its source.
fn told(error: &TokenStoreError) -> String {
    match std::error::Error::source(error) {
        Some(source) => source.to_string(),
        None => error.to_string(),
    }
}
