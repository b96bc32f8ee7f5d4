//! Who may do what.

use crate::support::{
    Credential, Loopback, TOKEN, admin, client_request, create_token, in_process, refusal,
};
use futures::StreamExt as _;
use k8s_openapi::api::authorization::v1::{
    ResourceAttributes, SelfSubjectAccessReview, SelfSubjectAccessReviewSpec,
    SelfSubjectRulesReview, SelfSubjectRulesReviewSpec, SubjectAccessReview,
    SubjectAccessReviewSpec, SubjectAccessReviewStatus,
};
use k8s_openapi::api::certificates::v1::CertificateSigningRequest;
use k8s_openapi::api::coordination::v1::Lease;
use k8s_openapi::api::core::v1::{ConfigMap, Event, Node, Secret};
use k8s_openapi::api::rbac::v1::{ClusterRole, ClusterRoleBinding, Role, RoleBinding};
use kube::api::{
    DeleteParams, ListParams, Patch, PatchParams, PostParams, WatchEvent, WatchParams,
};
use kube::{Api, Client};
use serde_json::{Value, json};
use slipway_apiserver::authentication::UserInfo;

type Requests = Api<CertificateSigningRequest>;

fn object<T: serde::de::DeserializeOwned>(value: Value) -> T {
    serde_json::from_value(value).unwrap()
}

fn post() -> PostParams {
    PostParams::default()
}

#[tokio::test]
async fn a_token_creates_and_reads_its_own_request_and_nothing_else() {
    let loopback = Loopback::start().await;
    let admin = loopback.admin();
    let other_token = "uvwxyz.0123456789abcdef";
    create_token(&admin, TOKEN, &[]).await;
    create_token(&admin, other_token, &[]).await;
    let (token, other) = (loopback.token(TOKEN), loopback.token(other_token));
    let own: Requests = Api::all(token.clone());
    let theirs: Requests = Api::all(other.clone());
    own.create(&post(), &client_request("own", "n1"))
        .await
        .unwrap();
    theirs
        .create(&post(), &client_request("theirs", "n2"))
        .await
        .unwrap();

    let read = own.get("own").await.unwrap();
    assert_eq!(
        read.spec.username.as_deref(),
        Some("system:bootstrap:abcdef")
    );
    let (code, message) = refusal(own.get("theirs").await);
    assert_eq!(code, 403);
    assert!(
        message.contains("read its own by name, nothing else"),
        "{message}"
    );
    assert_eq!(refusal(own.get("absent").await).0, 404);
    // As kubelet does.
    let by_name = |name: &str| ListParams::default().fields(&format!("metadata.name={name}"));
    assert_eq!(own.list(&by_name("own")).await.unwrap().items, [read]);

    let approve =
        Patch::Merge(json!({"status": {"conditions": [{"type": "Approved", "status": "True"}]}}));
    for refused in [
        refusal(own.list(&ListParams::default()).await),
        refusal(own.list(&by_name("theirs")).await),
        refusal(own.list(&by_name("absent")).await),
        refusal(own.list(&by_name("own").fields("metadata.name!=own")).await),
        refusal(own.delete("own", &DeleteParams::default()).await),
        refusal(
            own.patch_approval("own", &PatchParams::default(), &approve)
                .await,
        ),
        refusal(
            own.patch_status("own", &PatchParams::default(), &approve)
                .await,
        ),
        refusal(own.patch("own", &PatchParams::default(), &approve).await),
        refusal(
            Api::<Secret>::namespaced(token.clone(), "kube-system")
                .list(&ListParams::default())
                .await,
        ),
        refusal(
            Api::<ConfigMap>::namespaced(token.clone(), "kube-system")
                .get("x")
                .await,
        ),
        refusal(
            Api::<Node>::all(token.clone())
                .list(&ListParams::default())
                .await,
        ),
        refusal(Api::<Node>::all(token.clone()).get("n1").await),
        refusal(
            Api::<ClusterRole>::all(token.clone())
                .list(&ListParams::default())
                .await,
        ),
    ] {
        assert_eq!(refused.0, 403, "{}", refused.1);
    }
    assert!(
        own.get("own")
            .await
            .unwrap()
            .status
            .unwrap_or_default()
            .conditions
            .is_none()
    );
}

