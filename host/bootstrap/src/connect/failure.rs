//! Why there is no connection to an API server, told apart finely enough that a person knows what to look at.

use std::error::Error as StdError;
use std::fmt;
use std::io;
use std::net::IpAddr;
use std::time::Duration;

use jiff::Timestamp;
use rustls::pki_types::UnixTime;
use slipway_config::endpoint::HostPort;
use slipway_config::pin::CaPin;

/// Why one address could not be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConnectFailure {
    /// The name has no address.
    #[error("the name {host:?} cannot be resolved: {reason}")]
    Dns {
        /// The name.
        host: String,
        /// What the resolver said.
        reason: String,
    },
    /// No address of the name could be used.
    #[error("none of its addresses can be used: {}", each(.0))]
    EveryAddress(Vec<(IpAddr, ConnectFailure)>),
    /// Nothing listens there.
    #[error("connection refused: nothing listens on this port")]
    Refused,
    /// The network does not lead there.
    #[error("it cannot be reached: {reason}")]
    Unreachable {
        /// What the system said.
        reason: String,
    },
    /// It did not answer in time.
    #[error("no answer to the {stage} within {}", seconds(*after))]
    Timeout {
        /// `connection attempt`, `TLS handshake`, `request`.
        stage: &'static str,
        /// How long was waited.
        after: Duration,
    },
    /// Something answers there, and it is not TLS.
    #[error("what answers there does not speak TLS ({seen})")]
    NotTls {
        /// What was seen in place of a handshake.
        seen: String,
    },
    /// The server closed the connection before the handshake was over.
    #[error("the connection was closed during the TLS handshake")]
    Closed,
    /// The server's certificate is not that of an API server of this cluster.
    #[error("its certificate is refused: {0}")]
    Certificate(#[from] CertificateFailure),
    /// The server refused our certificate.
    #[error("the server refused our certificate: {alert}")]
    ClientCertificateRefused {
        /// The TLS alert.
        alert: String,
    },
    /// The handshake failed otherwise.
    #[error("the TLS handshake failed: {0}")]
    Tls(String),
}

/// Why a server's certificate is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CertificateFailure {
    /// It does not chain to a CA that may sign this cluster's servers.
    #[error(
        "it was issued by {issuer:?}, which is not the expected CA: expected a CA with the pin {}, the server presented {}",
        list(.expected), presented_pins(.presented)
    )]
    UnknownAuthority {
        /// Pins of the CAs that are trusted.
        expected: Vec<CaPin>,
        /// Pins of the certificates that the server sent after its own.
        presented: Vec<CaPin>,
        /// The issuer that the server's certificate names.
        issuer: String,
    },
    /// It does not chain to a trust root of this machine.
    #[error("it was issued by {issuer:?}, which this machine does not trust")]
    UnknownToMachine {
        /// The issuer that the server's certificate names.
        issuer: String,
    },
    /// It is no longer valid.
    #[error(
        "it expired at {not_after}, and by this machine's clock it is {now}: either it has to be renewed, or the clock is fast"
    )]
    Expired {
        /// The end of its validity.
        not_after: Timestamp,
        /// This machine's time.
        now: Timestamp,
    },
    /// It is not valid yet.
    #[error(
        "it is valid from {not_before}, and by this machine's clock it is {now}: the clock is slow"
    )]
    NotYetValid {
        /// The start of its validity.
        not_before: Timestamp,
        /// This machine's time.
        now: Timestamp,
    },
    /// It is for other names.
    #[error("it is for {}, and none of them is {}", list(.presented), list(.expected))]
    WrongName {
        /// Names of which one is required.
        expected: Vec<String>,
        /// Names in the certificate.
        presented: Vec<String>,
    },
    /// It is a node's certificate: the same CA signs those, and any node has one.
    #[error("it belongs to a node ({subject}), not to an API server")]
    Node {
        /// The certificate's subject.
        subject: String,
    },
    /// Anything else that the verification found.
    #[error("{0}")]
    Other(String),
}

impl CertificateFailure {
    /// Those findings of WebPKI that need no more facts than it gives.
    pub fn from_web_pki(error: &rustls::CertificateError) -> Option<Self> {
        match error {
            rustls::CertificateError::ExpiredContext { time, not_after } => Some(Self::Expired {
                not_after: timestamp(*not_after),
                now: timestamp(*time),
            }),
            rustls::CertificateError::NotValidYetContext { time, not_before } => {
                Some(Self::NotYetValid {
                    not_before: timestamp(*not_before),
                    now: timestamp(*time),
                })
            }
            rustls::CertificateError::NotValidForNameContext {
                expected,
                presented,
            } => Some(Self::WrongName {
                expected: vec![expected.to_str().into_owned()],
                presented: presented.iter().map(|name| plain_name(name)).collect(),
            }),
            _ => None,
        }
    }
}

