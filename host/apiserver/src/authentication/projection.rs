//! Secrets as the projection of a token store plugin: what kubectl and the controllers see of the tokens
//! that the plugin keeps.
//!
//! Writes through the API go to the plugin first and to the Secret then (`strategy::secret`). What
//! differs otherwise, since somebody else wrote to the plugin's store or a crash came in between, is put
//! right here.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::Secret;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, Time};
use slipway_config::token::{SECRET_NAMESPACE, SECRET_TYPE};
use slipway_plugin::TokenStore;
use slipway_plugin::extension::token_store::{
    RecordVersion, StoredToken, TokenStoreError, Versioned,
};
use tokio_util::sync::CancellationToken;

use super::{SECRETS, secret_data};
use crate::resource::Object;
use crate::store::{Action, Key, Part, Record, Scope, Store, Write, WriteError};

/// How often the two are compared.
const PERIOD: Duration = Duration::from_secs(5);

/// Keeps the Secrets like the plugin's tokens.
pub(crate) struct Projection {
    plugin: Arc<dyn TokenStore>,
    store: Store,
}

/// Why the two could not be compared, or not be made the same.
#[derive(Debug, thiserror::Error)]
pub enum ProjectionError {
    /// The plugin gives no list of its tokens.
    #[error("the token store gives no list of its tokens")]
    TokenStore(#[source] TokenStoreError),
    /// A Secret cannot be read or written as one.
    #[error("the Secret {name} cannot be read or written")]
    Secret {
        /// Its name.
        name: String,
        /// Why.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The store refuses a write.
    #[error("the Secret {name} cannot be stored")]
    Write {
        /// Its name.
        name: String,
        /// Why.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

/// One difference, at one state of both sides.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Difference {
    /// A token has no Secret.
    Missing {
        name: String,
        version: RecordVersion,
    },
    /// A Secret is not what its token says.
    Stale {
        name: String,
        version: RecordVersion,
        revision: u64,
    },
    /// A Secret has no token.
    Orphan { name: String, revision: u64 },
}

impl Difference {
    /// Says so where a token that was valid is no more, as after another store was configured: whoever holds it should not
    /// have to guess why.
    fn report_if_revoked(&self, tokens: &Tokens) {
        if let Self::Orphan { name, .. } = self
            && !tokens.contains_key(name)
        {
            tracing::error!(
                secret = name,
                "a bootstrap token that the token store does not have is revoked; \
                 `slipway token create` makes another"
            );
        }
    }
}

/// A token's Secret as it is stored.
struct Projected {
    record: Arc<Record>,
    secret: Secret,
}

type Tokens = BTreeMap<String, Versioned<StoredToken>>;
type Secrets = BTreeMap<String, Projected>;

impl Projection {
    pub(crate) fn new(plugin: Arc<dyn TokenStore>, store: Store) -> Self {
        Self { plugin, store }
    }

    /// Makes the Secrets like the tokens, once. For the start, when nobody else writes.
    ///
    /// # Errors
    /// When the plugin does not answer or the store cannot be written.
    pub(crate) async fn settle(&self) -> Result<(), ProjectionError> {
        // A Secret whose token was made anew under its ID goes first and comes back then.
        for _ in 0..2 {
            let (tokens, secrets) = self.read().await?;
            for difference in differences(&tokens, &secrets) {
                self.resolve(&difference, &tokens, &secrets).await?;
                difference.report_if_revoked(&tokens);
            }
        }
        Ok(())
    }

    /// Compares periodically until `shutdown`. A difference is acted upon when it is still the same at
    /// the next comparison: what is seen once may be a write on its way.
    pub(crate) async fn run(&self, shutdown: CancellationToken) {
        let mut before = Vec::new();
        let mut told = None;
        loop {
            tokio::select! {
                () = shutdown.cancelled() => return,
                () = tokio::time::sleep(PERIOD) => {}
            }
            match self.round(&before).await {
                Ok(differences) => {
                    before = differences;
                    told = None;
                }
                Err(error) => {
                    let source = std::error::Error::source(&error).map(ToString::to_string);
                    let text = (error.to_string(), source);
                    // Once, and not every few seconds.
                    if told.as_ref() != Some(&text) {
                        let (error, source) = &text;
                        tracing::error!(error, source, "tokens and Secrets could not be compared");
                    }
                    told = Some(text);
                    before.clear();
                }
            }
        }
    }

    async fn round(&self, before: &[Difference]) -> Result<Vec<Difference>, ProjectionError> {
        let (tokens, secrets) = self.read().await?;
        let found = differences(&tokens, &secrets);
        for difference in found.iter().filter(|found| before.contains(found)) {
            self.resolve(difference, &tokens, &secrets).await?;
        }
        Ok(found)
    }

    async fn read(&self) -> Result<(Tokens, Secrets), ProjectionError> {
        let tokens = self
            .plugin
            .list()
            .await
            .map_err(ProjectionError::TokenStore)?
            .into_iter()
            .map(|token| (token.value.record.id.secret_name(), token))
            .collect();
        let mut secrets = Secrets::new();
        let scope = Scope::all(SECRETS).within(SECRET_NAMESPACE);
        for record in self.store.list(&scope, Part::ALL).records {
            let name = record.key.name.to_string();
            let secret: Secret = record
                .object()
                .and_then(|object| object.to_typed())
                .map_err(|error| ProjectionError::Secret {
                    name: name.clone(),
                    source: error.into(),
                })?;
            if secret.type_.as_deref() == Some(SECRET_TYPE) {
                secrets.insert(name, Projected { record, secret });
            }
        }
        Ok((tokens, secrets))
    }

    async fn resolve(
        &self,
        difference: &Difference,
        tokens: &Tokens,
        secrets: &Secrets,
    ) -> Result<(), ProjectionError> {
        let (name, action) = match difference {
            Difference::Missing { name, .. } => match tokens.get(name) {
                Some(token) => (name, Action::Create(object(name, projected(&token.value))?)),
                None => return Ok(()),
            },
            Difference::Stale { name, revision, .. } => match (tokens.get(name), secrets.get(name))
            {
                (Some(token), Some(stored)) => {
                    let mut secret = stored.secret.clone();
                    secret.data = projected(&token.value).data;
                    let action = Action::Update {
                        expected: *revision,
                        object: object(name, secret)?,
                    };
                    (name, action)
                }
                _ => return Ok(()),
            },
            Difference::Orphan { name, revision } => (
                name,
                Action::Delete {
                    expected: *revision,
                    only_if_empty: false,
                },
            ),
        };
        let namespace = matches!(action, Action::Create(_))
            .then(|| Key::new("/namespaces", "", SECRET_NAMESPACE));
        let write = Write {
            key: Key::new(SECRETS, SECRET_NAMESPACE, name),
            action,
            namespace,
        };
        match self.store.write(write).await {
            Ok(_) => {
                tracing::info!(
                    secret = name,
                    "a token's Secret was made like the token store"
                );
                Ok(())
            }
            // Somebody was quicker: the next comparison sees what is left to do.
            Err(
                WriteError::Exists(_)
                | WriteError::Missing
                | WriteError::Changed(_)
                | WriteError::NoNamespace
                | WriteError::NamespaceTerminating,
            ) => Ok(()),
            Err(error) => Err(ProjectionError::Write {
                name: name.clone(),
                source: error.into(),
            }),
        }
    }
}

fn differences(tokens: &Tokens, secrets: &Secrets) -> Vec<Difference> {
    let mut found = Vec::new();
    for (name, token) in tokens {
        let Some(stored) = secrets.get(name) else {
            found.push(Difference::Missing {
                name: name.clone(),
                version: token.version.clone(),
            });
            continue;
        };
        if stored.secret.metadata.uid.as_ref() == Some(&token.value.uid)
            && secret_data(&stored.secret) != token.value.record.to_secret_data()
        {
            found.push(Difference::Stale {
                name: name.clone(),
                version: token.version.clone(),
                revision: stored.record.revision,
            });
        }
    }
    for (name, stored) in secrets {
        let same_token = tokens
            .get(name)
            .is_some_and(|token| stored.secret.metadata.uid.as_ref() == Some(&token.value.uid));
        if !same_token {
            found.push(Difference::Orphan {
                name: name.clone(),
                revision: stored.record.revision,
            });
        }
    }
    found
}

/// The Secret of a token.
fn projected(token: &StoredToken) -> Secret {
    Secret {
        metadata: ObjectMeta {
            name: Some(token.record.id.secret_name()),
            namespace: Some(SECRET_NAMESPACE.to_owned()),
            uid: Some(token.uid.clone()),
            creation_timestamp: Some(Time(token.created)),
            // What they hold becomes the bounds of the token's ledger.
            annotations: token.bounds.to_annotations(),
            ..ObjectMeta::default()
        },
        type_: Some(SECRET_TYPE.to_owned()),
        data: Some(
            token
                .record
                .to_secret_data()
                .into_iter()
                .map(|(key, value)| (key, ByteString(value)))
                .collect(),
        ),
        ..Secret::default()
    }
}

fn object(name: &str, secret: Secret) -> Result<Object, ProjectionError> {
    Object::from_typed(&secret).map_err(|error| ProjectionError::Secret {
        name: name.to_owned(),
        source: error.into(),
    })
}

#[cfg(test)]
mod tests;
