//! The server as its clients see it: over TLS on loopback, and in-process.

mod authentication;
mod authorization;
mod certificate_requests;
mod support;
