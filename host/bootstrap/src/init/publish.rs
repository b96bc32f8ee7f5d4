//! What nodes need to find in the cluster: cluster-info, and the first tokens.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::{ConfigMap, Secret};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use slipway_config::kubeadm::TokenSpec;
use slipway_config::token::{BootstrapToken, SECRET_NAMESPACE, SECRET_TYPE, TokenRecord};
use slipway_pki::ca::CaBundle;
use slipway_pki::kubeconfig::ClusterInfoKubeconfig;

use super::InitError;
use super::objects::{Policy, Wanted};
use super::settings::{PublishedCa, Settings};

const DESCRIPTION: &str = "A bootstrap token made by 'slipway init'.";

/// The tokens of this run: the operator's, or new ones.
pub(super) fn tokens(settings: &Settings, now: Timestamp) -> Result<Vec<TokenRecord>, InitError> {
    let tokens = settings
        .tokens
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
pub(super) fn cluster_info(settings: &Settings, ca: CaBundle) -> Result<Wanted, InitError> {
    let ca = match settings.published_ca {
        PublishedCa::Included => Some(ca),
        PublishedCa::Omitted => None,
    };
    let text = ClusterInfoKubeconfig::new(settings.servers(), ca)
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
