//! Certificates, signing requests, guardrails, signatures and the decisions of a bootstrap.
//!
//! No input or output and no clock: times are parameters, and what the cluster holds is handed in as facts. The only
//! outside help is the operating system's randomness, for keys, serial numbers and signatures.
//!
//! The types carry the proof. [`guardrail::GuardedRequest`] comes from [`guardrail::check`] only,
//! [`jws::SignedBytes`] from [`jws::verify`] only, and [`decision::trust::VerifiedTrust`] from
//! [`decision::trust::establish`] only; a function that takes one of them cannot be reached without the check.

pub mod alpha_discovery;
pub mod ca;
pub mod certificate;
pub mod csr;
pub mod decision;
pub mod guardrail;
pub mod jws;
pub mod key;
pub mod kubeconfig;
mod pem;
pub mod signer;
pub mod statement;
mod time;
