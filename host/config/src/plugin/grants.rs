//! What a plugin may use of the host. Whatever is not granted here cannot be reached.

use std::net::IpAddr;
use std::path::{Path, PathBuf};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::endpoint::Host;
use crate::text::{quoted, schema_as_written};

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

/// A server to which a plugin may send HTTP requests.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", try_from = "WrittenHttp")]
pub struct HttpGrant {
    /// With or without TLS; with, unless told otherwise.
    pub scheme: HttpScheme,
    /// The host, exactly.
    pub host: Host,
    /// The port; the scheme's own where there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub port: Option<u16>,
    /// The methods; GET and HEAD unless told otherwise.
    pub methods: Vec<HttpMethod>,
    /// The file whose content the host puts into `header` of each request. The plugin never sees it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub credential_file: Option<PathBuf>,
    /// The header that carries the credential, in lower case; `authorization` unless told otherwise.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub header: Option<String>,
}

/// The scheme of a URL.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum HttpScheme {
    /// Without TLS.
    Http,
    /// With TLS.
    #[default]
    Https,
}

/// A method of HTTP.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "UPPERCASE")]
pub enum HttpMethod {
    /// Reads.
    Get,
    /// Reads the head of an answer.
    Head,
    /// Submits.
    Post,
    /// Writes.
    Put,
    /// Changes.
    Patch,
    /// Removes.
    Delete,
}

/// A folder that a plugin may open.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", try_from = "WrittenFilesystem")]
pub struct FilesystemGrant {
    /// What the plugin calls the folder.
    pub name: String,
    /// The folder's absolute path.
    pub path: PathBuf,
    /// Whether it may write there, too.
    pub writable: bool,
}

/// Objects of the cluster that a plugin may read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", try_from = "WrittenCluster")]
pub struct ClusterGrant {
    /// The API group; empty for the core group.
    pub group: String,
    /// The version: `v1`.
    pub version: String,
    /// The kind: `Node`.
    pub kind: String,
    /// The only namespace; none for objects without one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
    /// The only names; any, where there are none.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub names: Vec<String>,
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
    /// A path is not absolute.
    #[error("the path {path} is not absolute; expected one that begins with /")]
    RelativePath {
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

/// Headers that belong to the connection, and never carry a credential.
const RESERVED_HEADERS: [&str; 8] = [
    "connection",
    "content-length",
    "content-type",
    "host",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

/// The header that carries a credential unless told otherwise.
const DEFAULT_HEADER: &str = "authorization";

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

impl HttpGrant {
    /// The port, the scheme's own where none was given.
    pub fn effective_port(&self) -> u16 {
        self.port.unwrap_or(match self.scheme {
            HttpScheme::Http => 80,
            HttpScheme::Https => 443,
        })
    }

    fn summary(&self) -> String {
        let methods: Vec<&str> = self.methods.iter().map(|method| method.as_str()).collect();
        let credential = if self.credential_file.is_some() {
            " with a credential"
        } else {
            ""
        };
        let scheme = self.scheme.as_str();
        format!(
            "http {} {scheme}://{}:{}{credential}",
            methods.join(","),
            self.host,
            self.effective_port()
        )
    }
}

impl HttpScheme {
    /// The scheme as it stands in a URL.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Https => "https",
        }
    }
}

impl HttpMethod {
    /// The method as it stands in a request.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Head => "HEAD",
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Patch => "PATCH",
            Self::Delete => "DELETE",
        }
    }
}

impl FilesystemGrant {
    fn summary(&self) -> String {
        let access = if self.writable {
            "read-write"
        } else {
            "read-only"
        };
        format!(
            "filesystem {} = {} {access}",
            self.name,
            self.path.display()
        )
    }
}

impl ClusterGrant {
    fn summary(&self) -> String {
        let group = if self.group.is_empty() {
            String::new()
        } else {
            format!("{}/", self.group)
        };
        let namespace = self
            .namespace
            .as_deref()
            .map(|namespace| format!(" in {namespace}"))
            .unwrap_or_default();
        let names = if self.names.is_empty() {
            String::new()
        } else {
            format!(" named {}", self.names.join(","))
        };
        format!(
            "cluster {group}{} {}{namespace}{names}",
            self.version, self.kind
        )
    }
}

schema_as_written!(HttpGrant, WrittenHttp);

