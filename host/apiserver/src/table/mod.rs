//! Server-side printing: objects as rows of a `meta.k8s.io/v1` Table, with Kubernetes' own columns.

mod columns;

pub(crate) use columns::NAME_AND_AGE;

pub(crate) use columns::{Column, Columns};
