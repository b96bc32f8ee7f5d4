//! `delete` and `deletecollection`.

use axum::body::Body;
use bytes::Bytes;
use http::{Response, StatusCode};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ListMeta;
use serde_json::Value;

use super::call::{Call, readable, text as json_text};
use super::list;
use super::namespace;
use crate::codec::decode_options;
use crate::request::{OptionsKind, WriteOptions, query_value, wrong_dry_run};
use crate::resource::{Change, GroupResource, Object};
use crate::status::Status;
use crate::store::{Action, EventKind, Key, Record, Write, WriteError};
use crate::strategy::Violation;
use std::sync::Arc;

/// What must be true of the object that is to go.
#[derive(Debug, Default)]
struct Preconditions {
    uid: Option<String>,
    resource_version: Option<String>,
}

/// What became of an object that was to go.
enum Outcome {
    /// It is gone, or would be. This is its last state.
    Gone(Object),
    /// It waits for its finalizers.
    Marked(Arc<Record>),
}

/// Deletes one object.
pub(super) async fn delete(mut call: Call, body: Body) -> Result<Response<Body>, Status> {
    if call.context.subresource.is_some() {
        return Err(Status::method_not_allowed());
    }
    let preconditions = read_options(&mut call, body).await?;
    let name = call.target.name.clone();
    match remove(&call, &call.key(), &preconditions).await? {
        Outcome::Marked(record) => call.respond(StatusCode::OK, &record),
        Outcome::Gone(last) if call.definition.returns_deleted => {
            call.respond_object(StatusCode::OK, &last)
        }
        Outcome::Gone(last) => {
            let status = Status::deleted(&call.definition.group_resource(), &name, last.uid());
            Ok(call.format.encoding.status(&status))
        }
    }
}

/// Deletes every object that the selectors select.
pub(super) async fn delete_collection(
    mut call: Call,
    body: Body,
) -> Result<Response<Body>, Status> {
    let preconditions = read_options(&mut call, body).await?;
    let (revision, records) = list::select(&call)?;
    let mut items: Vec<Bytes> = Vec::with_capacity(records.len());
    for record in records {
        match remove(&call, &record.key, &preconditions).await {
            Ok(Outcome::Gone(last)) => items.push(json_text(&last)?.into()),
            Ok(Outcome::Marked(record)) => items.push(record.json.clone()),
            // Somebody else was faster.
            Err(status) if status.code() == StatusCode::NOT_FOUND => {}
            Err(status) => return Err(status),
        }
    }
    let metadata = ListMeta {
        resource_version: Some(revision.to_string()),
        ..ListMeta::default()
    };
    let encoding = call.format.encoding;
    let list = encoding.list(metadata, items.iter().map(AsRef::as_ref), &call.kind())?;
    Ok(encoding.response(StatusCode::OK, list))
}

async fn read_options(call: &mut Call, body: Body) -> Result<Preconditions, Status> {
    let query = WriteOptions::parse(call.query(), OptionsKind::DELETE)?;
    let options = decode_options(call.headers(), body).await?;
    let policy = match &options {
        Value::Null => query_value(call.query(), "propagationPolicy"),
        body => text(body, "/propagationPolicy").unwrap_or_default(),
    };
    check_propagation(&policy)?;
    let in_body = match options.get("dryRun") {
        None | Some(Value::Null) => false,
        Some(Value::Array(values)) if values.is_empty() => false,
        Some(Value::Array(values)) if values.iter().all(|value| value == "All") => true,
        Some(Value::Array(values)) if values.iter().all(Value::is_string) => {
            let values: Vec<_> = values.iter().filter_map(Value::as_str).collect();
            return Err(OptionsKind::DELETE.invalid(wrong_dry_run(&values)));
        }
        Some(_) => return Err(Status::bad_request("dryRun: expected a list of texts")),
    };
    call.context.dry_run = query.dry_run || in_body;
    Ok(Preconditions {
        uid: text(&options, "/preconditions/uid"),
        resource_version: text(&options, "/preconditions/resourceVersion"),
    })
}

