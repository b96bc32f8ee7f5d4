//! The life of a certificate signing request, and floods of them.

use crate::support::{Loopback, TOKEN, admin, client_request, create_token, in_process, refusal};
use k8s_openapi::ByteString;
use k8s_openapi::api::certificates::v1::CertificateSigningRequest;
use kube::Api;
use kube::api::{Patch, PatchParams, PostParams};
use serde_json::{Value, json};
use slipway_apiserver::RequestLimits;
use slipway_apiserver::authentication::UserInfo;

type Requests = Api<CertificateSigningRequest>;

fn post() -> PostParams {
    PostParams::default()
}

fn decide(type_: &str) -> Patch<Value> {
    Patch::Merge(json!({"status": {"conditions": [{
        "type": type_, "status": "True", "reason": "Test", "message": "by a test",
    }]}}))
}

fn types(request: &CertificateSigningRequest) -> Vec<String> {
    let conditions = request
        .status
        .as_ref()
        .and_then(|status| status.conditions.as_ref());
    conditions
        .into_iter()
        .flatten()
        .map(|condition| condition.type_.clone())
        .collect()
}

/// Attack case 20, and whatever else a body may claim.
#[tokio::test]
async fn a_token_cannot_speak_for_others_or_ask_for_more() {
    let loopback = Loopback::start().await;
    create_token(&loopback.admin(), TOKEN, &[]).await;
    let requests: Requests = Api::all(loopback.token(TOKEN));
    let mut serving = client_request("serving", "n1");
    serving.spec.signer_name = "kubernetes.io/kubelet-serving".into();
    let (code, message) = refusal(requests.create(&post(), &serving).await);
    assert_eq!(code, 403);
    assert!(
        message.contains("kubernetes.io/kubelet-serving"),
        "{message}"
    );
    let all: Requests = Api::all(loopback.admin());
    assert_eq!(
        refusal(all.get("serving").await).0,
        404,
        "nothing was stored"
    );

    let mut forged = client_request("forged", "n1");
    forged.spec.username = Some("system:node:n1".into());
    forged.spec.groups = Some(vec!["system:masters".into()]);
    let stored = requests.create(&post(), &forged).await.unwrap();
    assert_eq!(
        stored.spec.username.as_deref(),
        Some("system:bootstrap:abcdef")
    );
    assert_eq!(
        stored.spec.groups.unwrap(),
        ["system:bootstrappers", "system:authenticated"]
    );
}

#[tokio::test]
async fn a_decision_is_made_once_and_a_certificate_is_set_once() {
    let server = in_process().await;
    let requests: Requests = Api::all(admin(&server));
    requests
        .create(&post(), &client_request("c", "n1"))
        .await
        .unwrap();
    let patch = PatchParams::default();
    let approved = requests
        .patch_approval("c", &patch, &decide("Approved"))
        .await
        .unwrap();
    // The second one is the server's: it says who decided.
    assert_eq!(types(&approved), ["Approved", "slipway.dev/Decided"]);
    let condition = &approved
        .status
        .as_ref()
        .unwrap()
        .conditions
        .as_ref()
        .unwrap()[0];
    assert!(condition.last_update_time.is_some() && condition.last_transition_time.is_some());
    let (code, message) = refusal(
        requests
            .patch_approval("c", &patch, &decide("Denied"))
            .await,
    );
    assert_eq!(code, 422);
    assert!(message.contains("may not remove a condition"), "{message}");

    let certificate = |text: &str| {
        Patch::Merge(json!({"status": {"certificate": ByteString(text.as_bytes().to_vec())}}))
    };
    let pem = {
        let key = rcgen::KeyPair::generate().unwrap();
        rcgen::CertificateParams::default()
            .self_signed(&key)
            .unwrap()
            .pem()
    };
    let (code, message) = refusal(
        requests
            .patch_status("c", &patch, &certificate("text"))
            .await,
    );
    assert_eq!(code, 422);
    assert!(message.contains("status.certificate"), "{message}");
    // Through the wrong door nothing comes in.
    let same = requests
        .patch_approval("c", &patch, &certificate(&pem))
        .await
        .unwrap();
    assert_eq!(same.status.unwrap().certificate, None);
    let same = requests
        .patch("c", &patch, &certificate(&pem))
        .await
        .unwrap();
    assert_eq!(same.status.unwrap().certificate, None);
    let signed = requests
        .patch_status("c", &patch, &certificate(&pem))
        .await
        .unwrap();
    assert!(signed.status.as_ref().unwrap().certificate.is_some());
    assert_eq!(types(&signed), ["slipway.dev/Decided", "Approved"]);
    let again = requests
        .patch_status("c", &patch, &certificate(&format!("{pem}{pem}")))
        .await;
    assert_eq!(refusal(again).0, 422);

    let respec = Patch::Merge(json!({"spec": {"username": "system:node:n2"}}));
    let same = requests.patch("c", &patch, &respec).await.unwrap();
    assert_eq!(same.spec.username.as_deref(), Some("admin"));
}

