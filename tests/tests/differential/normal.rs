//! Answers without what has to differ: times, UIDs, resource versions, digests of certificates. What is null is left out:
//! clients read both alike.

use std::sync::LazyLock;

use regex::Regex;
use serde_json::{Map, Value, json};

use crate::server::Answer;

/// A moment as the API writes it, with or without microseconds.
static TIME: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z").expect("a pattern"));

/// The only cell of a table that is nothing but an age.
static AGE: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"^(<invalid>|(\d+[smhdy])+)$").expect("a pattern"));

/// A UID, wherever it stands.
static UID: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}").expect("a pattern")
});

/// The digest of the certificate with which the question came.
static CREDENTIAL: LazyLock<Regex> =
    LazyLock::new(|| Regex::new("X509SHA256=[0-9a-f]{64}").expect("a pattern"));

/// An answer as it is compared.
pub(crate) fn normalised(answer: Answer) -> Value {
    let documents: Vec<_> = answer.documents.into_iter().map(without_chance).collect();
    json!({
        "code": answer.code,
        "contentType": answer.content_type,
        "documents": documents,
    })
}

fn without_chance(value: Value) -> Value {
    match value {
        Value::Object(fields) => Value::Object(
            fields
                .into_iter()
                .filter(|(_, value)| !value.is_null())
                .map(|(name, value)| {
                    let value = match (name.as_str(), value) {
                        ("resourceVersion", Value::String(version)) if !version.is_empty() => {
                            json!("VERSION")
                        }
                        ("cells", Value::Array(cells)) => {
                            Value::Array(cells.into_iter().map(without_age).collect())
                        }
                        (_, value) => without_chance(value),
                    };
                    (name, value)
                })
                .collect::<Map<_, _>>(),
        ),
        Value::Array(items) => items.into_iter().map(without_chance).collect(),
        Value::String(text) => {
            let text = TIME.replace_all(&text, "TIME");
            let text = UID.replace_all(&text, "UID");
            Value::String(CREDENTIAL.replace_all(&text, "DIGEST").into_owned())
        }
        other => other,
    }
}

fn without_age(cell: Value) -> Value {
    match cell.as_str() {
        Some(text) if AGE.is_match(text) => json!("AGE"),
        _ => without_chance(cell),
    }
}
