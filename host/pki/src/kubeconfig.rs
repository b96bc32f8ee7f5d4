//! Kubeconfig files, read strictly and written.
//!
//! Slipway reads two kinds: the one in cluster-info, which describes a cluster and holds no identity
//! ([`ClusterInfoKubeconfig`]), and the one that an operator or a node has, with one cluster and at most one identity
//! ([`Kubeconfig`]). What would run a program, give up verification or need another file to be read is refused, and so
//! is what is not known.

mod cluster_info;
mod general;
mod raw;

use crate::ca::BundleError;
use crate::certificate::CertificateError;
use crate::key::KeyError;
use slipway_config::endpoint::EndpointError;

pub use cluster_info::{ClusterInfoKubeconfig, ENDPOINTS_EXTENSION};
pub use general::{ClientCertificateFiles, Credentials, Kubeconfig, Redacted};

/// Longest kubeconfig that is read, in bytes: what fits into an object of Kubernetes.
pub const LIMIT: usize = 1024 * 1024;

/// Why a kubeconfig is refused, or cannot be written. No value from it is ever repeated, but names and URLs.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KubeconfigError {
    /// It is longer than any honest one.
    #[error("the kubeconfig is {0} bytes long; expected at most {LIMIT}")]
    TooLarge(usize),
    /// It is no YAML, or not of a kubeconfig's form.
    #[error("the kubeconfig cannot be read at line {line}, column {column}: {reason}")]
    Form {
        /// The line, from 1; 0 where it is not known.
        line: u64,
        /// The column, from 1; 0 where it is not known.
        column: u64,
        /// What is wrong, without values.
        reason: String,
    },
    /// It is a document of another kind.
    #[error(
        "it is a document of apiVersion {api_version:?} and kind {kind:?}; expected a kubeconfig, v1 and Config"
    )]
    Kind {
        /// The document's apiVersion.
        api_version: String,
        /// The document's kind.
        kind: String,
    },
    /// It does not have exactly one of something.
    #[error("the kubeconfig has {count} {what}; expected {expected}")]
    Count {
        /// What it has: `clusters`.
        what: &'static str,
        /// How many.
        count: usize,
        /// How many were expected.
        expected: &'static str,
    },
    /// It has something that Slipway does not do.
    #[error("the kubeconfig has {what}, which is refused: {why}")]
    Refused {
        /// What it has: `exec`.
        what: &'static str,
        /// Why that is refused.
        why: &'static str,
    },
    /// Its current context names something that is not there.
    #[error("the kubeconfig's current context {0:?} does not lead to its cluster and user")]
    Context(String),
    /// It names no server.
    #[error("the kubeconfig's cluster has no server; expected https://host:port")]
    NoServer,
    /// Its server cannot be used.
    #[error("the kubeconfig's server cannot be used: {0}")]
    Server(#[from] EndpointError),
    /// Something in it is not base64.
    #[error("the kubeconfig's {0} is not base64")]
    Base64(&'static str),
    /// Its CA certificates cannot be used.
    #[error("the kubeconfig's certificate-authority-data cannot be used: {0}")]
    Ca(#[from] BundleError),
    /// Its client certificate cannot be used.
    #[error("the kubeconfig's client-certificate-data cannot be used: {0}")]
    ClientCertificate(#[from] CertificateError),
    /// Its client key cannot be used.
    #[error("the kubeconfig's client-key-data cannot be used: {0}")]
    ClientKey(#[from] KeyError),
    /// Its client certificate and key do not belong together.
    #[error("the kubeconfig's client-key-data does not belong to its client-certificate-data")]
    KeyMismatch,
    /// The text cannot be written.
    #[error("the kubeconfig cannot be written: {0}")]
    Write(String),
}

#[cfg(test)]
mod tests;
