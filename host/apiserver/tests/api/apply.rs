//! Server-side apply over the API. Who owns what after which write is tested where it is decided.

use http::Method;
use kube::Client;
use serde_json::{Value, json};

use crate::{CONFIG_MAPS, client, config_map, failure, get, one, post, put, send};

async fn apply(client: &Client, path: &str, query: &str, config: &str) -> (u16, Value) {
    let headers = [("content-type", "application/apply-patch+yaml")];
    send(
        client,
        Method::PATCH,
        &format!("{path}?{query}"),
        &headers,
        config,
    )
    .await
}

const YAML: &str = "
apiVersion: v1
kind: ConfigMap
metadata:
  name: a
  labels: {tier: one}
data:
  key: \"1\"
";

#[tokio::test]
async fn an_object_is_made_changed_and_left_alone() {
    let client = client().await;
    let (code, made) = apply(&client, &one("a"), "fieldManager=m", YAML).await;
    assert_eq!(code, 201, "{made}");
    assert_eq!(made["metadata"]["managedFields"][0]["manager"], "m");
    let again = apply(&client, &one("a"), "fieldManager=m", YAML).await;
    assert_eq!(again, (200, made));
    let less = YAML
        .replace("  labels: {tier: one}\n", "")
        .replace("\"1\"", "\"2\"");
    let (code, changed) = apply(&client, &one("a"), "fieldManager=m", &less).await;
    assert_eq!((code, &changed["data"]["key"]), (200, &json!("2")));
    assert_eq!(changed["metadata"].get("labels"), None);
    assert_eq!(get(&client, &one("a")).await.1, changed);
}

#[tokio::test]
async fn another_manager_is_told_of_the_conflict_field_by_field() {
    let client = client().await;
    apply(&client, &one("a"), "fieldManager=first", YAML).await;
    let other = YAML.replace("\"1\"", "\"2\"");
    let refused = apply(&client, &one("a"), "fieldManager=second", &other).await;
    assert_eq!(
        failure(&refused),
        (
            409,
            "Conflict",
            "Apply failed with 1 conflict: conflict with \"first\": .data.key"
        )
    );
    assert_eq!(
        refused.1["details"]["causes"],
        json!([{
            "reason": "FieldManagerConflict",
            "message": "conflict with \"first\"",
            "field": ".data.key"
        }])
    );
    let query = "fieldManager=second&force=true";
    let (code, forced) = apply(&client, &one("a"), query, &other).await;
    assert_eq!((code, &forced["data"]["key"]), (200, &json!("2")));
}

#[tokio::test]
async fn an_update_of_what_is_applied_is_remembered() {
    let client = client().await;
    let (_, mut made) = apply(&client, &one("a"), "fieldManager=m", YAML).await;
    made["data"]["key"] = json!("9");
    let (_, updated) = put(&client, &format!("{}?fieldManager=editor", one("a")), &made).await;
    let managers: Vec<&Value> = updated["metadata"]["managedFields"]
        .as_array()
        .unwrap()
        .iter()
        .map(|entry| &entry["manager"])
        .collect();
    assert_eq!(managers, ["m", "editor"]);
    let refused = apply(&client, &one("a"), "fieldManager=m", YAML).await;
    assert_eq!(refused.0, 409);
    assert!(
        failure(&refused).2.contains("\"editor\" using v1"),
        "{refused:?}"
    );
    // What nobody applied to is not tracked.
    let (_, plain) = post(&client, CONFIG_MAPS, config_map("plain", "1")).await;
    assert_eq!(plain["metadata"].get("managedFields"), None);
}

#[tokio::test]
async fn what_cannot_be_applied_is_refused() {
    let client = client().await;
    let managed = "metadata: {name: a, managedFields: [{}]}";
    for (query, config, code, words) in [
        ("", YAML.to_owned(), 422, "fieldManager: Required value"),
        (
            "fieldManager=m",
            "a: [".to_owned(),
            400,
            "error decoding YAML",
        ),
        (
            "fieldManager=m",
            "[]".to_owned(),
            400,
            "error decoding YAML",
        ),
        (
            "fieldManager=m",
            YAML.replace("v1", "v2"),
            400,
            "invalid object type: /v2, Kind=ConfigMap",
        ),
        (
            "fieldManager=m",
            YAML.replace("name: a", "name: b"),
            400,
            "does not match the name",
        ),
        (
            "fieldManager=m",
            YAML.replace("data:", "dta:"),
            400,
            "failed to create typed patch object",
        ),
        (
            "fieldManager=m",
            format!("apiVersion: v1\nkind: ConfigMap\n{managed}"),
            400,
            "managedFields must be nil",
        ),
    ] {
        let refused = apply(&client, &one("a"), query, &config).await;
        assert_eq!(refused.0, code, "{config}: {}", refused.1);
        assert!(failure(&refused).2.contains(words), "{}", refused.1);
    }
    assert_eq!(get(&client, &one("a")).await.0, 404);
    let headers = [("content-type", "application/merge-patch+json")];
    let path = format!("{}?force=true", one("a"));
    let refused = send(&client, Method::PATCH, &path, &headers, "{}").await;
    assert_eq!(refused.0, 422, "only a configuration is forced");
}
