//! Protobuf on both ways, over the API. The messages themselves are tested where they are read.

use futures::TryStreamExt as _;
use http::{Method, Request};
use k8s_pb::api::core::v1::{ConfigMap, ConfigMapList};
use k8s_pb::apimachinery::pkg::apis::meta::v1::{ObjectMeta, Status, WatchEvent};
use k8s_pb::apimachinery::pkg::runtime::{TypeMeta, Unknown};
use kube::client::Body;
use prost::Message;
use serde_json::json;

use crate::{CONFIG_MAPS, client, config_map, get, one, post, send_bytes};

const PROTOBUF: &str = "application/vnd.kubernetes.protobuf";

/// As client-go accepts answers.
const ACCEPT: (&str, &str) = (
    "accept",
    "application/vnd.kubernetes.protobuf,application/json",
);

fn seal(api_version: &str, kind: &str, message: &impl Message) -> Vec<u8> {
    let unknown = Unknown {
        type_meta: Some(TypeMeta {
            api_version: Some(api_version.to_owned()),
            kind: Some(kind.to_owned()),
        }),
        raw: Some(message.encode_to_vec()),
        ..Unknown::default()
    };
    [b"k8s\0".as_slice(), &unknown.encode_to_vec()].concat()
}

/// The kind in an envelope, and the message.
fn open<T: Message + Default>(bytes: &[u8]) -> (String, T) {
    let unknown = Unknown::decode(bytes.strip_prefix(b"k8s\0").unwrap()).unwrap();
    let message = T::decode(unknown.raw.unwrap().as_slice()).unwrap();
    (unknown.type_meta.unwrap().kind.unwrap(), message)
}

fn message(name: &str) -> Vec<u8> {
    let config_map = ConfigMap {
        metadata: Some(ObjectMeta {
            name: Some(name.to_owned()),
            ..ObjectMeta::default()
        }),
        data: [("key".to_owned(), "1".to_owned())].into(),
        ..ConfigMap::default()
    };
    seal("v1", "ConfigMap", &config_map)
}

#[tokio::test]
async fn an_object_comes_and_goes_as_a_message() {
    let client = client().await;
    let headers = [ACCEPT, ("content-type", PROTOBUF)];
    let made = send_bytes(&client, Method::POST, CONFIG_MAPS, &headers, message("a")).await;
    assert_eq!(made.status(), 201);
    assert_eq!(made.headers()["content-type"], PROTOBUF);
    let (kind, made) = open::<ConfigMap>(made.body());
    assert_eq!(kind, "ConfigMap");
    let metadata = made.metadata.unwrap();
    assert_eq!(metadata.uid.as_deref().map(str::len), Some(36));
    assert_eq!(
        metadata.creation_timestamp.unwrap().seconds,
        Some(1_767_355_200)
    );
    // The same in JSON.
    let (_, json) = get(&client, &one("a")).await;
    assert_eq!(json["data"], json!({"key": "1"}));
    assert_eq!(json["metadata"]["uid"].as_str(), metadata.uid.as_deref());
    let list = send_bytes(&client, Method::GET, CONFIG_MAPS, &[ACCEPT], Vec::new()).await;
    let (kind, list) = open::<ConfigMapList>(list.body());
    assert_eq!((kind.as_str(), list.items.len()), ("ConfigMapList", 1));
    assert!(list.metadata.unwrap().resource_version.is_some());
    let options = k8s_pb::apimachinery::pkg::apis::meta::v1::DeleteOptions {
        dry_run: vec!["All".to_owned()],
        ..Default::default()
    };
    let options = seal("v1", "DeleteOptions", &options);
    let gone = send_bytes(&client, Method::DELETE, &one("a"), &headers, options).await;
    let (kind, status) = open::<Status>(gone.body());
    assert_eq!(
        (kind.as_str(), status.status.as_deref()),
        ("Status", Some("Success"))
    );
    assert_eq!(get(&client, &one("a")).await.0, 200, "it was a dry run");
}

#[tokio::test]
async fn failures_are_told_as_the_client_accepts_them() {
    let client = client().await;
    let absent = send_bytes(&client, Method::GET, &one("absent"), &[ACCEPT], Vec::new()).await;
    assert_eq!(absent.status(), 404);
    let (_, status) = open::<Status>(absent.body());
    assert_eq!(status.reason.as_deref(), Some("NotFound"));
    assert_eq!(status.details.unwrap().name.as_deref(), Some("absent"));
    let sealed = message("a");
    for (why, body) in [
        ("no envelope", b"{}".to_vec()),
        ("cut off", sealed[..sealed.len() - 3].to_vec()),
        ("another kind", seal("v1", "Secret", &ConfigMap::default())),
        (
            "no message",
            [b"k8s\0\x12\x02".as_slice(), &[0xff, 0xff]].concat(),
        ),
    ] {
        let headers = [("content-type", PROTOBUF)];
        let refused = send_bytes(&client, Method::POST, CONFIG_MAPS, &headers, body).await;
        assert_eq!(refused.status(), 400, "{why}: {:?}", refused.body());
    }
}

#[tokio::test]
async fn a_watch_list_streams_frames_and_marks_where_the_list_ends() {
    let client = client().await;
    post(&client, CONFIG_MAPS, config_map("a", "1")).await;
    let query = "watch=1&timeoutSeconds=1&allowWatchBookmarks=true&sendInitialEvents=true\
                 &resourceVersionMatch=NotOlderThan";
    let request = Request::get(format!("{CONFIG_MAPS}?{query}"))
        .header("accept", "application/vnd.kubernetes.protobuf;stream=watch")
        .body(Body::empty())
        .unwrap();
    let answer = client.send(request).await.unwrap();
    assert_eq!(
        answer.headers()["content-type"],
        "application/vnd.kubernetes.protobuf;stream=watch"
    );
    let chunks: Vec<_> = http_body_util::BodyDataStream::new(answer.into_body())
        .try_collect()
        .await
        .unwrap();
    let mut bytes = chunks.concat();
    let mut seen = Vec::new();
    while !bytes.is_empty() {
        let rest = bytes.split_off(4);
        let length = u32::from_be_bytes(bytes.as_slice().try_into().unwrap()) as usize;
        let event = WatchEvent::decode(&rest[..length]).unwrap();
        let raw = event.object.unwrap().raw.unwrap();
        let (_, object) = open::<ConfigMap>(&raw);
        seen.push((event.r#type.unwrap(), object.metadata.unwrap()));
        bytes = rest[length..].to_vec();
    }
    let [(added, first), (bookmark, mark), ..] = seen.as_slice() else {
        panic!("{seen:?}");
    };
    assert_eq!(
        (added.as_str(), first.name.as_deref()),
        ("ADDED", Some("a"))
    );
    assert_eq!(bookmark, "BOOKMARK");
    assert_eq!(
        mark.annotations
            .get("k8s.io/initial-events-end")
            .map(String::as_str),
        Some("true")
    );
}
