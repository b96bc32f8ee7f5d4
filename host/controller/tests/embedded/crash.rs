//! A controller that dies between any two steps, and one that comes after it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use http::Method;
use kube::Client;
use kube::client::Body;
use slipway_controller::chain::Chain;
use slipway_controller::ledger::Ledgers;
use slipway_controller::{Controllers, DecisionLog, Signing, Standing};

use crate::approvers::{approve, deny};
use crate::cluster::{CALM, Cluster, Machine, eventually, uses};

/// Whether the last write that goes out still arrives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Last {
    Lost,
    Applied,
}

/// A client whose process dies at the given write: from then on nothing goes out, and no answer comes in.
fn dying(client: Client, at: usize, last: Last, dead: Arc<AtomicBool>) -> Client {
    let writes = Arc::new(AtomicUsize::new(0));
    let service = tower::service_fn(move |request: http::Request<Body>| {
        let (client, writes, dead) = (client.clone(), Arc::clone(&writes), Arc::clone(&dead));
        async move {
            let died = || std::io::Error::other("the process died");
            if dead.load(Ordering::SeqCst) {
                return Err(died());
            }
            let is_write = request.method() != Method::GET;
            if is_write && writes.fetch_add(1, Ordering::SeqCst) == at {
                dead.store(true, Ordering::SeqCst);
                if last == Last::Applied {
                    client.send(request).await.map_err(std::io::Error::other)?;
                }
                return Err(died());
            }
            client.send(request).await.map_err(std::io::Error::other)
        }
    });
    Client::new(service, "default")
}

fn controllers(
    cluster: &Cluster,
    client: Client,
    chain: Chain,
    log: &DecisionLog,
) -> slipway_controller::ControllersBuilder {
    Controllers::builder(client)
        .clock(cluster.clock())
        .policy(chain)
        .approver(log.clone())
        .csr_signer(Signing::new(Arc::clone(&cluster.authority)), log.clone())
}

/// Runs one request into a controller that dies at write `at`, then into one that lives. Returns whether the first one
/// died at all.
async fn dies_at(at: usize, last: Last) -> bool {
    let cluster = Cluster::start().await;
    let log = cluster.log("log");
    let token = cluster.token(uses(1)).await;
    let machine = Machine::new("w1");
    machine.ask(cluster.token_client(&token), "r1").await;

    let dead = Arc::new(AtomicBool::new(false));
    let client = dying(cluster.client(), at, last, Arc::clone(&dead));
    let first = cluster.run(controllers(
        &cluster,
        client,
        Chain::new(vec![approve()]),
        &log,
    ));
    eventually(|| async {
        let issued = slipway_controller::standing(&cluster.request("r1").await) == Standing::Issued;
        (issued || dead.load(Ordering::SeqCst)).then_some(())
    })
    .await
    .expect("neither died nor issued");
    first.stop().await;

    let second = cluster.run(controllers(
        &cluster,
        cluster.client(),
        Chain::new(vec![approve()]),
        &log,
    ));
    let request = cluster.until("r1", Standing::Issued).await;
    let pem = request.status.unwrap().certificate.unwrap().0;
    let certificate = slipway_pki::certificate::Certificate::from_pem(&pem).unwrap();
    assert_eq!(
        certificate.public_key(),
        machine.key.public_key(),
        "{at} {last:?}"
    );
    let listed = &cluster.tokens().list().await.unwrap()[0];
    assert_eq!(
        (listed.used, listed.uses_left),
        (1, Some(0)),
        "{at} {last:?}"
    );
    assert!(
        cluster
            .claim("w1")
            .await
            .unwrap()
            .contains(&machine.key.public_key().fingerprint().to_string())
    );

    // What is left of it lets nobody else in.
    Machine::new("w2")
        .ask(cluster.token_client(&token), "r2")
        .await;
    cluster.until("r2", Standing::Denied).await;
    second.stop().await;
    cluster.records("log");
    dead.load(Ordering::SeqCst)
}

