//! Mirrors a token store into Secrets, for an API server that knows tokens from Secrets and nothing else: one way, labelled,
//! removing what vanished from the store.
//!
//! A token is mirrored once. That it was is written down, so that nothing comes back: not the token whose Secret an
//! administrator deleted, which revokes it, and not the one that a store forgets and remembers again. What is there without
//! our label is nobody's business here, and stays.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::Secret;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::api::{Api, DeleteParams, ListParams, PostParams, Preconditions};
use serde::{Deserialize, Serialize};
use slipway_config::digest::Sha256Digest;
use slipway_config::token::{SECRET_NAMESPACE, SECRET_TYPE, TokenId};
use slipway_plugin::TokenStore;
use slipway_plugin::extension::token_store::{StoredToken, TokenStoreError};
use tokio_util::sync::CancellationToken;

use crate::error::{During as _, Error};
use crate::ledger::Ledgers;
use crate::records::{Record, Records, required};
use crate::system::{self, Clock};
use crate::tokens::title;

/// How often the store is looked at.
const PERIOD: Duration = Duration::from_secs(5);

/// The label of a Secret that is a mirrored token, with the store's UID of it.
const MIRRORED: &str = "slipway.dev/mirrored-token";

/// Keeps the Secrets like a store.
pub(crate) struct TokenMirror {
    pub(crate) store: Arc<dyn TokenStore>,
    pub(crate) client: kube::Client,
    pub(crate) ledgers: Ledgers,
    pub(crate) clock: Clock,
}

/// Why the Secrets could not be made like the store.
#[derive(Debug, thiserror::Error)]
enum MirrorError {
    #[error("the token store gives no list of its tokens: {0}")]
    Store(#[from] TokenStoreError),
    #[error(transparent)]
    Api(#[from] Error),
}

/// That a token was mirrored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Mirrored {
    /// The store's UID of the token.
    uid: String,
    /// The token's ID.
    id: TokenId,
    /// When it is over in any case.
    expires: Option<Timestamp>,
}

impl Record for Mirrored {
    const ALL: &'static str = "the records of mirrored tokens";
    const LABEL: &'static str = "slipway.dev/token-mirror";
    const IMMUTABLE: bool = true;

    fn name(&self) -> String {
        let digest = Sha256Digest::of(self.uid.as_bytes()).to_hex();
        format!("token-mirror-{digest}")
    }

    fn label(&self) -> String {
        self.id.to_string()
    }

    fn to_data(&self) -> Result<BTreeMap<String, String>, serde_json::Error> {
        let mirrored = serde_json::to_string(self)?;
        Ok(BTreeMap::from([("mirrored".to_owned(), mirrored)]))
    }

    fn from_data(data: &BTreeMap<String, String>) -> Result<Self, String> {
        serde_json::from_str(required(data, "mirrored")?).map_err(|error| error.to_string())
    }
}

impl TokenMirror {
    /// Mirrors until `stop`.
    pub(crate) async fn run(self, stop: CancellationToken) {
        loop {
            if let Err(error) = self.settle().await {
                // An outage of the store revokes nothing.
                tracing::warn!(
                    error = &error as &dyn std::error::Error,
                    "the Secrets could not be made like the token store"
                );
            }
            let pause = tokio::time::sleep(PERIOD);
            if stop.run_until_cancelled(pause).await.is_none() {
                return;
            }
        }
    }

    async fn settle(&self) -> Result<(), MirrorError> {
        let tokens = self.store.list().await?;
        let now = (self.clock)();
        let known: HashMap<_, _> = self
            .records()
            .list(Mirrored::LABEL)
            .await?
            .into_iter()
            .map(|stored| (stored.record.uid.clone(), stored))
            .collect();
        let secrets = self.secrets().await?;
        let kept: HashSet<_> = tokens.iter().map(|token| &token.value.uid).collect();
        for (uid, secret) in &secrets {
            if !kept.contains(uid) {
                self.revoke(secret).await?;
            }
        }
        for token in &tokens {
            let token = &token.value;
            let is_over = token.record.expires.is_some_and(|expires| expires <= now);
            if !is_over && !known.contains_key(&token.uid) {
                self.mirror(token, secrets.contains_key(&token.uid)).await?;
            }
        }
        for stored in known.values() {
            let mirrored = &stored.record;
            let is_over = mirrored.expires.is_some_and(|expires| expires <= now);
            // It could not come back in any case.
            if is_over && !kept.contains(&mirrored.uid) {
                self.records().remove(stored).await?;
            }
        }
        Ok(())
    }

