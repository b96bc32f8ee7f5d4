use jiff::Timestamp;
use serde_json::{Value, json};
use slipway_config::name::NODES_GROUP;

use super::*;
use crate::authentication::testing::{MemoryTokens, SECRET_NAME, put, store, token_data};
use crate::authentication::{BOOTSTRAPPERS, MASTERS, UserInfo};
use crate::resource::{Registry, Reviews, Served, Subresource};
use crate::store::Key;

struct Server {
    store: Store,
    rules: KindRules,
}

impl Server {
    /// A server where the group `ops` has these rules everywhere.
    async fn new(ops: Value) -> Self {
        Self::with(ops, RequestLimits::default(), None).await
    }

    async fn with(ops: Value, limits: RequestLimits, tokens: Option<Arc<dyn TokenStore>>) -> Self {
        let store = store().await;
        let role = |name: &str, rules: Value| json!({"metadata": {"name": name}, "rules": rules});
        let all = json!([{"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"]}]);
        let binding = json!({
            "metadata": {"name": "ops"},
            "roleRef": {"kind": "ClusterRole", "name": "ops"},
            "subjects": [{"kind": "Group", "name": "ops"}],
        });
        let key =
            |plural: &str, name: &str| Key::new(&format!("{}/{plural}", resources::RBAC), "", name);
        put(&store, key("clusterroles", "ops"), role("ops", ops)).await;
        put(
            &store,
            key("clusterroles", "cluster-admin"),
            role("cluster-admin", all),
        )
        .await;
        put(&store, key("clusterrolebindings", "ops"), binding).await;
        let authorizer = UnionAuthorizer::new(store.clone());
        let rules = KindRules::new(store.clone(), authorizer, limits, tokens);
        Self { store, rules }
    }

    async fn admit(
        &self,
        context: &Context,
        old: Option<&Value>,
        new: Value,
    ) -> Result<Value, (u16, String)> {
        let object = |value: &Value| Object::from_value(value.clone()).unwrap();
        let old = old.map(object);
        let admitted = self.rules.admit(old.as_ref(), object(&new), context).await;
        admitted
            .map(Object::into_value)
            .map_err(|status| (status.code().as_u16(), status.message().to_owned()))
    }
}

fn context(user: UserInfo, group: &str, plural: &str) -> Context {
    let registry = Registry::new(Reviews::new());
    let resource = registry.find(group, "v1", plural).map(Served::definition);
    Context {
        user,
        now: Timestamp::UNIX_EPOCH,
        resource: resource.unwrap(),
        subresource: None,
        namespace: String::new(),
        dry_run: false,
    }
}

fn ops() -> UserInfo {
    UserInfo::authenticated("ann", ["ops"])
}

fn admin() -> UserInfo {
    UserInfo::authenticated("admin", [MASTERS])
}

fn token() -> UserInfo {
    UserInfo::authenticated("system:bootstrap:abcdef", [BOOTSTRAPPERS])
}

fn assert_refused<T: std::fmt::Debug>(result: Result<T, (u16, String)>, code: u16, words: &str) {
    let (found, message) = result.unwrap_err();
    assert_eq!(found, code, "{message}");
    assert!(message.contains(words), "{message}");
}

fn requests(user: UserInfo, door: Option<Subresource>) -> Context {
    Context {
        subresource: door,
        ..context(user, resources::CERTIFICATES, resources::REQUESTS)
    }
}

fn request(conditions: Value) -> Value {
    let key = rcgen::KeyPair::generate().unwrap();
    let pem = rcgen::CertificateParams::default()
        .serialize_request(&key)
        .unwrap()
        .pem()
        .unwrap();
    json!({
        "apiVersion": "certificates.k8s.io/v1",
        "kind": "CertificateSigningRequest",
        "metadata": {"name": "c"},
        "spec": {
            "request": k8s_openapi::ByteString(pem.into_bytes()),
            "signerName": "kubernetes.io/kube-apiserver-client-kubelet",
            "usages": ["client auth"],
        },
        "status": {"conditions": conditions},
    })
}

