//! Patches, as clients send them.

use http::Method;
use k8s_openapi::api::core::v1::Node;
use kube::Api;
use kube::api::{Patch, PatchParams, PostParams};
use serde_json::{Value, json};

use crate::{CONFIG_MAPS, client, config_map, failure, get, one, post, send};

async fn patch(client: &kube::Client, kind: &str, body: Value) -> (u16, Value) {
    let media_type = format!("application/{kind}");
    let headers = [("content-type", media_type.as_str())];
    send(client, Method::PATCH, &one("a"), &headers, body.to_string()).await
}

#[tokio::test]
async fn three_kinds_of_patches_change_an_object() {
    let client = client().await;
    post(&client, CONFIG_MAPS, config_map("a", "1")).await;
    let json_patch = json!([{"op": "replace", "path": "/data/key", "value": "2"}]);
    let (code, after) = patch(&client, "json-patch+json", json_patch).await;
    assert_eq!((code, &after["data"]), (200, &json!({"key": "2"})));
    let merge = json!({"data": {"key": null, "other": "3"}});
    let (_, after) = patch(&client, "merge-patch+json", merge).await;
    assert_eq!(after["data"], json!({"other": "3"}));
    let strategic = json!({"data": {"$patch": "replace", "new": "4"}});
    let (_, after) = patch(&client, "strategic-merge-patch+json", strategic).await;
    assert_eq!(after["data"], json!({"new": "4"}));
    assert_eq!(get(&client, &one("a")).await.1, after);
}

#[tokio::test]
async fn wrong_patches_change_nothing() {
    let client = client().await;
    let (_, before) = post(&client, CONFIG_MAPS, config_map("a", "1")).await;
    let failing_test = json!([{"op": "test", "path": "/data/key", "value": "x"}]);
    for (kind, body, code) in [
        ("apply-patch+cbor", json!({}), 415),
        ("json", json!({}), 415),
        ("json-patch+json", failing_test, 422),
        ("json-patch+json", json!({}), 400),
        (
            "json-patch+json",
            json!([{"op": "replace", "path": "/metadata", "value": 1}]),
            422,
        ),
        (
            "json-patch+json",
            json!([{"op": "replace", "path": "", "value": []}]),
            422,
        ),
        ("merge-patch+json", json!([]), 400),
        ("merge-patch+json", json!({"metadata": {"name": "b"}}), 422),
        (
            "merge-patch+json",
            json!({"metadata": {"resourceVersion": "1"}, "data": {"a": "b"}}),
            409,
        ),
        (
            "merge-patch+json",
            json!({"metadata": {"uid": "other"}, "data": {"a": "b"}}),
            422,
        ),
        ("merge-patch+json", json!({"kind": "Secret"}), 422),
        (
            "strategic-merge-patch+json",
            json!({"data": {"$patch": "x"}}),
            400,
        ),
    ] {
        let answer = patch(&client, kind, body.clone()).await;
        assert_eq!(failure(&answer).0, code, "{kind} {body}: {}", answer.1);
        assert_eq!(answer.1["kind"], "Status");
    }
    assert_eq!(get(&client, &one("a")).await.1, before);
}

#[tokio::test]
async fn node_conditions_are_merged_by_type() {
    let client = client().await;
    let nodes: Api<Node> = Api::all(client);
    let mut node = Node::default();
    node.metadata.name = Some("n".to_owned());
    nodes.create(&PostParams::default(), &node).await.unwrap();
    for (kind, status) in [
        ("Ready", "False"),
        ("DiskPressure", "False"),
        ("Ready", "True"),
    ] {
        let condition = json!({"status": {"conditions": [{"type": kind, "status": status}]}});
        let patch = Patch::Strategic(condition);
        nodes
            .patch_status("n", &PatchParams::default(), &patch)
            .await
            .unwrap();
    }
    let conditions = nodes
        .get("n")
        .await
        .unwrap()
        .status
        .unwrap()
        .conditions
        .unwrap();
    let seen: Vec<_> = conditions
        .iter()
        .map(|condition| (condition.type_.as_str(), condition.status.as_str()))
        .collect();
    assert_eq!(seen, [("Ready", "True"), ("DiskPressure", "False")]);
}

#[tokio::test]
async fn the_last_finalizer_is_patched_away() {
    let client = client().await;
    let mut held = config_map("a", "1");
    held["metadata"]["finalizers"] = json!(["slipway.dev/test"]);
    post(&client, CONFIG_MAPS, held).await;
    crate::delete(&client, &one("a"), Value::Null).await;
    let release = json!({"metadata": {"finalizers": null}});
    assert_eq!(patch(&client, "merge-patch+json", release).await.0, 200);
    assert_eq!(get(&client, &one("a")).await.0, 404);
}
