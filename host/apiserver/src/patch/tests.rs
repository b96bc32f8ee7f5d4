use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::resource::Registry;

fn definition(group: &str, plural: &str) -> &'static Definition {
    Registry::new(Default::default())
        .find(group, "v1", plural)
        .unwrap()
        .definition()
}

fn patched(media_type: &str, plural: &str, object: Value, patch: &Value) -> Result<Value, Status> {
    let (patch, _) = Patch::parse(changes(media_type), patch.to_string().as_bytes())?;
    patch.apply(object, definition("", plural))
}

fn changes(media_type: &str) -> ChangesType {
    match PatchType::of(media_type).unwrap() {
        PatchType::Changes(changes) => changes,
        PatchType::Apply => panic!("{media_type} is no patch that changes"),
    }
}

fn strategic(plural: &str, object: Value, patch: Value) -> Value {
    patched(STRATEGIC_MERGE_PATCH, plural, object, &patch).unwrap()
}

#[test]
fn other_media_types_are_refused() {
    for media_type in ["application/apply-patch+cbor", "application/json", ""] {
        let status = PatchType::of(media_type).unwrap_err();
        assert_eq!(status.code(), 415, "{media_type}");
        assert!(status.message().contains(STRATEGIC_MERGE_PATCH), "{status}");
    }
}

