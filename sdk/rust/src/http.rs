//! HTTP through `wasi:http`. Needs a grant `http` for the scheme, host and port.
//!
//! The host verifies TLS with the machine's trust roots, and adds the credentials that the operator
//! configured for the grant: the plugin never holds them. Redirects are not followed.

use std::time::Duration;

use thiserror::Error;

use crate::address::HostPort;
use crate::grants::Origin;
use crate::host;

/// A GET request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Get {
    pub(crate) url: Url,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body_bytes: usize,
    pub(crate) timeout: Duration,
}

impl Get {
    /// A request for `url`, with at most 1 MiB of body and 10 s for each of its steps.
    ///
    /// # Errors
    /// [`HttpError::InvalidUrl`]: it is not an absolute `http` or `https` URL.
    pub fn new(url: &str) -> Result<Self, HttpError> {
        Ok(Self {
            url: Url::parse(url)?,
            headers: Vec::new(),
            body_bytes: 1 << 20,
            timeout: Duration::from_secs(10),
        })
    }

    /// Adds a header.
    #[must_use]
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    /// Refuses a larger body.
    #[must_use]
    pub fn body_limit(mut self, bytes: usize) -> Self {
        self.body_bytes = bytes;
        self
    }

    /// The longest time for the connection, for the first byte and between two bytes. The deadline of
    /// the whole call is the host's.
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Sends the request and reads the whole answer.
    ///
    /// # Errors
    /// See [`HttpError`]. A status that is not 2xx is no error here.
    pub fn send(&self) -> Result<Response, HttpError> {
        host::http_get(self)
    }
}

/// Fetches `url` as [`Get::new`] describes.
///
/// # Errors
/// See [`HttpError`].
pub fn get(url: &str) -> Result<Response, HttpError> {
    Get::new(url)?.send()
}

/// What the server answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Response {
    /// The HTTP status.
    pub status: u16,
    /// The headers as the server sent them, their names in lower case.
    pub headers: Vec<(String, Vec<u8>)>,
    /// The body, not decoded.
    pub body: Vec<u8>,
}

impl Response {
    /// The first value of a header that is text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(present, _)| present.eq_ignore_ascii_case(name))
            .and_then(|(_, value)| std::str::from_utf8(value).ok())
    }
}

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum HttpError {
    /// It is not an absolute `http` or `https` URL without credentials.
    #[error("{0:?} is not an absolute http or https URL without credentials")]
    InvalidUrl(String),
    /// The operator has not granted this host, port or scheme.
    #[error("the plugin may not reach {0}")]
    NotAllowed(String),
    /// The name could not be resolved.
    #[error("the name of {0} cannot be resolved")]
    Dns(String),
    /// No connection.
    #[error("no connection to {0}")]
    Connect(String),
    /// There is no TLS with this server. A certificate that is refused is [`Other`](Self::Other), with the reason.
    #[error("TLS with {0} failed")]
    Tls(String),
    /// It did not answer in time.
    #[error("{0} did not answer in time")]
    Timeout(String),
    /// The body is larger than allowed.
    #[error("the answer of {0} is larger than allowed")]
    TooLarge(String),
    /// Anything else.
    #[error("{url} cannot be fetched: {reason}")]
    Other {
        /// The URL.
        url: String,
        /// What the host said.
        reason: String,
    },
}

impl HttpError {
    /// Whether another try may succeed with nothing changed here.
    pub fn is_outage(&self) -> bool {
        !matches!(
            self,
            Self::InvalidUrl(_) | Self::NotAllowed(_) | Self::TooLarge(_)
        )
    }
}

/// An absolute URL, cut where `wasi:http` wants it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Url {
    pub(crate) text: String,
    pub(crate) https: bool,
    pub(crate) authority: String,
    pub(crate) path_and_query: String,
}

impl Url {
    pub(crate) fn parse(text: &str) -> Result<Self, HttpError> {
        let invalid = || HttpError::InvalidUrl(text.to_owned());
        let (scheme, rest) = text.split_once("://").ok_or_else(invalid)?;
        let https = match scheme.to_ascii_lowercase().as_str() {
            "https" => true,
            "http" => false,
            _ => return Err(invalid()),
        };
        let rest = rest.split('#').next().unwrap_or_default();
        let (authority, path_and_query) = match rest.find(['/', '?']) {
            Some(at) => rest.split_at(at),
            None => (rest, "/"),
        };
        let printable = rest.bytes().all(|byte| byte.is_ascii_graphic());
        if authority.is_empty() || authority.contains('@') || !printable {
            return Err(invalid());
        }
        let path_and_query = match path_and_query.strip_prefix('?') {
            Some(query) => format!("/?{query}"),
            None => path_and_query.to_owned(),
        };
        Ok(Self {
            text: text.to_owned(),
            https,
            authority: authority.to_owned(),
            path_and_query,
        })
    }

    /// Scheme, host and port, as grants name them; none where the host or the port is none.
    pub(crate) fn origin(&self) -> Option<Origin> {
        let (scheme, default_port) = match self.https {
            true => ("https", 443),
            false => ("http", 80),
        };
        let HostPort { host, port } = HostPort::parse(&self.authority, default_port).ok()?;
        Some(Origin {
            scheme: scheme.to_owned(),
            host: host.to_ascii_lowercase(),
            port,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cut(text: &str) -> (bool, String, String) {
        let url = Url::parse(text).unwrap();
        (url.https, url.authority, url.path_and_query)
    }

    #[test]
    fn urls_are_cut_into_scheme_authority_and_path() {
        assert_eq!(
            cut("https://a.example:8443/x/y?z=1#top"),
            (true, "a.example:8443".into(), "/x/y?z=1".into())
        );
        assert_eq!(cut("HTTP://[::1]"), (false, "[::1]".into(), "/".into()));
        assert_eq!(cut("http://a?b"), (false, "a".into(), "/?b".into()));
    }

    #[test]
    fn urls_with_credentials_other_schemes_or_spaces_are_refused() {
        for text in [
            "a.example",
            "ftp://a",
            "https://",
            "https:///x",
            "https://user:secret@a",
            "https://a/b c",
            "https://a/\n",
        ] {
            assert_eq!(
                Url::parse(text),
                Err(HttpError::InvalidUrl(text.to_owned()))
            );
        }
    }
}