/// A grant for HTTP as it is written.
#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(rename = "HttpGrant")]
struct WrittenHttp {
    /// With or without TLS.
    #[serde(default)]
    scheme: HttpScheme,
    /// The host, exactly.
    host: Host,
    /// The port; the scheme's own when left out.
    #[serde(default)]
    port: Option<u16>,
    /// The methods.
    #[serde(default = "reading")]
    methods: Vec<HttpMethod>,
    /// The file whose content the host puts into `header` of each request. The plugin never sees it.
    #[serde(default)]
    credential_file: Option<PathBuf>,
    /// The header that carries the credential; `authorization` when left out.
    #[serde(default)]
    header: Option<String>,
}

fn reading() -> Vec<HttpMethod> {
    vec![HttpMethod::Get, HttpMethod::Head]
}

impl TryFrom<WrittenHttp> for HttpGrant {
    type Error = GrantError;

    fn try_from(written: WrittenHttp) -> Result<Self, GrantError> {
        let WrittenHttp {
            scheme,
            host,
            port,
            methods,
            credential_file,
            header,
        } = written;
        if port == Some(0) {
            return Err(GrantError::Port);
        }
        let header = match (&credential_file, header) {
            (None, Some(header)) => {
                return Err(GrantError::HeaderAlone {
                    header: quoted(&header),
                });
            }
            (None, None) => None,
            (Some(path), header) => {
                absolute(path)?;
                let is_loopback =
                    matches!(host, Host::Ip(address) if IpAddr::is_loopback(&address));
                if scheme == HttpScheme::Http && !is_loopback {
                    return Err(GrantError::ClearText { host });
                }
                Some(credential_header(
                    header.as_deref().unwrap_or(DEFAULT_HEADER),
                )?)
            }
        };
        Ok(Self {
            scheme,
            host,
            port,
            methods,
            credential_file,
            header,
        })
    }
}

/// The header in lower case, if it may carry a credential.
fn credential_header(text: &str) -> Result<String, GrantError> {
    let header = text.to_ascii_lowercase();
    let is_token = !header.is_empty()
        && header
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b));
    match is_token && !RESERVED_HEADERS.contains(&header.as_str()) {
        true => Ok(header),
        false => Err(GrantError::Header {
            header: quoted(text),
        }),
    }
}

fn absolute(path: &Path) -> Result<(), GrantError> {
    match path.is_absolute() {
        true => Ok(()),
        false => Err(GrantError::RelativePath {
            path: quoted(&path.to_string_lossy()),
        }),
    }
}

schema_as_written!(FilesystemGrant, WrittenFilesystem);

/// A grant for files as it is written.
#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(rename = "FilesystemGrant")]
struct WrittenFilesystem {
    /// What the plugin calls the folder.
    name: String,
    /// The folder's absolute path.
    path: PathBuf,
    /// Whether it may write there, too.
    #[serde(default)]
    writable: bool,
}

impl TryFrom<WrittenFilesystem> for FilesystemGrant {
    type Error = GrantError;

    fn try_from(written: WrittenFilesystem) -> Result<Self, GrantError> {
        let WrittenFilesystem {
            name,
            path,
            writable,
        } = written;
        let allowed =
            |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-' || b == b'_';
        if name.is_empty() || !name.bytes().all(allowed) {
            return Err(GrantError::FolderName {
                name: quoted(&name),
            });
        }
        absolute(&path)?;
        Ok(Self {
            name,
            path,
            writable,
        })
    }
}

schema_as_written!(ClusterGrant, WrittenCluster);

/// A grant for objects as it is written.
#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(rename = "ClusterGrant")]
struct WrittenCluster {
    /// The API group; empty for the core group.
    #[serde(default)]
    group: String,
    /// The version: `v1`.
    version: String,
    /// The kind: `Node`.
    kind: String,
    /// The only namespace; left out for objects without one.
    #[serde(default)]
    namespace: Option<String>,
    /// The only names; any when left out.
    #[serde(default)]
    names: Vec<String>,
}

impl TryFrom<WrittenCluster> for ClusterGrant {
    type Error = GrantError;

    fn try_from(written: WrittenCluster) -> Result<Self, GrantError> {
        let WrittenCluster {
            group,
            version,
            kind,
            namespace,
            names,
        } = written;
        if version.is_empty() || kind.is_empty() {
            return Err(GrantError::NoKind);
        }
        if kind.eq_ignore_ascii_case("secret") || kind.eq_ignore_ascii_case("secrets") {
            return Err(GrantError::Secrets);
        }
        Ok(Self {
            group,
            version,
            kind,
            namespace,
            names,
        })
    }
}

#[cfg(test)]
mod tests;
