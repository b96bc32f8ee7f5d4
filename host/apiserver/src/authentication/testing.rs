//! Bootstrap tokens, and a token store plugin, for tests.

use std::collections::BTreeMap;
use std::sync::Mutex;

use async_trait::async_trait;
use jiff::Timestamp;
use serde_json::json;
use slipway_config::digest::Sha256Digest;
use slipway_config::token::{TokenBounds, TokenId, TokenRecord};
use slipway_plugin::extension::token_store::{
    Precondition, RecordVersion, StoredToken, TokenStoreError, Versioned,
};
use slipway_plugin::{PluginIdentity, TokenStore};

use crate::resource::Object;
use crate::store::{Action, HistoryLimits, Key, Store, Write};

/// The token of every test.
pub(crate) const TOKEN: &str = "abcdef.0123456789abcdef";
/// The name of its Secret.
pub(crate) const SECRET_NAME: &str = "bootstrap-token-abcdef";

/// The data of that token, for authentication, with some of it changed; an empty value removes a key.
pub(crate) fn token_data(changes: &[(&str, &str)]) -> BTreeMap<String, Vec<u8>> {
    let mut data: BTreeMap<String, Vec<u8>> = [
        ("token-id", "abcdef"),
        ("token-secret", "0123456789abcdef"),
        ("usage-bootstrap-authentication", "true"),
    ]
    .into_iter()
    .chain(changes.iter().copied())
    .map(|(key, value)| (key.to_owned(), value.as_bytes().to_vec()))
    .collect();
    data.retain(|_, value| !value.is_empty());
    data
}

/// The token as a plugin keeps it.
pub(crate) fn stored_token(uid: &str, changes: &[(&str, &str)]) -> StoredToken {
    StoredToken {
        record: TokenRecord::from_secret_data(&token_data(changes), SECRET_NAME).unwrap(),
        bounds: TokenBounds::default(),
        uid: uid.to_owned(),
        created: Timestamp::UNIX_EPOCH,
    }
}

/// A store with the namespaces that tokens need.
pub(crate) async fn store() -> Store {
    let store = Store::in_memory(HistoryLimits::default()).unwrap();
    for name in ["kube-system", "slipway-system"] {
        let namespace = json!({"metadata": {"name": name}});
        put(&store, Key::new("/namespaces", "", name), namespace).await;
    }
    store
}

/// Puts an object into a store, whatever was there.
pub(crate) async fn put(store: &Store, key: Key, object: serde_json::Value) {
    let object = Object::from_value(object).unwrap();
    let action = match store.get(&key) {
        None => Action::Create(object),
        Some(record) => Action::Update {
            expected: record.revision,
            object,
        },
    };
    let write = Write {
        key,
        action,
        namespace: None,
    };
    store.write(write).await.unwrap();
}

/// A token store in memory.
pub(crate) struct MemoryTokens {
    identity: PluginIdentity,
    tokens: Mutex<BTreeMap<TokenId, (u64, StoredToken)>>,
    unavailable: Mutex<bool>,
}

impl MemoryTokens {
    pub(crate) fn new() -> Self {
        let digest = Sha256Digest::of(b"");
        Self {
            identity: PluginIdentity {
                name: "memory".into(),
                version: String::new(),
                digest,
                source: "test".into(),
                settings_digest: digest,
                grants: vec![],
            },
            tokens: Mutex::default(),
            unavailable: Mutex::default(),
        }
    }

    /// What somebody else writes, past the API.
    pub(crate) fn set(&self, token: StoredToken) {
        let mut tokens = self.tokens.lock().unwrap();
        let version = tokens
            .values()
            .map(|(version, _)| *version)
            .max()
            .unwrap_or(0)
            + 1;
        tokens.insert(token.record.id.clone(), (version, token));
    }

    /// What somebody else removes, past the API.
    pub(crate) fn clear(&self) {
        self.tokens.lock().unwrap().clear();
    }

    /// From now on no call is answered.
    pub(crate) fn fail(&self) {
        *self.unavailable.lock().unwrap() = true;
    }

    fn answering(&self) -> Result<(), TokenStoreError> {
        if *self.unavailable.lock().unwrap() {
            return Err(TokenStoreError::Unavailable("out of reach".into()));
        }
        Ok(())
    }

    fn holds(&self, id: &TokenId, precondition: &Precondition) -> Result<(), TokenStoreError> {
        let tokens = self.tokens.lock().unwrap();
        let version = tokens.get(id).map(|(version, _)| version.to_string());
        let holds = match precondition {
            Precondition::Absent => version.is_none(),
            Precondition::Version(wanted) => version.as_deref() == Some(wanted.as_str()),
        };
        if holds {
            Ok(())
        } else {
            Err(TokenStoreError::Conflict)
        }
    }
}

fn versioned((version, value): (u64, StoredToken)) -> Versioned<StoredToken> {
    Versioned {
        value,
        version: RecordVersion::new(version.to_string()),
    }
}

#[async_trait]
impl TokenStore for MemoryTokens {
    fn identity(&self) -> &PluginIdentity {
        &self.identity
    }

    async fn get(&self, id: &TokenId) -> Result<Option<Versioned<StoredToken>>, TokenStoreError> {
        self.answering()?;
        Ok(self.tokens.lock().unwrap().get(id).cloned().map(versioned))
    }

    async fn list(&self) -> Result<Vec<Versioned<StoredToken>>, TokenStoreError> {
        self.answering()?;
        let tokens = self.tokens.lock().unwrap();
        Ok(tokens.values().cloned().map(versioned).collect())
    }

    async fn put(
        &self,
        token: &StoredToken,
        precondition: Precondition,
    ) -> Result<RecordVersion, TokenStoreError> {
        self.answering()?;
        self.holds(&token.record.id, &precondition)?;
        self.set(token.clone());
        let tokens = self.tokens.lock().unwrap();
        Ok(RecordVersion::new(tokens[&token.record.id].0.to_string()))
    }

    async fn delete(&self, id: &TokenId, version: &RecordVersion) -> Result<(), TokenStoreError> {
        self.answering()?;
        self.holds(id, &Precondition::Version(version.clone()))?;
        self.tokens.lock().unwrap().remove(id);
        Ok(())
    }
}
