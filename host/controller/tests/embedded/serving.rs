//! Requests for serving certificates.

use http::{Request, Response};
use kube::Client;
use kube::client::Body;
use serde_json::json;
use slipway_controller::{Chain, Controllers, Standing};
use slipway_pki::kubeconfig::ClusterInfoKubeconfig;

use crate::approvers::abstain;
use crate::cluster::{Cluster, Machine, condition, submit};

#[tokio::test(flavor = "multi_thread")]
async fn a_serving_request_is_guarded_and_then_left_to_the_chain() {
    let cluster = Cluster::start().await;
    cluster.node("w1").await;
    let running = cluster.run(cluster.controllers(vec![abstain()]));
    let w1 = Machine::new("w1");
    submit(cluster.node_client("w1"), &w1.serving("good", "10.0.0.7")).await;
    submit(
        cluster.node_client("w1"),
        &w1.serving("loopback", "127.0.0.1"),
    )
    .await;
    submit(
        cluster.node_client("w2"),
        &w1.serving("foreign", "10.0.0.7"),
    )
    .await;
    assert_eq!(
        cluster.until_reviewed("good", "Deferred").await,
        "no approver took a decision; a person must"
    );
    let told = |request| condition(&request, "Denied").unwrap().1;
    insta::assert_snapshot!(told(cluster.until("loopback", Standing::Denied).await), @"guardrails: serving-names: the IP address 127.0.0.1 is loopback");
    insta::assert_snapshot!(told(cluster.until("foreign", Standing::Denied).await), @"guardrails: serving-for-itself: system:node:w2 asks for a serving certificate of the node w1");
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cluster_info_calls_the_api_servers_is_theirs() {
    let cluster = Cluster::start().await;
    cluster.node("w1").await;
    let servers = ["https://api.example:6443", "https://203.0.113.9:6443"];
    let servers = servers.iter().map(|url| url.parse().unwrap()).collect();
    let document = ClusterInfoKubeconfig::new(servers, None).unwrap();
    cluster.publish(&document.to_yaml().unwrap()).await;
    let running = cluster.run(cluster.controllers(vec![abstain()]));
    let w1 = Machine::new("w1");
    for (request, place) in [("name", "api.example"), ("address", "203.0.113.9")] {
        submit(cluster.node_client("w1"), &w1.serving(request, place)).await;
        let denied = cluster.until(request, Standing::Denied).await;
        let (_, told) = condition(&denied, "Denied").unwrap();
        assert_eq!(
            told,
            format!("guardrails: not-the-api-server: {place} is the API server's")
        );
    }
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_addresses_of_the_service_kubernetes_are_the_api_servers() {
    let cluster = Cluster::start().await;
    cluster.node("w1").await;
    let controllers = Controllers::builder(with_service(cluster.client()))
        .clock(cluster.clock())
        .policy(Chain::new(vec![abstain()]))
        .approver(cluster.log("log"));
    let running = cluster.run(controllers);
    let w1 = Machine::new("w1");
    for (request, address) in [("first", "10.96.0.1"), ("second", "fd00::1")] {
        submit(cluster.node_client("w1"), &w1.serving(request, address)).await;
        let denied = cluster.until(request, Standing::Denied).await;
        let (_, told) = condition(&denied, "Denied").unwrap();
        assert_eq!(
            told,
            format!("guardrails: not-the-api-server: {address} is the API server's")
        );
    }
    running.stop().await;
}

/// The API with the Service that a kube-apiserver makes for itself.
fn with_service(client: Client) -> Client {
    const PATH: &str = "/api/v1/namespaces/default/services/kubernetes";
    let service = json!({
        "apiVersion": "v1", "kind": "Service",
        "metadata": {"name": "kubernetes", "namespace": "default"},
        "spec": {"clusterIP": "10.96.0.1", "clusterIPs": ["10.96.0.1", "fd00::1"]},
    });
    let answers = tower::service_fn(move |request: Request<Body>| {
        let (client, service) = (client.clone(), service.to_string());
        async move {
            match request.uri().path() {
                PATH => Ok(Response::new(Body::from(service.into_bytes()))),
                _ => client.send(request).await,
            }
        }
    });
    Client::new(answers, "default")
}
