//! Leases.

use k8s_openapi::api::coordination::v1::Lease;

use crate::resource::definition::{STORED, normalise};
use crate::resource::{Definition, Scope};
use crate::table::NAME_AND_AGE;

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
    selectable_fields: &[],
    merge: &[],
    columns: &NAME_AND_AGE,
    normalise: normalise::<Lease>,
};
