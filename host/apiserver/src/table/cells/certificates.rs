//! Certificate signing requests.

use serde_json::Value;

use super::super::age::human;
use super::{Column, Columns, age, or};
use crate::resource::Object;

/// Certificate signing requests.
pub(crate) const CERTIFICATE_SIGNING_REQUESTS: Columns = Columns {
    columns: &[
        Column::text("Name"),
        Column::text("Age"),
        Column::text("SignerName"),
        Column::text("Requestor"),
        Column::text("RequestedDuration"),
        Column::text("Condition"),
    ],
    cells: |object, now| {
        let duration = object
            .at(&["spec", "expirationSeconds"])
            .and_then(Value::as_i64)
            .map_or_else(|| "<none>".to_owned(), human);
        vec![
            object.name().into(),
            age(object, now),
            or(object.text_at(&["spec", "signerName"]), "<none>").into(),
            object.text_at(&["spec", "username"]).into(),
            duration.into(),
            condition(object).into(),
        ]
    },
};

/// `Pending`, or what was decided, and whether the certificate is there.
fn condition(object: &Object) -> String {
    let conditions = object
        .at(&["status", "conditions"])
        .and_then(Value::as_array);
    let has = |wanted: &str| {
        conditions
            .into_iter()
            .flatten()
            .any(|condition| condition.get("type").and_then(Value::as_str) == Some(wanted))
    };
    let decision = if has("Denied") {
        "Denied"
    } else if has("Approved") {
        "Approved"
    } else {
        "Pending"
    };
    let mut words = decision.to_owned();
    if has("Failed") {
        words.push_str(",Failed");
    }
    if !object.text_at(&["status", "certificate"]).is_empty() {
        words.push_str(",Issued");
    }
    words
}