#[test]
fn malformed_patches_are_refused_without_repeating_them() {
    for (media_type, body, code) in [
        (JSON_PATCH, "{\"secret\"", 400),
        (JSON_PATCH, "[\"secret\"]", 400),
        (JSON_PATCH, "[{\"op\":\"secret\"}]", 422),
        (MERGE_PATCH, "[\"secret\"]", 400),
        (STRATEGIC_MERGE_PATCH, "secret", 400),
    ] {
        let kind = changes(media_type);
        let status = Patch::parse(kind, body.as_bytes()).unwrap_err();
        assert_eq!(status.code(), code, "{body}");
        let told = serde_json::to_string(status.to_api()).unwrap();
        assert!(!told.contains("secret"), "{told}");
    }
    let (_, flaws) = Patch::parse(ChangesType::Merge, br#"{"a": 1, "a": 2}"#).unwrap();
    assert_eq!(flaws, ["duplicate field \"a\""]);
    let many = vec![json!({"op": "test", "path": "", "value": null}); JSON_PATCH_OPERATIONS + 1];
    let status =
        Patch::parse(ChangesType::Json, Value::from(many).to_string().as_bytes()).unwrap_err();
    assert_eq!(status.code(), 413);
}

#[test]
fn json_patch_applies_or_does_not_fit() {
    let object = json!({"data": {"a": "b"}});
    let good = json!([
        {"op": "test", "path": "/data/a", "value": "b"},
        {"op": "replace", "path": "/data/a", "value": "c"},
        {"op": "add", "path": "/data/d", "value": "e"}
    ]);
    assert_eq!(
        patched(JSON_PATCH, "configmaps", object.clone(), &good).unwrap(),
        json!({"data": {"a": "c", "d": "e"}})
    );
    let unfit = json!([{"op": "test", "path": "/data/a", "value": "x"}]);
    let status = patched(JSON_PATCH, "configmaps", object, &unfit).unwrap_err();
    assert_eq!(status.code(), 422);
}

#[test]
fn merge_patch_replaces_lists() {
    let object = json!({"status": {"conditions": [{"type": "A"}]}, "x": 1});
    let patch = json!({"status": {"conditions": [{"type": "B"}]}, "x": null});
    assert_eq!(
        patched(MERGE_PATCH, "nodes", object, &patch).unwrap(),
        json!({"status": {"conditions": [{"type": "B"}]}})
    );
}

#[test]
fn node_conditions_and_addresses_are_merged_by_type() {
    let node = json!({"status": {
        "conditions": [{"type": "Ready", "status": "False"}, {"type": "Disk", "status": "True"}],
        "addresses": [{"type": "InternalIP", "address": "10.0.0.1"}]
    }});
    let patch = json!({"status": {
        "$setElementOrder/conditions": [{"type": "Disk"}, {"type": "Ready"}],
        "conditions": [{"type": "Ready", "status": "True"}],
        "addresses": [{"type": "Hostname", "address": "n"}]
    }});
    assert_eq!(
        strategic("nodes", node, patch),
        json!({"status": {
            "conditions": [{"type": "Disk", "status": "True"}, {"type": "Ready", "status": "True"}],
            "addresses": [
                {"type": "InternalIP", "address": "10.0.0.1"},
                {"type": "Hostname", "address": "n"}
            ]
        }})
    );
}

#[test]
fn taints_and_request_conditions_are_replaced_as_in_kubernetes() {
    let node = json!({"spec": {"taints": [{"key": "a", "effect": "NoSchedule"}]}});
    let patch = json!({"spec": {"taints": [{"key": "b", "effect": "NoSchedule"}]}});
    assert_eq!(strategic("nodes", node, patch.clone()), patch);

    let request = json!({"status": {"conditions": [{"type": "Approved"}]}});
    let patch = json!({"status": {"conditions": [{"type": "Failed"}]}});
    let csr = definition("certificates.k8s.io", "certificatesigningrequests");
    let parsed = Patch::Strategic(patch.clone());
    assert_eq!(parsed.apply(request, csr).unwrap(), patch);
}

#[test]
fn directives_delete_and_replace() {
    let node = || {
        json!({"metadata": {"labels": {"a": "1", "b": "2"}, "finalizers": ["x/a", "x/b"]},
               "status": {"conditions": [{"type": "A"}, {"type": "B"}]}})
    };
    let conditions = |patch| {
        let after = strategic("nodes", node(), json!({"status": {"conditions": patch}}));
        after.pointer("/status/conditions").cloned().unwrap()
    };
    assert_eq!(
        conditions(json!([{"$patch": "delete", "type": "A"}])),
        json!([{"type": "B"}])
    );
    assert_eq!(
        conditions(json!([{"$patch": "replace"}, {"type": "C"}])),
        json!([{"type": "C"}])
    );
    let labels = |patch: Value| {
        let after = strategic("nodes", node(), json!({"metadata": patch}));
        after.get("metadata").cloned().unwrap()
    };
    assert_eq!(
        labels(json!({"labels": {"$patch": "replace", "c": "3"}}))["labels"],
        json!({"c": "3"})
    );
    assert_eq!(
        labels(json!({"labels": {"$retainKeys": ["a"], "a": "9"}}))["labels"],
        json!({"a": "9"})
    );
    assert_eq!(
        labels(json!({"$deleteFromPrimitiveList/finalizers": ["x/a"], "finalizers": ["x/c"]}))["finalizers"],
        json!(["x/b", "x/c"])
    );
    assert_eq!(
        labels(json!({"labels": {"a": null}}))["labels"],
        json!({"b": "2"})
    );
}

#[test]
fn malformed_directives_are_refused() {
    for (patch, words) in [
        (
            json!({"status": {"$patch": "frobnicate"}}),
            "unknown $patch directive",
        ),
        (
            json!({"status": {"conditions": [{"status": "True"}]}}),
            "no merge key \"type\"",
        ),
        (
            json!({"status": {"conditions": ["x"]}}),
            "expected objects in the list",
        ),
        (
            json!({"metadata": {"$retainKeys": 1}}),
            "expected a list of field names",
        ),
        (
            json!({"metadata": {"$deleteFromPrimitiveList/finalizers": 1}}),
            "expected a list",
        ),
        (
            json!({"metadata": {"$setElementOrder/finalizers": 1}}),
            "expected a list",
        ),
    ] {
        let status = patched(STRATEGIC_MERGE_PATCH, "nodes", json!({}), &patch).unwrap_err();
        assert_eq!(status.code(), 400);
        assert!(status.message().contains(words), "{status}");
    }
}

fn json_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i32>().prop_map(Value::from),
        "[a-c$]{0,3}".prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 32, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::hash_map(
                prop_oneof!["status|conditions|type|metadata|finalizers|\\$patch|[a-b]"],
                inner,
                0..4
            )
            .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

fn has_directive(value: &Value) -> bool {
    match value {
        Value::Object(fields) => fields
            .iter()
            .any(|(name, value)| name.starts_with('$') || has_directive(value)),
        Value::Array(values) => values.iter().any(has_directive),
        _ => false,
    }
}

proptest! {
    /// Whatever the patch, a merge patch of an object without lists is the same merge.
    #[test]
    fn without_lists_it_is_a_merge_patch(
        object in prop::collection::btree_map("[a-c]", "[x-z]", 0..4),
        patch in prop::collection::btree_map("[a-c]", prop::option::of("[x-z]"), 0..4),
    ) {
        let (object, patch) = (json!(object), json!(patch));
        let merged = patched(MERGE_PATCH, "nodes", object.clone(), &patch).unwrap();
        prop_assert_eq!(strategic("nodes", object, patch), merged);
    }

    /// Any patch is applied or refused, and a map's directives are never stored.
    #[test]
    fn any_patch_is_applied_or_refused(object in json_value(), patch in json_value()) {
        prop_assume!(object.is_object() && !has_directive(&object));
        let _ = patched(STRATEGIC_MERGE_PATCH, "nodes", object, &patch);
    }
}
