//! The API as its clients use it: `kube::Client` in-process, typed and by bare requests.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "tests"
)]

mod apply;
mod discovery;
mod lists;
mod namespaces;
mod objects;
mod patches;
mod protobuf;
mod tables;
mod watches;

use std::sync::Arc;

use bytes::Bytes;
use http::{Method, Request, Response};
use http_body_util::BodyExt as _;
use kube::Client;
use kube::client::Body;
use serde_json::{Value, json};
use slipway_apiserver::authentication::UserInfo;
use slipway_apiserver::{ApiServer, HistoryLimits, Store};

/// A client that may do everything, of a server of its own at a fixed time.
async fn client() -> Client {
    client_of(Store::in_memory(HistoryLimits::default()).unwrap()).await
}

async fn client_of(store: Store) -> Client {
    let noon: jiff::Timestamp = "2026-01-02T12:00:00Z".parse().unwrap();
    let server = ApiServer::builder(store)
        .clock(Arc::new(move || noon))
        .build()
        .await
        .unwrap();
    server.client(UserInfo::controller("test"))
}

/// A request as it is, and the answer's code and JSON.
async fn send(
    client: &Client,
    method: Method,
    path: &str,
    headers: &[(&str, &str)],
    body: impl Into<Vec<u8>>,
) -> (u16, Value) {
    let answer = send_bytes(client, method, path, headers, body.into()).await;
    let code = answer.status().as_u16();
    let bytes = answer.into_body();
    let json = serde_json::from_slice(&bytes)
        .unwrap_or_else(|_| Value::String(String::from_utf8_lossy(&bytes).into_owned()));
    (code, json)
}

/// A request as it is, and the answer as it is.
async fn send_bytes(
    client: &Client,
    method: Method,
    path: &str,
    headers: &[(&str, &str)],
    body: Vec<u8>,
) -> Response<Bytes> {
    let mut request = Request::builder().method(method).uri(path);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let request = request.body(Body::from(body)).unwrap();
    let (parts, body) = client.send(request).await.unwrap().into_parts();
    let bytes = body.collect().await.unwrap().to_bytes();
    Response::from_parts(parts, bytes)
}

async fn get(client: &Client, path: &str) -> (u16, Value) {
    send(client, Method::GET, path, &[], "").await
}

async fn post(client: &Client, path: &str, body: Value) -> (u16, Value) {
    send(client, Method::POST, path, &[], body.to_string()).await
}

async fn put(client: &Client, path: &str, body: &Value) -> (u16, Value) {
    send(client, Method::PUT, path, &[], body.to_string()).await
}

async fn delete(client: &Client, path: &str, body: Value) -> (u16, Value) {
    let body = if body.is_null() {
        String::new()
    } else {
        body.to_string()
    };
    send(client, Method::DELETE, path, &[], body).await
}

fn config_map(name: &str, value: &str) -> Value {
    json!({
        "apiVersion": "v1", "kind": "ConfigMap",
        "metadata": {"name": name}, "data": {"key": value}
    })
}

/// Where the ConfigMaps of these tests are.
const CONFIG_MAPS: &str = "/api/v1/namespaces/default/configmaps";

fn one(name: &str) -> String {
    format!("{CONFIG_MAPS}/{name}")
}

/// The code, the reason and the message of a failure.
fn failure(answer: &(u16, Value)) -> (u16, &str, &str) {
    let text = |field: &str| answer.1[field].as_str().unwrap_or_default();
    (answer.0, text("reason"), text("message"))
}
