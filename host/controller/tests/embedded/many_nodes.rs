//! Whose a name or an address is, where there are many nodes: found without listing them, and never from what was.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use http::{Request, Response};
use k8s_openapi::api::core::v1::{Node, NodeAddress};
use kube::Client;
use kube::api::{Api, PostParams};
use kube::client::Body;
use serde_json::json;
use slipway_controller::{Chain, Controllers, Standing};

use crate::approvers::abstain;
use crate::cluster::{Cluster, Machine, Running, condition, eventually, submit};

/// More than are listed at a time.
const NODES: usize = 510;

/// What becomes of the questions about nodes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Behaviour {
    /// They are answered.
    Answers,
    /// Watches are begun, and nothing ever comes of them.
    WatchesNothing,
    /// It says that it is at the beginning.
    IsSetBack,
}

/// Controllers in a cluster of many nodes, and how often these were listed.
struct Many {
    cluster: Cluster,
    lists: Arc<AtomicUsize>,
    running: Running,
}

impl Many {
    async fn start(api: Behaviour) -> Self {
        let cluster = Cluster::start().await;
        for number in 0..NODES {
            cluster.node(&format!("w{number}")).await;
        }
        let lists = Arc::default();
        let client = observed(cluster.client(), api, Arc::clone(&lists));
        let controllers = Controllers::builder(client)
            .clock(cluster.clock())
            .policy(Chain::new(vec![abstain()]))
            .approver(cluster.log("log"));
        let running = cluster.run(controllers);
        let many = Self {
            cluster,
            lists,
            running,
        };
        // Two pages are one list.
        let filled = eventually(|| async { (many.lists() >= 2).then_some(()) }).await;
        filled.expect("the nodes are listed");
        many
    }

    fn lists(&self) -> usize {
        self.lists.load(Ordering::SeqCst)
    }

    async fn give(&self, node: &str, address: &str) {
        let nodes: Api<Node> = Api::all(self.cluster.client());
        let mut object = nodes.get(node).await.unwrap();
        object.status.get_or_insert_default().addresses = Some(vec![NodeAddress {
            type_: "InternalIP".to_owned(),
            address: address.to_owned(),
        }]);
        let params = PostParams::default();
        nodes.replace_status(node, &params, &object).await.unwrap();
    }

    /// What becomes of a request of the last node for an address.
    async fn ask(&self, name: &str, address: &str) {
        let machine = Machine::new("w509");
        let client = self.cluster.node_client("w509");
        submit(client, &machine.serving(name, address)).await;
    }

    async fn is_refused(&self, name: &str, owner: &str, address: &str) {
        let denied = self.cluster.until(name, Standing::Denied).await;
        let (_, told) = condition(&denied, "Denied").unwrap();
        let expected =
            format!("guardrails: not-another-node: {address} belongs to the node {owner}");
        assert_eq!(told, expected);
    }

    async fn is_left_open(&self, name: &str) {
        self.cluster.until_reviewed(name, "Deferred").await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_last_moment_counts_and_nothing_is_listed_for_it() {
    let many = Many::start(Behaviour::Answers).await;
    // Once the index is there, a question is no list any more.
    let indexed = eventually(|| async {
        let before = many.lists();
        let name = format!("first-{before}");
        many.ask(&name, "10.2.0.1").await;
        many.is_left_open(&name).await;
        (many.lists() == before).then_some(before)
    });
    let before = indexed.await.expect("the index answers");
    for number in 0..10 {
        let (node, address) = (format!("w{number}"), format!("10.1.0.{number}"));
        many.give(&node, &address).await;
        let name = format!("taken-{number}");
        many.ask(&name, &address).await;
        many.is_refused(&name, &node, &address).await;
        many.give(&node, "10.3.0.1").await;
        let name = format!("free-{number}");
        many.ask(&name, &address).await;
        many.is_left_open(&name).await;
    }
    assert_eq!(many.lists(), before);
    many.running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_watch_that_is_stuck_gives_no_address_away() {
    let many = Many::start(Behaviour::WatchesNothing).await;
    many.give("w1", "10.1.0.1").await;
    let before = many.lists();
    many.ask("taken", "10.1.0.1").await;
    many.is_refused("taken", "w1", "10.1.0.1").await;
    assert_eq!(many.lists(), before + 2);
    many.running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_api_that_was_set_back_is_listed_anew() {
    let many = Many::start(Behaviour::IsSetBack).await;
    many.give("w1", "10.1.0.1").await;
    let before = many.lists();
    many.ask("taken", "10.1.0.1").await;
    many.is_refused("taken", "w1", "10.1.0.1").await;
    // For the question, and for the index.
    let anew = eventually(|| async { (many.lists() >= before + 4).then_some(()) }).await;
    anew.expect("the index is made anew");
    many.running.stop().await;
}

/// A client whose lists of nodes are counted.
fn observed(client: Client, api: Behaviour, lists: Arc<AtomicUsize>) -> Client {
    let service = tower::service_fn(move |request: Request<Body>| {
        let (client, lists) = (client.clone(), Arc::clone(&lists));
        async move {
            let query = request.uri().query().unwrap_or_default();
            let has = |wanted: &str| query.split('&').any(|part| part == wanted);
            let is_of_nodes = request.uri().path() == "/api/v1/nodes";
            if is_of_nodes && has("limit=500") {
                lists.fetch_add(1, Ordering::SeqCst);
            }
            if is_of_nodes && has("watch=true") && api == Behaviour::WatchesNothing {
                return std::future::pending().await;
            }
            if is_of_nodes && has("limit=1") && api == Behaviour::IsSetBack {
                let list = json!({
                    "apiVersion": "meta.k8s.io/v1", "kind": "PartialObjectMetadataList",
                    "metadata": {"resourceVersion": "1"}, "items": [],
                });
                return Ok(Response::new(Body::from(list.to_string().into_bytes())));
            }
            client.send(request).await
        }
    });
    Client::new(service, "default")
}
