//! Where bootstrap tokens are looked up: Secrets in the store, or a token store plugin.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use k8s_openapi::api::core::v1::Secret;
use slipway_config::token::{SECRET_NAMESPACE, SECRET_TYPE, TokenBounds, TokenId, TokenRecord};
use slipway_plugin::TokenStore;

use super::bootstrap_token::KnownToken;
use super::ledger;
use crate::status::Status;
use crate::store::{Key, Store};

/// The collection of Secrets in the store.
pub(crate) const SECRETS: &str = "/secrets";

/// Who is right about bootstrap tokens.
#[derive(Clone, Default)]
pub enum TokenBackend {
    /// The Secrets are.
    #[default]
    Native,
    /// A plugin is; the Secrets are its projection.
    Plugin(Arc<dyn TokenStore>),
}

/// Looks tokens up.
pub(crate) struct Tokens {
    backend: TokenBackend,
    store: Store,
}

impl Tokens {
    pub(crate) fn new(backend: TokenBackend, store: Store) -> Self {
        Self { backend, store }
    }

    /// The token of this ID; none where there is none, or none that is valid.
    ///
    /// # Errors
    /// When the token store gives no answer. The credential is not accepted then, and not refused for
    /// good.
    pub(crate) async fn find(&self, id: &TokenId) -> Result<Option<KnownToken>, Status> {
        match &self.backend {
            TokenBackend::Native => self.find_secret(id),
            TokenBackend::Plugin(plugin) => {
                let found = plugin.get(id).await.map_err(|error| {
                    tracing::warn!(token = %id, %error, "the token store gives no answer");
                    Status::unavailable("the token store gives no answer: try again")
                })?;
                let Some(found) = found.filter(|found| found.value.record.id == *id) else {
                    return Ok(None);
                };
                let token = found.value;
                let bounds = ledger::bounds(&self.store, &token.uid)?;
                let sources = bounds.unwrap_or(token.bounds).cidrs;
                Ok(Some(KnownToken {
                    record: token.record,
                    uid: token.uid,
                    sources,
                }))
            }
        }
    }

    fn find_secret(&self, id: &TokenId) -> Result<Option<KnownToken>, Status> {
        let name = id.secret_name();
        let Some(stored) = self.store.get(&Key::new(SECRETS, SECRET_NAMESPACE, &name)) else {
            return Ok(None);
        };
        // The parser's words would repeat values.
        let secret: Secret = serde_json::from_slice(&stored.json)
            .map_err(|_| Status::internal(format!("Secret {name:?} cannot be read")))?;
        let valid = secret.type_.as_deref() == Some(SECRET_TYPE)
            && secret.metadata.deletion_timestamp.is_none();
        if !valid {
            return Ok(None);
        }
        let record = match TokenRecord::from_secret_data(&secret_data(&secret), &name) {
            Ok(record) => record,
            Err(error) => {
                tracing::debug!(%error, "a bootstrap token's Secret is not valid");
                return Ok(None);
            }
        };
        let made_with = match TokenBounds::from_annotations(secret.metadata.annotations.as_ref()) {
            Ok(bounds) => bounds,
            Err(error) => {
                tracing::warn!(token = %id, %error, "a bootstrap token's bounds are not known");
                return Ok(None);
            }
        };
        let uid = secret.metadata.uid.unwrap_or_default();
        let sources = ledger::bounds(&self.store, &uid)?
            .unwrap_or(made_with)
            .cidrs;
        Ok(Some(KnownToken {
            record,
            uid,
            sources,
        }))
    }
}

/// A Secret's data as bytes.
pub(crate) fn secret_data(secret: &Secret) -> BTreeMap<String, Vec<u8>> {
    secret
        .data
        .iter()
        .flatten()
        .map(|(key, value)| (key.clone(), value.0.clone()))
        .collect()
}

impl fmt::Debug for TokenBackend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Native => f.write_str("Native"),
            Self::Plugin(plugin) => f.debug_tuple("Plugin").field(plugin.identity()).finish(),
        }
    }
}
