//! Namespaces, Secrets, ConfigMaps, ServiceAccounts.

use serde_json::Value;

use super::{Column, Columns, age, entries};

/// Namespaces.
pub(crate) const NAMESPACES: Columns = Columns {
    columns: &[
        Column::text("Name"),
        Column::text("Status"),
        Column::text("Age"),
    ],
    cells: |object, now| {
        vec![
            object.name().into(),
            object.text_at(&["status", "phase"]).into(),
            age(object, now),
        ]
    },
};

/// Secrets: their values never.
pub(crate) const SECRETS: Columns = Columns {
    columns: &[
        Column::text("Name"),
        Column::text("Type"),
        Column::text("Data"),
        Column::text("Age"),
    ],
    cells: |object, now| {
        vec![
            object.name().into(),
            object.text_at(&["type"]).into(),
            entries(object, &["data"]).into(),
            age(object, now),
        ]
    },
};

/// ConfigMaps.
pub(crate) const CONFIG_MAPS: Columns = Columns {
    columns: &[
        Column::text("Name"),
        Column::text("Data"),
        Column::text("Age"),
    ],
    cells: |object, now| {
        vec![
            object.name().into(),
            entries(object, &["data", "binaryData"]).into(),
            age(object, now),
        ]
    },
};

/// ServiceAccounts.
pub(crate) const SERVICE_ACCOUNTS: Columns = Columns {
    columns: &[
        Column::text("Name"),
        Column::text("Secrets"),
        Column::text("Age"),
    ],
    cells: |object, now| {
        let secrets = object.field("secrets").and_then(Value::as_array);
        vec![
            object.name().into(),
            secrets.map_or(0, Vec::len).into(),
            age(object, now),
        ]
    },
};
