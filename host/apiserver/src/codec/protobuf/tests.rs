use proptest::prelude::*;
use schemars::generate::SchemaSettings;
use serde_json::{Map, Value, json};

use super::*;
use crate::resource::{ALL, Registry};

#[test]
fn an_envelope_holds_what_was_put_into_it() {
    let sealed = seal("v1", "Secret", vec![1, 2, 3]);
    // As Go writes it: the prefix, the type, the message, and two empty texts.
    let expected = b"k8s\0\x0a\x0c\x0a\x02v1\x12\x06Secret\x12\x03\x01\x02\x03\x1a\0\x22\0";
    assert_eq!(sealed, expected);
    assert_eq!(
        open(&sealed).unwrap(),
        Envelope {
            api_version: "v1".to_owned(),
            kind: "Secret".to_owned(),
            message: vec![1, 2, 3],
        }
    );
    for wrong in [&b"{}"[..], b"", b"k8s", b"k8s\0", b"k8s\0\x0a\xff"] {
        assert!(open(wrong).is_err(), "{wrong:?}");
    }
}

/// A value for every property of a schema, so that a field that gets lost is noticed.
fn sample(schema: &Value, definitions: &Map<String, Value>, name: &str) -> Value {
    let reference = schema
        .get("$ref")
        .or_else(|| schema.pointer("/allOf/0/$ref"));
    if let Some(reference) = reference.and_then(Value::as_str) {
        let target = reference.rsplit('/').next().unwrap();
        return sample(&definitions[target], definitions, name);
    }
    let inner = |schema: &Value| sample(schema, definitions, name);
    match (schema["type"].as_str(), schema["format"].as_str()) {
        (Some("string"), Some("byte")) => json!("AAEC/w=="),
        (Some("string"), Some("date-time")) if name == "lastObservedTime" => {
            json!("2026-01-02T03:04:05.678901Z")
        }
        (Some("string"), Some("date-time"))
            if ["acquireTime", "renewTime", "eventTime"].contains(&name) =>
        {
            json!("2026-01-02T03:04:05.678901Z")
        }
        (Some("string"), Some("date-time")) => json!("2026-01-02T03:04:05Z"),
        (Some("string"), _) => json!(format!("a {name}")),
        (Some("integer"), _) => json!(7),
        (Some("boolean"), _) => json!(true),
        (Some("array"), _) => json!([inner(&schema["items"]), inner(&schema["items"])]),
        (Some("object"), _) => match (&schema["properties"], &schema["additionalProperties"]) {
            (Value::Object(properties), _) => properties
                .iter()
                .map(|(name, schema)| (name.clone(), sample(schema, definitions, name)))
                .collect::<Map<_, _>>()
                .into(),
            (_, Value::Object(_)) => {
                json!({"one": inner(&schema["additionalProperties"]), "two": inner(&schema["additionalProperties"])})
            }
            // The fields that a manager owns.
            _ => json!({"f:data": {"f:key": {}}}),
        },
        // A quantity: a text or a number.
        (None, _) => json!("7"),
        other => panic!("{name}: {other:?}"),
    }
}

/// Fields that are younger than the protobuf definitions.
const UNKNOWN: [&str; 2] = ["podPreemptionPolicy", "runningInUserNamespace"];

fn without_unknown(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            fields.retain(|name, _| !UNKNOWN.contains(&name.as_str()));
            fields.values_mut().for_each(without_unknown);
        }
        Value::Array(items) => items.iter_mut().for_each(without_unknown),
        _ => {}
    }
}

#[test]
fn every_field_of_every_kind_goes_over_the_wire_and_back() {
    for definition in ALL {
        let mut generator = SchemaSettings::openapi3().into_generator();
        (definition.schema)(&mut generator);
        let schemas = generator.take_definitions(true);
        let group = definition.group.split('.').next().unwrap();
        let group = if group.is_empty() { "core" } else { group };
        let schema = &schemas[&format!("io.k8s.api.{group}.v1.{}", definition.kind)];
        let mut given = sample(schema, &schemas, "");
        given["apiVersion"] = definition.api_version().into();
        given["kind"] = definition.kind.into();
        without_unknown(&mut given);
        let message = definition
            .protobuf
            .encode(given.to_string().as_bytes())
            .unwrap();
        let found = definition.protobuf.decode(&message).unwrap().into_value();
        assert_eq!(found, given, "{}", definition.kind);
    }
}

fn config_map(json: Value) -> Value {
    let registry = Registry::new(Default::default());
    let protobuf = registry
        .find("", "v1", "configmaps")
        .unwrap()
        .definition()
        .protobuf;
    let message = protobuf.encode(json.to_string().as_bytes()).unwrap();
    protobuf.decode(&message).unwrap().into_value()
}

#[test]
fn zero_is_absent_but_for_pointers() {
    let given = json!({
        "apiVersion": "v1", "kind": "ConfigMap", "immutable": false, "data": {"empty": ""},
        "metadata": {
            "name": "a", "generateName": "", "generation": 0, "deletionGracePeriodSeconds": 0,
            "labels": {}, "finalizers": [],
            "ownerReferences": [{
                "apiVersion": "v1", "kind": "Node", "name": "n", "uid": "u", "controller": false
            }],
        },
    });
    assert_eq!(
        config_map(given),
        json!({
            "apiVersion": "v1", "kind": "ConfigMap", "immutable": false, "data": {"empty": ""},
            "metadata": {
                "name": "a", "deletionGracePeriodSeconds": 0,
                "ownerReferences": [{
                    "apiVersion": "v1", "kind": "Node", "name": "n", "uid": "u", "controller": false
                }],
            },
        })
    );
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let mut sealed = PREFIX.to_vec();
        sealed.extend_from_slice(&bytes);
        let _ = open(&sealed);
        for definition in ALL {
            let _ = definition.protobuf.decode(&bytes);
        }
    }
}