/// No address could be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NoConnection {
    /// The addresses in the order in which they failed, each with its reason.
    pub attempts: Vec<(HostPort, ConnectFailure)>,
}

impl StdError for NoConnection {}

impl fmt::Display for NoConnection {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.attempts.as_slice() {
            [] => formatter.write_str("there is no API server to connect to"),
            [(address, failure)] => write!(formatter, "cannot connect to {address}: {failure}"),
            attempts => {
                formatter.write_str("none of the API servers can be used:")?;
                for (address, failure) in attempts {
                    write!(formatter, "\n  {address}: {failure}")?;
                }
                Ok(())
            }
        }
    }
}

/// Why a request to the API got no useful answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RequestFailure {
    /// No connection.
    #[error(transparent)]
    NoConnection(#[from] NoConnection),
    /// The connection broke, or the peer spoke something else than HTTP.
    #[error("the exchange with the API server broke off: {0}")]
    Broken(String),
    /// No answer in time.
    #[error("the API server did not answer within {}", seconds(*.0))]
    TimedOut(Duration),
    /// The server refused our certificate.
    #[error("the API server refused our certificate: {0}")]
    CertificateRefused(String),
    /// 401: the server knows no such identity. A bootstrap token that is unknown, expired, deleted or lacks the usage
    /// looks like this.
    #[error("the API server does not accept these credentials (401): {0}")]
    Unauthorized(String),
    /// 403: the identity may not do this.
    #[error("the API server does not allow this (403): {0}")]
    Forbidden(String),
    /// 404.
    #[error("not found (404): {0}")]
    NotFound(String),
    /// 409.
    #[error("conflict (409): {0}")]
    Conflict(String),
    /// Any other status.
    #[error("the API server answered {code}: {message}")]
    Status {
        /// HTTP status.
        code: u16,
        /// The server's message.
        message: String,
    },
    /// The answer is not what the API promises.
    #[error("the API server's answer cannot be read: {0}")]
    BadAnswer(String),
}

impl RequestFailure {
    /// Whether the same request may succeed later, with nothing changed on this side.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Broken(_) | Self::TimedOut(_) => true,
            Self::NoConnection(failure) => !failure.attempts.iter().all(|(_, failure)| {
                matches!(failure, ConnectFailure::ClientCertificateRefused { .. })
            }),
            Self::Status { code, .. } => *code == 429 || *code >= 500,
            _ => false,
        }
    }

    /// Whether every API server was reached, and each one's certificate was refused: no reason to try again soon.
    pub(crate) fn is_certificate_refused(&self) -> bool {
        let refused = |(_, failure): &(HostPort, ConnectFailure)| {
            matches!(failure, ConnectFailure::Certificate(_))
        };
        matches!(self, Self::NoConnection(failure) if failure.attempts.iter().all(refused))
    }
}

