use std::sync::{Arc, Mutex};

use jiff::Timestamp;
use k8s_openapi::ByteString;
use serde_json::{Value, json};
use slipway_config::system::TOKEN_UID;
use slipway_config::token::{BOUNDS_ANNOTATION, TokenBounds, TokenId};
use slipway_pki::decision::ledger::TokenLedger;
use slipway_plugin::TokenStore;

use super::*;
use crate::authentication::testing::{
    MemoryTokens, SECRET_NAME, TOKEN, put, store, stored_token, token_data,
};
use crate::authentication::{SECRETS, TokenBackend};
use crate::store::{Key, Store};

fn token_in(values: &[&str]) -> Result<Option<String>, u16> {
    let mut request = http::Request::new(());
    for value in values {
        request
            .headers_mut()
            .append(AUTHORIZATION, value.parse().unwrap());
    }
    let (parts, ()) = request.into_parts();
    bearer_token(&parts)
        .map(|token| token.map(str::to_owned))
        .map_err(|status| status.code().as_u16())
}

#[test]
fn a_bearer_token_is_read_and_nothing_else_is_let_pass() {
    assert_eq!(token_in(&[]), Ok(None));
    assert_eq!(token_in(&["Bearer a.b"]), Ok(Some("a.b".into())));
    assert_eq!(token_in(&["bearer  a.b"]), Ok(Some("a.b".into())));
    for bad in [
        &["Bearer"][..],
        &["Bearer "][..],
        &["a.b"][..],
        &["Basic a.b"][..],
        &["Bearer a.b", "Bearer a.b"][..],
    ] {
        assert_eq!(token_in(bad), Err(401), "{bad:?}");
    }
}

/// The Secret of the token, with some of its data changed.
fn secret(changes: &[(&str, &str)]) -> Value {
    let data: serde_json::Map<_, _> = token_data(changes)
        .into_iter()
        .map(|(key, value)| (key, serde_json::to_value(ByteString(value)).unwrap()))
        .collect();
    json!({
        "metadata": {"name": SECRET_NAME, "namespace": "kube-system", "uid": "u-1"},
        "type": "bootstrap.kubernetes.io/token",
        "data": data,
    })
}

async fn put_secret(store: &Store, name: &str, secret: Value) {
    put(store, Key::new(SECRETS, "kube-system", name), secret).await;
}

fn over(store: &Store, backend: TokenBackend) -> Credentials {
    let clock: Clock = Arc::new(|| Timestamp::UNIX_EPOCH);
    Credentials::new(Tokens::new(backend, store.clone()), clock)
}

/// Asks with a bearer token, from an address.
async fn ask(credentials: &Credentials, token: &str, address: &str) -> Result<UserInfo, u16> {
    let mut request = http::Request::new(());
    request
        .headers_mut()
        .insert(AUTHORIZATION, format!("Bearer {token}").parse().unwrap());
    request.extensions_mut().insert(Peer {
        address: format!("{address}:1").parse().unwrap(),
        certificate: None,
    });
    let (parts, ()) = request.into_parts();
    credentials
        .authenticate(&parts)
        .await
        .map_err(|status| status.code().as_u16())
}

async fn ask_with(secret: Value) -> Result<UserInfo, u16> {
    let store = store().await;
    put_secret(&store, SECRET_NAME, secret).await;
    ask(&over(&store, TokenBackend::Native), TOKEN, "10.0.0.1").await
}

#[tokio::test]
async fn a_token_in_its_secret_authenticates() {
    let user = ask_with(secret(&[])).await.unwrap();
    assert_eq!(user.username, "system:bootstrap:abcdef");
    assert_eq!(user.extra[TOKEN_UID], ["u-1"]);
}

#[tokio::test]
async fn a_bad_token_is_refused_and_never_anonymous() {
    for changes in [
        &[("token-secret", "0123456789abcdee")][..],
        &[("expiration", "1970-01-01T00:00:00Z")][..],
        &[("expiration", "garbage")][..],
        &[("usage-bootstrap-authentication", "")][..],
        &[("usage-bootstrap-authentication", "True")][..],
        &[("auth-extra-groups", "system:masters")][..],
        &[("auth-extra-groups", "system:bootstrappers:a,system:nodes")][..],
        &[("token-id", "uvwxyz")][..],
        &[("token-secret", "")][..],
    ] {
        assert_eq!(ask_with(secret(changes)).await, Err(401), "{changes:?}");
    }
    let mut other_type = secret(&[]);
    other_type["type"] = "Opaque".into();
    assert_eq!(ask_with(other_type).await, Err(401));
    let mut going = secret(&[]);
    going["metadata"]["deletionTimestamp"] = "1970-01-01T00:00:00Z".into();
    assert_eq!(ask_with(going).await, Err(401));
    let credentials = over(&store().await, TokenBackend::Native);
    for token in [TOKEN, "not-a-token", "abcdef.0123456789ABCDEF"] {
        assert_eq!(
            ask(&credentials, token, "10.0.0.1").await,
            Err(401),
            "{token}"
        );
    }
}

