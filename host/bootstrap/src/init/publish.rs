//! What nodes need to find in the cluster: cluster-info, and the first token.

use std::collections::BTreeMap;

use jiff::Timestamp;
use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::{ConfigMap, Secret};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use slipway_config::token::{
    BootstrapToken, SECRET_NAMESPACE, SECRET_TYPE, TokenGroup, TokenRecord, TokenUsages,
};
use slipway_pki::ca::CaBundle;
use slipway_pki::kubeconfig::ClusterInfoKubeconfig;

use super::InitError;
use super::objects::{Policy, Wanted};
use super::settings::{PublishedCa, Settings};

const DESCRIPTION: &str = "The first bootstrap token, made by 'slipway init'.";

/// The token of this run: the operator's, or a new one.
pub(super) fn first_token(settings: &Settings, now: Timestamp) -> Result<TokenRecord, InitError> {
    let BootstrapToken { id, secret } = match &settings.token.given {
        Some(token) => token.clone(),
        None => BootstrapToken::generate().map_err(|error| InitError::Token(error.to_string()))?,
    };
    let expires = settings
        .token
        .ttl
        .map(|ttl| whole_seconds(now).checked_add(ttl))
        .transpose()
        .map_err(|error| InitError::Token(error.to_string()))?;
    Ok(TokenRecord {
        id,
        secret,
        description: DESCRIPTION.to_owned(),
        expires,
        usages: TokenUsages {
            signing: true,
            authentication: true,
        },
        groups: vec![TokenGroup::default_node_token()],
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
