//! What a request asks for, read from its method, path and query.

mod info;
mod options;

pub(crate) use info::{RequestInfo, ResourceRequest};
pub(crate) use options::{
    FieldValidation, ListOptions, OptionsKind, ResourceVersionMatch, WriteOptions, query_value,
    wrong_dry_run,
};

#[cfg(test)]
mod tests;
