//! The part of an object's life that every kind shares: its metadata at birth and through changes.
//!
//! Source: `k8s.io/apimachinery/pkg/api/validation/objectmeta.go`, `k8s.io/apiserver/pkg/registry/rest`.

use jiff::{Timestamp, ToSpan as _};
use serde_json::Value;

use super::names::{label_value_faults, qualified_name_faults};
use super::{Definition, Object};
use crate::strategy::Violation;

/// Annotations may be this long together.
const ANNOTATION_BYTES: usize = 256 * 1024;

/// What the server alone writes, or nobody any more.
const SERVER_SET: [&str; 7] = [
    "uid",
    "creationTimestamp",
    "deletionTimestamp",
    "deletionGracePeriodSeconds",
    "resourceVersion",
    "selfLink",
    "generation",
];

/// Gives a new object its identity. Its name is set already.
pub(crate) fn prepare_create(object: &mut Object, uid: &str, now: Timestamp) {
    for field in SERVER_SET {
        object.metadata_mut().shift_remove(field);
    }
    object.metadata_mut().shift_remove("managedFields");
    object.set_metadata_text("uid", uid);
    object.set_metadata_text("creationTimestamp", &seconds(now));
}

/// Takes back what no update may change.
pub(crate) fn prepare_update(old: &Object, new: &mut Object) {
    new.metadata_mut().shift_remove("managedFields");
    // Another UID is not taken back but refused: it is meant for another object.
    let uid = Some(new.uid().to_owned()).filter(|uid| !uid.is_empty());
    for field in SERVER_SET {
        match old.metadata().get(field) {
            Some(value) => {
                new.metadata_mut().insert(field.to_owned(), value.clone());
            }
            None => {
                new.metadata_mut().shift_remove(field);
            }
        }
    }
    if let Some(uid) = uid {
        new.set_metadata_text("uid", &uid);
    }
}

/// Marks an object that waits for its finalizers.
pub(crate) fn mark_terminating(object: &mut Object, now: Timestamp) {
    object.set_metadata_text("deletionTimestamp", &seconds(now));
    object
        .metadata_mut()
        .insert("deletionGracePeriodSeconds".to_owned(), 0.into());
}

/// Everything wrong with the metadata of a new object.
pub(crate) fn validate(object: &Object, definition: &Definition) -> Vec<Violation> {
    let mut found = Vec::new();
    let name = object.name();
    if name.is_empty() {
        found.push(Violation::required(
            "metadata.name",
            "name or generateName is required",
        ));
    } else {
        let faults = definition.name_rule.faults(name);
        found.extend(Violation::each("metadata.name", name, faults));
    }
    labels(object, &mut found);
    annotations(object, &mut found);
    for finalizer in object.finalizers() {
        let faults = qualified_name_faults(finalizer);
        found.extend(Violation::each("metadata.finalizers", finalizer, faults));
    }
    found
}

/// Everything wrong with a change of metadata, what [`prepare_update`] takes back aside.
pub(crate) fn validate_update(
    old: &Object,
    new: &Object,
    definition: &Definition,
) -> Vec<Violation> {
    let mut found = validate(new, definition);
    for (field, before, after) in [
        ("metadata.name", old.name(), new.name()),
        ("metadata.namespace", old.namespace(), new.namespace()),
        ("metadata.uid", old.uid(), new.uid()),
    ] {
        if before != after {
            found.push(Violation::invalid(
                field,
                format!("{after:?}: field is immutable"),
            ));
        }
    }
    if old.is_terminating() {
        let added: Vec<&str> = new
            .finalizers()
            .filter(|finalizer| !old.finalizers().any(|known| known == *finalizer))
            .collect();
        if !added.is_empty() {
            found.push(Violation::forbidden(
                "metadata.finalizers",
                format!(
                    "no new finalizers can be added if the object is being deleted, found new finalizers {added:?}"
                ),
            ));
        }
    }
    found
}

/// As Kubernetes writes times: whole seconds, UTC.
fn seconds(time: Timestamp) -> String {
    let fraction = time.subsec_nanosecond();
    let whole = time
        .checked_sub(i64::from(fraction).nanoseconds())
        .unwrap_or(time);
    whole.to_string()
}

fn labels(object: &Object, found: &mut Vec<Violation>) {
    let labels = object.metadata().get("labels").and_then(Value::as_object);
    for (key, value) in labels.into_iter().flatten() {
        let faults = qualified_name_faults(key);
        found.extend(Violation::each("metadata.labels", key, faults));
        let value = value.as_str().unwrap_or_default();
        let faults = label_value_faults(value);
        found.extend(Violation::each("metadata.labels", value, faults));
    }
}

