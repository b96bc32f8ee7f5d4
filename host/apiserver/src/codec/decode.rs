//! Bodies of requests.

use std::time::Duration;

use axum::body::Body;
use bytes::Bytes;
use http::{HeaderMap, header};
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::DeleteOptions;
use serde_json::{Value, json};

use super::protobuf::{self, Protobuf};
use super::{JSON, PROTOBUF, duplicates};
use crate::request::FieldValidation;
use crate::resource::{Definition, Object, ObjectError};
use crate::status::Status;

/// A body may be this long, as in Kubernetes.
const BODY_BYTES: usize = 3 * 1024 * 1024;

/// A body may take this long to arrive: who sends it drop by drop holds a connection.
const BODY_TIME: Duration = Duration::from_secs(30);

/// An object from a body, and what was in the body that its kind does not know.
#[derive(Debug)]
pub(crate) struct Decoded {
    pub(crate) object: Object,
    /// Sentences for `Warning` headers.
    pub(crate) warnings: Vec<String>,
}

/// The media type of a body, without parameters; JSON where none is given.
pub(crate) fn media_type(headers: &HeaderMap) -> String {
    headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.split(';').next())
        .map(|value| value.trim().to_ascii_lowercase())
        .filter(|value| !value.is_empty())
        .unwrap_or_else(|| JSON.to_owned())
}

/// Reads a whole body.
///
/// # Errors
/// 413 when it is too long, 400 when it breaks off or comes too slowly.
pub(crate) async fn read(body: Body) -> Result<Bytes, Status> {
    read_within(body, BODY_TIME).await
}

async fn read_within(body: Body, time: Duration) -> Result<Bytes, Status> {
    let reading = Limited::new(body, BODY_BYTES).collect();
    let read = tokio::time::timeout(time, reading)
        .await
        .map_err(|_| Status::bad_request("the body of the request took too long to arrive"))?;
    match read {
        Ok(collected) => Ok(collected.to_bytes()),
        Err(error) if error.is::<LengthLimitError>() => Err(Status::too_large(BODY_BYTES)),
        Err(_) => Err(Status::bad_request("the body of the request broke off")),
    }
}

/// Reads the object in a body.
///
/// # Errors
/// 415, 413, or 400 when the body is not an object of the resource's kind.
pub(crate) async fn decode(
    headers: &HeaderMap,
    body: Body,
    definition: &Definition,
    validation: FieldValidation,
) -> Result<Decoded, Status> {
    match media_type(headers).as_str() {
        JSON => json_object(&read(body).await?, definition, validation),
        PROTOBUF => message(&read(body).await?, definition),
        _ => Err(unsupported()),
    }
}

fn json_object(
    body: &[u8],
    definition: &Definition,
    validation: FieldValidation,
) -> Result<Decoded, Status> {
    let (value, flaws) = duplicates::parse(body).map_err(|error| {
        // Where, not what: the text may be a Secret's.
        let (line, column) = (error.line(), error.column());
        unrecognized(
            definition,
            &format!("it is no JSON at line {line}, column {column}"),
        )
    })?;
    // As Go reads nothing into an object.
    let value = match value {
        Value::Null => json!({}),
        value => value,
    };
    typed(value, definition, validation, flaws)
}

/// Reads a message. What it holds beyond its kind cannot be named: there is no validation of fields to ask for.
fn message(body: &[u8], definition: &Definition) -> Result<Decoded, Status> {
    let envelope =
        protobuf::open(body).map_err(|error| unrecognized(definition, &error.to_string()))?;
    for (field, found, expected) in [
        (
            "apiVersion",
            &envelope.api_version,
            definition.api_version().as_str(),
        ),
        ("kind", &envelope.kind, definition.kind),
    ] {
        if !found.is_empty() && found != expected {
            return Err(wrong_type(field, &format!("{found:?}"), expected));
        }
    }
    let object = definition
        .protobuf
        .decode(&envelope.message)
        .map_err(|error| unreadable(definition, &error))?;
    Ok(Decoded {
        object,
        warnings: Vec::new(),
    })
}

