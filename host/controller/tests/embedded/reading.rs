//! What plugins get to read of a cluster.

use serde_json::json;
use slipway_controller::LiveReader;
use slipway_plugin::{ClusterReadError, ClusterReader as _, ObjectKind};

use crate::cluster::Cluster;

fn kind(group: &str, version: &str, kind: &str) -> ObjectKind {
    ObjectKind {
        group: group.to_owned(),
        version: version.to_owned(),
        kind: kind.to_owned(),
    }
}

#[tokio::test]
async fn objects_are_read_as_they_are_now() {
    let cluster = Cluster::start().await;
    let reader = LiveReader::new(cluster.client());
    let nodes = kind("", "v1", "Node");
    assert_eq!(reader.get(&nodes, "", "worker-1").await, Ok(None));
    assert_eq!(reader.list(&nodes, "").await, Ok(Vec::new()));
    cluster.node("worker-1").await;
    let node = reader.get(&nodes, "", "worker-1").await.unwrap().unwrap();
    assert_eq!(
        (&node["kind"], &node["metadata"]["name"]),
        (&json!("Node"), &json!("worker-1"))
    );
    let listed = reader.list(&nodes, "").await.unwrap();
    assert_eq!(listed.len(), 1);
    assert_eq!(listed[0]["metadata"]["uid"], node["metadata"]["uid"]);
}

#[tokio::test]
async fn a_namespace_belongs_to_a_kind_that_has_them() {
    let cluster = Cluster::start().await;
    let reader = LiveReader::new(cluster.client());
    let maps = kind("", "v1", "ConfigMap");
    assert_eq!(reader.get(&maps, "kube-public", "absent").await, Ok(None));
    assert_eq!(reader.list(&maps, "").await, Ok(Vec::new()));
    for answer in [
        reader.get(&maps, "", "x").await,
        reader
            .get(&kind("", "v1", "Node"), "kube-public", "x")
            .await,
    ] {
        let Err(ClusterReadError::Other(reason)) = answer else {
            panic!("{answer:?}");
        };
        assert!(reason.contains("namespace"), "{reason}");
    }
}

#[tokio::test]
async fn a_kind_that_is_not_served_is_told_from_an_object_that_is_not_there() {
    let cluster = Cluster::start().await;
    let reader = LiveReader::new(cluster.client());
    for absent in [
        kind("", "v1", "Machine"),
        kind("cluster.x-k8s.io", "v1", "Machine"),
        kind("certificates.k8s.io", "v9", "CertificateSigningRequest"),
    ] {
        let answer = reader.list(&absent, "").await;
        assert_eq!(answer, Err(ClusterReadError::UnknownKind), "{absent:?}");
    }
}

#[tokio::test]
async fn what_the_reader_itself_may_not_read_is_an_error() {
    let cluster = Cluster::start().await;
    let reader = LiveReader::new(cluster.node_client("worker-1"));
    let answer = reader.list(&kind("", "v1", "Secret"), "").await;
    assert!(
        matches!(&answer, Err(ClusterReadError::Other(reason)) if reason.contains("forbidden")),
        "{answer:?}"
    );
}
