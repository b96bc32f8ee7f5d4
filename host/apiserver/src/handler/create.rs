//! `create`: a new object.

use axum::body::Body;
use http::{Response, StatusCode};
use ring::rand::{SecureRandom as _, SystemRandom};
use serde_json::Value;

use super::call::{Call, with_warnings};
use super::{body, namespace, owners};
use crate::codec::Decoded;
use crate::request::{OptionsKind, WriteOptions};
use crate::resource::{Change, Object, metadata};
use crate::status::Status;
use crate::store::{Action, Write, WriteError};
use crate::strategy::Violation;

/// How often a generated name may meet an existing one.
const GENERATED_NAMES: usize = 8;

/// What generated names end with: no vowels, so that no words arise.
const ALPHABET: &[u8; 27] = b"bcdfghjklmnpqrstvwxz2456789";

/// How many characters are generated.
const GENERATED_LENGTH: usize = 5;

/// Creates the object in the body.
pub(super) async fn create(mut call: Call, body: Body) -> Result<Response<Body>, Status> {
    if call.context.subresource.is_some() || !call.target.name.is_empty() {
        return Err(Status::method_not_allowed());
    }
    let options = WriteOptions::parse(call.query(), OptionsKind::CREATE)?;
    let Decoded { object, warnings } = body::object(&mut call, &options, body).await?;
    if !object.resource_version().is_empty() {
        return Err(Status::bad_request(
            "resourceVersion should not be set on objects to be created",
        ));
    }
    let base = object.metadata_text("generateName").to_owned();
    let generate = object.name().is_empty() && !base.is_empty();
    for _ in 0..GENERATED_NAMES {
        let mut attempt = object.clone();
        if generate {
            attempt.set_metadata_text("name", &generated_name(&base)?);
        }
        let name = attempt.name().to_owned();
        match commit(&call, attempt, None).await {
            Err(Failure::Write(WriteError::Exists(_))) if generate => {}
            Err(Failure::Write(error)) => return Err(call.refused(error, &name)),
            Err(Failure::Refused(status)) => return Err(status),
            Ok(response) => return Ok(with_warnings(response, &warnings)),
        }
    }
    Err(Status::already_exists(
        &call.definition.group_resource(),
        &base,
    ))
}

/// Creates an object whose fields have owners.
pub(super) async fn create_as(
    call: &Call,
    object: Object,
    managed: Option<Value>,
) -> Result<Response<Body>, Status> {
    commit(call, object, managed)
        .await
        .map_err(|failure| match failure {
            Failure::Refused(status) => status,
            Failure::Write(error) => call.refused(error, &call.target.name),
        })
}

enum Failure {
    Refused(Status),
    Write(WriteError),
}

impl From<Status> for Failure {
    fn from(status: Status) -> Self {
        Self::Refused(status)
    }
}

/// One attempt at a name.
async fn commit(
    call: &Call,
    mut object: Object,
    managed: Option<Value>,
) -> Result<Response<Body>, Failure> {
    metadata::prepare_create(&mut object, &new_uid()?, call.context.now);
    let violations = metadata::validate(&object, call.definition);
    if !violations.is_empty() {
        return Err(invalid(call, &object, &violations).into());
    }
    if namespace::is_namespace(call.definition) {
        namespace::prepare_create(&mut object);
    }
    let name = object.name().to_owned();
    let key = call.key_of(&name);
    // Told before the rules run: whether they would hold is of no interest then.
    if let Some(found) = call.api.store.get(&key) {
        return Err(Failure::Write(WriteError::Exists(found)));
    }
    let mut object = call.api.rules.admit(None, object, &call.context).await?;
    owners::set(&mut object, managed);
    namespace::check(call)?;
    if call.context.dry_run {
        return Ok(call.respond_object(StatusCode::CREATED, &object)?);
    }
    call.api
        .rules
        .before_commit(Change::Create(&object), &call.context)
        .await?;
    let write = Write {
        key,
        action: Action::Create(object),
        namespace: call.namespace_key(),
    };
    let event = call.api.store.write(write).await.map_err(Failure::Write)?;
    Ok(call.respond(StatusCode::CREATED, &event.record)?)
}

/// 422 with everything that is wrong.
pub(super) fn invalid(call: &Call, object: &Object, violations: &[Violation]) -> Status {
    Status::invalid(&call.definition.group_kind(), object.name(), violations)
}

fn generated_name(base: &str) -> Result<String, Status> {
    // The whole stays within a DNS label, as in Kubernetes.
    let base = base.chars().take(63 - GENERATED_LENGTH);
    let suffix = random::<GENERATED_LENGTH>()?;
    let suffix = suffix
        .iter()
        .filter_map(|byte| ALPHABET.get(usize::from(*byte) % ALPHABET.len()))
        .map(|letter| char::from(*letter));
    Ok(base.chain(suffix).collect())
}

fn new_uid() -> Result<String, Status> {
    let [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p] = random::<16>()?;
    // Version 4, variant 1 (RFC 9562).
    let (g, i) = ((g & 0x0f) | 0x40, (i & 0x3f) | 0x80);
    Ok(format!(
        "{a:02x}{b:02x}{c:02x}{d:02x}-{e:02x}{f:02x}-{g:02x}{h:02x}-{i:02x}{j:02x}-{k:02x}{l:02x}{m:02x}{n:02x}{o:02x}{p:02x}"
    ))
}

fn random<const N: usize>() -> Result<[u8; N], Status> {
    let mut bytes = [0; N];
    SystemRandom::new()
        .fill(&mut bytes)
        .map_err(|_| Status::internal("the system has no random numbers"))?;
    Ok(bytes)
}
