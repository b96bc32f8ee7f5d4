//! `patch` with a configuration: server-side apply.

use axum::body::Body;
use http::Response;
use serde_json::{Value, json};

use super::call::Call;
use super::create::create_as;
use super::owners;
use super::update::{Wanted, write};
use crate::authorization::{Attributes, Decision, ResourceTarget};
use crate::codec::{read, typed};
use crate::ownership::{self, Applied, Configuration, Conflicts, Manager, Operation};
use crate::request::{FieldValidation, OptionsKind, WriteOptions};
use crate::status::Status;
use crate::strategy::Violation;

/// Applies the configuration in the body; makes the object where there is none.
pub(super) async fn apply(
    call: &Call,
    options: &WriteOptions,
    body: Body,
) -> Result<Response<Body>, Status> {
    if options.field_manager.is_empty() {
        let violation = Violation::required("fieldManager", "is required for apply patch");
        return Err(OptionsKind::PATCH.invalid(violation));
    }
    let config = Config::read(call, &read(body).await?)?;
    let manager = owners::manager(call, options, Operation::Apply);
    let force = options.force.unwrap_or(false);
    if call.api.store.get(&call.key()).is_none() {
        return create(call, &config, &manager, force).await;
    }
    write(call, &manager, |current| {
        config.onto(call, current.clone().into_value(), &manager, force)
    })
    .await
}

/// A configuration that has been read.
struct Config(Value);

impl Config {
    fn read(call: &Call, body: &[u8]) -> Result<Self, Status> {
        let mut value = parse(body)?;
        check(call, &value)?;
        if let Value::Object(fields) = &mut value
            && let Value::Object(metadata) = fields.entry("metadata").or_insert_with(|| json!({}))
        {
            metadata.insert("name".to_owned(), call.target.name.clone().into());
            if !call.context.namespace.is_empty() {
                let namespace = call.context.namespace.clone();
                metadata.insert("namespace".to_owned(), namespace.into());
            }
        }
        // Only to see what the kind does not know: read as its kind it would say more than was said.
        let warnings = typed(
            value.clone(),
            call.definition,
            FieldValidation::Warn,
            Vec::new(),
        )?
        .warnings;
        if let Some(unknown) = warnings.first() {
            return Err(Status::bad_request(format!(
                "failed to create typed patch object ({}/{}; {}, Kind={}): {unknown}",
                call.context.namespace,
                call.target.name,
                call.definition.api_version(),
                call.definition.kind
            )));
        }
        without_nulls(&mut value);
        Ok(Self(value))
    }

    /// What the object becomes.
    fn onto(
        &self,
        call: &Call,
        live: Value,
        manager: &Manager,
        force: bool,
    ) -> Result<Wanted, Status> {
        let configuration = Configuration {
            config: &self.0,
            manager,
            reset: owners::reset(call),
            force,
        };
        let shapes = call.definition.shapes;
        let Applied { object, managed } =
            ownership::apply(&live, configuration, shapes, &owners::time(call))
                .map_err(|conflicts| refused(&conflicts))?;
        let decoded = typed(object, call.definition, FieldValidation::Ignore, Vec::new())?;
        Ok(Wanted {
            object: decoded.object,
            managed: Some(managed),
        })
    }
}

/// Makes the object, for who may.
async fn create(
    call: &Call,
    config: &Config,
    manager: &Manager,
    force: bool,
) -> Result<Response<Body>, Status> {
    if call.context.subresource.is_some() {
        return Err(call.not_found(&call.target.name));
    }
    may_create(call).await?;
    let Wanted { object, managed } = config.onto(call, json!({}), manager, force)?;
    if !object.uid().is_empty() {
        return Err(Status::conflict(
            &call.definition.group_resource(),
            &call.target.name,
            &format!(
                "uid mismatch: the provided object specified uid {}, and no existing object was found",
                object.uid()
            ),
        ));
    }
    create_as(call, object, managed).await
}

/// Who may patch may not create by that.
async fn may_create(call: &Call) -> Result<(), Status> {
    let target = ResourceTarget::new(call.definition.group, call.definition.plural)
        .within(&call.context.namespace)
        .named(&call.target.name);
    let attributes = Attributes::resource("create", target);
    let user = &call.context.user;
    match call.api.authorizer.authorize(user, &attributes).await? {
        Decision::Allow(_) => Ok(()),
        Decision::Deny(reason) => Err(Status::access_denied(user, &attributes, &reason)),
        Decision::NoOpinion => Err(Status::access_denied(user, &attributes, "")),
    }
}

/// The configuration's text: JSON, or YAML, which JSON is a part of.
fn parse(body: &[u8]) -> Result<Value, Status> {
    let malformed = || Status::bad_request("error decoding YAML: the configuration is no YAML");
    let value: Value = match serde_json::from_slice(body) {
        Ok(value) => value,
        Err(_) => serde_saphyr::from_slice(body).map_err(|_| malformed())?,
    };
    if value.is_object() {
        Ok(value)
    } else {
        Err(malformed())
    }
}

/// A configuration says what it is for, and nothing about owners.
fn check(call: &Call, config: &Value) -> Result<(), Status> {
    let metadata = |field: &str| config.get("metadata")?.get(field);
    let text = |field: &str| {
        config
            .get(field)
            .and_then(Value::as_str)
            .unwrap_or_default()
    };
    let (version, kind) = (text("apiVersion"), text("kind"));
    let expected = call.definition.api_version();
    if (version, kind) != (expected.as_str(), call.definition.kind) {
        // The core group has no name, but is told of.
        let core = if version.contains('/') { "" } else { "/" };
        return Err(Status::bad_request(format!(
            "invalid object type: {core}{version}, Kind={kind}"
        )));
    }
    if metadata("managedFields").is_some_and(|given| !given.is_null()) {
        return Err(Status::bad_request("metadata.managedFields must be nil"));
    }
    for (field, expected) in [
        ("name", &call.target.name),
        ("namespace", &call.context.namespace),
    ] {
        let found = metadata(field).and_then(Value::as_str).unwrap_or_default();
        if !found.is_empty() && found != expected {
            return Err(Status::bad_request(format!(
                "the {field} of the object ({found}) does not match the {field} on the URL ({expected})"
            )));
        }
    }
    Ok(())
}

/// Saying that a field is nothing is not saying anything.
fn without_nulls(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            fields.retain(|_, value| !value.is_null());
            fields.values_mut().for_each(without_nulls);
        }
        Value::Array(items) => items.iter_mut().for_each(without_nulls),
        _ => {}
    }
}

fn refused(conflicts: &Conflicts) -> Status {
    conflicts.causes().iter().fold(
        Status::apply_conflict(&conflicts.to_string()),
        |status, (field, words)| status.with_cause("FieldManagerConflict", field, words),
    )
}
