//! Namespaces: what is particular about them, and about what lives in them.
//!
//! Deleting one marks it, removes what is in it, and then removes it; what waits for a finalizer keeps
//! it until the finalizer goes.

use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::call::{Call, namespace_key, readable};
use crate::resource::{Definition, Object, Registry, metadata};
use crate::server::Api;
use crate::status::Status;
use crate::store::{Action, Key, Record, Write, WriteError};

/// These are never deleted.
const PERMANENT: [&str; 3] = ["default", "kube-public", "kube-system"];

/// The label that every namespace carries.
const NAME_LABEL: &str = "kubernetes.io/metadata.name";

/// The resource.
pub(super) fn definition() -> &'static Definition {
    Registry::namespaces()
}

/// Whether this is the resource.
pub(super) fn is_namespace(definition: &Definition) -> bool {
    definition.group.is_empty() && definition.plural == "namespaces"
}

/// What the server says about a new namespace.
pub(super) fn prepare_create(object: &mut Object) {
    label(object);
    object
        .fields_mut()
        .insert("spec".to_owned(), json!({"finalizers": ["kubernetes"]}));
    object
        .fields_mut()
        .insert("status".to_owned(), json!({"phase": "Active"}));
}

/// What the server says about a changed namespace: only the namespace's own end changes these.
pub(super) fn prepare_update(old: &Object, new: &mut Object) {
    label(new);
    new.copy_field_from(old, "spec");
    let phase = old.text_at(&["status", "phase"]).to_owned();
    let status = new
        .fields_mut()
        .entry("status")
        .or_insert_with(|| Value::Object(Map::new()));
    if let Value::Object(status) = status {
        status.insert("phase".to_owned(), phase.into());
    }
}

/// The request's namespace exists and is not on its way out. The store checks it again as it writes.
pub(super) fn check(call: &Call) -> Result<(), Status> {
    let Some(key) = call.namespace_key() else {
        return Ok(());
    };
    match call.api.store.get(&key) {
        None => Err(call.refused(WriteError::NoNamespace, "")),
        Some(found) if found.terminating => Err(call.refused(WriteError::NamespaceTerminating, "")),
        Some(_) => Ok(()),
    }
}

/// Refuses to delete what a cluster cannot do without.
pub(super) fn may_be_deleted(name: &str) -> Result<(), Status> {
    if PERMANENT.contains(&name) {
        return Err(Status::forbidden(
            &definition().group_resource(),
            name,
            "this namespace may not be deleted",
        ));
    }
    Ok(())
}

/// Marks a namespace that is about to end.
pub(super) fn mark_terminating(object: &mut Object, now: jiff::Timestamp) {
    metadata::mark_terminating(object, now);
    object
        .fields_mut()
        .insert("status".to_owned(), json!({"phase": "Terminating"}));
}

/// Removes what is in a namespace that ends, and the namespace once it is empty.
///
/// # Errors
/// When the store cannot be written. What is left is finished when it is deleted again.
pub(super) async fn finish(api: &Arc<Api>, name: &str) -> Result<(), Status> {
    let now = (api.clock)();
    for key in api.store.keys_in(name) {
        remove(api, &key, now).await?;
    }
    remove_empty(api, name).await
}

/// Removes an ending namespace if nothing is left in it.
pub(super) async fn remove_empty(api: &Arc<Api>, name: &str) -> Result<(), Status> {
    let key = namespace_key(name);
    while let Some(record) = api.store.get(&key) {
        if !record.terminating || readable(&record)?.finalizers().next().is_some() {
            return Ok(());
        }
        let write = Write {
            key: key.clone(),
            action: Action::Delete {
                expected: record.revision,
                only_if_empty: true,
            },
            namespace: None,
        };
        match api.store.write(write).await {
            Ok(_) | Err(WriteError::Missing | WriteError::NamespaceNotEmpty) => return Ok(()),
            Err(WriteError::Changed(_)) => {}
            Err(error) => return Err(Status::internal(error)),
        }
    }
    Ok(())
}

/// Removes an object, or marks it if it has finalizers.
async fn remove(api: &Arc<Api>, key: &Key, now: jiff::Timestamp) -> Result<(), Status> {
    while let Some(record) = api.store.get(key) {
        let Some(action) = removal(&record, now)? else {
            return Ok(());
        };
        let write = Write {
            key: key.clone(),
            action,
            namespace: None,
        };
        match api.store.write(write).await {
            Ok(_) | Err(WriteError::Missing) => return Ok(()),
            Err(WriteError::Changed(_)) => {}
            Err(error) => return Err(Status::internal(error)),
        }
    }
    Ok(())
}

/// What deleting an object comes to; none when it is marked already.
pub(super) fn removal(record: &Record, now: jiff::Timestamp) -> Result<Option<Action>, Status> {
    let mut object = readable(record)?;
    let expected = record.revision;
    if object.finalizers().next().is_none() {
        return Ok(Some(Action::Delete {
            expected,
            only_if_empty: false,
        }));
    }
    if record.terminating {
        return Ok(None);
    }
    metadata::mark_terminating(&mut object, now);
    Ok(Some(Action::Update { expected, object }))
}

fn label(object: &mut Object) {
    let name = object.name().to_owned();
    let labels = object
        .metadata_mut()
        .entry("labels")
        .or_insert_with(|| Value::Object(Map::new()));
    if let Value::Object(labels) = labels {
        labels.insert(NAME_LABEL.to_owned(), name.into());
    }
}