#[tokio::test]
async fn approving_and_signing_need_the_signers_verbs() {
    let server = in_process().await;
    let admin = admin(&server);
    let requests: Requests = Api::all(admin.clone());
    requests
        .create(&post(), &client_request("c", "n1"))
        .await
        .unwrap();
    let role = |name: &str, rules: Value| json!({"metadata": {"name": name}, "rules": rules});
    let doors = json!({"verbs": ["update", "patch", "get"], "apiGroups": ["certificates.k8s.io"],
        "resources": ["certificatesigningrequests/approval", "certificatesigningrequests/status"]});
    let signers = |verb: &str| {
        json!({"verbs": [verb], "apiGroups": ["certificates.k8s.io"],
        "resources": ["signers"], "resourceNames": ["kubernetes.io/kube-apiserver-client-kubelet"]})
    };
    for (name, rules) in [
        ("doors", json!([doors])),
        ("approver", json!([doors, signers("approve")])),
    ] {
        let role = serde_json::from_value(role(name, rules)).unwrap();
        let binding = serde_json::from_value(json!({
            "metadata": {"name": name},
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": name},
            "subjects": [{"kind": "User", "name": name}],
        }))
        .unwrap();
        Api::<k8s_openapi::api::rbac::v1::ClusterRole>::all(admin.clone())
            .create(&post(), &role)
            .await
            .unwrap();
        Api::<k8s_openapi::api::rbac::v1::ClusterRoleBinding>::all(admin.clone())
            .create(&post(), &binding)
            .await
            .unwrap();
    }
    let as_user = |name: &str| -> Requests {
        Api::all(server.client(UserInfo::authenticated(name, ["staff"])))
    };
    let patch = PatchParams::default();
    let (code, message) = refusal(
        as_user("doors")
            .patch_approval("c", &patch, &decide("Approved"))
            .await,
    );
    assert_eq!(code, 403);
    assert!(
        message.contains("may not approve requests with signerName"),
        "{message}"
    );
    as_user("approver")
        .patch_approval("c", &patch, &decide("Approved"))
        .await
        .unwrap();
    let (code, message) = refusal(
        as_user("approver")
            .patch_status("c", &patch, &decide("Failed"))
            .await,
    );
    assert_eq!(code, 403);
    assert!(
        message.contains("may not sign requests with signerName"),
        "{message}"
    );
}

/// Attack case 22.
#[tokio::test]
async fn a_flood_from_one_token_starves_nobody_else() {
    let limits = RequestLimits {
        burst: 40,
        per_second: 1,
        pending_per_token: 20,
    };
    let loopback = Loopback::start_with(|builder| builder.request_limits(limits)).await;
    let other = "uvwxyz.0123456789abcdef";
    create_token(&loopback.admin(), TOKEN, &[]).await;
    create_token(&loopback.admin(), other, &[]).await;
    let flooding: Requests = Api::all(loopback.token(TOKEN));
    let body = client_request("flood", "n1");
    let attempts = (0..2_000).map(|index| {
        let (flooding, mut body) = (flooding.clone(), body.clone());
        body.metadata.name = Some(format!("flood-{index}"));
        async move { flooding.create(&post(), &body).await }
    });
    let flood = tokio::spawn(futures::future::join_all(attempts));
    // While it lasts, another token gets through.
    let honest: Requests = Api::all(loopback.token(other));
    honest
        .create(&post(), &client_request("honest", "n2"))
        .await
        .unwrap();
    let answers = flood.await.unwrap();
    let stored = answers.iter().filter(|answer| answer.is_ok()).count();
    // Requests that are admitted at the same moment do not see each other.
    assert!((20..=60).contains(&stored), "{stored}");
    let refused = answers.into_iter().find(Result::is_err).unwrap();
    let (code, message) = refusal(refused);
    assert_eq!(code, 429, "{message}");
    assert!(message.contains("system:bootstrap:abcdef"), "{message}");
    honest
        .create(&post(), &client_request("honest-2", "n3"))
        .await
        .unwrap();
}
