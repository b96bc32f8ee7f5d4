//! What nodes need to find in the cluster: cluster-info, and the first tokens.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::{ConfigMap, Secret};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::api::{Api, ListParams};
use slipway_config::kubeadm::TokenSpec;
use slipway_config::token::{
    BootstrapToken, SECRET_NAMESPACE, SECRET_TYPE, TokenRecord, TokenUsages,
};
use slipway_pki::kubeconfig::ClusterInfoKubeconfig;

use super::InitError;
use super::objects::{ObjectError, Policy, Wanted};
use super::settings::{Publication, PublishedCa};

const DESCRIPTION: &str = "A bootstrap token made by 'slipway init'.";

/// The tokens of this run: the operator's, or new ones.
pub(super) fn tokens(specs: &[TokenSpec], now: Timestamp) -> Result<Vec<TokenRecord>, InitError> {
    let tokens = specs
        .iter()
        .map(|spec| token(spec, whole_seconds(now)))
        .collect::<Result<Vec<_>, _>>()?;
    let mut ids = BTreeSet::new();
    match tokens.iter().find(|token| !ids.insert(&token.id)) {
        Some(token) => Err(InitError::SameToken(token.id.clone())),
        None => Ok(tokens),
    }
}

fn token(spec: &TokenSpec, now: Timestamp) -> Result<TokenRecord, InitError> {
    let BootstrapToken { id, secret } = match &spec.token {
        Some(token) => token.clone(),
        None => BootstrapToken::generate().map_err(|error| InitError::Token(error.to_string()))?,
    };
    let expires = spec.lifetime.end(now);
    if let Some(expires) = expires.filter(|expires| *expires <= now) {
        return Err(InitError::TokenExpired { id, expires, now });
    }
    Ok(TokenRecord {
        id,
        secret,
        description: match spec.description.as_str() {
            "" => DESCRIPTION.to_owned(),
            description => description.to_owned(),
        },
        expires,
        usages: spec.usages,
        groups: spec.groups.clone(),
    })
}

/// A token that an earlier run made and that invites nodes for some time yet, so that another run makes no second one.
///
/// # Errors
/// When the tokens cannot be listed.
pub(super) async fn earlier_token(
    client: &kube::Client,
    now: Timestamp,
) -> Result<Option<TokenRecord>, InitError> {
    let secrets: Api<Secret> = Api::namespaced(client.clone(), SECRET_NAMESPACE);
    let tokens = ListParams::default().fields(&format!("type={SECRET_TYPE}"));
    let found = secrets.list(&tokens).await.map_err(|source| {
        InitError::Object(ObjectError::Request {
            action: "list",
            object: format!("Secrets in {SECRET_NAMESPACE}"),
            source: source.into(),
        })
    })?;
    let soon = now
        .saturating_add(SignedDuration::from_hours(1))
        .unwrap_or(now);
    Ok(found.into_iter().filter_map(record).find(|token| {
        token.description == DESCRIPTION
            && token.usages == TokenUsages::ALL
            && token.expires.is_none_or(|expires| expires > soon)
    }))
}

/// What a token's Secret says; none where it cannot be used as one.
fn record(secret: Secret) -> Option<TokenRecord> {
    let data = secret.data?.into_iter();
    let data = data.map(|(key, value)| (key, value.0)).collect();
    TokenRecord::from_secret_data(&data, &secret.metadata.name?).ok()
}

/// The token's Secret.
pub(super) fn token_secret(record: &TokenRecord) -> Result<Wanted, InitError> {
    let data = record
        .to_secret_data()
        .into_iter()
        .map(|(key, value)| (key, ByteString(value)))
        .collect();
    let secret = Secret {
        metadata: named(&record.id.secret_name(), SECRET_NAMESPACE),
        type_: Some(SECRET_TYPE.to_owned()),
        data: Some(data),
        ..Secret::default()
    };
    Ok(Wanted::namespaced(&secret, Policy::Reconcile)?)
}

/// cluster-info, unsigned: the bootstrap signer adds a signature for each token.
pub(super) fn cluster_info(publication: &Publication) -> Result<Wanted, InitError> {
    let ca = match publication.published_ca {
        PublishedCa::Included => Some(publication.ca.clone()),
        PublishedCa::Omitted => None,
    };
    let text = ClusterInfoKubeconfig::new(publication.servers.clone(), ca)
        .and_then(|kubeconfig| kubeconfig.to_yaml())
        .map_err(|error| InitError::Kubeconfig(error.to_string()))?;
    let config_map = ConfigMap {
        metadata: named("cluster-info", "kube-public"),
        data: Some(BTreeMap::from([("kubeconfig".to_owned(), text)])),
        ..ConfigMap::default()
    };
    Ok(Wanted::namespaced(&config_map, Policy::Reconcile)?)
}

fn named(name: &str, namespace: &str) -> ObjectMeta {
    ObjectMeta {
        name: Some(name.to_owned()),
        namespace: Some(namespace.to_owned()),
        ..ObjectMeta::default()
    }
}

/// Kubernetes writes and compares times in whole seconds.
fn whole_seconds(time: Timestamp) -> Timestamp {
    Timestamp::from_second(time.as_second()).unwrap_or(time)
}