fn annotations(object: &Object, found: &mut Vec<Violation>) {
    let annotations = object
        .metadata()
        .get("annotations")
        .and_then(Value::as_object);
    let mut size = 0;
    for (key, value) in annotations.into_iter().flatten() {
        // Their case does not matter.
        let faults = qualified_name_faults(&key.to_ascii_lowercase());
        found.extend(Violation::each("metadata.annotations", key, faults));
        size += key.len() + value.as_str().map_or(0, str::len);
    }
    if size > ANNOTATION_BYTES {
        found.push(Violation::too_long(
            "metadata.annotations",
            ANNOTATION_BYTES,
        ));
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::resource::Registry;

    fn object(metadata: Value) -> Object {
        Object::from_value(json!({ "metadata": metadata })).unwrap()
    }

    fn config_maps() -> &'static Definition {
        Registry::new(Default::default())
            .find("", "v1", "configmaps")
            .unwrap()
            .definition()
    }

    #[test]
    fn a_new_object_has_the_servers_identity_and_not_its_own() {
        let mut new = object(json!({
            "name": "a", "uid": "mine", "creationTimestamp": "1999-01-01T00:00:00Z",
            "deletionTimestamp": "1999-01-01T00:00:00Z", "managedFields": [{}], "selfLink": "/x"
        }));
        let now = "2026-01-02T03:04:05.678Z".parse().unwrap();
        prepare_create(&mut new, "u-1", now);
        assert_eq!(
            Value::Object(new.metadata().clone()),
            json!({"name": "a", "uid": "u-1", "creationTimestamp": "2026-01-02T03:04:05Z"})
        );
    }

    #[test]
    fn an_update_keeps_what_is_the_servers() {
        let old = object(json!({"name": "a", "uid": "u", "resourceVersion": "7"}));
        let mut new = object(json!({"name": "a", "selfLink": "/x", "labels": {"a": "b"}}));
        prepare_update(&old, &mut new);
        assert_eq!(
            Value::Object(new.metadata().clone()),
            json!({"name": "a", "uid": "u", "labels": {"a": "b"}, "resourceVersion": "7"})
        );
    }

    #[test]
    fn violations_name_their_field() {
        let fields = |metadata| -> Vec<String> {
            validate(&object(metadata), config_maps())
                .into_iter()
                .map(|violation| violation.field)
                .collect()
        };
        assert_eq!(fields(json!({"name": "a"})), Vec::<String>::new());
        assert_eq!(fields(json!({})), ["metadata.name"]);
        assert_eq!(fields(json!({"name": "A"})), ["metadata.name"]);
        assert_eq!(
            fields(json!({"name": "a", "labels": {"-": "b"}})),
            ["metadata.labels"]
        );
        assert_eq!(
            fields(json!({"name": "a", "labels": {"b": "-"}})),
            ["metadata.labels"]
        );
        assert_eq!(
            fields(json!({"name": "a", "annotations": {"-": ""}})),
            ["metadata.annotations"]
        );
        let long = "x".repeat(ANNOTATION_BYTES);
        assert_eq!(
            fields(json!({"name": "a", "annotations": {"b": long}})),
            ["metadata.annotations"]
        );
        assert_eq!(
            fields(json!({"name": "a", "finalizers": ["-"]})),
            ["metadata.finalizers"]
        );
    }

    #[test]
    fn another_uid_is_refused() {
        let old = object(json!({"name": "a", "uid": "u"}));
        let mut new = object(json!({"name": "a", "uid": "v"}));
        prepare_update(&old, &mut new);
        let found = validate_update(&old, &new, config_maps());
        let [violation] = found.as_slice() else {
            panic!("{found:?}");
        };
        assert_eq!(
            violation.to_string(),
            "metadata.uid: Invalid value: \"v\": field is immutable"
        );
    }

    #[test]
    fn no_finalizer_is_added_to_what_is_being_deleted() {
        let old = object(json!({
            "name": "a", "deletionTimestamp": "2026-01-01T00:00:00Z", "finalizers": ["x.y/a"]
        }));
        let fewer = object(json!({"name": "a"}));
        let more = object(json!({"name": "a", "finalizers": ["x.y/a", "x.y/b"]}));
        assert!(validate_update(&old, &fewer, config_maps()).is_empty());
        assert_eq!(
            validate_update(&old, &more, config_maps())[0].field,
            "metadata.finalizers"
        );
        let renamed = object(json!({"name": "b"}));
        assert_eq!(
            validate_update(&old, &renamed, config_maps())[0].field,
            "metadata.name"
        );
    }
}
