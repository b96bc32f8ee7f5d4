//! The messages of what is served, group by group.

mod authentication;
mod authorization;
mod certificates;
mod coordination;
mod core;
mod meta;
mod node;
mod rbac;

pub(in crate::codec) use meta::PartialObjectMetadata;

use super::message::{extra_value, message};
