//! What clients find out before they ask for anything.

use http::Method;
use kube::discovery::Discovery;
use serde_json::{Value, json};
use slipway_apiserver::authentication::UserInfo;
use slipway_apiserver::{ApiServer, HistoryLimits, Metrics, Store};

use crate::{client, get, send, send_bytes};

#[tokio::test]
async fn kubes_discovery_finds_every_group() {
    let client = client().await;
    let discovery = Discovery::new(client).run().await.unwrap();
    let mut found = Vec::new();
    for group in discovery.groups() {
        for (resource, capabilities) in group.recommended_resources() {
            let scope = format!("{:?}", capabilities.scope);
            found.push(format!(
                "{} {} {scope}",
                resource.api_version, resource.plural
            ));
        }
    }
    found.sort();
    insta::assert_snapshot!(found.join("\n"), @r"
    authentication.k8s.io/v1 selfsubjectreviews Cluster
    authentication.k8s.io/v1 tokenreviews Cluster
    authorization.k8s.io/v1 localsubjectaccessreviews Namespaced
    authorization.k8s.io/v1 selfsubjectaccessreviews Cluster
    authorization.k8s.io/v1 selfsubjectrulesreviews Cluster
    authorization.k8s.io/v1 subjectaccessreviews Cluster
    certificates.k8s.io/v1 certificatesigningrequests Cluster
    coordination.k8s.io/v1 leases Namespaced
    rbac.authorization.k8s.io/v1 clusterrolebindings Cluster
    rbac.authorization.k8s.io/v1 clusterroles Cluster
    rbac.authorization.k8s.io/v1 rolebindings Namespaced
    rbac.authorization.k8s.io/v1 roles Namespaced
    v1 configmaps Namespaced
    v1 events Namespaced
    v1 namespaces Cluster
    v1 nodes Cluster
    v1 secrets Namespaced
    v1 serviceaccounts Namespaced
    ");
}

#[tokio::test]
async fn what_is_counted_is_told_to_who_may_know() {
    let store = Store::in_memory(HistoryLimits::default()).unwrap();
    let metrics = Metrics {
        media_type: "text/plain",
        text: || Ok("decisions 1".to_owned()),
    };
    let server = ApiServer::builder(store).metrics(metrics).build();
    let server = server.await.unwrap();
    let administrator = server.client(UserInfo::controller("test"));
    assert_eq!(
        get(&administrator, "/metrics").await,
        (200, "decisions 1".into())
    );
    let (_, paths) = get(&administrator, "/").await;
    assert!(
        paths["paths"]
            .as_array()
            .unwrap()
            .contains(&"/metrics".into())
    );
    let anybody = server.client(UserInfo::anonymous());
    assert_eq!(get(&anybody, "/metrics").await.0, 403);
    assert_eq!(get(&client().await, "/metrics").await.0, 404);
}

#[tokio::test]
async fn documents_have_the_shapes_that_kubectl_reads() {
    let client = client().await;
    let (_, core) = get(&client, "/api/v1").await;
    let find = |document: &Value, name: &str| {
        let all = document["resources"].as_array().unwrap().clone();
        all.into_iter()
            .find(|resource| resource["name"] == name)
            .unwrap()
    };
    let config_maps = find(&core, "configmaps");
    assert_eq!(config_maps["shortNames"], json!(["cm"]));
    assert_eq!(config_maps["verbs"].as_array().unwrap().len(), 8);
    assert_eq!(
        find(&core, "nodes/status")["verbs"],
        json!(["get", "patch", "update"])
    );
    let (_, group) = get(&client, "/apis/certificates.k8s.io").await;
    assert_eq!(
        group["preferredVersion"]["groupVersion"],
        "certificates.k8s.io/v1"
    );
    let (_, requests) = get(&client, "/apis/certificates.k8s.io/v1").await;
    let approval = "certificatesigningrequests/approval";
    assert_eq!(
        find(&requests, approval)["kind"],
        "CertificateSigningRequest"
    );
    let (_, version) = get(&client, "/version").await;
    assert!(
        version["gitVersion"]
            .as_str()
            .unwrap()
            .starts_with("v1.36.0+slipway")
    );
    for path in ["/apis/absent", "/apis/absent/v1", "/api/v2", "/metrics"] {
        let (code, status) = get(&client, path).await;
        assert_eq!(
            (code, &status["reason"]),
            (404, &json!("NotFound")),
            "{path}"
        );
    }
}

#[tokio::test]
async fn health_is_told_in_text() {
    let client = client().await;
    for path in [
        "/healthz",
        "/livez",
        "/readyz",
        "/readyz/ping",
        "/readyz/store",
    ] {
        assert_eq!(get(&client, path).await, (200, json!("ok")), "{path}");
    }
    let (_, verbose) = get(&client, "/readyz?verbose").await;
    assert_eq!(
        verbose,
        json!("[+]ping ok\n[+]store ok\nreadyz check passed\n")
    );
    for path in ["/readyz/absent", "/readyz/ping/more", "/livez/store"] {
        assert_eq!(get(&client, path).await.0, 404, "{path}");
    }
    assert_eq!(
        send(&client, Method::POST, "/healthz", &[], "").await.0,
        404
    );
}

#[tokio::test]
async fn discovery_is_told_in_one_document_to_who_asks_for_it() {
    let client = client().await;
    let accept = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList";
    let wanted = format!("{accept},application/json");
    let ask = async |path: &str, known: &str| {
        let headers = [("accept", wanted.as_str()), ("if-none-match", known)];
        send_bytes(&client, Method::GET, path, &headers, Vec::new()).await
    };
    let groups = ask("/apis", "").await;
    assert_eq!(groups.headers()["content-type"], accept);
    let tag = groups.headers()["etag"].to_str().unwrap().to_owned();
    let document: Value = serde_json::from_slice(groups.body()).unwrap();
    let names: Vec<&str> = document["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|group| group["metadata"]["name"].as_str().unwrap())
        .collect();
    assert_eq!(
        names,
        [
            "authentication.k8s.io",
            "authorization.k8s.io",
            "certificates.k8s.io",
            "coordination.k8s.io",
            "rbac.authorization.k8s.io",
        ]
    );
    let requests = &document["items"][2]["versions"][0]["resources"][0];
    assert_eq!(requests["resource"], "certificatesigningrequests");
    assert_eq!(requests["scope"], "Cluster");
    assert_eq!(requests["shortNames"], json!(["csr"]));
    assert_eq!(requests["subresources"][0]["subresource"], "approval");
    assert_eq!(ask("/apis", &tag).await.status(), 304);
    let core = ask("/api", "").await;
    let document: Value = serde_json::from_slice(core.body()).unwrap();
    assert_eq!(document["items"][0]["versions"][0]["version"], "v1");
    // What has no aggregated form is told as ever.
    let plain: Value = serde_json::from_slice(ask("/api/v1", "").await.body()).unwrap();
    assert_eq!(plain["kind"], "APIResourceList");
}

#[tokio::test]
async fn openapi_has_a_document_for_each_group_and_version() {
    let client = client().await;
    let (_, index) = get(&client, "/openapi/v3").await;
    let core = &index["paths"]["api/v1"]["serverRelativeURL"];
    let core = core.as_str().unwrap();
    assert!(core.starts_with("/openapi/v3/api/v1?hash="), "{core}");
    for (_, document) in index["paths"].as_object().unwrap() {
        let url = document["serverRelativeURL"].as_str().unwrap();
        let (code, document) = get(&client, url).await;
        assert_eq!(
            (code, &document["openapi"]),
            (200, &json!("3.0.0")),
            "{url}"
        );
        every_reference_leads_somewhere(&document, &document);
    }
    let (_, document) = get(&client, core).await;
    let schemas = &document["components"]["schemas"];
    assert_eq!(
        schemas["io.k8s.api.core.v1.ConfigMap"]["x-kubernetes-group-version-kind"],
        json!([{"group": "", "version": "v1", "kind": "ConfigMap"}])
    );
    let conditions = &schemas["io.k8s.api.core.v1.NodeStatus"]["properties"]["conditions"];
    assert_eq!(conditions["x-kubernetes-patch-merge-key"], "type");
    assert_eq!(conditions["x-kubernetes-patch-strategy"], "merge");
    let path = "/api/v1/namespaces/{namespace}/configmaps/{name}";
    let patch = &document["paths"][path]["patch"];
    assert_eq!(
        patch["x-kubernetes-group-version-kind"]["kind"],
        "ConfigMap"
    );
    let parameters: Vec<&Value> = patch["parameters"]
        .as_array()
        .unwrap()
        .iter()
        .map(|parameter| &parameter["name"])
        .collect();
    assert_eq!(
        parameters,
        ["dryRun", "fieldManager", "fieldValidation", "force"]
    );
    assert_eq!(get(&client, "/openapi/v3/apis/absent/v1").await.0, 404);
}

fn every_reference_leads_somewhere(part: &Value, document: &Value) {
    match part {
        Value::Object(fields) => {
            if let Some(reference) = fields.get("$ref").and_then(Value::as_str) {
                let pointer = reference.strip_prefix('#').unwrap();
                assert!(document.pointer(pointer).is_some(), "{reference}");
            }
            fields
                .values()
                .for_each(|value| every_reference_leads_somewhere(value, document));
        }
        Value::Array(items) => items
            .iter()
            .for_each(|value| every_reference_leads_somewhere(value, document)),
        _ => {}
    }
}

#[tokio::test]
async fn the_openapi_document_of_version_2_is_empty() {
    let client = client().await;
    let (_, document) = get(&client, "/openapi/v2").await;
    assert_eq!(document["definitions"], json!({}));
    let accept = "application/com.github.proto-openapi.spec.v2@v1.0+protobuf";
    let (code, empty) = send(
        &client,
        Method::GET,
        "/openapi/v2",
        &[("accept", accept)],
        "",
    )
    .await;
    assert_eq!((code, empty), (200, json!("")));
}
