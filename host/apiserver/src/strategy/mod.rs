//! The rules of single kinds: what the server sets, what is valid, what may change, and who may do so.

pub(crate) mod admission;
pub(crate) mod certificate_request;
mod data;
pub(crate) mod fairness;
pub(crate) mod node;
pub(crate) mod roles;
mod violation;

pub use fairness::RequestLimits;
pub(crate) use violation::{Problem, Violation};
