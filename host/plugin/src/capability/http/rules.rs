//! Which requests a plugin may make.

use std::io::Read as _;
use std::path::{Path, PathBuf};

use http::uri::Scheme;
use http::{HeaderName, HeaderValue, Method, Request, header};
use slipway_config::endpoint::HostPort;
use slipway_config::plugin::{Grants, HttpGrant, HttpScheme};
use wasmtime_wasi_http::Error;
use zeroize::Zeroizing;

use crate::LoadError;

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

struct Credential {
    header: HeaderName,
    file: PathBuf,
}

impl Rules {
    /// Checks the grants: a header that is one, and a file of credentials that can be read now.
    pub(crate) fn check(plugin: &str, grants: &Grants) -> Result<Self, LoadError> {
        grants
            .http
            .iter()
            .enumerate()
            .map(|(index, grant)| {
                Rule::new(grant).map_err(|reason| LoadError::InvalidGrant {
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
    fn new(grant: &HttpGrant) -> Result<Self, String> {
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
                credential.read()?;
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
    pub(super) fn credential(&self) -> Result<Option<(HeaderName, HeaderValue)>, Error> {
        let Some(credential) = &self.credential else {
            return Ok(None);
        };
        match credential.read() {
            Ok(value) => Ok(Some((credential.header.clone(), value))),
            Err(reason) => {
                tracing::warn!(server = %self.place, "no credentials for a plugin's request: {reason}");
                Err(Error::ConfigurationError)
            }
        }
    }
}

impl Credential {
    fn read(&self) -> Result<HeaderValue, String> {
        let text = read_bounded(&self.file)
            .map_err(|error| format!("cannot read {}: {error}", self.file.display()))?;
        let mut value = HeaderValue::from_str(text.trim())
            .map_err(|_| format!("{} does not hold one line of text", self.file.display()))?;
        if value.is_empty() {
            return Err(format!("{} is empty", self.file.display()));
        }
        value.set_sensitive(true);
        Ok(value)
    }
}

fn read_bounded(path: &Path) -> std::io::Result<Zeroizing<String>> {
    let mut text = Zeroizing::new(String::new());
    std::fs::File::open(path)?
        .take(CREDENTIAL_BYTES)
        .read_to_string(&mut text)?;
    Ok(text)
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
