//! Several who want the same.

use std::sync::Arc;

use slipway_config::token::TokenBounds;
use slipway_controller::chain::Chain;
use slipway_controller::ledger::Ledgers;
use slipway_controller::{Signing, Standing, standing};
use slipway_pki::decision::ledger::{TokenUse, UseStanding};
use slipway_pki::key::KeyFingerprint;
use slipway_pki::signer::NodeSigner;

use crate::approvers::approve;
use crate::cluster::{Cluster, Machine, eventually, uses};

#[tokio::test(flavor = "multi_thread")]
async fn of_two_keys_that_want_one_name_one_gets_it_from_two_controllers() {
    let cluster = Cluster::start().await;
    let signed = |name| {
        let log = cluster.log(name);
        cluster
            .without_signer(Chain::new(vec![approve()]), &log)
            .csr_signer(Signing::new(Arc::clone(&cluster.authority)), log)
    };
    let (one, two) = (cluster.run(signed("one")), cluster.run(signed("two")));
    for round in 0..5 {
        let node = format!("w{round}");
        let mut asked = Vec::new();
        for machine in 0..4 {
            let token = cluster.token(TokenBounds::default()).await;
            let name = format!("{node}-{machine}");
            Machine::new(&node)
                .ask(cluster.token_client(&token), &name)
                .await;
            asked.push(name);
        }
        let settled = eventually(|| async {
            let mut standings = Vec::new();
            for name in &asked {
                let request = cluster.request(name).await;
                let deferred = crate::cluster::condition(&request, slipway_controller::REVIEWED);
                match standing(&request) {
                    Standing::Open if deferred.is_none() => return None,
                    Standing::Approved => return None,
                    standing => standings.push((standing, deferred)),
                }
            }
            Some(standings)
        });
        let settled = settled.await.expect("never settled");
        let issued = settled
            .iter()
            .filter(|(standing, _)| *standing == Standing::Issued)
            .count();
        assert_eq!(issued, 1, "{settled:?}");
        let others = settled
            .iter()
            .filter(|(standing, _)| *standing == Standing::Open);
        for (_, deferred) in others.clone() {
            let (reason, message) = deferred.clone().unwrap();
            assert_eq!(reason, "NameClaimed");
            assert_eq!(
                message.matches("is claimed by another key").count(),
                1,
                "it is said once:\n{message}"
            );
        }
        assert_eq!(others.count(), 3);
    }
    one.stop().await;
    two.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_for_one_node_lets_one_in() {
    let cluster = Cluster::start().await;
    let running = cluster.run(cluster.controllers(vec![approve()]));
    let token = cluster.token(uses(1)).await;
    let client = cluster.token_client(&token);
    let asking = (0..30).map(|number| {
        let client = client.clone();
        async move {
            Machine::new(&format!("w{number}"))
                .ask(client, &format!("r{number}"))
                .await
        }
    });
    futures::future::join_all(asking).await;
    let settled = eventually(|| async {
        let mut standings = Vec::new();
        for number in 0..30 {
            match standing(&cluster.request(&format!("r{number}")).await) {
                Standing::Open | Standing::Approved => return None,
                standing => standings.push(standing),
            }
        }
        Some(standings)
    });
    let settled = settled.await.expect("never settled");
    let count = |wanted| {
        settled
            .iter()
            .filter(|standing| **standing == wanted)
            .count()
    };
    assert_eq!((count(Standing::Issued), count(Standing::Denied)), (1, 29));
    let listed = cluster.tokens().list().await.unwrap();
    assert_eq!((listed[0].used, listed[0].uses_left), (1, Some(0)));
    // The names that were claimed in vain are free again.
    let freed = eventually(|| async {
        let mut claims = 0;
        for number in 0..30 {
            claims += usize::from(cluster.claim(&format!("w{number}")).await.is_some());
        }
        (claims == 1).then_some(())
    });
    freed.await.expect("claims of denied requests stayed");
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_ledger_counts_right_however_many_write_to_it() {
    let cluster = Cluster::start().await;
    let token = cluster.token(uses(5)).await;
    for round in 0..5 {
        let reserving = (0..12).map(|number| {
            let ledgers = Ledgers::new(cluster.client(), cluster.clock());
            let wanted = TokenUse {
                token_uid: token.uid.clone(),
                key: KeyFingerprint::from([number; 32]),
                node: format!("w{number}").parse().unwrap(),
                signer: NodeSigner::KubeletClient,
                submitted: (cluster.clock())(),
            };
            tokio::spawn(async move {
                let reserved = ledgers.reserve(&wanted).await.unwrap();
                (wanted, reserved.is_ok())
            })
        });
        let reserved = futures::future::join_all(reserving).await;
        let (held, refused): (Vec<_>, Vec<_>) = reserved
            .into_iter()
            .map(Result::unwrap)
            .partition(|(_, is_held)| *is_held);
        assert_eq!((held.len(), refused.len()), (5, 7), "round {round}");
        let ledgers = Ledgers::new(cluster.client(), cluster.clock());
        let stored = ledgers.get(&token.uid).await.unwrap().unwrap();
        let listed = cluster.tokens().list().await.unwrap().remove(0);
        let mut shown: Vec<_> = listed.reservations.iter().map(|held| &held.node).collect();
        let mut nodes: Vec<_> = held.iter().map(|(wanted, _)| &wanted.node).collect();
        shown.sort();
        nodes.sort();
        assert_eq!(shown, nodes, "round {round}");
        for (wanted, _) in &held {
            let standing = stored.ledger().standing(wanted, (cluster.clock())());
            assert_eq!(standing, Ok(UseStanding::Reserved), "round {round}");
        }
        let releasing = held.into_iter().map(|(wanted, _)| {
            let ledgers = ledgers.clone();
            tokio::spawn(async move { ledgers.release(&wanted).await.unwrap() })
        });
        for released in futures::future::join_all(releasing).await {
            released.unwrap();
        }
        assert_eq!(cluster.tokens().list().await.unwrap()[0].uses_left, Some(5));
    }
}
