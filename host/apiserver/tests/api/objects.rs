//! One object's life: create, read, update, delete.

use http::Method;
use k8s_openapi::api::coordination::v1::Lease;
use k8s_openapi::api::core::v1::{ConfigMap, Node};
use kube::api::{DeleteParams, PostParams, Preconditions};
use kube::{Api, ResourceExt as _};
use serde_json::{Value, json};

use crate::{CONFIG_MAPS, client, config_map, delete, failure, get, one, post, put, send};

#[tokio::test]
async fn an_object_lives_and_dies() {
    let client = client().await;
    let (code, made) = post(&client, CONFIG_MAPS, config_map("a", "1")).await;
    assert_eq!(code, 201);
    let metadata = &made["metadata"];
    assert_eq!(metadata["namespace"], "default");
    assert_eq!(metadata["creationTimestamp"], "2026-01-02T12:00:00Z");
    assert_eq!(metadata["uid"].as_str().unwrap().len(), 36);
    let version: u64 = metadata["resourceVersion"]
        .as_str()
        .unwrap()
        .parse()
        .unwrap();
    assert_eq!(get(&client, &one("a")).await, (200, made.clone()));

    let mut changed = made.clone();
    changed["data"]["key"] = "2".into();
    changed["metadata"]["creationTimestamp"] = "1999-01-01T00:00:00Z".into();
    let (code, updated) = put(&client, &one("a"), &changed).await;
    assert_eq!(code, 200);
    assert_eq!(updated["data"]["key"], "2");
    assert_eq!(
        updated["metadata"]["creationTimestamp"],
        "2026-01-02T12:00:00Z"
    );
    assert_eq!(
        updated["metadata"]["resourceVersion"],
        (version + 1).to_string()
    );

    let stale = put(&client, &one("a"), &changed).await;
    assert_eq!(
        failure(&stale),
        (
            409,
            "Conflict",
            "Operation cannot be fulfilled on configmaps \"a\": the object has been modified; please apply your changes to the latest version and try again"
        )
    );

    let (code, status) = delete(&client, &one("a"), Value::Null).await;
    assert_eq!((code, &status["status"]), (200, &json!("Success")));
    assert_eq!(
        status["details"],
        json!({
            "name": "a", "kind": "configmaps", "uid": made["metadata"]["uid"]
        })
    );
    let gone = get(&client, &one("a")).await;
    assert_eq!(
        failure(&gone),
        (404, "NotFound", "configmaps \"a\" not found")
    );
}

#[tokio::test]
async fn a_write_that_changes_nothing_is_none() {
    let client = client().await;
    let (_, made) = post(&client, CONFIG_MAPS, config_map("a", "1")).await;
    let (code, same) = put(&client, &one("a"), &config_map("a", "1")).await;
    assert_eq!((code, same), (200, made));
}

#[tokio::test]
async fn names_are_generated() {
    let client = client().await;
    let mut object = config_map("", "1");
    object["metadata"] = json!({"generateName": "made-"});
    let mut names = std::collections::BTreeSet::new();
    for _ in 0..20 {
        let (code, made) = post(&client, CONFIG_MAPS, object.clone()).await;
        assert_eq!(code, 201);
        let name = made["metadata"]["name"].as_str().unwrap().to_owned();
        assert!(name.starts_with("made-") && name.len() == 10, "{name}");
        names.insert(name);
    }
    assert_eq!(names.len(), 20);
}

#[tokio::test]
async fn wrong_creates_are_refused() {
    let client = client().await;
    post(&client, CONFIG_MAPS, config_map("a", "1")).await;
    let mut elsewhere = config_map("b", "1");
    elsewhere["metadata"]["namespace"] = "other".into();
    let mut versioned = config_map("b", "1");
    versioned["metadata"]["resourceVersion"] = "1".into();
    let absent = "/api/v1/namespaces/absent/configmaps";
    for (path, body, code, reason, words) in [
        (
            CONFIG_MAPS,
            config_map("a", "1"),
            409,
            "AlreadyExists",
            "configmaps \"a\" already exists",
        ),
        (
            CONFIG_MAPS,
            config_map("", "1"),
            422,
            "Invalid",
            "name or generateName is required",
        ),
        (
            CONFIG_MAPS,
            config_map("A", "1"),
            422,
            "Invalid",
            "RFC 1123 subdomain",
        ),
        (
            CONFIG_MAPS,
            elsewhere,
            400,
            "BadRequest",
            "does not match the namespace",
        ),
        (
            CONFIG_MAPS,
            versioned,
            400,
            "BadRequest",
            "resourceVersion should not be set",
        ),
        (
            CONFIG_MAPS,
            json!({"kind": "Secret"}),
            400,
            "BadRequest",
            "does not match the expected kind",
        ),
        (
            CONFIG_MAPS,
            json!({"data": {"a": 1}}),
            400,
            "BadRequest",
            "cannot be handled as a ConfigMap",
        ),
        (CONFIG_MAPS, json!([]), 400, "BadRequest", "no JSON object"),
        (
            absent,
            config_map("b", "1"),
            404,
            "NotFound",
            "namespaces \"absent\" not found",
        ),
        (
            "/api/v1/configmaps",
            config_map("b", "1"),
            404,
            "NotFound",
            "could not find the requested resource",
        ),
        (
            "/api/v1/namespaces/default/nodes",
            config_map("b", "1"),
            404,
            "NotFound",
            "could not find",
        ),
        (
            "/api/v1/namespaces/default/pods",
            config_map("b", "1"),
            404,
            "NotFound",
            "could not find",
        ),
    ] {
        let answer = post(&client, path, body.clone()).await;
        let (found, found_reason, message) = failure(&answer);
        assert_eq!((found, found_reason), (code, reason), "{path} {body}");
        assert!(message.contains(words), "{message}");
    }
}