fn signer_rule(verb: &str) -> Value {
    json!([{
        "verbs": [verb],
        "apiGroups": [resources::CERTIFICATES],
        "resources": ["signers"],
        "resourceNames": ["kubernetes.io/*"],
    }])
}

#[tokio::test]
async fn a_new_request_is_its_requesters_and_undecided() {
    let server = Server::new(json!([])).await;
    let mut forged = request(json!([{"type": "Approved", "status": "True"}]));
    forged["spec"]["username"] = "system:node:n1".into();
    forged["spec"]["groups"] = json!([MASTERS]);
    let stored = server
        .admit(&requests(token(), None), None, forged)
        .await
        .unwrap();
    assert_eq!(stored["spec"]["username"], "system:bootstrap:abcdef");
    assert_eq!(
        stored["spec"]["groups"],
        json!([BOOTSTRAPPERS, "system:authenticated"])
    );
    assert_eq!(stored["status"], json!({}));
}

#[tokio::test]
async fn a_token_gets_no_serving_certificate() {
    let server = Server::new(json!([])).await;
    let mut serving = request(json!([]));
    serving["spec"]["signerName"] = "kubernetes.io/kubelet-serving".into();
    let refused = server.admit(&requests(token(), None), None, serving).await;
    assert_refused(
        refused,
        403,
        "a bootstrap token may ask for a certificate of signer",
    );
}

#[tokio::test]
async fn an_invalid_request_names_its_fields() {
    let server = Server::new(json!([])).await;
    let mut bad = request(json!([]));
    bad["spec"]["usages"] = json!(["client auth", "client auth"]);
    bad["spec"]["expirationSeconds"] = 60.into();
    let refused = server.admit(&requests(token(), None), None, bad).await;
    assert_refused(refused.clone(), 422, "spec.usages[1]: Duplicate value");
    assert_refused(refused, 422, "spec.expirationSeconds");
}

#[tokio::test]
async fn approving_needs_the_verb_on_the_signer() {
    let old = request(json!([]));
    let approved = || request(json!([{"type": "Approved", "status": "True"}]));
    let door = requests(ops(), Some(Subresource::Approval));
    let server = Server::new(signer_rule("sign")).await;
    let refused = server.admit(&door, Some(&old), approved()).await;
    assert_refused(refused, 403, "may not approve requests with signerName");
    let server = Server::new(signer_rule("approve")).await;
    let stored = server.admit(&door, Some(&old), approved()).await.unwrap();
    let condition = &stored["status"]["conditions"][0];
    assert_eq!(condition["lastUpdateTime"], "1970-01-01T00:00:00Z");
    // Only the decision changed, although the key in the new object is another.
    assert_eq!(stored["spec"]["request"], old["spec"]["request"]);
    let both = request(json!([
        {"type": "Approved", "status": "True"},
        {"type": "Denied", "status": "True"},
    ]));
    let refused = server.admit(&door, Some(&stored), both).await;
    assert_refused(
        refused,
        422,
        "Approved and Denied conditions are mutually exclusive",
    );
    let withdrawn = server.admit(&door, Some(&stored), request(json!([]))).await;
    assert_refused(withdrawn, 422, "may not remove a condition");
}

#[tokio::test]
async fn signing_needs_the_verb_and_a_review_does_not() {
    let old = request(json!([{"type": "Approved", "status": "True"}]));
    let failed = || request(json!([{"type": "Failed", "status": "True"}]));
    let door = requests(ops(), Some(Subresource::Status));
    let server = Server::new(signer_rule("approve")).await;
    let refused = server.admit(&door, Some(&old), failed()).await;
    assert_refused(refused, 403, "may not sign requests with signerName");
    let reviewed = request(json!([{"type": "slipway.dev/Reviewed", "status": "False"}]));
    assert!(server.admit(&door, Some(&old), reviewed).await.is_ok());
    let server = Server::new(signer_rule("sign")).await;
    assert!(server.admit(&door, Some(&old), failed()).await.is_ok());
}

