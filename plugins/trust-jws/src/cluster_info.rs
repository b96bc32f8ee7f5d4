//! The ConfigMap `cluster-info` that an API server shows to everybody.

use std::collections::BTreeMap;

use serde::Deserialize;
use slipway_sdk::kubeconfig::ClusterEntry;
use slipway_sdk::prelude::*;
use slipway_sdk::token::BootstrapToken;

const PATH: &str = "/api/v1/namespaces/kube-public/configmaps/cluster-info";

/// As much of a ConfigMap as matters.
#[derive(Deserialize)]
struct ConfigMap {
    #[serde(default)]
    data: BTreeMap<String, String>,
}

pub(crate) fn url(server: &HostPort) -> String {
    format!("https://{server}{PATH}")
}

/// What the document proposes, once the token's signature under it holds.
pub(crate) fn read(
    document: &[u8],
    server: &HostPort,
    token: &BootstrapToken<'_>,
) -> Result<ClusterTrust, DiscoveryError> {
    let ConfigMap { data } = serde_json::from_slice(document).map_err(|error| {
        DiscoveryError::Untrusted(format!("the answer is not a ConfigMap: {error}"))
    })?;
    let id = token.id();
    let kubeconfig = data.get("kubeconfig").ok_or_else(|| {
        DiscoveryError::NotSigned("cluster-info has no kubeconfig yet".to_owned())
    })?;
    let signature = data.get(&format!("jws-kubeconfig-{id}")).ok_or_else(|| {
        DiscoveryError::NotSigned(format!(
            "cluster-info is not signed for token {id}; has it expired, or is it not for signing?"
        ))
    })?;
    token
        .verify_jws(signature, kubeconfig.as_bytes())
        .map_err(|error| DiscoveryError::Untrusted(error.to_string()))?;
    let entry = ClusterEntry::parse(kubeconfig.as_bytes())?;
    if entry.users > 0 {
        return Err(DiscoveryError::Untrusted(
            "the kubeconfig in cluster-info names a user, which nobody should see there".to_owned(),
        ));
    }
    let evidence = vec![
        Finding::passed(
            "cluster-info-signed",
            format!("cluster-info of {server} carries the signature of token {id}"),
        ),
        ca(&entry),
    ];
    Ok(entry.propose(evidence))
}

fn ca(entry: &ClusterEntry) -> Finding {
    const RULE: &str = "ca-in-cluster-info";
    match entry.ca_bundle {
        Some(_) => Finding::passed(RULE, "the signed document has the cluster's CA"),
        None => Finding::skipped(RULE, "the signed document leaves the CA out")
            .fix("give the CA to this machine with --ca-file"),
    }
}