impl From<&kube::Error> for RequestFailure {
    fn from(error: &kube::Error) -> Self {
        if let kube::Error::Api(status) = error {
            let message = status.message.clone();
            return match status.code {
                401 => Self::Unauthorized(message),
                403 => Self::Forbidden(message),
                404 => Self::NotFound(message),
                409 => Self::Conflict(message),
                code => Self::Status { code, message },
            };
        }
        if matches!(error, kube::Error::SerdeError(_)) {
            return Self::BadAnswer(chain(error));
        }
        let mut source: Option<&(dyn StdError + 'static)> = Some(error);
        while let Some(current) = source {
            if let Some(failure) = current.downcast_ref::<NoConnection>() {
                return Self::NoConnection(failure.clone());
            }
            if let Some(failure) = current.downcast_ref::<RequestFailure>() {
                return failure.clone();
            }
            if let Some(failure) = current
                .downcast_ref::<io::Error>()
                .and_then(after_handshake)
            {
                return failure;
            }
            source = current.source();
        }
        Self::Broken(chain(error))
    }
}

impl From<kube::Error> for RequestFailure {
    fn from(error: kube::Error) -> Self {
        Self::from(&error)
    }
}

/// What a failed TCP connection says.
pub(super) fn from_tcp(error: &io::Error) -> ConnectFailure {
    match error.kind() {
        io::ErrorKind::ConnectionRefused => ConnectFailure::Refused,
        _ => ConnectFailure::Unreachable {
            reason: error.to_string(),
        },
    }
}

/// What a failed handshake says.
pub(crate) fn from_handshake(error: &io::Error) -> ConnectFailure {
    let Some(tls) = tls_error(error) else {
        return match error.kind() {
            io::ErrorKind::UnexpectedEof
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::BrokenPipe => ConnectFailure::Closed,
            _ => ConnectFailure::Unreachable {
                reason: error.to_string(),
            },
        };
    };
    match tls {
        rustls::Error::InvalidMessage(reason) => ConnectFailure::NotTls {
            seen: format!("in place of a TLS record came {reason:?}"),
        },
        rustls::Error::InvalidCertificate(rustls::CertificateError::Other(other)) => {
            match other.0.downcast_ref::<CertificateFailure>() {
                Some(failure) => ConnectFailure::Certificate(failure.clone()),
                None => ConnectFailure::Tls(tls.to_string()),
            }
        }
        rustls::Error::InvalidCertificate(error) => ConnectFailure::Certificate(
            CertificateFailure::from_web_pki(error).unwrap_or_else(|| match error {
                rustls::CertificateError::UnknownIssuer
                | rustls::CertificateError::BadSignature => CertificateFailure::Other(
                    "it was issued by a CA that this machine does not trust".to_owned(),
                ),
                _ => CertificateFailure::Other(tls.to_string()),
            }),
        ),
        rustls::Error::AlertReceived(alert) if refuses_client(*alert) => {
            ConnectFailure::ClientCertificateRefused {
                alert: format!("{alert:?}"),
            }
        }
        other => ConnectFailure::Tls(other.to_string()),
    }
}

/// Names come as `DnsName("kubernetes")` or `IpAddress(10.0.0.1)`.
fn plain_name(name: &str) -> String {
    name.split_once('(')
        .and_then(|(_, rest)| rest.strip_suffix(')'))
        .map_or(name, |inner| inner.trim_matches('"'))
        .to_owned()
}

fn timestamp(time: UnixTime) -> Timestamp {
    i64::try_from(time.as_secs())
        .ok()
        .and_then(|seconds| Timestamp::from_second(seconds).ok())
        .unwrap_or(Timestamp::MAX)
}

/// With TLS 1.3 a server refuses a client's certificate after the client believes the handshake to be over.
fn after_handshake(error: &io::Error) -> Option<RequestFailure> {
    match tls_error(error)? {
        rustls::Error::AlertReceived(alert) if refuses_client(*alert) => {
            Some(RequestFailure::CertificateRefused(format!("{alert:?}")))
        }
        _ => None,
    }
}

/// Whether an alert is about the certificate that this side sent.
fn refuses_client(alert: rustls::AlertDescription) -> bool {
    use rustls::AlertDescription as Alert;

    matches!(
        alert,
        Alert::BadCertificate
            | Alert::UnsupportedCertificate
            | Alert::CertificateRevoked
            | Alert::CertificateExpired
            | Alert::CertificateUnknown
            | Alert::UnknownCA
            | Alert::CertificateRequired
    )
}

fn tls_error(error: &io::Error) -> Option<&rustls::Error> {
    error
        .get_ref()
        .and_then(|inner| inner.downcast_ref::<rustls::Error>())
}

/// An error and its causes in one line, each once.
pub(crate) fn chain(error: &(dyn StdError + 'static)) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let cause_text = cause.to_string();
        if !text.contains(&cause_text) {
            text.push_str(": ");
            text.push_str(&cause_text);
        }
        source = cause.source();
    }
    text
}

fn seconds(duration: Duration) -> String {
    if duration < Duration::from_secs(1) {
        format!("{} ms", duration.as_millis())
    } else {
        format!("{} s", duration.as_secs())
    }
}

fn each(failures: &[(IpAddr, ConnectFailure)]) -> String {
    let reasons: Vec<_> = failures
        .iter()
        .map(|(address, failure)| format!("{address}: {failure}"))
        .collect();
    reasons.join("; ")
}

fn list<T: fmt::Display>(items: &[T]) -> String {
    if items.is_empty() {
        return "nothing".to_owned();
    }
    items
        .iter()
        .map(T::to_string)
        .collect::<Vec<_>>()
        .join(", ")
}

fn presented_pins(pins: &[CaPin]) -> String {
    if pins.is_empty() {
        "no CA with its own certificate".to_owned()
    } else {
        list(pins)
    }
}