fn text(options: &Value, path: &str) -> Option<String> {
    options
        .pointer(path)
        .and_then(Value::as_str)
        .map(str::to_owned)
}

/// What becomes of an object's dependents is said in words that exist, though no object here has any.
fn check_propagation(policy: &str) -> Result<(), Status> {
    if matches!(policy, "" | "Foreground" | "Background" | "Orphan") {
        return Ok(());
    }
    Err(OptionsKind::DELETE.invalid(Violation::not_supported(
        "propagationPolicy",
        &policy,
        &["Foreground", "Background", "Orphan", "nil"],
    )))
}

async fn remove(call: &Call, key: &Key, preconditions: &Preconditions) -> Result<Outcome, Status> {
    loop {
        let record = call
            .api
            .store
            .get(key)
            .ok_or_else(|| call.not_found(&key.name))?;
        let old = readable(&record)?;
        preconditions.check(call, &old)?;
        call.api.rules.admit_delete(&old, &call.context).await?;
        if namespace::is_namespace(call.definition) {
            return remove_namespace(call, record, old).await;
        }
        let Some(action) = namespace::removal(&record, call.context.now)? else {
            return Ok(Outcome::Marked(record));
        };
        if call.context.dry_run {
            return Ok(Outcome::Gone(old));
        }
        if matches!(action, Action::Delete { .. }) {
            call.api
                .rules
                .before_commit(Change::Delete(&old), &call.context)
                .await?;
        }
        let write = Write {
            key: key.clone(),
            action,
            namespace: None,
        };
        match call.api.store.write(write).await {
            Ok(event) if event.kind == EventKind::Deleted => {
                return Ok(Outcome::Gone(readable(&event.record)?));
            }
            Ok(event) => return Ok(Outcome::Marked(Arc::clone(&event.record))),
            Err(WriteError::Changed(_)) => {}
            Err(error) => return Err(call.refused(error, &key.name)),
        }
    }
}

/// Marks the namespace and empties it.
async fn remove_namespace(
    call: &Call,
    mut record: Arc<Record>,
    mut object: Object,
) -> Result<Outcome, Status> {
    let name = record.key.name.to_string();
    namespace::may_be_deleted(&name)?;
    if call.context.dry_run {
        return Ok(Outcome::Gone(object));
    }
    while !record.terminating {
        namespace::mark_terminating(&mut object, call.context.now);
        let write = Write {
            key: record.key.clone(),
            action: Action::Update {
                expected: record.revision,
                object,
            },
            namespace: None,
        };
        record = match call.api.store.write(write).await {
            Ok(event) => Arc::clone(&event.record),
            Err(WriteError::Changed(now)) => now,
            Err(error) => return Err(call.refused(error, &name)),
        };
        object = readable(&record)?;
    }
    namespace::finish(&call.api, &name).await?;
    Ok(Outcome::Marked(record))
}

impl Preconditions {
    fn check(&self, call: &Call, old: &Object) -> Result<(), Status> {
        // Here Kubernetes names the kind and not the resource.
        let resource = GroupResource::new(call.definition.group, call.definition.kind);
        if let Some(uid) = self.uid.as_deref().filter(|uid| *uid != old.uid()) {
            let why = format!(
                "the UID in the precondition ({uid}) does not match the UID in record ({}). The object might have been deleted and then recreated",
                old.uid()
            );
            return Err(Status::conflict(&resource, old.name(), &why));
        }
        if let Some(version) = self
            .resource_version
            .as_deref()
            .filter(|version| *version != old.resource_version())
        {
            let why = format!(
                "the ResourceVersion in the precondition ({version}) does not match the ResourceVersion in record ({}). The object might have been modified",
                old.resource_version()
            );
            return Err(Status::conflict(&resource, old.name(), &why));
        }
        Ok(())
    }
}
