//! Answers without what has to differ: times, UIDs, resource versions, generated names, digests of certificates, and signatures,
//! which come when a controller gets to it. What is null is left out: clients read both alike.

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

/// What a signature's key in cluster-info begins with.
const SIGNATURE: &str = "jws-kubeconfig-";

/// An answer as it is compared.
pub(crate) fn normalised(answer: Answer) -> Value {
    let documents: Vec<_> = answer.documents.into_iter().map(without_chance).collect();
    json!({
        "code": answer.code,
        "contentType": answer.content_type,
        "warnings": answer.warnings,
        "documents": documents,
    })
}

fn without_chance(value: Value) -> Value {
    match value {
        Value::Object(fields) => Value::Object(
            without_generated_name(fields)
                .into_iter()
                .filter(|(name, value)| !value.is_null() && !name.starts_with(SIGNATURE))
                .map(|(name, value)| {
                    let value = match (name.as_str(), value) {
                        ("resourceVersion", Value::String(version)) if !version.is_empty() => {
                            json!("VERSION")
                        }
                        ("cells", Value::Array(cells)) => {
                            Value::Array(cells.into_iter().map(without_age).collect())
                        }
                        // In the order of their times, whose seconds differ by chance.
                        ("managedFields", Value::Array(mut entries)) => {
                            let owner = |entry: &Value| {
                                ["operation", "manager", "subresource"]
                                    .map(|field| entry[field].to_string())
                            };
                            entries.sort_by_key(owner);
                            without_chance(entries.into())
                        }
                        // Kubernetes tells them in the order in which its cache has the bindings, which is none.
                        ("resourceRules" | "nonResourceRules", Value::Array(rules)) => {
                            let mut rules: Vec<_> = rules.into_iter().map(without_chance).collect();
                            rules.sort_by_key(Value::to_string);
                            Value::Array(rules)
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

/// Metadata whose name the server made up.
fn without_generated_name(mut fields: Map<String, Value>) -> Map<String, Value> {
    let text = |field: &str| fields.get(field).and_then(Value::as_str);
    if let (Some(base), Some(name)) = (text("generateName"), text("name"))
        && name.starts_with(base)
    {
        let name = format!("{base}GENERATED");
        fields.insert("name".to_owned(), name.into());
    }
    fields
}

fn without_age(cell: Value) -> Value {
    match cell.as_str() {
        Some(text) if AGE.is_match(text) => json!("AGE"),
        _ => without_chance(cell),
    }
}