#[tokio::test]
async fn a_token_is_not_shown_a_request_that_had_or_gets_the_name_of_its_own() {
    let loopback = Loopback::start().await;
    let admin = loopback.admin();
    let other_token = "uvwxyz.0123456789abcdef";
    create_token(&admin, TOKEN, &[]).await;
    create_token(&admin, other_token, &[]).await;
    let own: Requests = Api::all(loopback.token(TOKEN));
    let theirs: Requests = Api::all(loopback.token(other_token));
    let all: Requests = Api::all(admin);
    let recreate = async |api: &Requests| {
        let _ = all.delete("n", &DeleteParams::default()).await;
        let created = api.create(&post(), &client_request("n", "n1")).await;
        created.unwrap().metadata.resource_version.unwrap()
    };
    let before = recreate(&theirs).await;
    let mine = recreate(&own).await;

    let name = "metadata.name=n";
    let earlier = ListParams::default()
        .fields(name)
        .at(&before)
        .matching(kube::api::VersionMatch::Exact);
    assert!(own.list(&earlier).await.unwrap().items.is_empty());
    assert_eq!(all.list(&earlier).await.unwrap().items.len(), 1);

    let watched = WatchParams::default().fields(name);
    let from_before = own.watch(&watched, &before).await.unwrap().boxed();
    let from_mine = own.watch(&watched, &mine).await.unwrap().boxed();
    recreate(&theirs).await;
    recreate(&own).await;
    let own_name = Some("system:bootstrap:abcdef");
    for (mut events, expected) in [
        (from_before, &["added", "deleted", "added"][..]),
        (from_mine, &["deleted", "added"]),
    ] {
        for expected in expected {
            let (kind, request) = match events.next().await.unwrap().unwrap() {
                WatchEvent::Added(request) => ("added", request),
                WatchEvent::Deleted(request) => ("deleted", request),
                other => panic!("{other:?}"),
            };
            assert_eq!(kind, *expected);
            assert_eq!(request.spec.username.as_deref(), own_name);
        }
    }
}

#[tokio::test]
async fn no_binding_widens_a_token() {
    let server = in_process().await;
    let admin = admin(&server);
    let bindings: Api<ClusterRoleBinding> = Api::all(admin);
    let binding = object(json!({
        "metadata": {"name": "mistake"},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "cluster-admin"},
        "subjects": [
            {"kind": "Group", "name": "system:bootstrappers"},
            {"kind": "Group", "name": "system:authenticated"},
        ],
    }));
    bindings.create(&post(), &binding).await.unwrap();
    let ann = server.client(UserInfo::authenticated("ann", ["ops"]));
    assert!(
        Api::<Secret>::all(ann)
            .list(&ListParams::default())
            .await
            .is_ok()
    );
    let token = UserInfo::authenticated("system:bootstrap:abcdef", ["system:bootstrappers"]);
    let secrets: Api<Secret> = Api::all(server.client(token));
    assert_eq!(refusal(secrets.list(&ListParams::default()).await).0, 403);
}

