//! Leases.

use k8s_openapi::api::coordination::v1::Lease;

use crate::resource::Definition;
use crate::table;

pub(super) static LEASES: Definition = Definition {
    needs_version: true,
    ..Definition::stored::<Lease>(&table::LEASES)
};
