use std::collections::BTreeMap;

use async_trait::async_trait;
use http::Request;
use http_body_util::BodyExt as _;
use slipway_config::token::BootstrapToken;
use slipway_pki::alpha_discovery::AlphaClusterInfo;
use tower::ServiceExt as _;

use super::*;
use crate::testing::{authority, hours_from_now, server_config};

struct Fixed {
    tokens: BTreeMap<TokenId, BootstrapToken>,
    cluster: AlphaClusterInfo,
}

#[async_trait]
impl Backend for Fixed {
    async fn token(&self, id: &TokenId) -> Result<Option<BootstrapToken>, BackendError> {
        Ok(self.tokens.get(id).cloned())
    }

    async fn cluster(&self) -> Result<AlphaClusterInfo, BackendError> {
        Ok(self.cluster.clone())
    }
}

fn token() -> BootstrapToken {
    "abcdef.0123456789abcdef".parse().unwrap()
}

fn fixed() -> (Router, AlphaClusterInfo) {
    let cluster = AlphaClusterInfo {
        ca: authority().bundle(),
        endpoints: vec![
            "https://10.0.0.1:6443".parse().unwrap(),
            "https://10.0.0.2:6443".parse().unwrap(),
        ],
    };
    let tokens = BTreeMap::from([(token().id, token())]);
    let router = router(Arc::new(Fixed {
        tokens,
        cluster: cluster.clone(),
    }))
    .unwrap();
    let caller = Caller("127.0.0.1".parse().unwrap());
    (router.layer(Extension(caller)), cluster)
}

async fn ask(router: &Router, query: &str) -> (StatusCode, http::HeaderMap, String) {
    let request = Request::get(format!("{PATH}{query}"))
        .body(axum::body::Body::empty())
        .unwrap();
    let (head, body) = router.clone().oneshot(request).await.unwrap().into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    (
        head.status,
        head.headers,
        String::from_utf8(body.to_vec()).unwrap(),
    )
}

#[tokio::test]
async fn a_token_that_exists_verifies_the_answer() {
    let (router, cluster) = fixed();
    let (status, headers, body) = ask(&router, "?token-id=abcdef").await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(headers["content-type"], "application/jose");
    let signed = jws::verify_compact(&token(), &body).unwrap();
    assert_eq!(
        AlphaClusterInfo::from_json(signed.as_bytes()).unwrap(),
        cluster
    );
}

#[tokio::test]
async fn an_unknown_token_is_answered_alike_and_nothing_verifies() {
    let (router, _) = fixed();
    let (known_status, known_headers, known_body) = ask(&router, "?token-id=abcdef").await;
    let (status, headers, body) = ask(&router, "?token-id=zzzzzz").await;
    assert_eq!((status, headers), (known_status, known_headers));
    assert_eq!(body.len(), known_body.len());
    let guess = BootstrapToken {
        id: "zzzzzz".parse().unwrap(),
        ..token()
    };
    assert!(jws::verify_compact(&guess, &body).is_err());
    let (_, _, again) = ask(&router, "?token-id=zzzzzz").await;
    assert_eq!(
        again, body,
        "an answer that changes each time would give the decoy away"
    );
}

#[tokio::test]
async fn what_is_no_token_id_is_refused() {
    let (router, _) = fixed();
    let queries = [
        "",
        "?token-id=",
        "?token-id=ABCDEF",
        "?token-id=abcdef.0123456789abcdef",
        "?token=abcdef",
    ];
    for query in queries {
        let (status, _, body) = ask(&router, query).await;
        assert_eq!(status, StatusCode::BAD_REQUEST, "{query}");
        assert!(!body.contains("0123456789abcdef"));
    }
}

#[tokio::test]
async fn too_many_requests_are_turned_away() {
    let (router, _) = fixed();
    let mut turned_away = 0;
    for _ in 0..30 {
        // Malformed requests count, too, and are answered at once.
        if ask(&router, "").await.0 == StatusCode::TOO_MANY_REQUESTS {
            turned_away += 1;
        }
    }
    assert!(turned_away > 0);
}

#[tokio::test]
async fn answers_take_whole_steps() {
    let (router, _) = fixed();
    for query in ["?token-id=abcdef", "?token-id=zzzzzz"] {
        let started = Instant::now();
        ask(&router, query).await;
        assert!(started.elapsed() >= ANSWER_STEP, "{query}");
    }
    let start = Instant::now();
    assert_eq!(next_step(start, start), start + ANSWER_STEP);
    assert_eq!(
        next_step(start, start + ANSWER_STEP),
        start + 2 * ANSWER_STEP
    );
}

#[tokio::test]
async fn over_tls_and_until_shutdown() {
    let authority = authority();
    let (router, _) = fixed();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let shutdown = tokio_util::sync::CancellationToken::new();
    let tls = server_config(&authority, hours_from_now(-1, 1));
    let serving = tokio::spawn(serve(listener, router, tls, shutdown.clone()));

    let mut roots = rustls::RootCertStore::empty();
    roots
        .add(authority.certificate().der().to_vec().into())
        .unwrap();
    let url = format!("https://{address}{PATH}?token-id=abcdef")
        .parse()
        .unwrap();
    let limits = crate::discovery::FetchLimits::default();
    let error = crate::discovery::fetch(&url, roots, limits)
        .await
        .unwrap_err();
    let text = error.to_string();
    assert!(
        text.contains("application/jose"),
        "it answers, and not with a kubeconfig: {text}"
    );

    shutdown.cancel();
    serving.await.unwrap();
}
