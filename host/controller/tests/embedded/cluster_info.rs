//! cluster-info: its signatures, and what they follow.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::Secret;
use kube::api::{Api, DeleteParams, Patch, PatchParams};
use slipway_config::token::TokenBounds;
use slipway_controller::ledger::Ledgers;
use slipway_pki::jws;

use crate::cluster::{CALM, Cluster, eventually, new_token};

#[tokio::test(flavor = "multi_thread")]
async fn cluster_info_is_signed_as_tokens_come_change_expire_and_go() {
    let cluster = Cluster::start().await;
    cluster.publish("document").await;
    let maps = cluster.maps("kube-public");
    let running = cluster.run(cluster.controllers(vec![]));
    let signatures = || async {
        let data = cluster
            .maps("kube-public")
            .get("cluster-info")
            .await
            .unwrap()
            .data
            .unwrap();
        let keys = data
            .into_iter()
            .filter(|(key, _)| key.starts_with("jws-kubeconfig-"));
        keys.collect::<BTreeMap<_, _>>()
    };
    let new = new_token(TokenBounds::default());
    let key = format!("jws-kubeconfig-{}", new.token.id);
    let made = cluster.tokens().create(&new).await.unwrap();
    let wanted = BTreeMap::from([(key.clone(), jws::sign(&new.token, b"document").unwrap())]);
    let reaches = |wanted: BTreeMap<String, String>, what: &'static str| async move {
        let wanted = &wanted;
        eventually(|| async move { (signatures().await == *wanted).then_some(()) })
            .await
            .unwrap_or_else(|| panic!("{what} was not followed"));
    };
    reaches(wanted.clone(), "a new token").await;

    // Another signer writes the same: nothing to fight about.
    let other = slipway_controller::Controllers::builder(cluster.client()).bootstrap_signer();
    let other = cluster.run(other);
    let version = || async {
        cluster
            .maps("kube-public")
            .get("cluster-info")
            .await
            .unwrap()
            .metadata
            .resource_version
    };
    let before = version().await;
    tokio::time::sleep(CALM).await;
    assert_eq!(version().await, before);

    let patch = serde_json::json!({"data": {"kubeconfig": "another document"}});
    maps.patch(
        "cluster-info",
        &PatchParams::default(),
        &Patch::Merge(&patch),
    )
    .await
    .unwrap();
    let resigned = BTreeMap::from([(
        key.clone(),
        jws::sign(&new.token, b"another document").unwrap(),
    )]);
    reaches(resigned.clone(), "a new document").await;

    let patch = serde_json::json!({"stringData": {"usage-bootstrap-signing": "false"}});
    let secrets: Api<Secret> = Api::namespaced(cluster.client(), "kube-system");
    let name = new.token.id.secret_name();
    secrets
        .patch(&name, &PatchParams::default(), &Patch::Merge(&patch))
        .await
        .unwrap();
    reaches(BTreeMap::new(), "a changed token").await;
    let patch = serde_json::json!({"stringData": {"usage-bootstrap-signing": "true"}});
    secrets
        .patch(&name, &PatchParams::default(), &Patch::Merge(&patch))
        .await
        .unwrap();
    reaches(resigned, "a changed token").await;

    secrets
        .delete(&name, &DeleteParams::default())
        .await
        .unwrap();
    reaches(BTreeMap::new(), "a deleted token").await;
    other.stop().await;
    running.stop().await;
    assert!(
        Ledgers::new(cluster.client(), cluster.clock())
            .get(&made.uid)
            .await
            .unwrap()
            .unwrap()
            .ledger()
            .revoked()
            .is_some()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_takes_no_signature_away() {
    let cluster = Cluster::start().await;
    cluster.publish("document").await;
    let maps = cluster.maps("kube-public");
    for _ in 0..20 {
        cluster.token(TokenBounds::default()).await;
    }
    let running = cluster.run(cluster.controllers(vec![]));
    let signed = eventually(|| async {
        let info = maps.get("cluster-info").await.unwrap();
        (info.data.as_ref().unwrap().len() == 21).then_some(info)
    });
    let before = signed.await.expect("never signed");
    running.stop().await;
    for _ in 0..3 {
        let running = cluster.run(cluster.controllers(vec![]));
        tokio::time::sleep(CALM).await;
        running.stop().await;
        let after = maps.get("cluster-info").await.unwrap();
        assert_eq!(
            after.metadata.resource_version,
            before.metadata.resource_version
        );
    }
}