#[tokio::test]
async fn a_flood_from_one_token_starves_nobody_else() {
    let limits = RequestLimits {
        burst: 50,
        per_second: 1,
        pending_per_token: 20,
    };
    let server = Server::with(json!([]), limits, None).await;
    let collection = format!("{}/{}", resources::CERTIFICATES, resources::REQUESTS);
    let body = request(json!([]));
    let (mut stored, mut refused) = (0, 0);
    for index in 0..10_000 {
        match server
            .admit(&requests(token(), None), None, body.clone())
            .await
        {
            Ok(admitted) => {
                put(
                    &server.store,
                    Key::new(&collection, "", &format!("r{index}")),
                    admitted,
                )
                .await;
                stored += 1;
            }
            Err((code, message)) => {
                assert_eq!(code, 429, "{message}");
                refused += 1;
            }
        }
    }
    assert_eq!((stored, refused), (20, 9_980));
    let other = UserInfo::authenticated("system:bootstrap:uvwxyz", [BOOTSTRAPPERS]);
    assert!(
        server
            .admit(&requests(other, None), None, body.clone())
            .await
            .is_ok()
    );
    let node = UserInfo::authenticated("system:node:n1", [NODES_GROUP]);
    assert!(
        server
            .admit(&requests(node, None), None, body)
            .await
            .is_ok()
    );
}

#[tokio::test]
async fn a_node_creates_only_itself_and_its_own_lease() {
    let server = Server::new(json!([])).await;
    let node = || UserInfo::authenticated("system:node:n1", [NODES_GROUP]);
    let leases = Context {
        namespace: resources::NODE_LEASES.into(),
        ..context(node(), resources::COORDINATION, "leases")
    };
    let named = |name: &str| json!({"metadata": {"name": name}});
    for context in [context(node(), "", "nodes"), leases] {
        assert!(server.admit(&context, None, named("n1")).await.is_ok());
        let refused = server.admit(&context, None, named("n2")).await;
        assert_refused(refused, 403, "but its own");
    }
    let by_admin = server
        .admit(&context(admin(), "", "nodes"), None, named("n2"))
        .await;
    assert!(by_admin.is_ok());
}

#[tokio::test]
async fn a_nodes_status_is_written_through_its_own_door() {
    let server = Server::new(json!([])).await;
    let old = json!({"metadata": {"name": "n1"}, "spec": {"podCIDR": "10.0.0.0/24"}});
    let new = json!({"metadata": {"name": "n1"}, "spec": {}, "status": {"phase": "Running"}});
    let door = |subresource| Context {
        subresource,
        ..context(admin(), "", "nodes")
    };
    let status = server
        .admit(&door(Some(Subresource::Status)), Some(&old), new.clone())
        .await
        .unwrap();
    assert_eq!(status["spec"]["podCIDR"], "10.0.0.0/24");
    assert_eq!(status["status"]["phase"], "Running");
    let object = server.admit(&door(None), Some(&old), new).await.unwrap();
    assert_eq!(object.get("status"), None);
    assert_eq!(object["spec"].get("podCIDR"), None);
}