#[tokio::test]
async fn anonymous_reads_cluster_info_where_a_role_says_so() {
    let loopback = Loopback::start().await;
    let admin = loopback.admin();
    let anonymous = loopback.client(Credential::None);
    let maps: Api<ConfigMap> = Api::namespaced(admin.clone(), "kube-public");
    for name in ["cluster-info", "other"] {
        maps.create(&post(), &object(json!({"metadata": {"name": name}})))
            .await
            .unwrap();
    }
    let read: Api<ConfigMap> = Api::namespaced(anonymous.clone(), "kube-public");
    let (code, message) = refusal(read.get("cluster-info").await);
    assert_eq!(code, 403);
    assert!(message.contains("system:anonymous"), "{message}");
    let role = object::<Role>(json!({
        "metadata": {"name": "kubeadm:bootstrap-signer-clusterinfo"},
        "rules": [{"verbs": ["get"], "apiGroups": [""], "resources": ["configmaps"], "resourceNames": ["cluster-info"]}],
    }));
    let binding = object::<RoleBinding>(json!({
        "metadata": {"name": "kubeadm:bootstrap-signer-clusterinfo"},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "kubeadm:bootstrap-signer-clusterinfo"},
        "subjects": [{"kind": "User", "name": "system:anonymous"}],
    }));
    Api::namespaced(admin.clone(), "kube-public")
        .create(&post(), &role)
        .await
        .unwrap();
    Api::namespaced(admin, "kube-public")
        .create(&post(), &binding)
        .await
        .unwrap();
    assert!(read.get("cluster-info").await.is_ok());
    for refused in [
        refusal(read.get("other").await),
        refusal(read.list(&ListParams::default()).await),
        refusal(
            read.list(&ListParams::default().fields("metadata.name=other"))
                .await,
        ),
        refusal(read.delete("cluster-info", &DeleteParams::default()).await),
        refusal(
            Requests::all(anonymous.clone())
                .create(&post(), &client_request("x", "n1"))
                .await,
        ),
        refusal(
            Api::<Secret>::all(anonymous)
                .list(&ListParams::default())
                .await,
        ),
    ] {
        assert_eq!(refused.0, 403, "{}", refused.1);
    }
}

#[tokio::test]
async fn a_node_does_what_a_kubelet_does_and_no_more() {
    let loopback = Loopback::start().await;
    let admin = loopback.admin();
    let node = loopback.node("n1");
    let nodes: Api<Node> = Api::all(node.clone());
    let named = |name: &str| object::<Node>(json!({"metadata": {"name": name}}));
    nodes.create(&post(), &named("n1")).await.unwrap();
    Api::<Node>::all(admin.clone())
        .create(&post(), &named("n2"))
        .await
        .unwrap();
    nodes.get("n1").await.unwrap();
    let mine = nodes
        .list(&ListParams::default().fields("metadata.name=n1"))
        .await
        .unwrap();
    assert_eq!(mine.items.len(), 1);
    let ready =
        Patch::Merge(json!({"status": {"conditions": [{"type": "Ready", "status": "True"}]}}));
    nodes
        .patch_status("n1", &PatchParams::default(), &ready)
        .await
        .unwrap();

    let leases: Api<Lease> = Api::namespaced(node.clone(), "kube-node-lease");
    leases
        .create(&post(), &object(json!({"metadata": {"name": "n1"}})))
        .await
        .unwrap();
    let events: Api<Event> = Api::namespaced(node.clone(), "default");
    let event = object(
        json!({"metadata": {"name": "e"}, "involvedObject": {"kind": "Node", "name": "n1"}}),
    );
    events.create(&post(), &event).await.unwrap();

    let requests: Requests = Api::all(node.clone());
    requests
        .create(&post(), &client_request("renewal", "n1"))
        .await
        .unwrap();
    Api::all(admin.clone())
        .create(&post(), &client_request("foreign", "n2"))
        .await
        .unwrap();
    let by_name = |name: &str| ListParams::default().fields(&format!("metadata.name={name}"));
    assert_eq!(
        requests
            .list(&by_name("renewal"))
            .await
            .unwrap()
            .items
            .len(),
        1
    );
    let watch = WatchParams::default()
        .fields("metadata.name=renewal")
        .timeout(1);
    requests.watch(&watch, "0").await.map(drop).unwrap();

    let labelled = Patch::Merge(
        json!({"metadata": {"labels": {"node-role.kubernetes.io/control-plane": ""}}}),
    );
    for refused in [
        refusal(nodes.create(&post(), &named("n3")).await),
        refusal(
            nodes
                .patch_status("n2", &PatchParams::default(), &ready)
                .await,
        ),
        refusal(nodes.patch("n1", &PatchParams::default(), &labelled).await),
        refusal(
            nodes
                .patch_status("n1", &PatchParams::default(), &labelled)
                .await,
        ),
        refusal(nodes.delete("n1", &DeleteParams::default()).await),
        refusal(nodes.list(&ListParams::default()).await),
        refusal(
            leases
                .create(&post(), &object(json!({"metadata": {"name": "n2"}})))
                .await,
        ),
        refusal(requests.get("foreign").await),
        refusal(requests.list(&by_name("foreign")).await),
        refusal(requests.list(&ListParams::default()).await),
        refusal(requests.delete("renewal", &DeleteParams::default()).await),
        refusal(
            Api::<Secret>::all(node.clone())
                .list(&ListParams::default())
                .await,
        ),
        refusal(
            Api::<ConfigMap>::namespaced(node, "kube-system")
                .get("x")
                .await,
        ),
    ] {
        assert_eq!(refused.0, 403, "{}", refused.1);
    }
}

