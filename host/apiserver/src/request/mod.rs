//! What a request asks for, read from its method, path and query.

mod info;
mod options;

pub(crate) use info::{RequestInfo, ResourceRequest};
pub(crate) use options::{
    FieldValidation, ListOptions, ResourceVersionMatch, WriteOptions, query_value,
};

#[cfg(test)]
mod tests;
