//! Whose name a write has in `metadata.managedFields`.

use http::header;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use serde_json::Value;

use super::call::Call;
use crate::ownership::{self, Manager, Operation};
use crate::request::WriteOptions;
use crate::resource::{Object, Subresource};

/// Where the owners of fields are written.
const MANAGED_FIELDS: &str = "managedFields";

/// How long a name taken from the client's program may be.
const NAME_LENGTH: usize = 128;

/// The manager of a write: who the client says it is, or else its program.
pub(super) fn manager(call: &Call, options: &WriteOptions, operation: Operation) -> Manager {
    let name = if options.field_manager.is_empty() {
        program(call)
    } else {
        options.field_manager.clone()
    };
    let subresource = call.context.subresource.map(Subresource::as_str);
    Manager {
        operation,
        name: if name.is_empty() {
            "unknown".to_owned()
        } else {
            name
        },
        api_version: call.definition.api_version(),
        subresource: subresource.unwrap_or_default().to_owned(),
    }
}

/// The fields that do not belong to the door through which a write comes.
pub(super) fn reset(call: &Call) -> &'static [&'static str] {
    let has_status = call.definition.subresources.contains(&Subresource::Status);
    match call.context.subresource {
        None if has_status => &["status"],
        None => &[],
        Some(_) => &["metadata", "spec"],
    }
}

/// Now, as entries have it.
pub(super) fn time(call: &Call) -> Time {
    Time(call.context.now)
}

/// Writes down who owns what after a write that is no configuration. `given` is what the client says about it.
pub(super) fn update(
    call: &Call,
    manager: &Manager,
    old: &Object,
    new: &mut Object,
    given: Option<&Value>,
) {
    // The client's word counts on the object itself only.
    let given = given.filter(|_| call.context.subresource.is_none());
    let tracked = old.metadata().contains_key(MANAGED_FIELDS) || given.is_some();
    let managed = tracked
        .then(|| {
            ownership::updated(
                &old.clone().into_value(),
                &new.clone().into_value(),
                given,
                manager,
                call.definition.shapes,
                &time(call),
            )
        })
        .flatten();
    set(new, managed);
}

/// Sets the owners, or that there are none.
pub(super) fn set(object: &mut Object, managed: Option<Value>) {
    let metadata = object.metadata_mut();
    match managed {
        Some(managed) if managed.as_array().is_some_and(|all| !all.is_empty()) => {
            metadata.insert(MANAGED_FIELDS.to_owned(), managed);
        }
        _ => {
            metadata.shift_remove(MANAGED_FIELDS);
        }
    }
}

/// What an object says about its owners.
pub(super) fn given(object: &Object) -> Option<Value> {
    object.metadata().get(MANAGED_FIELDS).cloned()
}

/// The client's program: what its `User-Agent` begins with.
fn program(call: &Call) -> String {
    let agent = call
        .headers()
        .get(header::USER_AGENT)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    let program = agent.split('/').next().unwrap_or_default();
    program.chars().take(NAME_LENGTH).collect()
}
