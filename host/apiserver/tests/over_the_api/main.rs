//! The server as its clients see it: over TLS on loopback, and in-process.

#![allow(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "the helpers of tests are tests"
)]

mod authentication;
mod authorization;
mod certificate_requests;
mod kubectl;
mod robustness;
mod support;
