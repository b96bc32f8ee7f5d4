//! What real clients send, and what a real kube-apiserver answers: see `vectors/README.md`.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde_json::Value;

use super::reading::find;
use super::*;

#[derive(Deserialize)]
struct Clients {
    requests: Vec<Request>,
}

#[derive(Deserialize)]
struct Request {
    command: String,
    body: String,
    object: Value,
}

#[derive(Deserialize)]
struct Server {
    answers: Vec<Answer>,
    watch: Watch,
}

#[derive(Deserialize)]
struct Answer {
    what: String,
    json: Value,
    protobuf: String,
}

#[derive(Deserialize)]
struct Watch {
    json: Vec<Value>,
    protobuf: String,
}

fn clients() -> Clients {
    serde_json::from_str(include_str!("vectors/clients.json")).unwrap()
}

fn server() -> Server {
    serde_json::from_str(include_str!("vectors/kube-apiserver.json")).unwrap()
}

fn bytes(text: &str) -> Vec<u8> {
    STANDARD.decode(text).unwrap()
}

/// Everything that the first value says is said by the second.
fn assert_within(part: &Value, whole: &Value, place: &str) {
    match (part, whole) {
        (Value::Object(part), Value::Object(whole)) => {
            for (name, value) in part {
                let place = format!("{place}.{name}");
                let found = whole.get(name).unwrap_or(&Value::Null);
                // Kubernetes writes structures that are empty, and JSON leaves them out.
                if !value
                    .as_object()
                    .is_some_and(|fields| fields.is_empty() && found.is_null())
                {
                    assert_within(value, found, &place);
                }
            }
        }
        (Value::Array(part), Value::Array(whole)) if part.len() == whole.len() => {
            for (part, whole) in part.iter().zip(whole) {
                assert_within(part, whole, &format!("{place}[]"));
            }
        }
        _ => assert_eq!(part, whole, "{place}"),
    }
}

#[test]
fn what_clients_send_is_read_as_kube_apiserver_reads_it() {
    let requests = clients().requests;
    assert_eq!(requests.len(), 15);
    for request in requests {
        let envelope = open(&bytes(&request.body)).unwrap();
        let mut object = protobuf_to_json(&bytes(&request.body)).unwrap();
        let fields = object.as_object_mut().unwrap();
        // Write-only: the answer has it as `data`.
        fields.shift_remove("stringData");
        // A question's status is the answer, and an object's version is the next one.
        if envelope.kind.ends_with("Review") {
            fields.shift_remove("status");
        }
        // This one's answer leaves the question out.
        if envelope.kind == "SelfSubjectRulesReview" {
            fields.shift_remove("spec");
        }
        object["metadata"]
            .as_object_mut()
            .unwrap()
            .shift_remove("resourceVersion");
        assert_within(&object, &request.object, &request.command);
    }
}

/// The recorded message says what the JSON says that was recorded beside it, and what is made of that JSON.
fn assert_same(protobuf: Protobuf, message: &[u8], json: &Value, what: &str) {
    let recorded = protobuf.decode(message).unwrap().into_value();
    let made = protobuf.encode(json.to_string().as_bytes()).unwrap();
    let made = protobuf.decode(&made).unwrap().into_value();
    assert_eq!(recorded, made, "{what}");
    assert_within(&without_type(recorded), json, what);
}

/// Items of lists, and answers of kinds that have none, do not say what they are in JSON.
fn without_type(mut value: Value) -> Value {
    let fields = value.as_object_mut().unwrap();
    fields.shift_remove("apiVersion");
    fields.shift_remove("kind");
    value
}

#[test]
fn what_kube_apiserver_answers_says_the_same_in_both_encodings() {
    let answers = server().answers;
    assert_eq!(answers.len(), 24);
    for answer in answers {
        let Envelope {
            api_version,
            kind,
            message,
        } = open(&bytes(&answer.protobuf)).unwrap();
        match kind
            .strip_suffix("List")
            .filter(|item| *item != "APIResource")
        {
            None => assert_same(
                find(&api_version, &kind).unwrap(),
                &message,
                &answer.json,
                &answer.what,
            ),
            Some(item) => {
                let list = List::decode(message.as_slice()).unwrap();
                let items = answer.json["items"].as_array().unwrap();
                assert_eq!(list.items.len(), items.len());
                for (message, json) in list.items.iter().zip(items) {
                    let item = find(&api_version, item).unwrap();
                    assert_same(item, message, json, &answer.what);
                }
            }
        }
    }
}

#[test]
fn a_watch_has_the_frames_that_kube_apiserver_writes() {
    use k8s_pb::apimachinery::pkg::apis::meta::v1::WatchEvent;
    let watch = server().watch;
    let mut rest = bytes(&watch.protobuf);
    let read = protobuf_watch_to_json(&rest).unwrap();
    assert_eq!(read.len(), watch.json.len());
    assert!(protobuf_watch_to_json(&rest[..rest.len() - 1]).is_err());
    for (read, json) in read.iter().zip(&watch.json) {
        assert_within(read, json, "a watch");
    }
    for event in &watch.json {
        let length = u32::from_be_bytes(rest[..4].try_into().unwrap()) as usize;
        let recorded = rest.drain(..length + 4).collect::<Vec<u8>>();
        let read = WatchEvent::decode(&recorded[4..]).unwrap();
        let kind = event["type"].as_str().unwrap();
        assert_eq!(read.r#type.as_deref(), Some(kind));
        let raw = read.object.unwrap().raw.unwrap();
        let envelope = open(&raw).unwrap();
        let config_map = find(&envelope.api_version, &envelope.kind).unwrap();
        assert_same(config_map, &envelope.message, &event["object"], kind);
        assert_eq!(frame(kind, raw), recorded);
    }
    assert!(rest.is_empty());
}