/// What is authorized by name is what is listed, however often and however the selector is spelled.
#[tokio::test]
async fn a_selector_is_authorized_as_it_is_obeyed() {
    let loopback = Loopback::start().await;
    let admin: Requests = Api::all(loopback.admin());
    let node = loopback.node("n1");
    let own: Requests = Api::all(node.clone());
    own.create(&post(), &client_request("own", "n1"))
        .await
        .unwrap();
    admin
        .create(&post(), &client_request("foreign", "n2"))
        .await
        .unwrap();
    for query in [
        "fieldSelector=metadata.name%3Down&fieldSelector=",
        "fieldSelector=metadata.name%3Down&fieldSelector=metadata.name%3Dforeign",
        "fieldSelector=metadata.name%3Dforeign&fieldSelector=metadata.name%3Down",
        "fieldSelector=metadata.name!%3Down",
        "fieldSelector=metadata.name%3Down,metadata.name%3Dforeign",
        "fieldSelector=spec.signerName%3Dkubernetes.io/kube-apiserver-client-kubelet",
        "labelSelector=metadata.name%3Down",
    ] {
        let path = format!("/apis/certificates.k8s.io/v1/certificatesigningrequests?{query}");
        let request = http::Request::get(path).body(vec![]).unwrap();
        match node.request::<Value>(request).await {
            Ok(list) => {
                for item in list["items"].as_array().unwrap() {
                    assert_eq!(item["metadata"]["name"], "own", "{query}");
                }
            }
            refused => assert_eq!(refusal(refused).0, 403, "{query}"),
        }
    }
}

#[tokio::test]
async fn nobody_makes_themselves_more_than_they_are() {
    let server = in_process().await;
    let admin = admin(&server);
    let roles: Api<ClusterRole> = Api::all(admin.clone());
    let bindings: Api<ClusterRoleBinding> = Api::all(admin);
    let role = |name: &str, resources: Value| {
        object::<ClusterRole>(json!({
            "metadata": {"name": name},
            "rules": [{"verbs": ["*"], "apiGroups": ["rbac.authorization.k8s.io", ""], "resources": resources}],
        }))
    };
    let bind = |name: &str, to: &str, user: &str| {
        object::<ClusterRoleBinding>(json!({
            "metadata": {"name": name},
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": to},
            "subjects": [{"kind": "User", "name": user}],
        }))
    };
    // `*` as a verb includes bind and escalate, so it is spelled out.
    let mut rbac_writer = role(
        "rbac-writer",
        json!(["clusterroles", "clusterrolebindings"]),
    );
    rbac_writer.rules.as_mut().unwrap()[0].verbs = ["get", "create", "update", "patch"]
        .map(String::from)
        .into();
    roles.create(&post(), &rbac_writer).await.unwrap();
    bindings
        .create(&post(), &bind("ann", "rbac-writer", "ann"))
        .await
        .unwrap();

    let ann = server.client(UserInfo::authenticated("ann", ["ops"]));
    let ann_roles: Api<ClusterRole> = Api::all(ann.clone());
    let ann_bindings: Api<ClusterRoleBinding> = Api::all(ann);
    let (code, message) = refusal(
        ann_roles
            .create(&post(), &role("x", json!(["secrets"])))
            .await,
    );
    assert_eq!(code, 403);
    assert!(
        message.contains("attempts to grant permissions"),
        "{message}"
    );
    let widen =
        Patch::Merge(json!({"rules": [{"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"]}]}));
    let widened = ann_roles
        .patch("rbac-writer", &PatchParams::default(), &widen)
        .await;
    assert_eq!(refusal(widened).0, 403);
    let (code, message) = refusal(
        ann_bindings
            .create(&post(), &bind("y", "cluster-admin", "ann"))
            .await,
    );
    assert_eq!(code, 403);
    assert!(
        message.contains("attempts to grant permissions"),
        "{message}"
    );
    ann_bindings
        .create(&post(), &bind("ben", "rbac-writer", "ben"))
        .await
        .unwrap();
}

