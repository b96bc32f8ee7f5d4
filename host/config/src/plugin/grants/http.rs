//! Servers that a plugin may reach over HTTP.

use std::net::IpAddr;
use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{GrantError, anchored};
use crate::endpoint::Host;
use crate::text::{quoted, schema_as_written};

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

impl HttpGrant {
    /// The port, the scheme's own where none was given.
    pub fn effective_port(&self) -> u16 {
        self.port.unwrap_or(match self.scheme {
            HttpScheme::Http => 80,
            HttpScheme::Https => 443,
        })
    }

    pub(super) fn summary(&self) -> String {
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
                anchored(path)?;
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