#[tokio::test]
async fn media_types_that_are_not_served_are_refused() {
    let client = client().await;
    let cbor = "application/cbor";
    let answer = send(
        &client,
        Method::POST,
        CONFIG_MAPS,
        &[("content-type", cbor)],
        "a0",
    )
    .await;
    assert_eq!(failure(&answer).0, 415);
    assert_eq!(answer.1["kind"], "Status");
    let answer = send(&client, Method::GET, CONFIG_MAPS, &[("accept", cbor)], "").await;
    assert_eq!(failure(&answer).0, 406);
    let large = vec![b' '; 3 * 1024 * 1024 + 1];
    let answer = send(&client, Method::POST, CONFIG_MAPS, &[], large).await;
    assert_eq!(failure(&answer).1, "RequestEntityTooLarge");
    let answer = send(&client, Method::PUT, CONFIG_MAPS, &[], "{}").await;
    assert_eq!(answer.0, 405);
}

#[tokio::test]
async fn unknown_fields_are_refused_on_request() {
    let client = client().await;
    let mut object = config_map("a", "1");
    object["dta"] = json!({});
    let path = format!("{CONFIG_MAPS}?fieldValidation=Strict");
    let answer = post(&client, &path, object.clone()).await;
    assert_eq!(
        failure(&answer),
        (
            400,
            "BadRequest",
            "ConfigMap in version \"v1\" cannot be handled as a ConfigMap: strict decoding error: unknown field \"dta\""
        )
    );
    let (code, made) = post(&client, CONFIG_MAPS, object).await;
    assert_eq!((code, &made["dta"]), (201, &Value::Null));
}

#[tokio::test]
async fn a_dry_run_stores_nothing() {
    let client = client().await;
    let created = post(
        &client,
        &format!("{CONFIG_MAPS}?dryRun=All"),
        config_map("a", "1"),
    )
    .await;
    assert_eq!((created.0, &created.1["data"]["key"]), (201, &json!("1")));
    assert_eq!(get(&client, &one("a")).await.0, 404);

    post(&client, CONFIG_MAPS, config_map("a", "1")).await;
    let path = format!("{}?dryRun=All", one("a"));
    let updated = put(&client, &path, &config_map("a", "2")).await;
    assert_eq!((updated.0, &updated.1["data"]["key"]), (200, &json!("2")));
    assert_eq!(delete(&client, &path, Value::Null).await.0, 200);
    assert_eq!(
        delete(&client, &one("a"), json!({"dryRun": ["All"]}))
            .await
            .0,
        200
    );
    assert_eq!(get(&client, &one("a")).await.1["data"]["key"], "1");
    let answer = delete(&client, &one("a"), json!({"dryRun": ["Some"]})).await;
    assert_eq!(answer.0, 422);
}

#[tokio::test]
async fn a_delete_keeps_to_its_preconditions() {
    let client = client().await;
    let maps: Api<ConfigMap> = Api::namespaced(client.clone(), "default");
    let object = serde_json::from_value(config_map("a", "1")).unwrap();
    let made = maps.create(&PostParams::default(), &object).await.unwrap();
    for (uid, version) in [
        (Some("other".to_owned()), None),
        (None, Some("1".to_owned())),
    ] {
        let params = DeleteParams {
            preconditions: Some(Preconditions {
                uid,
                resource_version: version,
            }),
            ..DeleteParams::default()
        };
        let Err(kube::Error::Api(status)) = maps.delete("a", &params).await else {
            panic!("the precondition does not hold");
        };
        assert_eq!(status.reason, "Conflict");
        assert!(
            status.message.contains("in the precondition"),
            "{}",
            status.message
        );
    }
    let params = DeleteParams {
        preconditions: Some(Preconditions {
            uid: made.uid(),
            resource_version: made.resource_version(),
        }),
        ..DeleteParams::default()
    };
    maps.delete("a", &params).await.unwrap();
}

