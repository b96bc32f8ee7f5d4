//! Leases.

use k8s_openapi::api::coordination::v1::Lease;

use crate::resource::definition::{STORED, normalise};
use crate::resource::{Definition, NameRule, Scope};
use crate::table;

pub(super) static LEASES: Definition = Definition {
    group: "coordination.k8s.io",
    version: "v1",
    kind: "Lease",
    plural: "leases",
    singular: "lease",
    short_names: &[],
    scope: Scope::Namespaced,
    verbs: STORED,
    subresources: &[],
    name_rule: NameRule::Subdomain,
    needs_version: true,
    confidential: false,
    selectable_fields: &[],
    merge: &[],
    columns: &table::LEASES,
    normalise: normalise::<Lease>,
};
