//! What one request waits in a cluster with few tokens, nodes and requests, and in one with many.
//!
//! Each cluster is filled first, and then the controllers start and come to rest.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use k8s_openapi::api::core::v1::{Node, NodeAddress, NodeStatus};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::api::PostParams;
use kube::{Api, Client};
use slipway_config::token::BootstrapToken;
use slipway_controller::TokenAdmin;
use slipway_controller::tokens::ListedToken;
use slipway_pki::csr::NodeCsr;
use slipway_pki::key::{KeyAlgorithm, PrivateKey};

use crate::chain::chain;
use crate::embedded::{
    Embedded, Waited, all, block_on, folder_on_disk, joining, log, object, rest, submit,
};
use crate::figure::{Growth, Quantity, middle};

/// How many objects there are.
pub(crate) const SIZES: [usize; 3] = [10, 1_000, 50_000];

/// Requests for client certificates that are measured in each cluster, one after the other.
const CLIENTS: usize = 50;
/// Requests for serving certificates.
const SERVERS: usize = 9;

/// Objects that are made at a time.
const AT_A_TIME: usize = 256;
/// The tokens whose requests wait for a person.
const TOKENS_LEFT: usize = 10;

/// What there is much of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Objects {
    /// Bootstrap tokens, each with its ledger.
    Tokens,
    Nodes,
    /// Requests of other tokens that the approvers left to a person.
    Requests,
}

/// The medians in one cluster.
struct Medians {
    approval: Quantity,
    certificate: Quantity,
    /// From the request for a serving certificate to the certificate; where there are many nodes only.
    serving: Option<Quantity>,
}

pub(crate) fn growth() -> Vec<Growth> {
    let of = |objects| SIZES.map(|size| block_on(measure(objects, size)));
    let tokens = of(Objects::Tokens);
    let nodes = of(Objects::Nodes);
    let requests = of(Objects::Requests);
    vec![
        line("approval, by tokens", &tokens, |found| found.approval),
        line("certificate, by tokens", &tokens, |found| found.certificate),
        line("approval, by Nodes", &nodes, |found| found.approval),
        line("certificate, by Nodes", &nodes, |found| found.certificate),
        Growth {
            what: "serving certificate, by Nodes",
            measured: nodes.iter().filter_map(|found| found.serving).collect(),
        },
        line("approval, by waiting requests", &requests, |found| {
            found.approval
        }),
        line("certificate, by waiting requests", &requests, |found| {
            found.certificate
        }),
    ]
}

fn line(what: &'static str, found: &[Medians], median: impl Fn(&Medians) -> Quantity) -> Growth {
    Growth {
        what,
        measured: found.iter().map(median).collect(),
    }
}

async fn measure(objects: Objects, size: usize) -> Medians {
    let cluster = Embedded::start().await;
    let begun = Instant::now();
    match objects {
        Objects::Tokens => tokens(&cluster, size).await,
        Objects::Nodes => nodes(&cluster, size).await,
        Objects::Requests => requests(&cluster, size).await,
    }
    let token = cluster.token().await;
    let made = begun.elapsed();
    let folder = folder_on_disk();
    let running = cluster.run(cluster.client(), chain().await, &log(folder.path()));
    rest().await;
    let seen = begun.elapsed() - made;
    let waited = clients(&cluster, &token).await;
    let longest = waited.iter().map(|waited| waited.approval).max();
    eprintln!(
        "{size} {objects:?}: made in {made:.1?}, taken up by the controllers in {seen:.1?}; the longest approval {:.1?}",
        longest.unwrap_or_default()
    );
    let serving = match objects {
        Objects::Nodes => Some(middle(servers(&cluster).await)),
        Objects::Tokens | Objects::Requests => None,
    };
    running.stop().await;
    Medians {
        approval: middle(waited.iter().map(|waited| waited.approval).collect()),
        certificate: middle(waited.iter().map(|waited| waited.certificate).collect()),
        serving,
    }
}

/// New nodes, each with a request for a client certificate.
async fn clients(cluster: &Embedded, token: &ListedToken) -> Vec<Waited> {
    let submitter = cluster.client_of_token(token);
    let mut waited = Vec::new();
    for number in 0..CLIENTS {
        let node = format!("worker-{number}").parse().expect("a name");
        let csr = NodeCsr::client(&node, &key()).expect("a request");
        let request = object(node.as_str(), &csr);
        waited.push(cluster.ask(&submitter, &request).await);
    }
    waited
}

/// The first node, with requests for serving certificates.
async fn servers(cluster: &Embedded) -> Vec<Duration> {
    let node = node_name(0);
    let submitter = cluster.client_of_node(&node);
    let name = node.parse().expect("a name");
    let mut waited = Vec::new();
    for number in 0..SERVERS {
        let csr = NodeCsr::serving(&name, &[], &[address(0)], &key()).expect("a request");
        let request = object(&format!("server-{number}"), &csr);
        waited.push(cluster.ask(&submitter, &request).await.certificate);
    }
    waited
}

async fn tokens(cluster: &Embedded, size: usize) {
    let admin = TokenAdmin::new(cluster.client());
    let secret = BootstrapToken::generate().expect("a token").secret;
    let make = |number: usize| {
        let id = format!("{number:06}").parse().expect("an ID");
        let secret = secret.clone();
        let new = joining(BootstrapToken { id, secret });
        let admin = admin.clone();
        async move {
            admin.create(&new).await.expect("the token is made");
        }
    };
    all((0..size).map(make), AT_A_TIME).await;
}

async fn nodes(cluster: &Embedded, size: usize) {
    let nodes: Api<Node> = Api::all(cluster.client());
    let make = |number| {
        let nodes = nodes.clone();
        async move {
            let made = nodes.create(&PostParams::default(), &node(number)).await;
            made.expect("the node is made");
        }
    };
    all((0..size).map(make), AT_A_TIME).await;
}

async fn requests(cluster: &Embedded, size: usize) {
    let mut submitters: Vec<Client> = Vec::new();
    for _ in 0..TOKENS_LEFT {
        submitters.push(cluster.client_of_token(&cluster.token().await));
    }
    let key = Arc::new(key());
    let make = |number: usize| {
        let submitter = submitters[number % submitters.len()].clone();
        let key = Arc::clone(&key);
        async move {
            let node = format!("left-{number}").parse().expect("a name");
            let csr = NodeCsr::client(&node, &key).expect("a request");
            submit(&submitter, &object(node.as_str(), &csr)).await;
        }
    };
    all((0..size).map(make), AT_A_TIME).await;
}

fn node(number: usize) -> Node {
    let address = NodeAddress {
        type_: "InternalIP".to_owned(),
        address: address(number).to_string(),
    };
    Node {
        metadata: ObjectMeta {
            name: Some(node_name(number)),
            ..ObjectMeta::default()
        },
        status: Some(NodeStatus {
            addresses: Some(vec![address]),
            ..NodeStatus::default()
        }),
        ..Node::default()
    }
}

fn node_name(number: usize) -> String {
    format!("node-{number}")
}

/// Each node's own.
fn address(number: usize) -> IpAddr {
    let number = u32::try_from(number).expect("fewer nodes");
    let first = u32::from(Ipv4Addr::new(10, 0, 0, 1));
    Ipv4Addr::from(first + number).into()
}

fn key() -> PrivateKey {
    PrivateKey::generate(KeyAlgorithm::EcdsaP256).expect("a key")
}
