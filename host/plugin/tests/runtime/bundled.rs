//! The bundled approvers and the endpoint provider through the real runtime.

use std::sync::Arc;

use serde_json::{Value, json};
use slipway_config::finding::Verdict;
use slipway_config::plugin::{Mode, PluginConfiguration};
use slipway_plugin::extension::csr_approver::TokenFacts;
use slipway_plugin::extension::endpoint_provider::{EndpointError, EndpointRequest};
use slipway_plugin::{Allocation, CsrApprover, EndpointProvider, HostOptions, Outside, PluginHost};

use crate::support::{approver, bundled, host, request};

#[test]
fn every_bundled_plugin_is_there() {
    let names: Vec<_> = slipway_plugin::bundled::list()
        .iter()
        .map(|bundled| bundled.name)
        .collect();
    assert_eq!(
        names,
        [
            "approve-manual",
            "approve-node-client",
            "approve-node-serving",
            "approve-renewal",
            "approve-rules",
            "endpoints-dns",
            "endpoints-https",
            "endpoints-static",
            "tokens-file",
            "trust-file",
            "trust-https",
            "trust-jws",
        ]
    );
}

#[tokio::test]
async fn the_default_configuration_loads_as_a_whole() {
    for allocation in [Allocation::OnDemand, Allocation::Pooling] {
        let host = PluginHost::new(HostOptions {
            allocation,
            ..HostOptions::default()
        });
        load_the_default_configuration(&host.unwrap()).await;
    }
}

async fn load_the_default_configuration(host: &PluginHost) {
    let configuration = PluginConfiguration::default();
    let trust_sources = host.trust_sources(&configuration).await.unwrap();
    assert_eq!(trust_sources.len(), 3);
    let approvers = host.csr_approvers(&configuration).await.unwrap();
    let names: Vec<_> = approvers
        .iter()
        .map(|approver| approver.plugin.identity().name.as_str())
        .collect();
    assert_eq!(names, ["approve-renewal", "approve-manual"]);
    assert!(
        approvers
            .iter()
            .all(|approver| approver.mode == Mode::Enforce)
    );
    let providers = host.endpoint_providers(&configuration).await.unwrap();
    assert_eq!(providers.len(), 1);
}

#[tokio::test]
async fn the_default_chain_defers_new_nodes_and_approves_renewals() {
    let renewal = load("approve-renewal", json!({})).await;
    let manual = load("approve-manual", json!({})).await;

    let new = request("csr-1");
    let abstains = renewal.review(&new, &Outside::live()).await.unwrap();
    assert_eq!(abstains.verdict, Verdict::Abstain);
    let defers = manual.review(&new, &Outside::live()).await.unwrap();
    assert!(matches!(defers.verdict, Verdict::Defer(_)), "{defers:?}");

    let mut renewed = request("csr-2");
    renewed.requester.username = "system:node:worker-1".to_owned();
    renewed.requester.groups = vec!["system:nodes".to_owned()];
    let approves = renewal.review(&renewed, &Outside::live()).await.unwrap();
    assert_eq!(approves.verdict, Verdict::Approve);
    let abstains = manual.review(&renewed, &Outside::live()).await.unwrap();
    assert_eq!(abstains.verdict, Verdict::Abstain);

    renewed.requester.username = "system:node:worker-2".to_owned();
    let abstains = renewal.review(&renewed, &Outside::live()).await.unwrap();
    assert_eq!(abstains.verdict, Verdict::Abstain);
}

#[tokio::test]
async fn a_token_is_enough_for_a_new_node_within_its_bounds() {
    let approver = load("approve-node-client", json!({})).await;
    let mut new = request("csr-1");
    new.token = Some(TokenFacts {
        id: "abcdef".parse().unwrap(),
        node: None,
        uses: None,
        uses_left: None,
        expires: None,
    });
    let approves = approver.review(&new, &Outside::live()).await.unwrap();
    assert_eq!(approves.verdict, Verdict::Approve, "{approves:?}");

    let mut bound = new.clone();
    bound.token.as_mut().unwrap().node = Some("worker-9".parse().unwrap());
    let refused = approver.review(&bound, &Outside::live()).await.unwrap();
    assert_ne!(refused.verdict, Verdict::Approve, "{refused:?}");
}

#[tokio::test]
async fn settings_reach_the_plugin() {
    let settings = json!({"settings": {"names": ["edge-*"], "otherName": "deny"}});
    let approver = load("approve-node-client", settings).await;
    let mut new = request("csr-1");
    new.token = Some(TokenFacts {
        id: "abcdef".parse().unwrap(),
        node: None,
        uses: None,
        uses_left: None,
        expires: None,
    });
    let denied = approver.review(&new, &Outside::live()).await.unwrap();
    assert!(matches!(denied.verdict, Verdict::Deny(_)), "{denied:?}");
}

#[tokio::test]
async fn the_endpoints_that_the_operator_named_are_listed_in_order() {
    let provider = host()
        .load_endpoint_provider(&bundled("endpoints-static", json!({})))
        .await
        .unwrap();
    let endpoints = endpoints(
        &*provider,
        &["10.0.0.2:7443", "[2001:db8::1]", "api.example"],
    )
    .await;
    assert_eq!(
        endpoints.unwrap(),
        ["10.0.0.2 7443", "2001:db8::1 6443", "api.example 6443"]
    );
    let refused = provider
        .endpoints(EndpointRequest {
            locations: vec!["not a place".to_owned()],
            zone: None,
        })
        .await
        .unwrap_err();
    assert!(
        matches!(refused, EndpointError::InvalidRequest(_)),
        "{refused:?}"
    );
}

async fn load(name: &str, more: Value) -> Arc<dyn CsrApprover> {
    approver(bundled(name, more)).await
}

async fn endpoints(
    provider: &dyn EndpointProvider,
    locations: &[&str],
) -> Result<Vec<String>, EndpointError> {
    let request = EndpointRequest {
        locations: locations.iter().map(ToString::to_string).collect(),
        zone: None,
    };
    let endpoints = provider.endpoints(request).await?;
    Ok(endpoints
        .addresses
        .iter()
        .map(|one| format!("{} {}", one.address, one.port))
        .collect())
}
