//! OpenAPI: what clients learn of the fields and of what they may ask for.
//!
//! Version 3 is made from the types that the server reads and writes, so that it says what is served and no more.

mod paths;
mod schemas;
mod v2;
mod v3;

pub(crate) use v3::OpenApi;

pub(super) use v2::answer as v2;
