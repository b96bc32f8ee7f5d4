//! `update` and `patch`: another state of an object.

use std::sync::Arc;

use axum::body::Body;
use http::{Response, StatusCode};
use serde_json::Value;

use super::call::{Call, readable, with_warnings};
use super::create::invalid;
use super::{apply, body, namespace, owners};
use crate::codec::{Decoded, media_type, read, typed};
use crate::ownership::{Manager, Operation};
use crate::patch::{Patch, PatchType};
use crate::request::{OptionsKind, WriteOptions};
use crate::resource::{Change, GroupKind, Object, metadata};
use crate::status::Status;
use crate::store::{Action, Record, Write, WriteError};
use crate::strategy::Violation;

/// How often a write that does not say which state it was made from is tried anew when others write
/// the same object.
const ATTEMPTS: usize = 32;

/// Replaces the object by the one in the body.
pub(super) async fn update(mut call: Call, body: Body) -> Result<Response<Body>, Status> {
    let options = WriteOptions::parse(call.query(), OptionsKind::UPDATE)?;
    let Decoded {
        mut object,
        warnings,
    } = body::object(&mut call, &options, body).await?;
    if object.name().is_empty() {
        object.set_metadata_text("name", &call.target.name);
    }
    if object.name() != call.target.name {
        return Err(Status::bad_request(format!(
            "the name of the object ({}) does not match the name on the URL ({})",
            object.name(),
            call.target.name
        )));
    }
    if call.definition.needs_version && object.resource_version().is_empty() {
        let violation = Violation::invalid(
            "metadata.resourceVersion",
            "0: must be specified for an update",
        );
        // Here Kubernetes names the resource and not the kind.
        let kind = GroupKind {
            group: call.definition.group,
            kind: call.definition.plural,
        };
        return Err(Status::invalid(&kind, object.name(), &[violation]));
    }
    let manager = owners::manager(&call, &options, Operation::Update);
    let response = write(&call, &manager, |old| {
        check_uid(&call, old, &object)?;
        Ok(Wanted::of(object.clone()))
    })
    .await?;
    Ok(with_warnings(response, &warnings))
}

/// Changes the object by the patch in the body.
pub(super) async fn patch(mut call: Call, body: Body) -> Result<Response<Body>, Status> {
    let options = WriteOptions::parse(call.query(), OptionsKind::PATCH)?;
    call.context.dry_run = options.dry_run;
    let kind = match PatchType::of(&media_type(call.headers()))? {
        PatchType::Apply => return apply::apply(&call, &options, body).await,
        PatchType::Changes(kind) => kind,
    };
    if options.force.is_some() {
        return Err(OptionsKind::PATCH.invalid(Violation::forbidden(
            "force",
            "may not be specified for non-apply patch",
        )));
    }
    let body = read(body).await?;
    let (patch, flaws) = Patch::parse(kind, &body)?;
    let manager = owners::manager(&call, &options, Operation::Update);
    let mut warnings = Vec::new();
    let response = write(&call, &manager, |current| {
        let patched = patch.apply(current.clone().into_value(), call.definition)?;
        let validation = options.field_validation;
        let decoded = typed(patched, call.definition, validation, flaws.clone())
            .map_err(|refused| Status::invalid_patch(refused.message()))?;
        warnings = decoded.warnings;
        Ok(Wanted::of(decoded.object))
    })
    .await?;
    Ok(with_warnings(response, &warnings))
}

/// What a write wants an object to be.
pub(super) struct Wanted {
    /// The object.
    pub(super) object: Object,
    /// Who owns its fields, where the write says so.
    pub(super) managed: Option<Value>,
}

impl Wanted {
    fn of(object: Object) -> Self {
        Self {
            object,
            managed: None,
        }
    }
}

