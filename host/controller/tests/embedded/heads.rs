//! The end of the decision log, published in the cluster.

use std::fs;
use std::sync::Arc;

use slipway_config::token::TokenBounds;
use slipway_controller::Standing;
use slipway_controller::chain::Chain;
use slipway_controller::decision_log::{self, SignedHead};
use slipway_controller::head_publisher::published;
use slipway_pki::key::{KeyAlgorithm, PrivateKey};

use crate::approvers::approve;
use crate::cluster::{CALM, Cluster, Machine, Running, eventually};

struct Writer {
    cluster: Cluster,
    key: Arc<PrivateKey>,
}

impl Writer {
    async fn new() -> Self {
        Self {
            cluster: Cluster::start().await,
            key: Arc::new(PrivateKey::generate(KeyAlgorithm::Ed25519).unwrap()),
        }
    }

    /// Controllers with the log as it stands on disk.
    fn run(&self) -> Running {
        let log = self.cluster.log("log");
        let controllers = self
            .cluster
            .without_signer(Chain::new(vec![approve()]), &log);
        let key = Arc::clone(&self.key);
        self.cluster.run(controllers.head_publisher(log, key))
    }

    async fn let_in(&self, node: &str) {
        let token = self.cluster.token(TokenBounds::default()).await;
        let client = self.cluster.token_client(&token);
        Machine::new(node).ask(client, node).await;
        self.cluster.until(node, Standing::Approved).await;
    }

    async fn published(&self) -> Option<SignedHead> {
        let fingerprint = self.key.public_key().fingerprint().to_string();
        let found = published(&self.cluster.client(), &fingerprint)
            .await
            .unwrap()?;
        Some(SignedHead::verify(&found.head, self.key.public_key()).unwrap())
    }

    /// Waits until the whole log was published.
    async fn until_published(&self) -> SignedHead {
        let folder = self.cluster.log_folder("log");
        eventually(async || {
            let head = decision_log::verify(&folder).unwrap();
            let published = self.published().await?;
            (published.head == head && head.records > 0).then_some(published)
        })
        .await
        .expect("the head is published")
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_published_grows_with_the_log_and_outlives_a_restart() {
    let writer = Writer::new().await;
    let running = writer.run();
    writer.let_in("w1").await;
    let first = writer.until_published().await;
    running.stop().await;
    let running = writer.run();
    writer.let_in("w2").await;
    let second = writer.until_published().await;
    assert!(first.head.records < second.head.records);
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_published_stays_where_the_log_was_cut() {
    let writer = Writer::new().await;
    let running = writer.run();
    writer.let_in("w1").await;
    let known = writer.until_published().await;
    running.stop().await;
    let folder = writer.cluster.log_folder("log");
    let file = folder.join("decisions-000001.jsonl");
    let text = fs::read_to_string(&file).unwrap();
    let lines: Vec<_> = text.lines().collect();
    let (_, kept) = lines.split_last().unwrap();
    fs::write(&file, format!("{}\n", kept.join("\n"))).unwrap();

    let running = writer.run();
    // As many records as before, and more: the number alone does not show it.
    writer.let_in("w2").await;
    writer.let_in("w3").await;
    tokio::time::sleep(CALM).await;
    assert_eq!(writer.published().await, Some(known));
    decision_log::verify(&folder).unwrap();
    assert!(decision_log::verify_from(&folder, &known.head).is_err());
    running.stop().await;
}
