//! Who is who, over real TLS.

use crate::support::{Credential, Loopback, TOKEN, create_token, refusal, token_secret};
use k8s_openapi::api::authentication::v1::{
    SelfSubjectReview, TokenReview, TokenReviewSpec, UserInfo,
};
use k8s_openapi::api::core::v1::{Node, Secret};
use kube::api::{ListParams, PostParams};
use kube::{Api, Client};

async fn who_am_i(client: &Client) -> kube::Result<UserInfo> {
    let api: Api<SelfSubjectReview> = Api::all(client.clone());
    let asked = SelfSubjectReview::default();
    let answer = api.create(&PostParams::default(), &asked).await?;
    Ok(answer.status.unwrap().user_info.unwrap())
}

#[tokio::test]
async fn a_certificate_and_a_token_are_who_they_say() {
    let loopback = Loopback::start().await;
    let admin = loopback.admin();
    create_token(
        &admin,
        TOKEN,
        &[("auth-extra-groups", "system:bootstrappers:a")],
    )
    .await;
    let node = who_am_i(&loopback.node("n1")).await.unwrap();
    assert_eq!(node.username.as_deref(), Some("system:node:n1"));
    assert_eq!(
        node.groups.unwrap(),
        ["system:nodes", "system:authenticated"]
    );
    let token = who_am_i(&loopback.token(TOKEN)).await.unwrap();
    assert_eq!(token.username.as_deref(), Some("system:bootstrap:abcdef"));
    assert_eq!(
        token.groups.unwrap(),
        [
            "system:bootstrappers",
            "system:bootstrappers:a",
            "system:authenticated"
        ]
    );
    let secrets: Api<Secret> = Api::namespaced(admin, "kube-system");
    let uid = secrets
        .get("bootstrap-token-abcdef")
        .await
        .unwrap()
        .metadata
        .uid;
    assert_eq!(
        token.extra.unwrap()["slipway.dev/token-uid"],
        [uid.unwrap()]
    );
}

#[tokio::test]
async fn a_bad_credential_is_401_even_where_nobody_is_asked_for_one() {
    let loopback = Loopback::start().await;
    let admin = loopback.admin();
    let get = |client: Client, path: &'static str| async move {
        let request = http::Request::get(path).body(vec![]).unwrap();
        client.request_text(request).await
    };
    assert_eq!(
        get(loopback.client(Credential::None), "/healthz")
            .await
            .unwrap(),
        "ok"
    );
    for token in [TOKEN, "no-token", "abcdef.0123456789abcdeF"] {
        let (code, message) = refusal(get(loopback.token(token), "/healthz").await);
        assert_eq!((code, message.as_str()), (401, "Unauthorized"), "{token}");
    }
    create_token(&admin, TOKEN, &[]).await;
    assert_eq!(get(loopback.token(TOKEN), "/healthz").await.unwrap(), "ok");
    let (code, _) = refusal(get(loopback.token("abcdef.0123456789abcdee"), "/healthz").await);
    assert_eq!(code, 401);
}

/// Attack cases 8, 9: expired, garbage expiration, a token for signing only.
#[tokio::test]
async fn a_token_that_may_not_authenticate_does_not() {
    let loopback = Loopback::start().await;
    let admin = loopback.admin();
    for (token, change) in [
        (
            "expire.0123456789abcdef",
            ("expiration", "2020-01-01T00:00:00Z"),
        ),
        ("garbag.0123456789abcdef", ("expiration", "tomorrow")),
        (
            "signin.0123456789abcdef",
            ("usage-bootstrap-authentication", ""),
        ),
        (
            "almost.0123456789abcdef",
            ("usage-bootstrap-authentication", "True"),
        ),
    ] {
        create_token(&admin, token, &[change]).await;
        let (code, message) = refusal(who_am_i(&loopback.token(token)).await);
        assert_eq!(
            (code, message.as_str()),
            (401, "Unauthorized"),
            "{change:?}"
        );
    }
}

