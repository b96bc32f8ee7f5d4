use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use proptest::prelude::*;
use serde_json::{Map, Value, json};

use super::*;

const SHAPES: Shapes = Shapes(&[
    ("status.conditions", Shape::Keyed("type")),
    ("roleRef", Shape::Atomic),
]);

fn noon() -> Time {
    Time("2026-01-02T12:00:00Z".parse().unwrap())
}

fn applier(name: &str) -> Manager {
    Manager {
        operation: Operation::Apply,
        name: name.to_owned(),
        api_version: "v1".to_owned(),
        subresource: String::new(),
    }
}

fn updater(name: &str) -> Manager {
    Manager {
        operation: Operation::Update,
        ..applier(name)
    }
}

fn applied(live: &Value, name: &str, config: &Value, force: bool) -> Result<Value, Conflicts> {
    let configuration = Configuration {
        config,
        manager: &applier(name),
        reset: &[],
        force,
    };
    let Applied {
        mut object,
        managed,
    } = apply(live, configuration, SHAPES, &noon())?;
    object["metadata"]["managedFields"] = managed;
    Ok(object)
}

fn config(data: Value) -> Value {
    json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}, "data": data})
}

/// A configuration without data.
fn bare() -> Value {
    let mut bare = config(Value::Null);
    bare.as_object_mut().unwrap().shift_remove("data");
    bare
}

/// What a manager owns, as `fieldsV1`.
fn owned(object: &Value, name: &str) -> Value {
    let entries = object["metadata"]["managedFields"].as_array().unwrap();
    let entry = entries.iter().find(|entry| entry["manager"] == name);
    entry.map_or(Value::Null, |entry| entry["fieldsV1"].clone())
}

#[test]
fn who_applies_owns_what_the_configuration_says() {
    let object = applied(&json!({}), "one", &config(json!({"x": "1"})), false).unwrap();
    assert_eq!(object["data"], json!({"x": "1"}));
    assert_eq!(
        object["metadata"]["managedFields"],
        json!([{
            "manager": "one", "operation": "Apply", "apiVersion": "v1",
            "time": "2026-01-02T12:00:00Z", "fieldsType": "FieldsV1",
            "fieldsV1": {"f:data": {"f:x": {}}}
        }])
    );
}

#[test]
fn what_is_not_applied_any_more_is_removed_unless_somebody_else_owns_it() {
    let first = applied(
        &json!({}),
        "one",
        &config(json!({"x": "1", "y": "2"})),
        false,
    )
    .unwrap();
    let both = applied(&first, "two", &config(json!({"y": "2", "z": "3"})), false).unwrap();
    let less = applied(&both, "one", &config(json!({})), false).unwrap();
    assert_eq!(less["data"], json!({"y": "2", "z": "3"}));
    let none = applied(&less, "two", &bare(), false).unwrap();
    assert_eq!(none["metadata"]["name"], "a");
    assert_eq!(
        none.get("data"),
        Some(&json!({})),
        "one still applies an empty object"
    );
}

#[test]
fn the_last_of_an_objects_fields_takes_it_along() {
    let mut labelled = config(json!({"x": "1"}));
    labelled["metadata"]["labels"] = json!({"a": "b"});
    labelled["metadata"]["uid"] = json!("u");
    let first = applied(&json!({}), "one", &labelled, false).unwrap();
    let left = applied(&first, "one", &bare(), false).unwrap();
    assert_eq!(
        left,
        json!({"apiVersion": "v1", "kind": "ConfigMap",
               "metadata": {"name": "a", "uid": "u", "managedFields": []}})
    );
}

#[test]
fn a_change_of_what_another_owns_is_a_conflict_until_it_is_forced() {
    let first = applied(
        &json!({}),
        "one",
        &config(json!({"x": "1", "y": "2"})),
        false,
    )
    .unwrap();
    let single = applied(&first, "two", &config(json!({"x": "9"})), false).unwrap_err();
    assert_eq!(
        single.to_string(),
        "Apply failed with 1 conflict: conflict with \"one\": .data.x"
    );
    let two = applied(&first, "two", &config(json!({"x": "9", "y": "9"})), false).unwrap_err();
    assert_eq!(
        two.to_string(),
        "Apply failed with 2 conflicts: conflicts with \"one\":\n- .data.x\n- .data.y"
    );
    assert_eq!(two.causes().len(), 2);
    let forced = applied(&first, "two", &config(json!({"x": "9"})), true).unwrap();
    assert_eq!(forced["data"], json!({"x": "9", "y": "2"}));
    assert_eq!(owned(&forced, "one"), json!({"f:data": {"f:y": {}}}));
    assert_eq!(owned(&forced, "two"), json!({"f:data": {"f:x": {}}}));
}

