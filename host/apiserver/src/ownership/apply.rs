//! What a write does to the owners of fields.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use serde_json::{Map, Value};

use super::comparison::Comparison;
use super::conflict::Conflicts;
use super::fields::Fields;
use super::managers::{Manager, Managers, Operation, Owned};
use super::merge::{fields_of, merge, remove};
use super::shape::Shapes;

/// Who owns what was there before anybody applied.
const BEFORE: &str = "before-first-apply";

/// Where `kubectl apply` without the server's help remembers what it applied.
const LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";

/// The name under which `kubectl` applies.
const KUBECTL: &str = "kubectl";

/// What is nobody's: it says which object it is, or is the server's.
const UNOWNED: &[&str] = &[
    "apiVersion",
    "kind",
    "metadata.clusterName",
    "metadata.creationTimestamp",
    "metadata.generation",
    "metadata.managedFields",
    "metadata.name",
    "metadata.namespace",
    "metadata.resourceVersion",
    "metadata.selfLink",
    "metadata.uid",
];

/// What an object becomes by a configuration.
#[derive(Debug, PartialEq)]
pub(crate) struct Applied {
    /// The object, still without its managers.
    pub(crate) object: Value,
    /// Its managers, as `metadata.managedFields`.
    pub(crate) managed: Value,
}

/// A configuration, and how it is applied.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Configuration<'a> {
    /// What it says, `metadata.name` included.
    pub(crate) config: &'a Value,
    /// Whose it is.
    pub(crate) manager: &'a Manager,
    /// The places that do not belong to the door through which it comes.
    pub(crate) reset: &'a [&'a str],
    /// Whether what others own is taken from them.
    pub(crate) force: bool,
}

/// Applies a configuration to an object, or to the empty one.
///
/// # Errors
/// The fields that would change and that others own, unless it is forced.
pub(crate) fn apply(
    live: &Value,
    configuration: Configuration<'_>,
    shapes: Shapes,
    now: &Time,
) -> Result<Applied, Conflicts> {
    let Configuration {
        config,
        manager,
        reset,
        force,
    } = configuration;
    let mut managers = Managers::read(live.pointer("/metadata/managedFields"))
        .unwrap_or_else(|| before_first_apply(live, manager, reset, shapes, now));
    let live = without_managers(live);
    let last = managers.0.remove(manager);
    let mine = fields_of(config, shapes).without(reset);
    let merged = merge(&live, config, shapes);
    let object = match &last {
        Some(last) => {
            let owned = managers.everything().union(&mine);
            prune(&merged, &owned, &last.fields, shapes)
        }
        None => merged,
    };
    let change = Comparison::between(&live, &object, shapes).without(reset);
    let conflicts = conflicts(&managers, &change);
    if !force && !conflicts.is_empty() {
        let left = conflicts.without(&last_applied(&live, manager, shapes));
        if !left.is_empty() {
            return Err(left);
        }
    }
    managers.take(&change.written().union(&change.removed));
    let time = if object == live {
        last.and_then(|last| last.time)
    } else {
        Some(now.clone())
    };
    let fields = ownable(mine);
    managers.set(manager, Owned { fields, time });
    Ok(Applied {
        object,
        managed: managers.to_entries(),
    })
}

/// The managers of an object after a write that is no configuration; none where the object is not tracked. `given` is what
/// the client says about managers: an empty list ends the tracking.
pub(crate) fn updated(
    old: &Value,
    new: &Value,
    given: Option<&Value>,
    manager: &Manager,
    shapes: Shapes,
    now: &Time,
) -> Option<Value> {
    if given.is_some_and(ends_tracking) {
        return None;
    }
    let mut managers =
        Managers::read(given).or_else(|| Managers::read(old.pointer("/metadata/managedFields")))?;
    let change = Comparison::between(&without_managers(old), &without_managers(new), shapes);
    let written = ownable(change.written());
    let before = managers.0.remove(manager);
    managers.take(&written.union(&change.removed));
    let (fields, time) = match before {
        Some(before) if written.is_empty() => (before.fields, before.time),
        Some(before) => (before.fields.union(&written), Some(now.clone())),
        None => (written, Some(now.clone())),
    };
    let fields = fields.difference(&change.removed);
    managers.set(manager, Owned { fields, time });
    managers.forget_ancient();
    Some(managers.to_entries())
}

/// An object that was not tracked.
fn before_first_apply(
    live: &Value,
    manager: &Manager,
    reset: &[&str],
    shapes: Shapes,
    now: &Time,
) -> Managers {
    let before = Manager {
        operation: Operation::Update,
        name: BEFORE.to_owned(),
        ..manager.clone()
    };
    let nothing = Value::Object(Map::new());
    let all = Comparison::between(&nothing, &without_managers(live), shapes);
    let mut managers = Managers::default();
    let owned = Owned {
        fields: ownable(all.added.without(reset)),
        time: Some(now.clone()),
    };
    managers.set(&before, owned);
    managers
}

/// What somebody can own of some fields.
fn ownable(fields: Fields) -> Fields {
    fields.without(UNOWNED).without_place("f:metadata")
}

/// An empty list, or a list of one empty entry.
fn ends_tracking(given: &Value) -> bool {
    match given.as_array().map(Vec::as_slice) {
        Some([]) => true,
        Some([Value::Object(only)]) => only.is_empty(),
        _ => false,
    }
}

/// Takes out what the manager applied last time and does not any more, unless somebody else owns it.
fn prune(merged: &Value, owned: &Fields, last: &Fields, shapes: Shapes) -> Value {
    let last = last.with_holders();
    let pruned = remove(merged, &last, shapes);
    let all = fields_of(merged, shapes).with_holders();
    let kept = fields_of(&pruned, shapes)
        .with_holders()
        .union(&owned.with_holders());
    let pruned = remove(merged, &all.difference(&kept), shapes);
    let gone = all.difference(&fields_of(&pruned, shapes).with_holders());
    remove(merged, &gone.intersection(&last), shapes)
}

/// What would change and belongs to others.
fn conflicts(managers: &Managers, change: &Comparison) -> Conflicts {
    let written = change.written();
    let mut found = Conflicts::default();
    for (manager, owned) in &managers.0 {
        let fields = owned.fields.intersection(&written);
        if !fields.is_empty() {
            found.push(manager, owned.time.as_ref(), fields);
        }
    }
    found
}

/// What `kubectl` applied itself, and so may go on to change by configurations, whoever is said to own it.
fn last_applied(live: &Value, manager: &Manager, shapes: Shapes) -> Fields {
    if manager.name != KUBECTL {
        return Fields::default();
    }
    let applied = live
        .get("metadata")
        .and_then(|metadata| metadata.get("annotations")?.get(LAST_APPLIED)?.as_str())
        .and_then(|text| serde_json::from_str::<Value>(text).ok());
    let Some(applied) = applied else {
        return Fields::default();
    };
    // Only what is still as it was applied.
    let change = Comparison::between(&applied, live, shapes);
    fields_of(&applied, shapes)
        .difference(&change.written())
        .difference(&change.removed)
}

fn without_managers(object: &Value) -> Value {
    let mut object = object.clone();
    if let Some(Value::Object(metadata)) = object.get_mut("metadata") {
        metadata.shift_remove("managedFields");
    }
    object
}
