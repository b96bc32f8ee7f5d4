//! What clients find out before they ask for anything.

use http::Method;
use kube::discovery::Discovery;
use serde_json::{Value, json};

use crate::{client, get, send};

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
async fn the_openapi_document_is_empty() {
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
