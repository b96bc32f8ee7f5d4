//! What `kubectl get` prints.

use http::Method;
use serde_json::{Value, json};

use crate::{CONFIG_MAPS, client, config_map, post, put, send};

const TABLE: &str = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json";

async fn table(client: &kube::Client, path: &str) -> Value {
    let (code, table) = send(client, Method::GET, path, &[("accept", TABLE)], "").await;
    assert_eq!((code, &table["kind"]), (200, &json!("Table")), "{table}");
    table
}

fn headings(table: &Value) -> Vec<&str> {
    let columns = table["columnDefinitions"].as_array().unwrap();
    columns
        .iter()
        .map(|column| column["name"].as_str().unwrap())
        .collect()
}

#[tokio::test]
async fn rows_carry_the_metadata_or_what_was_asked_for() {
    let client = client().await;
    post(&client, CONFIG_MAPS, config_map("a", "1")).await;
    let all = table(&client, CONFIG_MAPS).await;
    assert_eq!(headings(&all), ["Name", "Data", "Age"]);
    assert_eq!(all["columnDefinitions"][0]["format"], "name");
    assert_eq!(all["rows"][0]["cells"], json!(["a", 1, "0s"]));
    let object = &all["rows"][0]["object"];
    assert_eq!(object["kind"], "PartialObjectMetadata");
    assert_eq!(
        (&object["metadata"]["name"], &object["data"]),
        (&json!("a"), &Value::Null)
    );
    let one = table(&client, &format!("{CONFIG_MAPS}/a?includeObject=Object")).await;
    assert_eq!(one["rows"][0]["object"]["data"]["key"], "1");
    let none = table(&client, &format!("{CONFIG_MAPS}?includeObject=None")).await;
    assert_eq!(none["rows"][0], json!({"cells": ["a", 1, "0s"]}));
    let path = format!("{CONFIG_MAPS}?includeObject=Some");
    let (code, _) = send(&client, Method::GET, &path, &[("accept", TABLE)], "").await;
    assert_eq!(code, 400);
}

#[tokio::test]
async fn every_kind_has_kubernetes_columns() {
    let client = client().await;
    post(
        &client,
        "/api/v1/namespaces/default/secrets",
        json!({
            "metadata": {"name": "s"}, "data": {"a": "YQ==", "b": "Yg=="}
        }),
    )
    .await;
    post(
        &client,
        "/api/v1/namespaces/default/serviceaccounts",
        json!({
            "metadata": {"name": "robot"}
        }),
    )
    .await;
    post(
        &client,
        "/apis/coordination.k8s.io/v1/namespaces/default/leases",
        json!({
            "metadata": {"name": "l"}, "spec": {"holderIdentity": "me"}
        }),
    )
    .await;
    post(&client, "/api/v1/namespaces/default/events", json!({
        "metadata": {"name": "e"}, "type": "Normal", "reason": "Joined", "message": "hello\n",
        "involvedObject": {"kind": "Node", "name": "n"}, "source": {"component": "c", "host": "h"},
        "firstTimestamp": "2026-01-02T11:00:00Z", "lastTimestamp": "2026-01-02T11:59:00Z", "count": 3
    })).await;
    post(
        &client,
        "/apis/rbac.authorization.k8s.io/v1/namespaces/default/roles",
        json!({
            "metadata": {"name": "r"}, "rules": []
        }),
    )
    .await;
    post(&client, "/apis/rbac.authorization.k8s.io/v1/namespaces/default/rolebindings", json!({
        "metadata": {"name": "rb"}, "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "r"},
        "subjects": [
            {"kind": "User", "name": "u", "apiGroup": "rbac.authorization.k8s.io"},
            {"kind": "Group", "name": "g", "apiGroup": "rbac.authorization.k8s.io"},
            {"kind": "ServiceAccount", "name": "robot", "namespace": "default"}
        ]
    })).await;
    for (path, expected) in [
        (
            "/api/v1/namespaces/default",
            json!(["default", "Active", "0s"]),
        ),
        (
            "/api/v1/namespaces/default/secrets/s",
            json!(["s", "Opaque", 2, "0s"]),
        ),
        (
            "/api/v1/namespaces/default/serviceaccounts/robot",
            json!(["robot", 0, "0s"]),
        ),
        (
            "/apis/coordination.k8s.io/v1/namespaces/default/leases/l",
            json!(["l", "me", "0s"]),
        ),
        (
            "/api/v1/namespaces/default/events/e",
            json!([
                "60s", "Normal", "Joined", "node/n", "", "c, h", "hello", "60m", 3, "e"
            ]),
        ),
        (
            "/apis/rbac.authorization.k8s.io/v1/namespaces/default/roles/r",
            json!(["r", "2026-01-02T12:00:00Z"]),
        ),
        (
            "/apis/rbac.authorization.k8s.io/v1/namespaces/default/rolebindings/rb",
            json!(["rb", "Role/r", "0s", "u", "g", "default/robot"]),
        ),
    ] {
        let table = table(&client, path).await;
        assert_eq!(table["rows"][0]["cells"], expected, "{path}");
        assert_eq!(
            headings(&table).len(),
            expected.as_array().unwrap().len(),
            "{path}"
        );
    }
}

#[tokio::test]
async fn a_node_is_shown_with_its_state() {
    let client = client().await;
    let metadata = json!({"name": "n", "labels": {
        "node-role.kubernetes.io/control-plane": "", "kubernetes.io/role": "edge"
    }});
    post(
        &client,
        "/api/v1/nodes",
        json!({
            "metadata": metadata,
            "spec": {"unschedulable": true}
        }),
    )
    .await;
    let node = "/api/v1/nodes/n";
    let cells = table(&client, node).await["rows"][0]["cells"].clone();
    assert_eq!(cells[1], "Unknown,SchedulingDisabled");
    put(&client, &format!("{node}/status"), &json!({
        "metadata": metadata,
            "status": {
            "conditions": [{"type": "Ready", "status": "True"}],
            "addresses": [{"type": "InternalIP", "address": "10.0.0.1"}],
            "nodeInfo": {"kubeletVersion": "v1.36.0", "osImage": "Debian", "kernelVersion": "6.1",
                "containerRuntimeVersion": "containerd://2", "architecture": "", "bootID": "",
                "kubeProxyVersion": "", "machineID": "", "operatingSystem": "", "systemUUID": ""}
        }
    })).await;
    let cells = table(&client, node).await["rows"][0]["cells"].clone();
    assert_eq!(
        cells,
        json!([
            "n",
            "Ready,SchedulingDisabled",
            "control-plane,edge",
            "0s",
            "v1.36.0",
            "10.0.0.1",
            "<none>",
            "Debian",
            "6.1",
            "containerd://2"
        ])
    );
}
