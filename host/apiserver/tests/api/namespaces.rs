//! Namespaces: what they hold ends with them.

use serde_json::{Value, json};

use crate::{client, config_map, delete, failure, get, one, post, put};

const TEAM: &str = "/api/v1/namespaces/team";

async fn with_team() -> kube::Client {
    let client = client().await;
    let team = json!({"metadata": {"name": "team"}});
    let (code, made) = post(&client, "/api/v1/namespaces", team).await;
    assert_eq!(code, 201);
    assert_eq!(
        made["metadata"]["labels"]["kubernetes.io/metadata.name"],
        "team"
    );
    assert_eq!(made["status"]["phase"], "Active");
    client
}

#[tokio::test]
async fn a_namespace_takes_its_objects_along() {
    let client = with_team().await;
    post(&client, &format!("{TEAM}/configmaps"), config_map("a", "1")).await;
    post(
        &client,
        &format!("{TEAM}/secrets"),
        json!({"metadata": {"name": "s"}}),
    )
    .await;
    post(
        &client,
        &one("").replace("/configmaps/", "/configmaps"),
        config_map("b", "1"),
    )
    .await;
    let (code, ending) = delete(&client, TEAM, Value::Null).await;
    assert_eq!(
        (code, &ending["status"]["phase"]),
        (200, &json!("Terminating"))
    );
    assert_eq!(get(&client, TEAM).await.0, 404);
    let (_, maps) = get(&client, "/api/v1/configmaps").await;
    assert_eq!(maps["items"].as_array().unwrap().len(), 1);
    let (_, secrets) = get(&client, "/api/v1/secrets").await;
    assert_eq!(secrets["items"].as_array().unwrap().len(), 0);
}

#[tokio::test]
async fn what_waits_for_a_finalizer_holds_its_namespace() {
    let client = with_team().await;
    let mut held = config_map("a", "1");
    held["metadata"]["finalizers"] = json!(["slipway.dev/test"]);
    post(&client, &format!("{TEAM}/configmaps"), held).await;
    delete(&client, TEAM, Value::Null).await;
    assert_eq!(get(&client, TEAM).await.1["status"]["phase"], "Terminating");
    let answer = post(&client, &format!("{TEAM}/configmaps"), config_map("b", "1")).await;
    let (code, _, message) = failure(&answer);
    assert_eq!(code, 403);
    assert!(
        message.contains("because it is being terminated"),
        "{message}"
    );
    assert_eq!(
        answer.1["details"]["causes"][0]["reason"],
        "NamespaceTerminating"
    );

    let path = format!("{TEAM}/configmaps/a");
    let (_, mut released) = get(&client, &path).await;
    released["metadata"]
        .as_object_mut()
        .unwrap()
        .remove("finalizers");
    assert_eq!(put(&client, &path, &released).await.0, 200);
    assert_eq!(get(&client, TEAM).await.0, 404);
}

#[tokio::test]
async fn the_systems_namespaces_stay() {
    let client = client().await;
    for name in ["default", "kube-system", "kube-public"] {
        let path = format!("/api/v1/namespaces/{name}");
        let answer = delete(&client, &path, Value::Null).await;
        assert_eq!(failure(&answer).0, 403);
        assert_eq!(get(&client, &path).await.1["status"]["phase"], "Active");
    }
}

#[tokio::test]
async fn a_phase_is_not_written_from_outside() {
    let client = with_team().await;
    let (_, mut team) = get(&client, TEAM).await;
    team["status"]["phase"] = "Terminating".into();
    for path in [TEAM.to_owned(), format!("{TEAM}/status")] {
        let (code, after) = put(&client, &path, &team).await;
        assert_eq!(
            (code, &after["status"]["phase"]),
            (200, &json!("Active")),
            "{path}"
        );
    }
}
