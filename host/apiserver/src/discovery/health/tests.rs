use http_body_util::BodyExt as _;

use super::*;
use crate::store::tests::{Disk, create};

async fn ask(path: &str, store: &Store) -> (u16, String) {
    let (request, ()) = http::Request::get(path).body(()).unwrap().into_parts();
    let parts: Vec<&str> = request.uri.path().split('/').skip(1).collect();
    let response = answer(parts[0], &parts[1..], &request, store)
        .await
        .unwrap();
    let code = response.status().as_u16();
    let body = response.into_body().collect().await.unwrap().to_bytes();
    (code, String::from_utf8(body.to_vec()).unwrap())
}

#[tokio::test]
async fn a_server_that_cannot_write_is_alive_and_not_ready() {
    let disk = Disk::default();
    let store = disk.store();
    disk.fill(true);
    store.write(create("a", "")).await.unwrap_err();
    let (code, text) = ask("/readyz", &store).await;
    assert_eq!(code, 500);
    insta::assert_snapshot!(text, @r"
    [+]ping ok
    [-]store failed: the store cannot be written: no storage space
    readyz check failed
    ");
    assert_eq!(ask("/readyz?verbose", &store).await.1, text);
    assert_eq!(ask("/healthz", &store).await.0, 500);
    assert_eq!(ask("/readyz/ping", &store).await.0, 200);
    assert_eq!(ask("/livez", &store).await, (200, "ok".to_owned()));
    insta::assert_snapshot!(ask("/readyz/store", &store).await.1, @"internal server error: the store cannot be written: no storage space");

    // A write that works says so at once.
    disk.fill(false);
    store.write(create("a", "")).await.unwrap();
    assert_eq!(ask("/readyz", &store).await, (200, "ok".to_owned()));
}