#[test]
fn the_same_value_is_no_conflict_and_is_owned_by_both() {
    let first = applied(&json!({}), "one", &config(json!({"x": "1"})), false).unwrap();
    let both = applied(&first, "two", &config(json!({"x": "1"})), false).unwrap();
    assert_eq!(owned(&both, "one"), owned(&both, "two"));
}

#[test]
fn an_untracked_object_belongs_to_who_was_before() {
    let live = config(json!({"x": "1", "y": "2"}));
    let same = applied(&live, "one", &config(json!({"x": "1"})), false).unwrap();
    assert_eq!(
        owned(&same, "before-first-apply"),
        json!({"f:data": {".": {}, "f:x": {}, "f:y": {}}})
    );
    let other = applied(&live, "one", &config(json!({"x": "9"})), false).unwrap_err();
    assert_eq!(
        other.to_string(),
        "Apply failed with 1 conflict: conflict with \"before-first-apply\" using v1 at 2026-01-02T12:00:00Z: .data.x"
    );
}

#[test]
fn kubectl_may_change_what_it_applied_without_the_servers_help() {
    let mut live = config(json!({"x": "1"}));
    live["metadata"]["annotations"] =
        json!({"kubectl.kubernetes.io/last-applied-configuration": live.to_string()});
    assert!(applied(&live, "kubectl", &config(json!({"x": "2"})), false).is_ok());
    assert!(applied(&live, "other", &config(json!({"x": "2"})), false).is_err());
}

#[test]
fn elements_of_a_keyed_list_are_owned_one_by_one() {
    let node = |conditions: Value| {
        json!({"apiVersion": "v1", "kind": "Node", "metadata": {"name": "n"},
               "status": {"conditions": conditions}})
    };
    let ready = json!({"type": "Ready", "status": "True"});
    let disk = json!({"type": "Disk", "status": "False"});
    let first = applied(&json!({}), "one", &node(json!([ready])), false).unwrap();
    let both = applied(&first, "two", &node(json!([disk])), false).unwrap();
    assert_eq!(both["status"]["conditions"], json!([disk, ready]));
    assert_eq!(
        owned(&both, "one"),
        json!({"f:status": {"f:conditions": {
            "k:{\"type\":\"Ready\"}": {".": {}, "f:status": {}, "f:type": {}}
        }}})
    );
    let other = json!([{"type": "Ready", "status": "Unknown"}]);
    let conflict = applied(&both, "two", &node(other), false).unwrap_err();
    assert_eq!(
        conflict.to_string(),
        "Apply failed with 1 conflict: conflict with \"one\": .status.conditions[type=\"Ready\"].status"
    );
    let left = applied(&both, "one", &node(json!([])), false).unwrap();
    assert_eq!(left["status"]["conditions"], json!([disk]));
}

#[test]
fn a_set_is_owned_value_by_value_and_an_atomic_object_as_a_whole() {
    let with = |finalizers: Value| json!({"apiVersion": "v1", "kind": "X", "metadata": {"name": "a", "finalizers": finalizers}});
    let first = applied(&json!({}), "one", &with(json!(["x.y/a"])), false).unwrap();
    let both = applied(&first, "two", &with(json!(["x.y/b"])), false).unwrap();
    assert_eq!(
        owned(&both, "two"),
        json!({"f:metadata": {"f:finalizers": {"v:\"x.y/b\"": {}}}})
    );
    let left = applied(&both, "one", &with(json!([])), false).unwrap();
    assert_eq!(left["metadata"]["finalizers"], json!(["x.y/b"]));
    let role = |name: &str| {
        json!({"apiVersion": "v1", "kind": "X", "metadata": {"name": "a"},
               "roleRef": {"kind": "Role", "name": name}})
    };
    let first = applied(&json!({}), "one", &role("a"), false).unwrap();
    assert_eq!(owned(&first, "one"), json!({"f:roleRef": {}}));
    let conflict = applied(&first, "two", &role("b"), false).unwrap_err();
    assert_eq!(conflict.causes()[0].0, ".roleRef");
}