#[tokio::test]
async fn nobody_grants_or_binds_what_they_do_not_hold() {
    let server = Server::new(json!([])).await;
    let roles = context(ops(), resources::RBAC, "clusterroles");
    let reads_secrets = json!({
        "metadata": {"name": "x"},
        "rules": [{"verbs": ["get"], "apiGroups": [""], "resources": ["secrets"]}],
    });
    let refused = server.admit(&roles, None, reads_secrets.clone()).await;
    assert_refused(refused, 403, "attempts to grant permissions");
    // Unchanged rules are no grant, so that a label can be set.
    let unchanged = server
        .admit(&roles, Some(&reads_secrets), reads_secrets.clone())
        .await;
    assert!(unchanged.is_ok());
    let to_admin = json!({
        "metadata": {"name": "x"},
        "roleRef": {"kind": "ClusterRole", "name": "cluster-admin"},
        "subjects": [{"kind": "User", "name": "ann"}],
    });
    let bindings = |user| context(user, resources::RBAC, "clusterrolebindings");
    let refused = server.admit(&bindings(ops()), None, to_admin.clone()).await;
    assert_refused(refused, 403, "attempts to grant permissions");
    let stored = server
        .admit(&bindings(admin()), None, to_admin)
        .await
        .unwrap();
    assert_eq!(stored["roleRef"]["apiGroup"], resources::RBAC);
    assert_eq!(stored["subjects"][0]["apiGroup"], resources::RBAC);
}

fn token_secret(changes: &[(&str, &str)]) -> Value {
    let data: serde_json::Map<_, _> = token_data(changes)
        .into_iter()
        .map(|(key, value)| (key, json!(k8s_openapi::ByteString(value))))
        .collect();
    json!({
        "metadata": {"name": SECRET_NAME, "namespace": "kube-system", "uid": "u-1"},
        "type": "bootstrap.kubernetes.io/token",
        "data": data,
    })
}

#[tokio::test]
async fn a_bootstrap_token_secret_is_valid_or_refused() {
    let server = Server::new(json!([])).await;
    let secrets = context(admin(), "", "secrets");
    assert!(
        server
            .admit(&secrets, None, token_secret(&[]))
            .await
            .is_ok()
    );
    for changes in [
        [("auth-extra-groups", "system:masters")],
        [("token-id", "uvwxyz")],
    ] {
        let refused = server.admit(&secrets, None, token_secret(&changes)).await;
        assert_refused(refused, 422, "bootstrap-token-abcdef");
    }
}

#[tokio::test]
async fn tokens_are_written_through_to_the_plugin() {
    let plugin = Arc::new(MemoryTokens::new());
    let tokens = Arc::clone(&plugin) as Arc<dyn TokenStore>;
    let server = Server::with(json!([]), RequestLimits::default(), Some(tokens)).await;
    let secrets = context(admin(), "", "secrets");
    let object = |value: Value| Object::from_value(value).unwrap();
    let held = async || {
        let found = plugin.get(&"abcdef".parse().unwrap()).await.unwrap();
        found.map(|found| (found.value.uid, found.value.record.description))
    };
    let commit = async |change: Change<'_>| {
        let done = server.rules.before_commit(change, &secrets).await;
        done.map_err(|status| status.code().as_u16())
    };
    let made = object(token_secret(&[("description", "rack 4")]));
    assert_eq!(commit(Change::Create(&made)).await, Ok(()));
    assert_eq!(held().await, Some(("u-1".into(), "rack 4".into())));
    assert_eq!(
        commit(Change::Create(&made)).await,
        Ok(()),
        "the same, tried again"
    );
    let mut other = made.clone();
    other.set_metadata_text("uid", "u-2");
    assert_eq!(commit(Change::Create(&other)).await, Err(409));
    let changed = object(token_secret(&[("description", "rack 5")]));
    assert_eq!(commit(Change::Update(&made, &changed)).await, Ok(()));
    assert_eq!(held().await, Some(("u-1".into(), "rack 5".into())));
    assert_eq!(commit(Change::Update(&other, &changed)).await, Err(409));
    assert_eq!(
        commit(Change::Delete(&other)).await,
        Ok(()),
        "another token"
    );
    assert!(held().await.is_some());
    assert_eq!(commit(Change::Delete(&changed)).await, Ok(()));
    assert_eq!(held().await, None);
    plugin.fail();
    assert_eq!(commit(Change::Create(&made)).await, Err(503));
    // What is no bootstrap token never reaches the plugin.
    let plain = object(json!({"metadata": {"name": "x", "namespace": "kube-system"}}));
    assert_eq!(commit(Change::Create(&plain)).await, Ok(()));
}
