//! Token stores: what a component keeps is sealed on the way in and opened on the way out.

use std::collections::BTreeMap;

use async_trait::async_trait;
use slipway_config::token::TokenId;

use super::mismatch;
use crate::bindings::export::token_store as guest;
use crate::call::{CallState, Inputs};
use crate::extension::token_store::{
    Precondition, RecordVersion, StoredToken, TokenStore, TokenStoreError, Versioned,
};
use crate::load::Plugin;
use crate::seal::SealingKey;
use crate::text::one_line;
use crate::{LoadError, PluginIdentity};
use futures::future::BoxFuture;
use wasmtime::Store;

/// A component that keeps tokens.
pub(crate) struct WasmTokenStore {
    plugin: Plugin,
    guest: guest::GuestIndices,
    key: SealingKey,
}

impl WasmTokenStore {
    pub(crate) fn new(plugin: Plugin, key: SealingKey) -> Result<Self, LoadError> {
        let guest = guest::GuestIndices::new(&plugin.callable.instance)
            .map_err(|error| mismatch(&plugin, &error))?;
        Ok(Self { plugin, guest, key })
    }

    async fn call<T: Send>(
        &self,
        body: impl for<'a> FnOnce(
            &'a mut Store<CallState>,
            guest::Guest,
        )
            -> BoxFuture<'a, wasmtime::Result<Result<T, guest::StoreError>>>
        + Send
        + 'static,
    ) -> Result<T, TokenStoreError> {
        let indices = self.guest.clone();
        self.plugin
            .callable
            .call(Inputs::default(), move |store, instance| {
                Box::pin(async move {
                    let guest = indices.load(&mut *store, instance)?;
                    body(store, guest).await
                })
            })
            .await
            .map_err(TokenStoreError::Failed)?
            .answer
            .map_err(TokenStoreError::from)
    }

    fn malformed(&self, reason: impl Into<String>) -> TokenStoreError {
        TokenStoreError::Failed(self.plugin.callable.malformed(reason))
    }

    fn open(&self, stored: &guest::Stored) -> Result<Versioned<StoredToken>, TokenStoreError> {
        let unsealable = || TokenStoreError::Unsealable {
            id: one_line(&stored.id),
        };
        let id: TokenId = stored.id.parse().map_err(|_| unsealable())?;
        let value = self.key.open(&id, &stored.sealed).ok_or_else(unsealable)?;
        Ok(Versioned {
            value,
            version: self.version(stored.version.clone())?,
        })
    }

    fn version(&self, version: String) -> Result<RecordVersion, TokenStoreError> {
        const BYTES: usize = 256;
        if version.is_empty() || version.len() > BYTES {
            return Err(self.malformed(format!(
                "the version of a record has {} bytes; expected 1 to {BYTES}",
                version.len()
            )));
        }
        Ok(RecordVersion::new(version))
    }
}

#[async_trait]
impl TokenStore for WasmTokenStore {
    fn identity(&self) -> &PluginIdentity {
        &self.plugin.identity
    }

    async fn get(&self, id: &TokenId) -> Result<Option<Versioned<StoredToken>>, TokenStoreError> {
        let asked = id.to_string();
        let stored = self
            .call(move |store, guest| {
                Box::pin(async move { guest.call_get(&mut *store, &asked).await })
            })
            .await?;
        match stored {
            Some(stored) if stored.id != id.as_str() => Err(self.malformed(format!(
                "asked for token {id}, it returns {}",
                one_line(&stored.id)
            ))),
            Some(stored) => self.open(&stored).map(Some),
            None => Ok(None),
        }
    }

    async fn list(&self) -> Result<Vec<Versioned<StoredToken>>, TokenStoreError> {
        let stored = self
            .call(|store, guest| Box::pin(async move { guest.call_list(&mut *store).await }))
            .await?;
        let mut tokens = BTreeMap::new();
        for stored in &stored {
            let token = self.open(stored)?;
            if tokens
                .insert(token.value.record.id.clone(), token)
                .is_some()
            {
                return Err(
                    self.malformed(format!("it lists token {} twice", one_line(&stored.id)))
                );
            }
        }
        Ok(tokens.into_values().collect())
    }

    async fn put(
        &self,
        token: &StoredToken,
        precondition: Precondition,
    ) -> Result<RecordVersion, TokenStoreError> {
        let id = token.record.id.to_string();
        let sealed = self
            .key
            .seal(token)
            .map_err(|error| TokenStoreError::Other(error.to_string()))?;
        let precondition = match precondition {
            Precondition::Absent => guest::Precondition::Absent,
            Precondition::Version(version) => {
                guest::Precondition::Version(version.as_str().to_owned())
            }
        };
        let version = self
            .call(move |store, guest| {
                Box::pin(async move {
                    guest
                        .call_put(&mut *store, &id, &sealed, &precondition)
                        .await
                })
            })
            .await?;
        self.version(version)
    }

    async fn delete(&self, id: &TokenId, version: &RecordVersion) -> Result<(), TokenStoreError> {
        let id = id.to_string();
        let version = version.as_str().to_owned();
        self.call(move |store, guest| {
            Box::pin(async move { guest.call_delete(&mut *store, &id, &version).await })
        })
        .await
    }
}

impl From<guest::StoreError> for TokenStoreError {
    fn from(error: guest::StoreError) -> Self {
        match error {
            guest::StoreError::Conflict => Self::Conflict,
            guest::StoreError::Unavailable(text) => Self::Unavailable(one_line(&text)),
            guest::StoreError::Corrupt(text) => Self::Corrupt(one_line(&text)),
            guest::StoreError::Other(text) => Self::Other(one_line(&text)),
        }
    }
}
