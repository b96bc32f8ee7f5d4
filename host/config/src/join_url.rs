//! The whole invitation to a cluster in one text, but for the secret.

use std::fmt;
use std::str::FromStr;

use crate::endpoint::{DEFAULT_API_SERVER_PORT, EndpointError, HostPort};
use crate::pin::{CaPin, PinError};
use crate::text::{nearest, quoted, without_token_secrets, written_as_string};
use crate::token::{TokenId, TokenIdError};

/// A join URL: which token to use, where the API servers are and which CA to believe, never the token's secret.
///
/// `slipway://abcdef@10.0.0.1:6443?pin=sha256:…`. Several API servers are parted by commas, or each further one stands
/// in a parameter `server`; `pin` may be repeated. A server without a port has 6443.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JoinUrl {
    token_id: TokenId,
    servers: Vec<HostPort>,
    pins: Vec<CaPin>,
}

/// Why a text is no join URL. What may be a secret is never repeated.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum JoinUrlError {
    /// It does not begin with `slipway://`.
    #[error("the text is no join URL; expected slipway://TOKEN-ID@HOST:PORT?pin=sha256:…")]
    Scheme,
    /// There is something secret in it.
    #[error(
        "the join URL has a secret in it; expected the token's ID only, six characters: who sees the URL must not be \
         able to use it, so make a new token and give its secret in a file, in the environment or at the prompt"
    )]
    Secret,
    /// There is no token ID before an `@`.
    #[error("the join URL names no token; expected slipway://TOKEN-ID@HOST:PORT")]
    NoToken,
    /// What stands before the `@` is no token ID.
    #[error("the join URL's token is malformed: {0}")]
    Token(#[from] TokenIdError),
    /// There is no API server.
    #[error("the join URL names no API server; expected slipway://TOKEN-ID@HOST:PORT")]
    NoServer,
    /// An API server is malformed.
    #[error("the join URL's API server is malformed: {0}")]
    Server(#[from] EndpointError),
    /// A pin is malformed.
    #[error("the join URL is malformed: {0}")]
    Pin(#[from] PinError),
    /// There is a path or a fragment.
    #[error(
        "the join URL has a path or a fragment; expected slipway://TOKEN-ID@HOST:PORT?pin=sha256:…"
    )]
    Path,
    /// A parameter is not known.
    #[error("the join URL has the unknown parameter {parameter}; expected {}", suggestion.unwrap_or("pin or server"))]
    Parameter {
        /// The parameter's name, quoted and cut.
        parameter: String,
        /// The nearest known one.
        suggestion: Option<&'static str>,
    },
}

const SCHEME: &str = "slipway://";
const PIN: &str = "pin";
const SERVER: &str = "server";

/// Parameters under which people would put a secret.
const SECRET_PARAMETERS: [&str; 4] = ["token", "secret", "password", "key"];

impl JoinUrl {
    /// An invitation with a token to the API servers, the preferred one first.
    ///
    /// # Errors
    /// [`JoinUrlError::NoServer`] when there is no API server.
    pub fn new(
        token_id: TokenId,
        servers: Vec<HostPort>,
        pins: Vec<CaPin>,
    ) -> Result<Self, JoinUrlError> {
        match servers.is_empty() {
            true => Err(JoinUrlError::NoServer),
            false => Ok(Self {
                token_id,
                servers,
                pins,
            }),
        }
    }

    /// The public part of the token to use.
    pub fn token_id(&self) -> &TokenId {
        &self.token_id
    }

    /// The API servers, at least one, the preferred one first.
    pub fn servers(&self) -> &[HostPort] {
        &self.servers
    }

    /// The pins of the CA; none where the CA is to be believed on the token's word.
    pub fn pins(&self) -> &[CaPin] {
        &self.pins
    }

    /// Whether a text is meant to be a join URL.
    pub fn looks_like(text: &str) -> bool {
        text.get(..SCHEME.len())
            .is_some_and(|start| start.eq_ignore_ascii_case(SCHEME))
    }
}

impl FromStr for JoinUrl {
    type Err = JoinUrlError;

    fn from_str(text: &str) -> Result<Self, JoinUrlError> {
        let rest = text
            .get(SCHEME.len()..)
            .filter(|_| Self::looks_like(text))
            .ok_or(JoinUrlError::Scheme)?;
        if rest.contains('#') {
            return Err(JoinUrlError::Path);
        }
        let (authority, query) = rest.split_once('?').unwrap_or((rest, ""));
        let (user, hosts) = authority.rsplit_once('@').ok_or(JoinUrlError::NoToken)?;
        let token_id = read_user(user)?;
        let hosts = hosts.strip_suffix('/').unwrap_or(hosts);
        if hosts.contains('/') {
            return Err(JoinUrlError::Path);
        }
        let mut servers = Vec::new();
        let mut pins = Vec::new();
        if !hosts.is_empty() {
            read_servers(hosts, &mut servers)?;
        }
        for (name, value) in url::form_urlencoded::parse(query.as_bytes()) {
            // A host's name may look like a token by chance; nothing else may.
            if name != SERVER && without_token_secrets(&value) != value {
                return Err(JoinUrlError::Secret);
            }
            match &*name {
                PIN => pins.push(value.parse()?),
                SERVER => read_servers(&value, &mut servers)?,
                name if SECRET_PARAMETERS.contains(&name) => return Err(JoinUrlError::Secret),
                name => {
                    let suggestion = nearest(name, [PIN, SERVER]);
                    return Err(JoinUrlError::Parameter {
                        parameter: quoted(name),
                        suggestion,
                    });
                }
            }
        }
        Self::new(token_id, servers, pins)
    }
}

/// The token's ID from what stands before the `@`. A password, or what would be one, is a secret.
fn read_user(user: &str) -> Result<TokenId, JoinUrlError> {
    if user.is_empty() {
        return Err(JoinUrlError::NoToken);
    }
    if user.contains([':', '.', '%', '@']) {
        return Err(JoinUrlError::Secret);
    }
    Ok(user.parse()?)
}

fn read_servers(list: &str, servers: &mut Vec<HostPort>) -> Result<(), EndpointError> {
    for server in list.split(',') {
        servers.push(HostPort::parse_with_default(
            server,
            DEFAULT_API_SERVER_PORT,
        )?);
    }
    Ok(())
}

impl fmt::Display for JoinUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{SCHEME}{}@", self.token_id)?;
        for (index, server) in self.servers.iter().enumerate() {
            write!(f, "{}{server}", if index == 0 { "" } else { "," })?;
        }
        for (index, pin) in self.pins.iter().enumerate() {
            write!(f, "{}{PIN}={pin}", if index == 0 { "?" } else { "&" })?;
        }
        Ok(())
    }
}

written_as_string!(
    JoinUrl,
    "^slipway://[a-z0-9]{6}@.+$",
    "a join URL, slipway://TOKEN-ID@HOST:PORT?pin=sha256:…"
);

#[cfg(test)]
mod tests;
