//! The Secrets that hold bootstrap tokens.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use k8s_openapi::api::core::v1::Secret;
use kube::api::{Api, DeleteParams, ListParams, Preconditions};
use slipway_config::token::{
    BoundsError, RecordError, SECRET_NAMESPACE, SECRET_TYPE, TokenBounds, TokenId, TokenRecord,
    expiration_of,
};

use crate::error::{During as _, Error};
use crate::ledger::LiveToken;
use crate::sharing::Reads;

/// Selects the Secrets with tokens.
pub(crate) const SELECTOR: &str = "type=bootstrap.kubernetes.io/token";

/// A Secret with a token, whether or not the token in it is in order.
#[derive(Clone, Debug)]
pub(crate) struct TokenSecret {
    /// The Secret's name.
    pub(crate) name: String,
    /// The Secret's UID, which tells this token from an earlier one of the same ID.
    pub(crate) uid: String,
    /// When it was created.
    pub(crate) created: Option<Timestamp>,
    /// The version that was read.
    pub(crate) resource_version: Option<String>,
    /// When the token expires, if ever; known even where the rest is not in order.
    pub(crate) expires: Option<Timestamp>,
    /// The token, or what is wrong with it.
    pub(crate) record: Result<TokenRecord, RecordError>,
    /// The bounds that the token was made with, or what is wrong with them.
    pub(crate) bounds: Result<TokenBounds, BoundsError>,
}

/// Reads and deletes the Secrets. Cheap to clone; the clones share what they read at one time.
#[derive(Clone)]
pub(crate) struct TokenSecrets {
    secrets: Api<Secret>,
    reads: Arc<Reads<Option<TokenSecret>>>,
}

impl TokenSecret {
    /// Reads a Secret; none where it holds no token, or is about to go.
    pub(crate) fn read(secret: &Secret) -> Option<Self> {
        match secret.metadata.deletion_timestamp {
            Some(_) => None,
            None => Self::read_deleted(secret),
        }
    }

    /// Reads the last state of a Secret that was deleted; none where it held no token.
    pub(crate) fn read_deleted(secret: &Secret) -> Option<Self> {
        let metadata = &secret.metadata;
        if secret.type_.as_deref() != Some(SECRET_TYPE) {
            return None;
        }
        let name = metadata.name.clone()?;
        let data: BTreeMap<String, Vec<u8>> = secret
            .data
            .iter()
            .flatten()
            .map(|(key, value)| (key.clone(), value.0.clone()))
            .collect();
        Some(Self {
            uid: metadata.uid.clone()?,
            created: metadata.creation_timestamp.as_ref().map(|time| time.0),
            resource_version: metadata.resource_version.clone(),
            expires: expiration_of(&data),
            record: TokenRecord::from_secret_data(&data, &name),
            bounds: TokenBounds::from_annotations(metadata.annotations.as_ref()),
            name,
        })
    }

    /// The token's ID, by the Secret's name.
    pub(crate) fn id(&self) -> Option<TokenId> {
        TokenId::from_secret_name(&self.name)
    }

    /// Whether the token is over.
    pub(crate) fn is_expired(&self, now: Timestamp) -> bool {
        self.expires.is_some_and(|expires| expires <= now)
    }

    /// The token as far as its ledger is concerned, where somebody can be let in by it. One that is not in order
    /// authenticates nobody.
    pub(crate) fn live(&self) -> Option<LiveToken> {
        let authenticates = self
            .record
            .as_ref()
            .is_ok_and(|record| record.usages.authentication);
        let id = self.id().filter(|_| authenticates)?;
        Some(self.as_live(id))
    }

    /// The token with this ID as far as its ledger is concerned. Within bounds that cannot be read nothing can be done.
    pub(crate) fn as_live(&self, id: TokenId) -> LiveToken {
        LiveToken {
            id,
            uid: self.uid.clone(),
            expires: self.expires,
            bounds: self.bounds.clone().unwrap_or_else(|_| TokenBounds::void()),
        }
    }

    /// What is wrong with it, if anything.
    pub(crate) fn problem(&self) -> Option<String> {
        let record = self.record.as_ref().err().map(ToString::to_string);
        record.or_else(|| self.bounds.as_ref().err().map(ToString::to_string))
    }
}

