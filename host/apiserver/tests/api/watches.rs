//! Watches: kube's own watcher, and the lines themselves.

use futures::{StreamExt as _, TryStreamExt as _};
use http::Request;
use k8s_openapi::api::core::v1::ConfigMap;
use kube::api::PostParams;
use kube::client::Body;
use kube::runtime::watcher::{self, Event, watcher};
use kube::{Api, Client, ResourceExt as _};
use serde_json::{Value, json};
use slipway_apiserver::{HistoryLimits, Store};

use crate::{CONFIG_MAPS, client, client_of, config_map, delete, get, one, post, put};

/// The lines of a watch that ends by itself.
async fn lines(client: &Client, query: &str, accept: &str) -> Vec<Value> {
    let uri = format!("{CONFIG_MAPS}?watch=1&timeoutSeconds=1&{query}");
    let request = Request::get(uri)
        .header("accept", accept)
        .body(Body::empty())
        .unwrap();
    let response = client.send(request).await.unwrap();
    assert_eq!(response.status(), 200);
    let body = http_body_util::BodyExt::collect(response.into_body())
        .await
        .unwrap()
        .to_bytes();
    let text = String::from_utf8(body.to_vec()).unwrap();
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

fn summary(lines: &[Value]) -> Vec<(String, String)> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let of = |line: &Value| {
        (
            text(&line["type"]),
            text(&line["object"]["metadata"]["name"]),
        )
    };
    lines.iter().map(of).collect()
}

fn pairs(expected: &[(&str, &str)]) -> Vec<(String, String)> {
    expected
        .iter()
        .map(|(one, other)| ((*one).to_owned(), (*other).to_owned()))
        .collect()
}

async fn version(client: &Client) -> String {
    let (_, list) = get(client, CONFIG_MAPS).await;
    list["metadata"]["resourceVersion"]
        .as_str()
        .unwrap()
        .to_owned()
}

#[tokio::test]
async fn a_watch_goes_on_from_a_version() {
    let client = client().await;
    post(&client, CONFIG_MAPS, config_map("before", "1")).await;
    let from = version(&client).await;
    post(&client, CONFIG_MAPS, config_map("a", "1")).await;
    put(&client, &one("a"), &config_map("a", "2")).await;
    delete(&client, &one("a"), Value::Null).await;
    let seen = lines(
        &client,
        &format!("resourceVersion={from}"),
        "application/json",
    )
    .await;
    assert_eq!(
        summary(&seen),
        pairs(&[("ADDED", "a"), ("MODIFIED", "a"), ("DELETED", "a")])
    );
    let versions: Vec<u64> = seen
        .iter()
        .map(|line| {
            line["object"]["metadata"]["resourceVersion"]
                .as_str()
                .unwrap()
                .parse()
                .unwrap()
        })
        .collect();
    let from: u64 = from.parse().unwrap();
    assert_eq!(versions, [from + 1, from + 2, from + 3]);
    assert_eq!(seen[2]["object"]["data"]["key"], "2");
    assert_eq!(seen[0]["object"]["kind"], "ConfigMap");
}

#[tokio::test]
async fn a_watch_without_a_version_begins_with_what_is_there() {
    let client = client().await;
    post(&client, CONFIG_MAPS, config_map("a", "1")).await;
    for query in ["", "resourceVersion=0"] {
        let seen = lines(&client, query, "application/json").await;
        assert_eq!(summary(&seen), pairs(&[("ADDED", "a")]), "{query}");
    }
}

#[tokio::test]
async fn a_streaming_list_ends_with_its_bookmark() {
    let client = client().await;
    post(&client, CONFIG_MAPS, config_map("a", "1")).await;
    let current = version(&client).await;
    let query = "sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true";
    let seen = lines(&client, query, "application/json").await;
    // The second is the one that every watch with bookmarks ends with.
    let expected = [("ADDED", "a"), ("BOOKMARK", ""), ("BOOKMARK", "")];
    assert_eq!(summary(&seen), pairs(&expected));
    let metadata = &seen[1]["object"]["metadata"];
    assert_eq!(
        metadata["annotations"],
        json!({"k8s.io/initial-events-end": "true"})
    );
    assert_eq!(metadata["resourceVersion"], current);
    let query = "sendInitialEvents=false&resourceVersionMatch=NotOlderThan";
    assert!(lines(&client, query, "application/json").await.is_empty());
    for query in [
        "sendInitialEvents=true",
        "resourceVersion=1&resourceVersionMatch=Exact",
    ] {
        let (code, _) = get(&client, &format!("{CONFIG_MAPS}?watch=1&{query}")).await;
        assert_eq!(code, 422, "{query}");
    }
}

