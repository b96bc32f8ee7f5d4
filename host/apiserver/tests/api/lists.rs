//! Lists: selectors, pages, moments.

use k8s_openapi::api::core::v1::{ConfigMap, Secret};
use kube::Api;
use kube::api::{ListParams, VersionMatch};
use serde_json::{Value, json};
use slipway_apiserver::{HistoryLimits, Store};

use crate::{CONFIG_MAPS, client, client_of, config_map, delete, failure, get, one, post};

async fn names(client: &kube::Client, query: &str) -> Vec<String> {
    let (code, list) = get(client, &format!("{CONFIG_MAPS}?{query}")).await;
    assert_eq!(code, 200, "{query}: {list}");
    names_in(&list)
}

fn names_in(list: &Value) -> Vec<String> {
    let items = list["items"].as_array().unwrap();
    let name = |item: &Value| item["metadata"]["name"].as_str().unwrap().to_owned();
    items.iter().map(name).collect()
}

async fn five(client: &kube::Client) {
    for name in ["a", "b", "c", "d", "e"] {
        let mut object = config_map(name, "1");
        object["metadata"]["labels"] = json!({"name": name});
        post(client, CONFIG_MAPS, object).await;
    }
}

#[tokio::test]
async fn a_list_is_a_list() {
    let client = client().await;
    five(&client).await;
    let (code, list) = get(&client, CONFIG_MAPS).await;
    assert_eq!(code, 200);
    assert_eq!(
        (&list["kind"], &list["apiVersion"]),
        (&json!("ConfigMapList"), &json!("v1"))
    );
    assert_eq!(names_in(&list), ["a", "b", "c", "d", "e"]);
    // The type is said once.
    assert_eq!(list["items"][0]["kind"], Value::Null);
    let (_, last) = get(&client, &one("e")).await;
    assert_eq!(
        list["metadata"]["resourceVersion"],
        last["metadata"]["resourceVersion"]
    );
    let (_, everywhere) = get(&client, "/api/v1/configmaps").await;
    assert_eq!(names_in(&everywhere).len(), 5);
    let (_, elsewhere) = get(&client, "/api/v1/namespaces/kube-system/configmaps").await;
    assert_eq!(names_in(&elsewhere), Vec::<String>::new());
}

#[tokio::test]
async fn selectors_select() {
    let client = client().await;
    five(&client).await;
    assert_eq!(
        names(&client, "labelSelector=name%20in%20(a,c)").await,
        ["a", "c"]
    );
    assert_eq!(
        names(&client, "labelSelector=name!%3Da,name").await,
        ["b", "c", "d", "e"]
    );
    assert_eq!(
        names(&client, "fieldSelector=metadata.name%3Db").await,
        ["b"]
    );
    assert_eq!(
        names(
            &client,
            "fieldSelector=metadata.name!%3Db,metadata.namespace%3Ddefault"
        )
        .await,
        ["a", "c", "d", "e"]
    );
    for query in [
        "labelSelector=-",
        "fieldSelector=spec.x%3Dy",
        "fieldSelector=x",
    ] {
        let answer = get(&client, &format!("{CONFIG_MAPS}?{query}")).await;
        assert_eq!(failure(&answer).1, "BadRequest", "{query}");
    }
    let secrets: Api<Secret> = Api::namespaced(client.clone(), "default");
    for (name, kind) in [("a", "one/kind"), ("b", "other/kind")] {
        let path = "/api/v1/namespaces/default/secrets";
        post(
            &client,
            path,
            json!({"metadata": {"name": name}, "type": kind}),
        )
        .await;
    }
    let params = ListParams::default().fields("type=one/kind");
    let found = secrets.list(&params).await.unwrap();
    assert_eq!(found.items.len(), 1);
}

#[tokio::test]
async fn pages_show_one_moment() {
    let client = client().await;
    five(&client).await;
    let (_, first) = get(&client, &format!("{CONFIG_MAPS}?limit=2")).await;
    assert_eq!(names_in(&first), ["a", "b"]);
    assert_eq!(first["metadata"]["remainingItemCount"], 3);
    delete(&client, &one("c"), Value::Null).await;
    post(&client, CONFIG_MAPS, config_map("f", "1")).await;

    let next = first["metadata"]["continue"].as_str().unwrap();
    let (_, second) = get(&client, &format!("{CONFIG_MAPS}?limit=2&continue={next}")).await;
    assert_eq!(names_in(&second), ["c", "d"]);
    assert_eq!(
        second["metadata"]["resourceVersion"],
        first["metadata"]["resourceVersion"]
    );
    let next = second["metadata"]["continue"].as_str().unwrap();
    let (_, third) = get(&client, &format!("{CONFIG_MAPS}?limit=2&continue={next}")).await;
    assert_eq!(names_in(&third), ["e"]);
    assert_eq!(third["metadata"]["continue"], Value::Null);

    let answer = get(&client, &format!("{CONFIG_MAPS}?continue=nonsense")).await;
    assert_eq!(
        failure(&answer),
        (400, "BadRequest", "continue key is not valid")
    );
    let answer = get(
        &client,
        &format!("{CONFIG_MAPS}?continue={next}&resourceVersion=3"),
    )
    .await;
    assert_eq!(failure(&answer).0, 400);
}

#[tokio::test]
async fn an_outdated_page_is_gone() {
    let limits = HistoryLimits {
        events: 2,
        ..HistoryLimits::default()
    };
    let client = client_of(Store::in_memory(limits).unwrap()).await;
    five(&client).await;
    let (_, first) = get(&client, &format!("{CONFIG_MAPS}?limit=2")).await;
    for name in ["f", "g", "h"] {
        post(&client, CONFIG_MAPS, config_map(name, "1")).await;
    }
    let next = first["metadata"]["continue"].as_str().unwrap();
    let answer = get(&client, &format!("{CONFIG_MAPS}?limit=2&continue={next}")).await;
    assert_eq!((failure(&answer).0, failure(&answer).1), (410, "Expired"));
}

#[tokio::test]
async fn a_list_is_of_the_moment_that_was_asked_for() {
    let client = client().await;
    five(&client).await;
    let (_, c) = get(&client, &one("c")).await;
    let version = c["metadata"]["resourceVersion"].as_str().unwrap();
    let maps: Api<ConfigMap> = Api::namespaced(client.clone(), "default");
    let exact = ListParams::default()
        .at(version)
        .matching(VersionMatch::Exact);
    assert_eq!(maps.list(&exact).await.unwrap().items.len(), 3);
    let newer = ListParams::default()
        .at(version)
        .matching(VersionMatch::NotOlderThan);
    assert_eq!(maps.list(&newer).await.unwrap().items.len(), 5);
    assert_eq!(names(&client, "resourceVersion=0").await.len(), 5);
    assert_eq!(
        names(&client, &format!("resourceVersion={version}&limit=10"))
            .await
            .len(),
        3
    );

    for (query, code) in [
        ("resourceVersion=999999&resourceVersionMatch=Exact", 504),
        ("resourceVersion=999999", 504),
        ("resourceVersionMatch=Exact", 422),
        ("resourceVersion=0&resourceVersionMatch=Exact", 422),
        ("resourceVersion=x", 400),
    ] {
        let answer = get(&client, &format!("{CONFIG_MAPS}?{query}")).await;
        assert_eq!(answer.0, code, "{query}: {}", answer.1);
    }
}