#[tokio::test]
async fn a_bound_token_is_refused_from_elsewhere() {
    let store = store().await;
    put_secret(&store, SECRET_NAME, secret(&[])).await;
    let bounds = TokenBounds {
        cidrs: vec!["10.1.0.0/16".parse().unwrap()],
        ..TokenBounds::default()
    };
    let id: TokenId = "abcdef".parse().unwrap();
    let ledger = TokenLedger::new(id, "u-1".into(), bounds, None);
    let map = |text: String| json!({"metadata": {"name": "x"}, "data": {"ledger": text}});
    let key = Key::new("/configmaps", "slipway-system", "token-ledger.u-1");
    put(
        &store,
        key.clone(),
        map(serde_json::to_string(&ledger).unwrap()),
    )
    .await;
    let credentials = over(&store, TokenBackend::Native);
    assert!(ask(&credentials, TOKEN, "10.1.2.3").await.is_ok());
    assert_eq!(ask(&credentials, TOKEN, "10.2.0.1").await, Err(401));
    assert_eq!(credentials.bearer(TOKEN, None).await, Ok(None));
    // A ledger that cannot be read lets nobody in.
    put(&store, key, map("{}".into())).await;
    assert_eq!(ask(&credentials, TOKEN, "10.1.2.3").await, Err(500));
}

#[tokio::test]
async fn bounds_hold_before_the_token_has_its_ledger() {
    let store = store().await;
    let credentials = over(&store, TokenBackend::Native);
    let with = |bounds: &str| {
        let mut secret = secret(&[]);
        secret["metadata"]["annotations"] = json!({ BOUNDS_ANNOTATION: bounds });
        secret
    };
    put_secret(&store, SECRET_NAME, with(r#"{"cidrs":["10.1.0.0/16"]}"#)).await;
    assert!(ask(&credentials, TOKEN, "10.1.2.3").await.is_ok());
    assert_eq!(ask(&credentials, TOKEN, "10.2.0.1").await, Err(401));
    put_secret(&store, SECRET_NAME, with("anywhere")).await;
    assert_eq!(ask(&credentials, TOKEN, "10.1.2.3").await, Err(401));
}

#[tokio::test]
async fn a_plugin_is_right_and_the_secrets_are_not() {
    let store = store().await;
    put_secret(&store, SECRET_NAME, secret(&[])).await;
    let plugin = Arc::new(MemoryTokens::new());
    let backend = TokenBackend::Plugin(Arc::clone(&plugin) as Arc<dyn TokenStore>);
    let credentials = over(&store, backend);
    assert_eq!(ask(&credentials, TOKEN, "10.0.0.1").await, Err(401));
    let mut token = stored_token("u-2", &[]);
    token.bounds.cidrs = vec!["10.1.0.0/16".parse().unwrap()];
    plugin.set(token);
    let user = ask(&credentials, TOKEN, "10.1.0.1").await.unwrap();
    assert_eq!(user.extra[TOKEN_UID], ["u-2"]);
    assert_eq!(ask(&credentials, TOKEN, "10.2.0.1").await, Err(401));
    plugin.fail();
    assert_eq!(ask(&credentials, TOKEN, "10.1.0.1").await, Err(503));
}

#[tokio::test]
async fn nothing_that_is_logged_holds_a_secret() {
    let log = Arc::new(Mutex::new(Vec::new()));
    struct Sink(Arc<Mutex<Vec<u8>>>);
    impl std::io::Write for Sink {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    let sink = Arc::clone(&log);
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_writer(move || Sink(Arc::clone(&sink)))
        .finish();
    let guard = tracing::subscriber::set_default(subscriber);
    let store = store().await;
    put_secret(&store, SECRET_NAME, secret(&[("auth-extra-groups", "x")])).await;
    let credentials = over(&store, TokenBackend::Native);
    for token in [TOKEN, "abcdef.fedcba9876543210", "not.a.token"] {
        assert_eq!(ask(&credentials, token, "10.0.0.1").await, Err(401));
    }
    drop(guard);
    let text = String::from_utf8(log.lock().unwrap().clone()).unwrap();
    assert!(text.contains("bootstrap token"), "{text}");
    for secret in ["0123456789abcdef", "fedcba9876543210", "not.a.token"] {
        assert!(!text.contains(secret), "{text}");
    }
}