/// Writes what `make` makes of the current object, anew if it changes meanwhile.
pub(super) async fn write(
    call: &Call,
    manager: &Manager,
    mut make: impl FnMut(&Object) -> Result<Wanted, Status>,
) -> Result<Response<Body>, Status> {
    let name = &call.target.name;
    let key = call.key();
    for _ in 0..ATTEMPTS {
        let record = call
            .api
            .store
            .get(&key)
            .ok_or_else(|| call.not_found(name))?;
        let old = readable(&record)?;
        let wanted = make(&old)?;
        check_version(call, &old, &wanted.object)?;
        let given = owners::given(&wanted.object);
        let mut new = prepare(call, &old, wanted.object).await?;
        match wanted.managed {
            Some(managed) => owners::set(&mut new, Some(managed)),
            None => owners::update(call, manager, &old, &mut new, given.as_ref()),
        }
        if call.context.dry_run {
            return call.respond_object(StatusCode::OK, &new);
        }
        if new == old {
            return call.respond(StatusCode::OK, &record);
        }
        call.api
            .rules
            .before_commit(Change::Update(&old, &new), &call.context)
            .await?;
        match commit(call, &record, new).await {
            Ok(written) => return call.respond(StatusCode::OK, &written),
            // Once more: if the client said which state it read, it is told of the conflict then.
            Err(WriteError::Changed(_)) => {}
            Err(error) => return Err(call.refused(error, name)),
        }
    }
    Err(Status::modified(&call.definition.group_resource(), name))
}

/// Who replaces an object by another of its name is told that it is another. In a patch the UID is a field that cannot change.
fn check_uid(call: &Call, old: &Object, wanted: &Object) -> Result<(), Status> {
    if wanted.uid().is_empty() || wanted.uid() == old.uid() {
        return Ok(());
    }
    Err(Status::conflict(
        &call.definition.group_resource(),
        old.name(),
        &format!(
            "Precondition failed: UID in precondition: {}, UID in object meta: {}",
            wanted.uid(),
            old.uid()
        ),
    ))
}

/// What the client says about the state that it read must be true.
fn check_version(call: &Call, old: &Object, wanted: &Object) -> Result<(), Status> {
    let version = wanted.resource_version();
    // "0" is any state, as absence is.
    if !matches!(version, "" | "0") && version != old.resource_version() {
        return Err(Status::modified(
            &call.definition.group_resource(),
            old.name(),
        ));
    }
    Ok(())
}

/// From the wanted state to the state to be stored.
async fn prepare(call: &Call, old: &Object, mut new: Object) -> Result<Object, Status> {
    metadata::prepare_update(old, &mut new);
    let violations = metadata::validate_update(old, &new, call.definition);
    if !violations.is_empty() {
        return Err(invalid(call, old, &violations));
    }
    if namespace::is_namespace(call.definition) {
        namespace::prepare_update(old, &mut new);
    }
    call.api.rules.admit(Some(old), new, &call.context).await
}

/// Stores the new state; the last finalizer of a marked object takes the object with it.
async fn commit(call: &Call, record: &Record, object: Object) -> Result<Arc<Record>, WriteError> {
    let ends = record.terminating && object.finalizers().next().is_none();
    let expected = record.revision;
    if !ends {
        let write = Write {
            key: record.key.clone(),
            action: Action::Update { expected, object },
            namespace: None,
        };
        return Ok(Arc::clone(&call.api.store.write(write).await?.record));
    }
    let is_namespace = namespace::is_namespace(call.definition);
    let write = Write {
        key: record.key.clone(),
        action: Action::Delete {
            expected,
            only_if_empty: is_namespace,
        },
        namespace: None,
    };
    let event = call.api.store.write(write).await?;
    let namespace = call.context.namespace.as_str();
    if !namespace.is_empty()
        && let Err(status) = namespace::remove_empty(&call.api, namespace).await
    {
        tracing::warn!(namespace, %status, "an ending namespace is left for later");
    }
    Ok(Arc::clone(&event.record))
}
