//! The rules of single kinds: what the server sets, what is valid, what may change, and who may do so.

pub(crate) mod certificate_request;
mod violation;

pub(crate) use violation::{Problem, Violation};
