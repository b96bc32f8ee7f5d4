//! The whole invitation to a cluster in one text, but for the secret.

use std::fmt;
use std::str::FromStr;

use crate::endpoint::{DEFAULT_API_SERVER_PORT, EndpointError, HostPort};
use crate::pin::{CaPin, PinError};
use crate::text::{nearest, quoted, without_token_secrets, written_as_string};
use crate::token::{TokenId, TokenIdError};

/// A join URL: which token to use, where the API servers are and which CA to believe, never the token's secret.
///
/// `slipway://abcdef@10.0.0.1:6443?pin=sha256:…`. Several API servers are parted by commas, or each further one stands in
/// a parameter `server`; `pin` may be repeated. A server without a port has 6443.
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
mod tests {
    use std::net::IpAddr;

    use proptest::prelude::*;

    use super::*;
    use crate::endpoint::Host;

    fn refused(text: &str) -> String {
        text.parse::<JoinUrl>().unwrap_err().to_string()
    }

    #[test]
    fn an_invitation_is_read() {
        let pin = format!("sha256:{}", "ab".repeat(32));
        let url: JoinUrl =
            format!("slipway://abcdef@10.0.0.1:6443,[fd00::1]/?pin={pin}&server=api.example")
                .parse()
                .unwrap();
        assert_eq!(url.token_id().as_str(), "abcdef");
        let servers: Vec<String> = url.servers().iter().map(ToString::to_string).collect();
        assert_eq!(
            servers,
            ["10.0.0.1:6443", "[fd00::1]:6443", "api.example:6443"]
        );
        assert_eq!(
            url.to_string(),
            format!("slipway://abcdef@10.0.0.1:6443,[fd00::1]:6443,api.example:6443?pin={pin}")
        );
        let escaped = format!("SLIPWAY://abcdef@10.0.0.1?pin={}", pin.replace(':', "%3A"));
        assert_eq!(escaped.parse::<JoinUrl>().unwrap().pins(), url.pins());
    }

    #[test]
    fn a_host_name_may_look_like_a_token() {
        let url = "slipway://abcdef@master.averyveryverylongdomain.example:6443";
        assert_eq!(url.parse::<JoinUrl>().unwrap().to_string(), url);
    }

    #[test]
    fn a_secret_is_refused_and_not_repeated() {
        for text in [
            "slipway://abcdef.0123456789abcdef@10.0.0.1",
            "slipway://abcdef:0123456789abcdef@10.0.0.1",
            "slipway://abcdef@10.0.0.1?token=abcdef.0123456789abcdef",
            "slipway://abcdef@10.0.0.1?secret=0123456789abcdef",
            "slipway://abcdef@10.0.0.1?x=abcdef.0123456789abcdef",
            "slipway://abcdef.0123456789abcde@10.0.0.1",
        ] {
            assert_eq!(text.parse::<JoinUrl>(), Err(JoinUrlError::Secret), "{text}");
            assert!(!refused(text).contains("0123456789"));
        }
        insta::assert_snapshot!(JoinUrlError::Secret, @"the join URL has a secret in it; expected the token's ID only, six characters: who sees the URL must not be able to use it, so make a new token and give its secret in a file, in the environment or at the prompt");
    }

    #[test]
    fn what_is_no_join_url_is_refused_with_its_reason() {
        insta::assert_snapshot!(refused("https://10.0.0.1"), @"the text is no join URL; expected slipway://TOKEN-ID@HOST:PORT?pin=sha256:…");
        insta::assert_snapshot!(refused("slipway://10.0.0.1"), @"the join URL names no token; expected slipway://TOKEN-ID@HOST:PORT");
        insta::assert_snapshot!(refused("slipway://ABC@10.0.0.1"), @"the join URL's token is malformed: a token ID has six characters of a to z and 0 to 9; the given one has 3, one of them neither a lower-case letter nor a digit");
        insta::assert_snapshot!(refused("slipway://abcdef@"), @"the join URL names no API server; expected slipway://TOKEN-ID@HOST:PORT");
        insta::assert_snapshot!(refused("slipway://abcdef@10.0.0.1:99999"), @r#"the join URL's API server is malformed: "99999" is not a port; expected a number from 1 to 65535"#);
        insta::assert_snapshot!(refused("slipway://abcdef@10.0.0.1/x"), @"the join URL has a path or a fragment; expected slipway://TOKEN-ID@HOST:PORT?pin=sha256:…");
        insta::assert_snapshot!(refused("slipway://abcdef@10.0.0.1?pins=sha256:ab"), @r#"the join URL has the unknown parameter "pins"; expected pin"#);
        insta::assert_snapshot!(refused("slipway://abcdef@10.0.0.1?pin=sha256:ab"), @r#"the join URL is malformed: the CA certificate hash "sha256:ab" has 2 hex digits; expected sha256:<64 hex digits>"#);
        insta::assert_snapshot!(refused("slipway://abcdef@10.0.0.1?colour=red"), @r#"the join URL has the unknown parameter "colour"; expected pin or server"#);
    }

    proptest! {
        #[test]
        fn invitations_survive_writing_and_reading(
            id in "[a-z0-9]{6}",
            servers in proptest::collection::vec(any::<(IpAddr, u16)>(), 1..4),
            pins in proptest::collection::vec(any::<[u8; 32]>(), 0..3),
        ) {
            let servers = servers.into_iter().map(|(ip, port)| HostPort::new(Host::Ip(ip), port.max(1)).unwrap()).collect();
            let pins = pins.into_iter().map(CaPin::from).collect();
            let url = JoinUrl::new(id.parse().unwrap(), servers, pins).unwrap();
            prop_assert_eq!(url.to_string().parse(), Ok(url));
        }

        #[test]
        fn no_message_repeats_a_secret(before in r"[a-z@:/?=&.]{0,12}", after in r"[@:/?=&.!][a-z@:/?=&.]{0,12}") {
            let text = format!("slipway://{before}abcdef.0123456789abcdef{after}");
            if let Err(error) = text.parse::<JoinUrl>() {
                prop_assert!(!error.to_string().contains("0123456789"));
            }
        }

        #[test]
        fn no_text_makes_the_parser_panic(text in r"(slipway://)?.{0,60}") {
            let _ = text.parse::<JoinUrl>();
        }
    }
}
