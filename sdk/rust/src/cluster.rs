//! Read-only access to the objects of the cluster that the operator granted. Needs a grant `cluster` that names group,
//! version, kind, namespace and names; Secrets can never be granted.

use serde::de::DeserializeOwned;
use thiserror::Error;

use crate::host;

/// A kind of object.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Kind<'a> {
    /// API group, empty for the core group.
    pub group: &'a str,
    /// API version: `v1`.
    pub version: &'a str,
    /// The kind: `Node`.
    pub kind: &'a str,
}

/// `Node` of the core group.
pub const NODE: Kind<'static> = Kind {
    group: "",
    version: "v1",
    kind: "Node",
};

/// `ConfigMap` of the core group.
pub const CONFIG_MAP: Kind<'static> = Kind {
    group: "",
    version: "v1",
    kind: "ConfigMap",
};

/// One object, or none where it does not exist. `T` is what the plugin wants to know of it, or a
/// `serde_json::Value`. `namespace` is empty for kinds without namespaces.
///
/// # Errors
/// See [`ClusterError`].
pub fn get<T: DeserializeOwned>(
    kind: &Kind<'_>,
    namespace: &str,
    name: &str,
) -> Result<Option<T>, ClusterError> {
    host::cluster_get(kind, namespace, name)?
        .map(|object| read(kind, &object))
        .transpose()
}

/// All objects of a kind; an empty `namespace` means all of the granted ones.
///
/// # Errors
/// See [`ClusterError`].
pub fn list<T: DeserializeOwned>(kind: &Kind<'_>, namespace: &str) -> Result<Vec<T>, ClusterError> {
    host::cluster_list(kind, namespace)?
        .iter()
        .map(|object| read(kind, object))
        .collect()
}

fn read<T: DeserializeOwned>(kind: &Kind<'_>, object: &str) -> Result<T, ClusterError> {
    serde_json::from_str(object).map_err(|source| ClusterError::Unexpected {
        kind: kind.kind.to_owned(),
        reason: source.to_string(),
    })
}

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ClusterError {
    /// The operator has not granted this; the text names the grant that is missing.
    #[error("the plugin may not read this: {0}")]
    NotGranted(String),
    /// The API server does not know the kind.
    #[error("the API server does not know the kind")]
    UnknownKind,
    /// The API server could not be asked.
    #[error("the API server cannot be asked now: {0}")]
    Unavailable(String),
    /// The object is not what the plugin expected.
    #[error("a {kind} has another form than the plugin expects: {reason}")]
    Unexpected {
        /// The kind.
        kind: String,
        /// Where it differs.
        reason: String,
    },
    /// Anything else.
    #[error("{0}")]
    Other(String),
}
