//! The columns of each kind, as Kubernetes prints them.
//!
//! Source: `k8s.io/kubernetes/pkg/printers/internalversion/printers.go`.

mod certificates;
mod cluster;
mod core;
mod rbac;

pub(crate) use certificates::CERTIFICATE_SIGNING_REQUESTS;
pub(crate) use cluster::{EVENTS, LEASES, NODES};
pub(crate) use core::{CONFIG_MAPS, NAMESPACES, SECRETS, SERVICE_ACCOUNTS};
pub(crate) use rbac::{BINDINGS, ROLES};

use jiff::Timestamp;
use serde_json::Value;

use super::age;
use super::columns::{Column, Columns};
use crate::resource::Object;

/// Nothing that is printed: the columns of questions.
pub(crate) const NAME_ONLY: Columns = Columns {
    columns: &[Column::text("Name")],
    cells: |object, _now| vec![object.name().into()],
};

/// The `Age` cell.
fn age(object: &Object, now: Timestamp) -> Value {
    age::since(object.created(), now).into()
}

/// How many entries the objects at these fields have together.
fn entries(object: &Object, fields: &[&str]) -> usize {
    fields
        .iter()
        .filter_map(|field| object.field(field)?.as_object())
        .map(serde_json::Map::len)
        .sum()
}

/// A text, or what stands for none.
fn or<'a>(text: &'a str, none: &'a str) -> &'a str {
    if text.is_empty() { none } else { text }
}