    /// Makes the Secret of a token that has none yet, and writes down that it has one.
    async fn mirror(&self, token: &StoredToken, is_there: bool) -> Result<(), Error> {
        if !is_there {
            let name = token.record.id.secret_name();
            let made = self
                .api()
                .create(&PostParams::default(), &projected(token))
                .await
                .during("create", title(&name));
            match made {
                Ok(_) => tracing::info!(secret = name, "a token of the store was mirrored"),
                Err(error) if error.is_conflict() => {
                    tracing::warn!(
                        secret = name,
                        "a token of the store is not mirrored: there is a Secret of its name already"
                    );
                    return Ok(());
                }
                Err(error) => return Err(error),
            }
        }
        let record = Mirrored {
            uid: token.uid.clone(),
            id: token.record.id.clone(),
            expires: token.record.expires,
        };
        self.records().create(&record).await.map(drop)
    }

    /// The token is not in the store any more.
    async fn revoke(&self, secret: &Secret) -> Result<(), Error> {
        let metadata = &secret.metadata;
        let (Some(name), Some(uid)) = (&metadata.name, &metadata.uid) else {
            return Ok(());
        };
        // First, so that a token whose Secret is left over is revoked all the same.
        if self.ledgers.get(uid).await?.is_some() {
            self.ledgers.revoke(uid).await?;
        }
        let unchanged = DeleteParams {
            preconditions: Some(Preconditions {
                uid: Some(uid.clone()),
                resource_version: metadata.resource_version.clone(),
            }),
            ..DeleteParams::default()
        };
        let deleted = self
            .api()
            .delete(name, &unchanged)
            .await
            .during("delete", title(name));
        match deleted {
            Ok(_) => {
                tracing::info!(
                    secret = name,
                    "a token that is not in the store any more was revoked"
                );
                Ok(())
            }
            Err(error) if error.is_conflict() || error.is_not_found() => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// The Secrets that were mirrored, by the store's UID of their token.
    async fn secrets(&self) -> Result<HashMap<String, Secret>, Error> {
        let mirrored = ListParams::default().labels(MIRRORED);
        let found = self
            .api()
            .list(&mirrored)
            .await
            .during("list", format_args!("Secrets in {SECRET_NAMESPACE}"))?;
        let by_uid = |secret: Secret| {
            let uid = secret.metadata.labels.as_ref()?.get(MIRRORED)?.clone();
            Some((uid, secret))
        };
        Ok(found.items.into_iter().filter_map(by_uid).collect())
    }

    fn api(&self) -> Api<Secret> {
        Api::namespaced(self.client.clone(), SECRET_NAMESPACE)
    }

    fn records(&self) -> Records<Mirrored> {
        Records::new(self.client.clone())
    }
}

/// The Secret of a token.
fn projected(token: &StoredToken) -> Secret {
    let data = token.record.to_secret_data().into_iter();
    Secret {
        metadata: ObjectMeta {
            name: Some(token.record.id.secret_name()),
            namespace: Some(SECRET_NAMESPACE.to_owned()),
            labels: Some(system::labels([(MIRRORED, token.uid.clone())])),
            // What they hold becomes the bounds of the token's ledger.
            annotations: token.bounds.to_annotations(),
            ..ObjectMeta::default()
        },
        type_: Some(SECRET_TYPE.to_owned()),
        data: Some(data.map(|(key, value)| (key, ByteString(value))).collect()),
        ..Secret::default()
    }
}
