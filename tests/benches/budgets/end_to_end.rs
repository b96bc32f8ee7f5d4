//! One decision, from the request that the controllers were told of to the record of its approval on disk.
//!
//! The controllers are the whole product, and their client is looked over the shoulder: a decision begins when the node is
//! looked up, which is among the first calls to the API that it takes, and the record is on disk when the approval goes
//! out. What the API does in between is the API's time.

use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use kube::Client;
use kube::client::Body;
use slipway_config::name::NodeName;
use slipway_pki::csr::NodeCsr;
use slipway_pki::key::{KeyAlgorithm, PrivateKey};

use crate::chain::chain;
use crate::embedded::{Embedded, block_on, folder_on_disk, log, object, rest};
use crate::figure::{Quantity, middle};

/// Decisions that are measured, one after the other.
const DECISIONS: usize = 500;
/// Decisions before, which fill caches.
const FIRST: usize = 50;

/// How long after a certificate nothing more is written or answered, and everything is cold.
const PAUSE: Duration = Duration::from_millis(3);

/// What one decision takes.
pub(crate) struct EndToEnd {
    /// DER parsing, signature check, guardrails, three plugins, and the record on disk; the client's side of the calls to the
    /// API included, the API not.
    pub(crate) own: Quantity,
    /// The same after a pause in which everything got cold.
    pub(crate) rested: Quantity,
    /// With what the API takes, which is in this process and in memory.
    pub(crate) with_api: Quantity,
}

/// A call to the API.
struct Call {
    path: String,
    from: Instant,
    to: Instant,
}

#[derive(Clone, Copy)]
struct Decision {
    own: Duration,
    with_api: Duration,
}

pub(crate) fn end_to_end() -> EndToEnd {
    let (busy, resting) = (folder_on_disk(), folder_on_disk());
    let busy = block_on(decisions(busy.path(), None));
    let rested = block_on(decisions(resting.path(), Some(PAUSE)));
    let own = |decisions: &[Decision]| middle(decisions.iter().map(|taken| taken.own).collect());
    EndToEnd {
        own: own(&busy),
        rested: own(&rested),
        with_api: middle(busy.iter().map(|taken| taken.with_api).collect()),
    }
}

async fn decisions(folder: &Path, pause: Option<Duration>) -> Vec<Decision> {
    let cluster = Embedded::start().await;
    let log = log(folder);
    let calls = Arc::default();
    let running = cluster.run(
        observed(cluster.client(), Arc::clone(&calls)),
        chain().await,
        &log,
    );
    let submitter = cluster.client_of_token(&cluster.token().await);
    rest().await;
    let mut taken = Vec::new();
    for number in 0..FIRST + DECISIONS {
        let key = PrivateKey::generate(KeyAlgorithm::EcdsaP256).expect("a key");
        let node = format!("worker-{number}").parse().expect("a name");
        let csr = NodeCsr::client(&node, &key).expect("a request");
        calls.lock().expect("nobody panicked").clear();
        cluster.ask(&submitter, &object(node.as_str(), &csr)).await;
        if let Some(pause) = pause {
            tokio::time::sleep(pause).await;
        }
        taken.push(decision(&calls.lock().expect("nobody panicked"), &node));
    }
    running.stop().await;
    taken.split_off(FIRST)
}

/// A client whose calls are noted.
fn observed(client: Client, calls: Arc<Mutex<Vec<Call>>>) -> Client {
    let service = tower::service_fn(move |request: http::Request<Body>| {
        let (client, calls) = (client.clone(), Arc::clone(&calls));
        async move {
            let path = request.uri().path().to_owned();
            let from = Instant::now();
            let answer = client.send(request).await;
            let to = Instant::now();
            let call = Call { path, from, to };
            calls.lock().expect("nobody panicked").push(call);
            answer
        }
    });
    Client::new(service, "default")
}

/// The time from the first call to the approval, and what of it no call was under way.
fn decision(calls: &[Call], node: &NodeName) -> Decision {
    let look_up = format!("/api/v1/nodes/{node}");
    let begun = calls.iter().filter(|call| call.path == look_up);
    let begun = begun.map(|call| call.from).min();
    let begun = begun.expect("the node was looked up");
    let approval = calls.iter().find(|call| call.path.ends_with("/approval"));
    let approval = approval.expect("the request was approved");
    let is_before = |call: &&Call| call.to > begun && call.from < approval.from;
    let mut before: Vec<&Call> = calls.iter().filter(is_before).collect();
    before.sort_by_key(|call| call.from);
    let (mut own, mut answered) = (Duration::ZERO, begun);
    for call in before {
        own += call.from.saturating_duration_since(answered);
        answered = answered.max(call.to);
    }
    own += approval.from.saturating_duration_since(answered);
    Decision {
        own,
        with_api: approval.to - begun,
    }
}
