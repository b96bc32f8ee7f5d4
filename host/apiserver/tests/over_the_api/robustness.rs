//! What goes wrong inside, or is too much, is answered and harms nobody else.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use jiff::Timestamp;
use k8s_openapi::api::core::v1::ConfigMap;
use kube::Api;
use kube::api::PostParams;

use crate::support::{Loopback, refusal};

fn map(value: String) -> ConfigMap {
    let mut map = ConfigMap {
        data: Some([("a".to_owned(), value)].into()),
        ..ConfigMap::default()
    };
    map.metadata.name = Some("m".into());
    map
}

#[tokio::test]
async fn a_panic_is_an_internal_error_and_the_connection_goes_on() {
    let broken = Arc::new(AtomicBool::new(false));
    let clock = Arc::clone(&broken);
    let loopback = Loopback::start_with(|builder| {
        builder.clock(Arc::new(move || {
            assert!(!clock.load(Ordering::SeqCst), "the clock is broken");
            Timestamp::now()
        }))
    })
    .await;
    let maps: Api<ConfigMap> = Api::namespaced(loopback.admin(), "default");
    broken.store(true, Ordering::SeqCst);
    let failed = maps.create(&PostParams::default(), &map("1".into())).await;
    let (code, message) = refusal(failed);
    assert_eq!(code, 500);
    assert!(message.contains("a handler panicked"), "{message}");
    broken.store(false, Ordering::SeqCst);
    let made = maps.create(&PostParams::default(), &map("1".into())).await;
    assert!(made.is_ok(), "{made:?}");
}

#[tokio::test]
async fn a_body_beyond_the_limit_is_too_large() {
    let loopback = Loopback::start().await;
    let maps: Api<ConfigMap> = Api::namespaced(loopback.admin(), "default");
    let large = map("x".repeat(3 * 1024 * 1024));
    match maps.create(&PostParams::default(), &large).await {
        Err(kube::Error::Api(status)) => assert_eq!(status.code, 413, "{status:?}"),
        // The server answers before it has read everything, which the client may see as a broken pipe.
        Err(kube::Error::HyperError(_) | kube::Error::Service(_)) => {}
        other => panic!("not refused: {other:?}"),
    }
    // Within the limit of a body, beyond the limit of an object.
    let (code, message) = refusal(
        maps.create(&PostParams::default(), &map("x".repeat(2_000_000)))
            .await,
    );
    assert_eq!(code, 422, "{message}");
}
