//! A request and its answer, as they are noted. What the operator's credentials add is not in it.

use std::io;

use bytes::Bytes;
use http::{HeaderName, HeaderValue, Request, Response, StatusCode};
use rustls::CertificateError;
use serde::{Deserialize, Serialize};
use slipway_config::digest::Sha256Digest;
use wasmtime_wasi_http::Error;

use crate::outside::{Content, Question};

/// What a request asks.
pub(super) fn question(request: &Request<Bytes>) -> Question {
    Question::Http {
        method: request.method().to_string(),
        url: request.uri().to_string(),
        body: Sha256Digest::of(request.body()),
    }
}

/// What a server answered.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Answer {
    status: u16,
    headers: Vec<(String, Content)>,
    body: Content,
}

impl From<Response<Bytes>> for Answer {
    fn from(response: Response<Bytes>) -> Self {
        let header = |(name, value): (&HeaderName, &HeaderValue)| {
            (name.to_string(), Content::from(value.as_bytes()))
        };
        Self {
            status: response.status().as_u16(),
            headers: response.headers().iter().map(header).collect(),
            body: Content::from(&**response.body()),
        }
    }
}

impl Answer {
    /// The same as a response; none where a recording was altered.
    pub(super) fn into_response(self) -> Option<Response<Bytes>> {
        let mut response = Response::new(Bytes::from(self.body.into_bytes()?));
        *response.status_mut() = StatusCode::from_u16(self.status).ok()?;
        for (name, value) in self.headers {
            let name = HeaderName::try_from(name).ok()?;
            let value = HeaderValue::try_from(value.into_bytes()?).ok()?;
            response.headers_mut().append(name, value);
        }
        Some(response)
    }
}

/// Why there is no answer: what a plugin is told of it.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Failure {
    NameUnresolved(Option<String>),
    AddressProhibited,
    Refused,
    Unreachable,
    TimedOut,
    Terminated,
    /// Why, in words.
    CertificateRefused(String),
    TlsFailed,
    TooLarge,
    AnswerTimedOut,
    BadProtocol,
    Misconfigured,
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        match error {
            Error::DnsError { rcode, .. } => Self::NameUnresolved(rcode),
            Error::DestinationIpProhibited => Self::AddressProhibited,
            Error::Connect(error) => match error.kind() {
                io::ErrorKind::ConnectionRefused => Self::Refused,
                io::ErrorKind::TimedOut => Self::TimedOut,
                _ => Self::Unreachable,
            },
            Error::ConnectionTimeout | Error::ConnectionReadTimeout => Self::TimedOut,
            Error::Tls(error) => match error.get_ref().and_then(|error| error.downcast_ref()) {
                Some(rustls::Error::InvalidCertificate(refusal)) => {
                    Self::CertificateRefused(said_of(refusal))
                }
                _ => Self::TlsFailed,
            },
            Error::HttpResponseBodySize(_) => Self::TooLarge,
            Error::HttpResponseTimeout => Self::AnswerTimedOut,
            Error::Hyper(error) if error.is_incomplete_message() => Self::Terminated,
            Error::ConfigurationError => Self::Misconfigured,
            _ => Self::BadProtocol,
        }
    }
}

fn said_of(refusal: &CertificateError) -> String {
    match refusal {
        CertificateError::UnknownIssuer | CertificateError::BadSignature => {
            "no CA that this machine trusts issued it".to_owned()
        }
        refusal => refusal.to_string(),
    }
}

impl From<Failure> for Error {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::NameUnresolved(rcode) => Self::DnsError {
                rcode,
                info_code: None,
            },
            Failure::AddressProhibited => Self::DestinationIpProhibited,
            Failure::Refused => Self::ConnectionRefused,
            Failure::Unreachable => Self::DestinationUnavailable,
            Failure::TimedOut => Self::ConnectionTimeout,
            Failure::Terminated => Self::ConnectionTerminated,
            // wasi:http has a code for this one, but no room for the reason.
            Failure::CertificateRefused(why) => {
                Self::InternalError(Some(format!("the server's certificate is refused: {why}")))
            }
            Failure::TlsFailed => Self::TlsProtocolError,
            Failure::TooLarge => Self::HttpResponseBodySize(None),
            Failure::AnswerTimedOut => Self::HttpResponseTimeout,
            Failure::BadProtocol => Self::HttpProtocolError,
            Failure::Misconfigured => Self::ConfigurationError,
        }
    }
}