#[tokio::test(flavor = "multi_thread")]
async fn whichever_write_is_the_last_the_next_run_comes_to_the_same_end() {
    for last in [Last::Lost, Last::Applied] {
        let mut at = 0;
        while dies_at(at, last).await {
            at += 1;
        }
        // Claim, reservation, approval, consumption, certificate at least.
        assert!(at >= 5, "only {at} writes");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_denial_that_is_cut_short_gives_back_what_was_held() {
    for last in [Last::Lost, Last::Applied] {
        for at in 0..3 {
            let cluster = Cluster::start().await;
            let log = cluster.log("log");
            let token = cluster.token(uses(1)).await;
            // The first run claims and reserves, and dies before it approves.
            let asked = Machine::new("w1");
            asked.ask(cluster.token_client(&token), "r1").await;
            let dead = Arc::new(AtomicBool::new(false));
            let client = dying(cluster.client(), 2, Last::Lost, Arc::clone(&dead));
            let first = cluster.run(controllers(
                &cluster,
                client,
                Chain::new(vec![approve()]),
                &log,
            ));
            eventually(|| async { dead.load(Ordering::SeqCst).then_some(()) })
                .await
                .expect("did not die");
            first.stop().await;
            assert!(cluster.claim("w1").await.is_some());
            assert_eq!(cluster.tokens().list().await.unwrap()[0].uses_left, Some(0));

            // Another policy denies it, and dies, too.
            let dead = Arc::new(AtomicBool::new(false));
            let client = dying(cluster.client(), at, last, Arc::clone(&dead));
            let second = cluster.run(controllers(
                &cluster,
                client,
                Chain::new(vec![deny()]),
                &log,
            ));
            tokio::time::timeout(Duration::from_secs(3), async {
                while !dead.load(Ordering::SeqCst) {
                    tokio::time::sleep(Duration::from_millis(10)).await;
                }
            })
            .await
            .expect("did not die");
            second.stop().await;

            let third = cluster.run(controllers(
                &cluster,
                cluster.client(),
                Chain::new(vec![deny()]),
                &log,
            ));
            cluster.until("r1", Standing::Denied).await;
            eventually(|| async {
                let left = cluster.tokens().list().await.unwrap()[0].uses_left;
                (cluster.claim("w1").await.is_none() && left == Some(1)).then_some(())
            })
            .await
            .unwrap_or_else(|| panic!("{at} {last:?}: something is still held"));
            third.stop().await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_expired_token_is_noted_before_it_is_deleted() {
    for (at, last) in [
        (0, Last::Lost),
        (0, Last::Applied),
        (1, Last::Lost),
        (1, Last::Applied),
    ] {
        let cluster = Cluster::start().await;
        let token = cluster.token(uses(1)).await;
        cluster.advance(Duration::from_secs(25 * 3600));
        let dead = Arc::new(AtomicBool::new(false));
        let cleaner = |client| {
            Controllers::builder(client)
                .clock(cluster.clock())
                .token_cleaner()
        };
        let client = dying(cluster.client(), at, last, Arc::clone(&dead));
        let first = cluster.run(cleaner(client));
        eventually(|| async { dead.load(Ordering::SeqCst).then_some(()) })
            .await
            .expect("did not die");
        first.stop().await;
        let second = cluster.run(cleaner(cluster.client()));
        eventually(|| async {
            cluster
                .tokens()
                .list()
                .await
                .unwrap()
                .is_empty()
                .then_some(())
        })
        .await
        .expect("the token stayed");
        tokio::time::sleep(CALM).await;
        second.stop().await;
        let ledgers = Ledgers::new(cluster.client(), cluster.clock());
        let ledger = ledgers.get(&token.uid).await.unwrap().unwrap();
        assert!(ledger.is_marked_expired(), "{at} {last:?}");
        assert_eq!(ledger.ledger().revoked(), None, "{at} {last:?}");
    }
}