#[tokio::test]
async fn finalizers_hold_an_object() {
    let client = client().await;
    let mut object = config_map("a", "1");
    object["metadata"]["finalizers"] = json!(["slipway.dev/test"]);
    post(&client, CONFIG_MAPS, object).await;
    let (code, marked) = delete(&client, &one("a"), Value::Null).await;
    assert_eq!(code, 200);
    assert_eq!(
        marked["metadata"]["deletionTimestamp"],
        "2026-01-02T12:00:00Z"
    );
    // Once more changes nothing.
    assert_eq!(
        delete(&client, &one("a"), Value::Null).await,
        (200, marked.clone())
    );
    let mut released = marked;
    released["metadata"]
        .as_object_mut()
        .unwrap()
        .remove("finalizers");
    assert_eq!(put(&client, &one("a"), &released).await.0, 200);
    assert_eq!(get(&client, &one("a")).await.0, 404);
}

#[tokio::test]
async fn a_collection_is_deleted_by_selector() {
    let client = client().await;
    for (name, label) in [("a", "x"), ("b", "y"), ("c", "x")] {
        let mut object = config_map(name, "1");
        object["metadata"]["labels"] = json!({"l": label});
        post(&client, CONFIG_MAPS, object).await;
    }
    let path = format!("{CONFIG_MAPS}?labelSelector=l%3Dx");
    let (code, deleted) = delete(&client, &path, Value::Null).await;
    assert_eq!((code, deleted["items"].as_array().unwrap().len()), (200, 2));
    let (_, left) = get(&client, CONFIG_MAPS).await;
    assert_eq!(left["items"][0]["metadata"]["name"], "b");
    assert_eq!(left["items"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn a_status_is_written_through_its_door() {
    let client = client().await;
    let nodes: Api<Node> = Api::all(client.clone());
    let mut node = Node::default();
    node.metadata.name = Some("n".to_owned());
    let mut made = nodes.create(&PostParams::default(), &node).await.unwrap();
    made.spec.get_or_insert_default().unschedulable = Some(true);
    made.status.get_or_insert_default().phase = Some("Running".to_owned());
    let made = nodes
        .replace_status("n", &PostParams::default(), &made)
        .await
        .unwrap();
    assert_eq!(
        made.status.clone().unwrap().phase.as_deref(),
        Some("Running")
    );
    assert_eq!(made.spec.clone().unwrap_or_default().unschedulable, None);
    let mut other = made;
    other.status = None;
    other.spec.get_or_insert_default().unschedulable = Some(true);
    let kept = nodes
        .replace("n", &PostParams::default(), &other)
        .await
        .unwrap();
    assert_eq!(kept.spec.unwrap().unschedulable, Some(true));
    assert_eq!(kept.status.unwrap().phase.as_deref(), Some("Running"));
}

#[tokio::test]
async fn a_lease_is_replaced_by_who_read_it_only() {
    let client = client().await;
    let leases: Api<Lease> = Api::namespaced(client.clone(), "kube-node-lease");
    let mut lease = Lease::default();
    lease.metadata.name = Some("n".to_owned());
    let made = leases.create(&PostParams::default(), &lease).await.unwrap();
    let blind = leases.replace("n", &PostParams::default(), &lease).await;
    let Err(kube::Error::Api(status)) = blind else {
        panic!("a lease was replaced blindly");
    };
    assert!(
        status.message.contains("must be specified for an update"),
        "{}",
        status.message
    );
    leases
        .replace("n", &PostParams::default(), &made)
        .await
        .unwrap();
}

#[tokio::test]
async fn names_in_path_and_body_agree() {
    let client = client().await;
    post(&client, CONFIG_MAPS, config_map("a", "1")).await;
    let answer = put(&client, &one("a"), &config_map("b", "1")).await;
    assert_eq!(
        failure(&answer),
        (
            400,
            "BadRequest",
            "the name of the object (b) does not match the name on the URL (a)"
        )
    );
    let mut other = config_map("a", "1");
    other["metadata"]["uid"] = "other".into();
    let answer = put(&client, &one("a"), &other).await;
    assert_eq!(failure(&answer).0, 409);
    let answer = put(&client, &one("b"), &config_map("b", "1")).await;
    assert_eq!(answer.0, 404);
}

#[tokio::test]
async fn concurrent_blind_writers_all_get_through() {
    let client = client().await;
    post(&client, CONFIG_MAPS, config_map("a", "")).await;
    let writers = (0..20).map(|index| {
        let client = client.clone();
        tokio::spawn(async move {
            let patch = json!({"data": {format!("k{index}"): "v"}}).to_string();
            let merge = [("content-type", "application/merge-patch+json")];
            send(&client, Method::PATCH, &one("a"), &merge, patch)
                .await
                .0
        })
    });
    for writer in writers.collect::<Vec<_>>() {
        assert_eq!(writer.await.unwrap(), 200);
    }
    let (_, all) = get(&client, &one("a")).await;
    assert_eq!(all["data"].as_object().unwrap().len(), 21);
}
