//! Which requests a plugin may make.

use std::path::PathBuf;

use http::uri::Scheme;
use http::{HeaderName, HeaderValue, Method, Request, header};
use rustix::fs::OFlags;
use slipway_config::endpoint::HostPort;
use slipway_config::plugin::{Grants, HttpGrant, HttpScheme};
use wasmtime_wasi_http::Error;
use zeroize::Zeroizing;

use crate::{LoadError, regular};

/// The largest file of credentials, in bytes.
const CREDENTIAL_BYTES: u64 = 16 * 1024;

/// The servers that one plugin may reach, checked.
pub(crate) struct Rules(Vec<Rule>);

/// One server.
pub(super) struct Rule {
    pub(super) scheme: Scheme,
    pub(super) place: HostPort,
    methods: Vec<Method>,
    credential: Option<Credential>,
}

#[derive(Clone)]
struct Credential {
    header: HeaderName,
    file: PathBuf,
}

impl Rules {
    /// Checks the grants: a header that is one, and a file of credentials that can be read now unless calls are only
    /// replayed.
    pub(crate) fn check(plugin: &str, grants: &Grants, live: bool) -> Result<Self, LoadError> {
        grants
            .http
            .iter()
            .enumerate()
            .map(|(index, grant)| {
                Rule::new(grant, live).map_err(|reason| LoadError::InvalidGrant {
                    plugin: plugin.to_owned(),
                    grant: format!("http[{index}]"),
                    reason,
                })
            })
            .collect::<Result<_, _>>()
            .map(Self)
    }

    /// The rule that allows a request.
    ///
    /// # Errors
    /// `HttpRequestDenied`, which the plugin sees as such.
    pub(super) fn allowing<B>(&self, request: &Request<B>) -> Result<&Rule, Error> {
        let target = Target::of(request).ok_or(Error::HttpRequestUriInvalid)?;
        self.0
            .iter()
            .find(|rule| rule.allows(&target, request.method()))
            .ok_or(Error::HttpRequestDenied)
    }
}

impl Rule {
    fn new(grant: &HttpGrant, live: bool) -> Result<Self, String> {
        let credential = grant
            .credential_file
            .as_ref()
            .map(|file| {
                let header = match &grant.header {
                    Some(name) => HeaderName::try_from(name.as_str())
                        .map_err(|_| format!("{name:?} is not the name of a header"))?,
                    None => header::AUTHORIZATION,
                };
                let credential = Credential {
                    header,
                    file: file.clone(),
                };
                if live {
                    credential.read()?;
                }
                Ok::<_, String>(credential)
            })
            .transpose()?;
        let scheme = match grant.scheme {
            HttpScheme::Https => Scheme::HTTPS,
            HttpScheme::Http => Scheme::HTTP,
        };
        let place =
            HostPort::new(grant.host.clone(), grant.effective_port()).ok_or("port 0 is no port")?;
        let methods = grant
            .methods
            .iter()
            .map(|method| Method::from_bytes(method.as_str().as_bytes()))
            .collect::<Result<_, _>>()
            .map_err(|error| error.to_string())?;
        Ok(Self {
            scheme,
            place,
            methods,
            credential,
        })
    }

    fn allows(&self, target: &Target, method: &Method) -> bool {
        self.scheme == target.scheme && self.place == target.place && self.methods.contains(method)
    }

    /// The header with the operator's credentials, read anew so that they can be renewed.
    ///
    /// # Errors
    /// They cannot be read; the reason goes to the host's log, since it is not the plugin's business.
    pub(super) async fn credential(&self) -> Result<Option<(HeaderName, HeaderValue)>, Error> {
        let Some(credential) = &self.credential else {
            return Ok(None);
        };
        let header = credential.header.clone();
        let credential = credential.clone();
        // A file system that hangs must not hold up the thread that ends the call in time.
        let read = tokio::task::spawn_blocking(move || credential.read())
            .await
            .unwrap_or_else(|error| Err(error.to_string()));
        match read {
            Ok(value) => Ok(Some((header, value))),
            Err(reason) => {
                tracing::warn!(server = %self.place, "no credentials for a plugin's request: {reason}");
                Err(Error::ConfigurationError)
            }
        }
    }
}

impl Credential {
    fn read(&self) -> Result<HeaderValue, String> {
        let file = self.file.display();
        let bytes = regular::open(&self.file, OFlags::empty())
            .and_then(|opened| regular::read(opened, CREDENTIAL_BYTES))
            .map_err(|error| format!("cannot read {file}: {error}"))?
            .map(Zeroizing::new)
            .ok_or_else(|| format!("{file} is larger than {CREDENTIAL_BYTES} bytes"))?;
        let mut value = std::str::from_utf8(bytes.trim_ascii())
            .ok()
            .and_then(|text| HeaderValue::from_str(text).ok())
            .ok_or_else(|| format!("{file} does not hold one line of text"))?;
        if value.is_empty() {
            return Err(format!("{file} is empty"));
        }
        value.set_sensitive(true);
        Ok(value)
    }
}

struct Target {
    scheme: Scheme,
    place: HostPort,
}

impl Target {
    fn of<B>(request: &Request<B>) -> Option<Self> {
        let scheme = request.uri().scheme()?.clone();
        let default_port = if scheme == Scheme::HTTPS { 443 } else { 80 };
        let authority = request.uri().authority()?;
        let place = HostPort::parse_with_default(authority.as_str(), default_port).ok()?;
        Some(Self { scheme, place })
    }
}

#[cfg(test)]
mod tests;