impl TokenSecrets {
    /// Secrets over this client.
    pub(crate) fn new(client: kube::Client) -> Self {
        Self {
            secrets: Api::namespaced(client, SECRET_NAMESPACE),
            reads: Arc::default(),
        }
    }

    /// The Secret of the token with this ID, read live.
    pub(crate) async fn get(&self, id: &TokenId) -> Result<Option<TokenSecret>, Error> {
        let name = id.secret_name();
        let read = async {
            let secret = self.secrets.get_opt(&name).await;
            let secret = secret.during("read", title(&name))?;
            Ok(secret.as_ref().and_then(TokenSecret::read))
        };
        self.reads.read(&name, read).await
    }

    /// All of them, read live.
    pub(crate) async fn list(&self) -> Result<Vec<TokenSecret>, Error> {
        let all = self
            .secrets
            .list(&ListParams::default().fields(SELECTOR))
            .await
            .during("list", format_args!("Secrets in {SECRET_NAMESPACE}"))?;
        Ok(all.items.iter().filter_map(TokenSecret::read).collect())
    }

    /// Deletes the Secret that was read, and no other of its name. Returns whether it was there, unchanged.
    pub(crate) async fn delete(&self, secret: &TokenSecret) -> Result<bool, Error> {
        let unchanged = DeleteParams {
            preconditions: Some(Preconditions {
                uid: Some(secret.uid.clone()),
                resource_version: secret.resource_version.clone(),
            }),
            ..DeleteParams::default()
        };
        let deleted = self
            .secrets
            .delete(&secret.name, &unchanged)
            .await
            .during("delete", title(&secret.name));
        match deleted {
            Ok(_) => Ok(true),
            Err(error) if error.is_conflict() || error.is_not_found() => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// The objects themselves.
    pub(crate) fn api(&self) -> &Api<Secret> {
        &self.secrets
    }
}

/// A Secret as messages name it.
pub(crate) fn title(name: &str) -> String {
    format!("Secret {SECRET_NAMESPACE}/{name}")
}

#[cfg(test)]
mod tests {
    use k8s_openapi::ByteString;
    use slipway_config::token::BOUNDS_ANNOTATION;

    use super::*;

    #[test]
    fn the_expiration_is_known_whatever_else_is_wrong() {
        let mut secret = Secret {
            type_: Some(SECRET_TYPE.to_owned()),
            data: Some(
                [(
                    "expiration".to_owned(),
                    ByteString(b"1970-01-01T00:01:00Z".to_vec()),
                )]
                .into(),
            ),
            ..Secret::default()
        };
        secret.metadata.name = Some("bootstrap-token-abcdef".to_owned());
        secret.metadata.uid = Some("u".to_owned());
        let read = TokenSecret::read(&secret).unwrap();
        assert!(read.record.is_err());
        assert!(read.is_expired(Timestamp::from_second(60).unwrap()));
        assert!(!read.is_expired(Timestamp::from_second(59).unwrap()));
        assert_eq!(read.live(), None);
        secret.type_ = Some("Opaque".to_owned());
        assert!(TokenSecret::read(&secret).is_none());
    }

    #[test]
    fn within_bounds_that_cannot_be_read_nothing_can_be_done() {
        let with = |annotation: &str| {
            let data = [
                ("token-id", "abcdef"),
                ("token-secret", "0123456789abcdef"),
                ("usage-bootstrap-authentication", "true"),
            ];
            let mut secret = Secret {
                type_: Some(SECRET_TYPE.to_owned()),
                data: Some(
                    data.map(|(key, value)| (key.to_owned(), ByteString(value.into())))
                        .into(),
                ),
                ..Secret::default()
            };
            secret.metadata.name = Some("bootstrap-token-abcdef".to_owned());
            secret.metadata.uid = Some("u".to_owned());
            secret.metadata.annotations =
                Some([(BOUNDS_ANNOTATION.to_owned(), annotation.to_owned())].into());
            TokenSecret::read(&secret).unwrap()
        };
        let read = with(r#"{"uses":2}"#);
        assert_eq!(read.live().unwrap().bounds.uses, Some(2));
        assert_eq!(read.problem(), None);
        let read = with("twice");
        assert_eq!(read.live().unwrap().bounds, TokenBounds::void());
        assert!(read.problem().unwrap().contains(BOUNDS_ANNOTATION));
    }
}