/// Attack cases 10, 11: groups outside the prefix, a name that disagrees. Nothing of the kind is stored.
#[tokio::test]
async fn a_token_that_gives_more_than_it_may_is_not_stored() {
    let loopback = Loopback::start().await;
    let admin = loopback.admin();
    let secrets: Api<Secret> = Api::namespaced(admin, "kube-system");
    let mut renamed = token_secret(TOKEN, &[]);
    renamed.metadata.name = Some("bootstrap-token-uvwxyz".into());
    for (bad, words) in [
        (
            token_secret(TOKEN, &[("auth-extra-groups", "system:masters")]),
            "auth-extra-groups",
        ),
        (renamed, "bootstrap-token-abcdef"),
    ] {
        let (code, message) = refusal(secrets.create(&PostParams::default(), &bad).await);
        assert_eq!(code, 422, "{message}");
        assert!(message.contains(words), "{message}");
        assert!(!message.contains("0123456789abcdef"), "{message}");
    }
    let stored = secrets.list(&ListParams::default()).await.unwrap();
    assert_eq!(stored.items.len(), 0);
    let (code, _) = refusal(who_am_i(&loopback.token(TOKEN)).await);
    assert_eq!(code, 401);
}

#[tokio::test]
async fn a_deleted_token_is_out_at_once() {
    let loopback = Loopback::start().await;
    let admin = loopback.admin();
    create_token(&admin, TOKEN, &[]).await;
    let client = loopback.token(TOKEN);
    who_am_i(&client).await.unwrap();
    let secrets: Api<Secret> = Api::namespaced(admin, "kube-system");
    secrets
        .delete("bootstrap-token-abcdef", &Default::default())
        .await
        .unwrap();
    assert_eq!(refusal(who_am_i(&client).await).0, 401);
}

#[tokio::test]
async fn whose_token_it_is_is_told_to_administrators() {
    let loopback = Loopback::start().await;
    let admin = loopback.admin();
    create_token(&admin, TOKEN, &[]).await;
    let review = |token: &str| TokenReview {
        spec: TokenReviewSpec {
            token: token.into(),
            ..TokenReviewSpec::default()
        },
        ..TokenReview::default()
    };
    let ask = |client: Client, token: &'static str| {
        let asked = review(token);
        async move {
            let api: Api<TokenReview> = Api::all(client);
            api.create(&PostParams::default(), &asked).await
        }
    };
    let answer = ask(admin.clone(), TOKEN).await.unwrap();
    let status = answer.status.unwrap();
    assert_eq!(status.authenticated, Some(true));
    assert_eq!(
        status.user.unwrap().username.as_deref(),
        Some("system:bootstrap:abcdef")
    );
    assert_eq!(answer.spec.token, "", "the answer repeats no secret");
    let answer = ask(admin, "abcdef.fedcba9876543210").await.unwrap();
    assert_eq!(answer.status.unwrap().authenticated, None);
    for client in [loopback.node("n1"), loopback.token(TOKEN)] {
        let (code, message) = refusal(ask(client, TOKEN).await);
        assert_eq!(code, 403, "{message}");
        assert!(message.contains("tokenreviews"), "{message}");
    }
}

#[tokio::test]
async fn impersonation_is_for_whoever_may_and_never_ignored() {
    let loopback = Loopback::start().await;
    let ask = |client: Client| async move {
        let request = http::Request::get("/api/v1/nodes")
            .header("Impersonate-User", "system:bootstrap:abcdef")
            .body(vec![])
            .unwrap();
        client
            .request::<kube::core::ObjectList<Node>>(request)
            .await
    };
    let (code, message) = refusal(ask(loopback.admin()).await);
    assert_eq!(code, 403, "{message}");
    assert!(message.contains("system:bootstrap:abcdef"), "{message}");
    let (code, message) = refusal(ask(loopback.node("n1")).await);
    assert_eq!(code, 403, "{message}");
    assert!(message.contains("impersonate"), "{message}");
}
