//! What a plugin may use of the host. Whatever is not granted here cannot be reached.

mod cluster;
mod filesystem;
mod http;

use std::path::Path;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::endpoint::Host;
use crate::text::quoted;

pub use cluster::ClusterGrant;
pub use filesystem::FilesystemGrant;
pub use http::{HttpGrant, HttpMethod, HttpScheme};

/// What a plugin may use of the host; by default nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Grants {
    /// Servers to which it may send HTTP requests.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub http: Vec<HttpGrant>,
    /// Folders that it may open.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub filesystem: Vec<FilesystemGrant>,
    /// Objects of the cluster that it may read. Secrets cannot be granted.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub cluster: Vec<ClusterGrant>,
    /// Whether it may read clocks.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub clocks: bool,
    /// Whether it may have random bytes.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub random: bool,
    /// Whether it may look up host names.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub dns: bool,
    /// Whether a trust source may fetch documents over TLS whose server is not verified.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub unverified_https: bool,
}

/// Why a grant is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum GrantError {
    /// The port is 0.
    #[error("port 0 cannot be granted; expected a number from 1 to 65535")]
    Port,
    /// There is a header, and no credential for it.
    #[error("the header {header} has no credential; expected credentialFile beside it")]
    HeaderAlone {
        /// The header, quoted and cut.
        header: String,
    },
    /// The header is no header that may carry a credential.
    #[error(
        "the header {header} cannot carry a credential; expected a header's name, such as authorization"
    )]
    Header {
        /// The header, quoted and cut.
        header: String,
    },
    /// A credential would travel in clear.
    #[error("a credential for {host} would travel in clear; expected scheme: https")]
    ClearText {
        /// The host.
        host: Host,
    },
    /// A path that says not where it begins.
    #[error(
        "the path {path} is neither absolute nor relative; expected one that begins with /, ./ or ../"
    )]
    BarePath {
        /// The path, quoted and cut.
        path: String,
    },
    /// A folder's name is none.
    #[error("{name} is no name for a folder; expected a to z, 0 to 9, '-' and '_'")]
    FolderName {
        /// The name, quoted and cut.
        name: String,
    },
    /// A Secret was asked for.
    #[error("Secrets cannot be granted to a plugin")]
    Secrets,
    /// A kind or a version is empty.
    #[error(
        "a cluster grant needs version and kind; expected, for instance, version: v1 and kind: Node"
    )]
    NoKind,
}

impl Grants {
    /// Whether nothing is granted.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Whether something lets the plugin reach other machines: HTTP, name look-up or unverified HTTPS.
    pub fn reach_network(&self) -> bool {
        !self.http.is_empty() || self.dns || self.unverified_https
    }

    /// Whether something lets the plugin reach files.
    pub fn reach_files(&self) -> bool {
        !self.filesystem.is_empty()
    }

    /// The same with relative paths counted from `folder`.
    #[must_use]
    pub(super) fn with_paths_from(mut self, folder: &Path) -> Self {
        let folders = self.filesystem.iter_mut().map(|grant| &mut grant.path);
        let credentials = self
            .http
            .iter_mut()
            .filter_map(|grant| grant.credential_file.as_mut());
        for path in folders.chain(credentials) {
            *path = folder.join(&*path);
        }
        self
    }

    /// What is granted, one line each.
    pub fn summary(&self) -> Vec<String> {
        let flag = |given: bool, name: &str| given.then(|| name.to_owned());
        self.http
            .iter()
            .map(HttpGrant::summary)
            .chain(self.filesystem.iter().map(FilesystemGrant::summary))
            .chain(self.cluster.iter().map(ClusterGrant::summary))
            .chain(flag(self.clocks, "clocks"))
            .chain(flag(self.random, "random"))
            .chain(flag(self.dns, "dns"))
            .chain(flag(self.unverified_https, "unverified-https"))
            .collect()
    }
}

/// Refuses a path that is neither absolute nor says that it counts from the folder of the file that it stands in.
fn anchored(path: &Path) -> Result<(), GrantError> {
    match path.is_absolute() || path.starts_with(".") || path.starts_with("..") {
        true => Ok(()),
        false => Err(GrantError::BarePath {
            path: quoted(&path.to_string_lossy()),
        }),
    }
}

#[cfg(test)]
mod tests;
