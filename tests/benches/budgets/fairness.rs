//! How long a node waits for its approval while another token floods the cluster.

use std::time::Duration;

use k8s_openapi::api::certificates::v1::CertificateSigningRequest;
use slipway_pki::csr::NodeCsr;
use slipway_pki::key::{KeyAlgorithm, PrivateKey};

use crate::chain::chain;
use crate::embedded::{Embedded, all, block_on, folder_on_disk, log, object, rest, submit};
use crate::figure::Quantity;

/// Requests of the flood, all of which the approvers leave to a person.
const FLOOD: usize = 10_000;
/// Requests of the flood that the API has at a time.
const AT_A_TIME: usize = 1024;
/// Floods.
const TIMES: usize = 5;

/// The longest that the other token's node waited.
pub(crate) struct Fairness {
    /// It asked when half of the flood was there.
    pub(crate) meanwhile: Quantity,
    /// It asked when all of it was there.
    pub(crate) afterwards: Quantity,
}

pub(crate) fn fairness() -> Fairness {
    let waited: Vec<_> = (0..TIMES).map(|_| block_on(flooded())).collect();
    let longest = |which: fn(&(Duration, Duration)) -> Duration| {
        let longest = waited.iter().map(which).max();
        longest.expect("there was a flood").into()
    };
    Fairness {
        meanwhile: longest(|(meanwhile, _)| *meanwhile),
        afterwards: longest(|(_, afterwards)| *afterwards),
    }
}

/// What the other token's nodes waited in one flood: in its midst, and when all of it was there.
async fn flooded() -> (Duration, Duration) {
    let cluster = Embedded::start().await;
    let folder = folder_on_disk();
    let running = cluster.run(cluster.client(), chain().await, &log(folder.path()));
    let flooder = cluster.client_of_token(&cluster.token().await);
    let other = cluster.client_of_token(&cluster.token().await);
    let flood = requests("left", FLOOD);
    let nodes = requests("worker", 3);
    cluster.ask(&other, &nodes[0]).await;
    rest().await;

    let (arrive, mut arrived) = tokio::sync::watch::channel(0);
    let submissions = flood.into_iter().map(move |request| {
        let (flooder, arrive) = (flooder.clone(), arrive.clone());
        async move {
            submit(&flooder, &request).await;
            arrive.send_modify(|number| *number += 1);
        }
    });
    let flood = tokio::spawn(all(submissions, AT_A_TIME));
    let half = arrived.wait_for(|number| *number >= FLOOD / 2).await;
    half.expect("the flood comes");
    let meanwhile = cluster.ask(&other, &nodes[1]).await.approval;
    flood.await.expect("the flood comes");
    let afterwards = cluster.ask(&other, &nodes[2]).await.approval;
    running.stop().await;
    (meanwhile, afterwards)
}

fn requests(name: &str, number: usize) -> Vec<CertificateSigningRequest> {
    let key = PrivateKey::generate(KeyAlgorithm::EcdsaP256).expect("a key");
    let request = |number| {
        let node = format!("{name}-{number}").parse().expect("a name");
        let csr = NodeCsr::client(&node, &key).expect("a request");
        object(node.as_str(), &csr)
    };
    (0..number).map(request).collect()
}