#[test]
fn an_update_takes_what_it_changes_and_what_it_removes() {
    let first = applied(
        &json!({}),
        "one",
        &config(json!({"x": "1", "y": "2", "z": "3"})),
        false,
    )
    .unwrap();
    let mut new = first.clone();
    new["data"] = json!({"x": "9", "z": "3"});
    let managed = updated(&first, &new, None, &updater("edit"), SHAPES, &noon()).unwrap();
    new["metadata"]["managedFields"] = managed;
    assert_eq!(owned(&new, "one"), json!({"f:data": {"f:z": {}}}));
    assert_eq!(owned(&new, "edit"), json!({"f:data": {"f:x": {}}}));
    let untracked = config(json!({}));
    assert_eq!(
        updated(&untracked, &new, None, &updater("edit"), SHAPES, &noon()),
        None
    );
    for end in [json!([]), json!([{}])] {
        assert_eq!(
            updated(&first, &new, Some(&end), &updater("edit"), SHAPES, &noon()),
            None
        );
    }
}

#[test]
fn the_oldest_updates_are_put_together() {
    let mut object = applied(&json!({}), "one", &config(json!({})), false).unwrap();
    for index in 0..15 {
        let mut new = object.clone();
        new["data"][format!("k{index:02}")] = json!("v");
        let time = Time(noon().0 + jiff::SignedDuration::from_secs(index));
        let name = format!("u{index:02}");
        let managed = updated(&object, &new, None, &updater(&name), SHAPES, &time).unwrap();
        new["metadata"]["managedFields"] = managed;
        object = new;
    }
    let entries = object["metadata"]["managedFields"].as_array().unwrap();
    assert_eq!(
        entries.len(),
        11,
        "the applier, nine updaters, and the ancient ones"
    );
    let ancient = owned(&object, "ancient-changes");
    assert_eq!(ancient["f:data"].as_object().unwrap().len(), 6);
}

fn data() -> impl Strategy<Value = Value> {
    prop::collection::btree_map("[a-d]", "[0-2]", 0..4).prop_map(|data| {
        data.into_iter()
            .map(|(k, v)| (k, v.into()))
            .collect::<Map<_, _>>()
            .into()
    })
}

proptest! {
    #[test]
    fn applying_again_changes_nothing(data in data(), other in data()) {
        let first = applied(&json!({}), "one", &config(data.clone()), false).unwrap();
        let both = applied(&first, "two", &config(other), true).unwrap();
        let again = applied(&both, "one", &config(data.clone()), true).unwrap();
        let twice = applied(&again, "one", &config(data), true).unwrap();
        prop_assert_eq!(again, twice);
    }

    #[test]
    fn what_is_forced_is_so_and_is_owned(data in data(), other in data()) {
        let first = applied(&json!({}), "one", &config(data), false).unwrap();
        let both = applied(&first, "two", &config(other.clone()), true).unwrap();
        for (key, value) in other.as_object().unwrap() {
            prop_assert_eq!(&both["data"][key], value);
            let mine = owned(&both, "two")["f:data"].get(format!("f:{key}")).cloned();
            prop_assert!(mine.is_some());
        }
    }

    #[test]
    fn without_conflict_nobody_loses_anything(data in data(), other in data()) {
        let first = applied(&json!({}), "one", &config(data.clone()), false).unwrap();
        if let Ok(both) = applied(&first, "two", &config(other), false) {
            for (key, value) in data.as_object().unwrap() {
                prop_assert_eq!(&both["data"][key], value);
            }
            prop_assert_eq!(owned(&both, "one"), owned(&first, "one"));
        }
    }

    #[test]
    fn whatever_a_client_says_about_managers_is_read(text in "[\\[\\]{}\":,fkv.a-c]{0,40}") {
        if let Ok(value) = serde_json::from_str::<Value>(&text) {
            let mut live = config(json!({"x": "1"}));
            live["metadata"]["managedFields"] =
                json!([{"manager": "m", "operation": "Update", "fieldsV1": value}]);
            let _ = applied(&live, "one", &config(json!({"x": "2"})), false);
        }
    }
}
