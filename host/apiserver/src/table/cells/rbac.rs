//! Roles and bindings, of a namespace or of the cluster.

use serde_json::Value;

use super::{Column, Columns, age};
use crate::resource::Object;

/// Roles and ClusterRoles.
pub(crate) const ROLES: Columns = Columns {
    columns: &[Column::text("Name"), Column::date("Created At")],
    cells: |object, _now| {
        vec![
            object.name().into(),
            object.metadata_text("creationTimestamp").into(),
        ]
    },
};

/// RoleBindings and ClusterRoleBindings.
pub(crate) const BINDINGS: Columns = Columns {
    columns: &[
        Column::text("Name"),
        Column::text("Role"),
        Column::text("Age"),
        Column::text("Users").wide(),
        Column::text("Groups").wide(),
        Column::text("ServiceAccounts").wide(),
    ],
    cells: |object, now| {
        let role = format!(
            "{}/{}",
            object.text_at(&["roleRef", "kind"]),
            object.text_at(&["roleRef", "name"])
        );
        vec![
            object.name().into(),
            role.into(),
            age(object, now),
            subjects(object, "User").into(),
            subjects(object, "Group").into(),
            subjects(object, "ServiceAccount").into(),
        ]
    },
};

fn subjects(binding: &Object, kind: &str) -> String {
    let names: Vec<String> = binding
        .field("subjects")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter(|subject| subject.get("kind").and_then(Value::as_str) == Some(kind))
        .map(|subject| {
            let text = |field| subject.get(field).and_then(Value::as_str).unwrap_or("");
            match text("namespace") {
                "" => text("name").to_owned(),
                namespace => format!("{namespace}/{}", text("name")),
            }
        })
        .collect();
    names.join(", ")
}
