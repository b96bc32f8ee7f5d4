//! Several clients over the same connections.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use k8s_openapi::api::authentication::v1::SelfSubjectReview;
use kube::api::PostParams;
use tokio::net::{TcpListener, TcpStream};

use super::*;
use crate::testing::cluster::Cluster;

/// Passes on to the cluster, and counts the connections.
async fn counted(cluster: &Cluster) -> (Route, Arc<AtomicU32>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let route = route(listener.local_addr().unwrap(), "127.0.0.1");
    let count = Arc::new(AtomicU32::new(0));
    let (server, counter) = (cluster.settings.advertise.to_string(), Arc::clone(&count));
    tokio::spawn(async move {
        loop {
            let (mut client, _) = listener.accept().await.unwrap();
            counter.fetch_add(1, Ordering::SeqCst);
            let mut server = TcpStream::connect(&server).await.unwrap();
            tokio::spawn(async move {
                // How it ends is the business of the two ends.
                let _ = tokio::io::copy_bidirectional(&mut client, &mut server).await;
            });
        }
    });
    (route, count)
}

async fn cluster_info(client: kube::Client) {
    let api: Api<ConfigMap> = Api::namespaced(client, "kube-public");
    api.get("cluster-info").await.unwrap();
}

async fn who_am_i(client: kube::Client) -> Result<Option<String>, RequestFailure> {
    let api: Api<SelfSubjectReview> = Api::all(client);
    let asked = api
        .create(&PostParams::default(), &SelfSubjectReview::default())
        .await;
    let user = asked.map_err(RequestFailure::from)?.status;
    Ok(user
        .and_then(|status| status.user_info)
        .and_then(|user| user.username))
}

#[tokio::test(flavor = "multi_thread")]
async fn clients_share_connections_and_not_who_they_are() {
    let cluster = Cluster::start().await;
    let (route, count) = counted(&cluster).await;
    let ca = cluster.prepared.ca();
    let connections = Connections::new(vec![route.clone()], ca.clone()).unwrap();
    let anonymous = connections.client(&Credentials::Anonymous).unwrap();
    cluster_info(anonymous.clone()).await;
    let connections = connections.renewed(vec![route], &ca).unwrap();
    let token = Credentials::BootstrapToken(cluster.token.clone());
    let user = who_am_i(connections.client(&token).unwrap()).await.unwrap();
    assert_eq!(user, Some(cluster.token.user_name()));
    let stranger = who_am_i(anonymous).await;
    assert!(
        matches!(
            stranger,
            Err(RequestFailure::Forbidden(_) | RequestFailure::Unauthorized(_))
        ),
        "{stranger:?}"
    );
    assert_eq!(count.load(Ordering::SeqCst), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn other_servers_or_authorities_get_connections_of_their_own() {
    let cluster = Cluster::start().await;
    let (route, count) = counted(&cluster).await;
    let ca = cluster.prepared.ca();
    let mut more = ca.certificates().to_vec();
    more.extend_from_slice(authority().bundle().certificates());
    let der: Vec<_> = more.iter().map(|found| found.der().to_vec()).collect();
    let wider = CaBundle::from_der(&der).unwrap();
    let mut renamed = route.clone();
    renamed.names.push("api.example".to_owned());

    let connections = Connections::new(vec![route.clone()], ca.clone()).unwrap();
    cluster_info(connections.client(&Credentials::Anonymous).unwrap()).await;
    let wide = connections.clone().renewed(vec![route], &wider).unwrap();
    cluster_info(wide.client(&Credentials::Anonymous).unwrap()).await;
    assert_eq!(count.load(Ordering::SeqCst), 2);
    let other = connections.renewed(vec![renamed], &ca).unwrap();
    cluster_info(other.client(&Credentials::Anonymous).unwrap()).await;
    assert_eq!(count.load(Ordering::SeqCst), 3);
}