#[tokio::test]
async fn what_leaves_the_selection_is_deleted_from_it() {
    let client = client().await;
    let from = version(&client).await;
    let labelled = |name: &str, label: &str| {
        let mut object = config_map(name, "1");
        object["metadata"]["labels"] = json!({"l": label});
        object
    };
    post(&client, CONFIG_MAPS, labelled("a", "in")).await;
    post(&client, CONFIG_MAPS, labelled("b", "out")).await;
    put(&client, &one("a"), &labelled("a", "out")).await;
    put(&client, &one("b"), &labelled("b", "in")).await;
    delete(&client, &one("a"), Value::Null).await;
    delete(&client, &one("b"), Value::Null).await;
    let query = format!("labelSelector=l%3Din&resourceVersion={from}");
    let seen = lines(&client, &query, "application/json").await;
    assert_eq!(
        summary(&seen),
        pairs(&[
            ("ADDED", "a"),
            ("DELETED", "a"),
            ("ADDED", "b"),
            ("DELETED", "b")
        ])
    );
    // As it was when it was last in the selection, at the moment when it left.
    assert_eq!(seen[1]["object"]["metadata"]["labels"]["l"], "in");
    let from: u64 = from.parse().unwrap();
    assert_eq!(
        seen[1]["object"]["metadata"]["resourceVersion"],
        (from + 3).to_string()
    );
    let query = format!("fieldSelector=metadata.name%3Db&resourceVersion={from}");
    let seen = lines(&client, &query, "application/json").await;
    assert_eq!(
        summary(&seen),
        pairs(&[("ADDED", "b"), ("MODIFIED", "b"), ("DELETED", "b")])
    );
}

#[tokio::test]
async fn an_outdated_version_is_gone() {
    let limits = HistoryLimits {
        events: 1,
        ..HistoryLimits::default()
    };
    let client = client_of(Store::in_memory(limits).unwrap()).await;
    let newest: u64 = version(&client).await.parse().unwrap();
    for query in [
        "resourceVersion=1".to_owned(),
        format!("resourceVersion={}", newest + 1000),
    ] {
        let seen = lines(&client, &query, "application/json").await;
        assert_eq!(seen.len(), 1, "{query}");
        assert_eq!(seen[0]["type"], "ERROR");
        assert_eq!(
            (&seen[0]["object"]["code"], &seen[0]["object"]["reason"]),
            (&json!(410), &json!("Expired"))
        );
    }
    let (code, _) = get(&client, &format!("{CONFIG_MAPS}?watch=1&resourceVersion=x")).await;
    assert_eq!(code, 400);
}

#[tokio::test]
async fn a_watch_can_be_of_tables_or_metadata() {
    let client = client().await;
    post(&client, CONFIG_MAPS, config_map("a", "1")).await;
    let table = "application/json;as=Table;v=v1;g=meta.k8s.io";
    let seen = lines(&client, "", table).await;
    assert_eq!(seen[0]["object"]["kind"], "Table");
    assert_eq!(seen[0]["object"]["rows"][0]["cells"], json!(["a", 1, "0s"]));
    let metadata = "application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io";
    let seen = lines(&client, "", metadata).await;
    assert_eq!(seen[0]["object"]["kind"], "PartialObjectMetadata");
    assert_eq!(seen[0]["object"]["data"], Value::Null);
}

#[tokio::test]
async fn a_quiet_watch_is_told_how_far_it_came() {
    let client = client().await;
    let from: u64 = version(&client).await.parse().unwrap();
    // Something happens, but not here.
    let elsewhere = "/api/v1/namespaces/kube-system/configmaps";
    post(&client, elsewhere, config_map("x", "1")).await;
    let query = format!("resourceVersion={from}&allowWatchBookmarks=true");
    let seen = lines(&client, &query, "application/json").await;
    assert_eq!(summary(&seen), pairs(&[("BOOKMARK", "")]));
    let version = &seen[0]["object"]["metadata"]["resourceVersion"];
    assert_eq!(*version, (from + 1).to_string());
    let quiet = lines(
        &client,
        &format!("resourceVersion={from}"),
        "application/json",
    )
    .await;
    assert!(quiet.is_empty());
}

/// What kube's watcher sees, until it has seen these names appear and go.
async fn watcher_follows(config: watcher::Config) {
    let client = client().await;
    let maps: Api<ConfigMap> = Api::namespaced(client.clone(), "default");
    post(&client, CONFIG_MAPS, config_map("first", "1")).await;
    let mut events = watcher(maps.clone(), config).boxed();
    let mut initial = Vec::new();
    loop {
        match events.try_next().await.unwrap().unwrap() {
            Event::Init => {}
            Event::InitApply(object) => initial.push(object.name_any()),
            Event::InitDone => break,
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(initial, ["first"]);
    let object = serde_json::from_value(config_map("second", "1")).unwrap();
    maps.create(&PostParams::default(), &object).await.unwrap();
    let Event::Apply(seen) = events.try_next().await.unwrap().unwrap() else {
        panic!("expected the second object");
    };
    assert_eq!(seen.name_any(), "second");
    delete(&client, &one("first"), Value::Null).await;
    let Event::Delete(seen) = events.try_next().await.unwrap().unwrap() else {
        panic!("expected a delete");
    };
    assert_eq!(seen.name_any(), "first");
}

#[tokio::test]
async fn kubes_watcher_lists_and_follows() {
    watcher_follows(watcher::Config::default()).await;
}

#[tokio::test]
async fn kubes_watcher_streams_its_list() {
    watcher_follows(watcher::Config::default().streaming_lists()).await;
}

#[tokio::test]
async fn kubes_watcher_pages_its_list() {
    watcher_follows(watcher::Config::default().page_size(1)).await;
}