/// Reads a value as the resource's kind. `flaws` are those of the text that it was read from.
///
/// # Errors
/// 400 when it is not of that kind.
pub(crate) fn typed(
    mut value: Value,
    definition: &Definition,
    validation: FieldValidation,
    flaws: Vec<String>,
) -> Result<Decoded, Status> {
    check_type(&mut value, definition)?;
    let wrong = |error: ObjectError| unreadable(definition, &error);
    let unchecked = Object::from_value(value.clone()).map_err(wrong)?;
    let object = (definition.normalise)(unchecked).map_err(wrong)?;
    if validation == FieldValidation::Ignore {
        return Ok(Decoded {
            object,
            warnings: Vec::new(),
        });
    }
    let mut unknown = Vec::new();
    unknown_fields(&value, &object.clone().into_value(), "", &mut unknown);
    let unknown = unknown
        .iter()
        .map(|field| format!("unknown field {field:?}"));
    let warnings: Vec<String> = unknown.chain(flaws).collect();
    if validation == FieldValidation::Strict && !warnings.is_empty() {
        let why = format!("strict decoding error: {}", warnings.join(", "));
        return Err(malformed(definition, &why));
    }
    Ok(Decoded { object, warnings })
}

/// Reads the options in a body, if there is one.
///
/// # Errors
/// 415, 413, or 400 when they cannot be read.
pub(crate) async fn decode_options(headers: &HeaderMap, body: Body) -> Result<Value, Status> {
    let bytes = read(body).await?;
    if bytes.is_empty() {
        return Ok(Value::Null);
    }
    match media_type(headers).as_str() {
        JSON => {}
        PROTOBUF => return message_options(&bytes),
        _ => return Err(unsupported()),
    }
    match serde_json::from_slice(&bytes) {
        Ok(value @ (Value::Object(_) | Value::Null)) => Ok(value),
        Ok(_) => Err(Status::bad_request(
            "the options in the body are no JSON object",
        )),
        Err(error) => Err(Status::bad_request(format!(
            "the options in the body are no JSON: {error}"
        ))),
    }
}

fn message_options(bytes: &[u8]) -> Result<Value, Status> {
    const OPTIONS: Protobuf = Protobuf::of::<DeleteOptions>();
    let object = protobuf::open(bytes)
        .and_then(|envelope| OPTIONS.decode(&envelope.message))
        .map_err(|error| {
            Status::bad_request(format!("the options in the body cannot be read: {error}"))
        })?;
    Ok(object.into_value())
}

fn unsupported() -> Status {
    Status::unsupported_media_type(&[JSON, PROTOBUF])
}

/// 400 for bytes that are no object at all.
fn unrecognized(definition: &Definition, why: &str) -> Status {
    Status::bad_request(format!(
        "the object provided is unrecognized (must be of type {}): {why}",
        definition.kind
    ))
}

/// 400 for an object that cannot be read. The error may repeat what stands in it.
fn unreadable(definition: &Definition, error: &dyn std::fmt::Display) -> Status {
    match definition.confidential {
        true => malformed(
            definition,
            &"a field has the wrong type (it is not shown: it may be secret)",
        ),
        false => malformed(definition, error),
    }
}

/// 400 for an object that is not of its kind.
fn malformed(definition: &Definition, why: &dyn std::fmt::Display) -> Status {
    Status::bad_request(format!(
        "{kind} in version {version:?} cannot be handled as a {kind}: {why}",
        kind = definition.kind,
        version = definition.version
    ))
}

/// 400 for an object of another type.
fn wrong_type(field: &str, found: &str, expected: &str) -> Status {
    Status::bad_request(format!(
        "the {field} in the data ({found}) does not match the expected {field} ({expected})"
    ))
}

/// The body's type is the resource's; one that is not said is filled in.
fn check_type(value: &mut Value, definition: &Definition) -> Result<(), Status> {
    let Value::Object(fields) = value else {
        return Err(unrecognized(definition, "it is no JSON object"));
    };
    let expected = definition.api_version();
    for (field, expected) in [("apiVersion", expected.as_str()), ("kind", definition.kind)] {
        match fields.get(field) {
            None | Some(Value::Null) => {
                fields.insert(field.to_owned(), expected.into());
            }
            Some(Value::String(found)) if found == expected => {}
            Some(Value::String(found)) if found.is_empty() => {
                fields.insert(field.to_owned(), expected.into());
            }
            Some(other) => return Err(wrong_type(field, &other.to_string(), expected)),
        }
    }
    Ok(())
}

