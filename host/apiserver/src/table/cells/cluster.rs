//! Nodes, Leases, Events.

use jiff::Timestamp;
use serde_json::Value;

use super::super::age;
use super::{Column, Columns, or};
use crate::resource::Object;

/// The label that names a node's role, in two generations.
const ROLE_PREFIX: &str = "node-role.kubernetes.io/";
const ROLE_LABEL: &str = "kubernetes.io/role";

/// Nodes.
pub(crate) const NODES: Columns = Columns {
    columns: &[
        Column::text("Name"),
        Column::text("Status"),
        Column::text("Roles"),
        Column::text("Age"),
        Column::text("Version"),
        Column::text("Internal-IP").wide(),
        Column::text("External-IP").wide(),
        Column::text("OS-Image").wide(),
        Column::text("Kernel-Version").wide(),
        Column::text("Container-Runtime").wide(),
    ],
    cells: |object, now| {
        let info = |field| object.text_at(&["status", "nodeInfo", field]);
        vec![
            object.name().into(),
            status(object).into(),
            roles(object).into(),
            super::age(object, now),
            info("kubeletVersion").into(),
            address(object, "InternalIP").into(),
            address(object, "ExternalIP").into(),
            or(info("osImage"), "<unknown>").into(),
            or(info("kernelVersion"), "<unknown>").into(),
            or(info("containerRuntimeVersion"), "<unknown>").into(),
        ]
    },
};

/// Leases.
pub(crate) const LEASES: Columns = Columns {
    columns: &[
        Column::text("Name"),
        Column::text("Holder"),
        Column::text("Age"),
    ],
    cells: |object, now| {
        vec![
            object.name().into(),
            object.text_at(&["spec", "holderIdentity"]).into(),
            super::age(object, now),
        ]
    },
};

/// Events.
pub(crate) const EVENTS: Columns = Columns {
    columns: &[
        Column::text("Last Seen"),
        Column::text("Type"),
        Column::text("Reason"),
        Column::text("Object"),
        Column::text("Subobject").wide(),
        Column::text("Source").wide(),
        Column::text("Message"),
        Column::text("First Seen").wide(),
        Column::number("Count").wide(),
        Column::text("Name").wide(),
    ],
    cells: |object, now| {
        let first = time(object, &["firstTimestamp"]).or_else(|| time(object, &["eventTime"]));
        let last = time(object, &["series", "lastObservedTime"])
            .or_else(|| time(object, &["lastTimestamp"]))
            .or(first);
        let count = object
            .at(&["series", "count"])
            .or_else(|| object.at(&["count"]))
            .and_then(Value::as_i64)
            .unwrap_or(1);
        vec![
            age::since(last, now).into(),
            object.text_at(&["type"]).into(),
            object.text_at(&["reason"]).into(),
            involved(object).into(),
            object.text_at(&["involvedObject", "fieldPath"]).into(),
            source(object).into(),
            object.text_at(&["message"]).trim().into(),
            age::since(first, now).into(),
            count.into(),
            object.name().into(),
        ]
    },
};

fn status(node: &Object) -> String {
    let ready = conditions(node)
        .find(|condition| condition.get("type").and_then(Value::as_str) == Some("Ready"))
        .and_then(|condition| condition.get("status")?.as_str());
    let mut words = match ready {
        Some("True") => "Ready",
        Some(_) => "NotReady",
        None => "Unknown",
    }
    .to_owned();
    if node.at(&["spec", "unschedulable"]) == Some(&Value::Bool(true)) {
        words.push_str(",SchedulingDisabled");
    }
    words
}

fn conditions(node: &Object) -> impl Iterator<Item = &Value> {
    node.at(&["status", "conditions"])
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
}

fn roles(node: &Object) -> String {
    let labels = node.metadata().get("labels").and_then(Value::as_object);
    let mut roles: Vec<&str> = labels
        .into_iter()
        .flatten()
        .filter_map(|(key, value)| match key.strip_prefix(ROLE_PREFIX) {
            Some(role) => Some(role),
            None => value.as_str().filter(|_| key == ROLE_LABEL),
        })
        .filter(|role| !role.is_empty())
        .collect();
    roles.sort_unstable();
    roles.dedup();
    or(&roles.join(","), "<none>").to_owned()
}

fn address(node: &Object, kind: &str) -> String {
    node.at(&["status", "addresses"])
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .find(|address| address.get("type").and_then(Value::as_str) == Some(kind))
        .and_then(|address| address.get("address")?.as_str())
        .unwrap_or("<none>")
        .to_owned()
}

fn time(object: &Object, path: &[&str]) -> Option<Timestamp> {
    object.text_at(path).parse().ok()
}

fn involved(event: &Object) -> String {
    let kind = event.text_at(&["involvedObject", "kind"]).to_lowercase();
    let name = event.text_at(&["involvedObject", "name"]);
    if name.is_empty() {
        kind
    } else {
        format!("{kind}/{name}")
    }
}

fn source(event: &Object) -> String {
    let component = or(
        event.text_at(&["source", "component"]),
        event.text_at(&["reportingComponent"]),
    );
    let host = or(
        event.text_at(&["source", "host"]),
        event.text_at(&["reportingInstance"]),
    );
    if host.is_empty() {
        component.to_owned()
    } else {
        format!("{component}, {host}")
    }
}