async fn may(client: &Client, attributes: ResourceAttributes) -> SubjectAccessReviewStatus {
    let api: Api<SelfSubjectAccessReview> = Api::all(client.clone());
    let asked = SelfSubjectAccessReview {
        spec: SelfSubjectAccessReviewSpec {
            resource_attributes: Some(attributes),
            ..SelfSubjectAccessReviewSpec::default()
        },
        ..SelfSubjectAccessReview::default()
    };
    api.create(&post(), &asked).await.unwrap().status.unwrap()
}

fn on(verb: &str, group: &str, resource: &str) -> ResourceAttributes {
    ResourceAttributes {
        verb: Some(verb.into()),
        group: Some(group.into()),
        resource: Some(resource.into()),
        ..ResourceAttributes::default()
    }
}

#[tokio::test]
async fn reviews_say_what_requests_meet() {
    let loopback = Loopback::start().await;
    let admin = loopback.admin();
    create_token(&admin, TOKEN, &[]).await;
    let token = loopback.token(TOKEN);
    let requests = |verb| on(verb, "certificates.k8s.io", "certificatesigningrequests");
    assert!(may(&admin, on("*", "*", "*")).await.allowed);
    assert!(may(&token, requests("create")).await.allowed);
    let listing = may(&token, requests("list")).await;
    assert!(!listing.allowed && listing.denied == Some(true));
    assert!(
        !may(&loopback.node("n1"), on("get", "", "secrets"))
            .await
            .allowed
    );

    let rules: Api<SelfSubjectRulesReview> = Api::all(token.clone());
    let asked = SelfSubjectRulesReview {
        spec: SelfSubjectRulesReviewSpec {
            namespace: Some("default".into()),
        },
        ..SelfSubjectRulesReview::default()
    };
    let status = rules.create(&post(), &asked).await.unwrap().status.unwrap();
    assert!(status.incomplete, "ownership cannot be said in a rule");
    let requests = Some(vec!["certificatesigningrequests".to_owned()]);
    assert!(
        status
            .resource_rules
            .iter()
            .all(|rule| rule.resources == requests || rule.verbs == ["create"])
    );

    let asked = SubjectAccessReview {
        spec: SubjectAccessReviewSpec {
            user: Some("system:node:n1".into()),
            groups: Some(vec!["system:nodes".into()]),
            resource_attributes: Some(on("create", "", "events")),
            ..SubjectAccessReviewSpec::default()
        },
        ..SubjectAccessReview::default()
    };
    let reviews: Api<SubjectAccessReview> = Api::all(admin);
    assert!(
        reviews
            .create(&post(), &asked)
            .await
            .unwrap()
            .status
            .unwrap()
            .allowed
    );
    let reviews: Api<SubjectAccessReview> = Api::all(token);
    assert_eq!(refusal(reviews.create(&post(), &asked).await).0, 403);
}