/// The paths of fields that are in the first value and not in the second.
fn unknown_fields(given: &Value, known: &Value, path: &str, found: &mut Vec<String>) {
    match (given, known) {
        (Value::Object(given), Value::Object(known)) => {
            for (name, value) in given {
                let path = if path.is_empty() {
                    name.clone()
                } else {
                    format!("{path}.{name}")
                };
                match known.get(name) {
                    Some(known) => unknown_fields(value, known, &path, found),
                    None if value.is_null() => {}
                    None => found.push(path),
                }
            }
        }
        (Value::Array(given), Value::Array(known)) => {
            for (index, (given, known)) in given.iter().zip(known).enumerate() {
                unknown_fields(given, known, &format!("{path}[{index}]"), found);
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resource::Registry;

    fn object_of(
        plural: &str,
        value: Value,
        validation: FieldValidation,
    ) -> Result<Decoded, Status> {
        let registry = Registry::new(Default::default());
        let definition = registry.find("", "v1", plural).unwrap().definition();
        typed(value, definition, validation, Vec::new())
    }

    #[tokio::test]
    async fn a_body_that_does_not_end_is_given_up() {
        let endless =
            Body::from_stream(futures::stream::pending::<Result<Bytes, std::io::Error>>());
        let refused = read_within(endless, Duration::from_millis(10)).await;
        assert_eq!(refused.unwrap_err().code(), 400);
    }

    #[tokio::test]
    async fn three_mebibytes_are_the_most() {
        assert!(read(Body::from(vec![b' '; BODY_BYTES])).await.is_ok());
        let refused = read(Body::from(vec![b' '; BODY_BYTES + 1])).await;
        assert_eq!(refused.unwrap_err().code(), 413);
    }

    #[test]
    fn a_missing_type_is_filled_in_and_a_wrong_one_refused() {
        let decoded = object_of(
            "configmaps",
            json!({"data": {"a": "b"}}),
            FieldValidation::Warn,
        );
        assert_eq!(
            decoded.unwrap().object.into_value(),
            json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {}, "data": {"a": "b"}})
        );
        for wrong in [
            json!({"kind": "Secret"}),
            json!({"apiVersion": "v2"}),
            json!({"kind": 1}),
            json!([]),
        ] {
            let status = object_of("configmaps", wrong, FieldValidation::Warn).unwrap_err();
            assert_eq!(status.code(), 400);
        }
    }

    #[test]
    fn unknown_fields_are_dropped_told_or_refused() {
        let value = json!({"metadata": {"name": "a", "nmae": "b"}, "dta": {}, "binaryData": null});
        let decoded = object_of("configmaps", value.clone(), FieldValidation::Warn).unwrap();
        assert_eq!(
            decoded.warnings,
            ["unknown field \"metadata.nmae\"", "unknown field \"dta\""]
        );
        assert_eq!(decoded.object.field("dta"), None);
        let ignored = object_of("configmaps", value.clone(), FieldValidation::Ignore).unwrap();
        assert!(ignored.warnings.is_empty());
        let strict = object_of("configmaps", value, FieldValidation::Strict).unwrap_err();
        assert_eq!(
            strict.message(),
            "ConfigMap in version \"v1\" cannot be handled as a ConfigMap: strict decoding error: unknown field \"metadata.nmae\", unknown field \"dta\""
        );
    }

    #[test]
    fn what_stands_twice_is_told_or_refused() {
        let registry = Registry::new(Default::default());
        let definition = registry.find("", "v1", "configmaps").unwrap().definition();
        let body = br#"{"data": {"a": "b"}, "data": {"a": "c"}}"#;
        let read = |validation| json_object(body, definition, validation);
        let decoded = read(FieldValidation::Warn).unwrap();
        assert_eq!(decoded.object.field("data"), Some(&json!({"a": "c"})));
        assert_eq!(decoded.warnings, ["duplicate field \"data\""]);
        assert!(read(FieldValidation::Ignore).unwrap().warnings.is_empty());
        assert_eq!(
            read(FieldValidation::Strict).unwrap_err().message(),
            "ConfigMap in version \"v1\" cannot be handled as a ConfigMap: strict decoding error: duplicate field \"data\""
        );
    }

    #[test]
    fn a_secrets_values_are_not_repeated() {
        let value = json!({"data": {"a": "hunter2!"}});
        let status = object_of("secrets", value, FieldValidation::Warn).unwrap_err();
        assert!(!status.message().contains("hunter2"), "{status}");
        let value = json!({"data": {"a": 7}});
        let status = object_of("configmaps", value, FieldValidation::Warn).unwrap_err();
        assert!(
            status
                .message()
                .contains("cannot be handled as a ConfigMap"),
            "{status}"
        );
    }
}
