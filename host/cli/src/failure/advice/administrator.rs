//! What to do when the API does not do what an administrator asks for.

use std::error::Error;
use std::io;

use rustls::CertificateError;
use slipway_bootstrap::connect::CertificateFailure;
use slipway_controller::ApiFailure;

use super::{Advice, CLOCK, Code, EXPIRED, ROOM, rights};

const CREDENTIALS: &str = "use the kubeconfig of an administrator: --kubeconfig FILE; `slipway init phase kubeconfig` on the \
                           control plane writes admin.conf anew";

/// For a cluster that has other things to do.
const BUSY: &str =
    "the API server is there and cannot do it now; run the same command again in a while";

/// The advice for a call of an administrator's, where the cause is one.
pub(super) fn known(cause: &(dyn Error + 'static)) -> Option<Advice> {
    match of_client(cause)? {
        kube::Error::Api(status) => match status.code {
            401 => Some(Advice::new(Code::Unauthorized, CREDENTIALS)),
            403 => Some(Advice::new(
                Code::Unauthorized,
                rights::advice(&status.message),
            )),
            404 => Some(Advice::bare(Code::NotFound)),
            409 => Some(Advice::bare(Code::Exists)),
            429 | 503 | 504 => Some(Advice::new(Code::TimedOut, BUSY)),
            507 => Some(Advice::new(Code::General, ROOM)),
            _ => None,
        },
        error => Some(tls(error).map_or_else(unreachable, untrusted)),
    }
}

fn unreachable() -> Advice {
    Advice::new(
        Code::Unreachable,
        "is the API server running? `slipway serve` starts the one that init made",
    )
}

/// The API server's certificate, refused by a client whose own words are those of a programmer.
pub(in crate::failure) struct RefusedCertificate {
    client_says: String,
    why: String,
}

impl RefusedCertificate {
    /// Where that is what a cause is about.
    pub(in crate::failure) fn among(cause: &(dyn Error + 'static)) -> Option<Self> {
        let client = of_client(cause)?;
        let rustls::Error::InvalidCertificate(error) = tls(client)? else {
            return None;
        };
        let why = match error {
            CertificateError::UnknownIssuer | CertificateError::BadSignature => {
                "it was not issued by the CA that the kubeconfig has".to_owned()
            }
            error => CertificateFailure::from_web_pki(error)
                .map_or_else(|| error.to_string(), |failure| failure.to_string()),
        };
        Some(Self {
            client_says: client.to_string(),
            why,
        })
    }

    /// The text with the client's words, which stand last, replaced.
    pub(in crate::failure) fn put_plainly(&self, text: String) -> String {
        match text.split_once(&self.client_says) {
            Some((before, _)) => format!(
                "{before}the API server's certificate is refused: {}",
                self.why
            ),
            None => text,
        }
    }
}

/// The client's error that a cause is, or wraps.
fn of_client<'a>(cause: &'a (dyn Error + 'static)) -> Option<&'a kube::Error> {
    match cause.downcast_ref::<ApiFailure>() {
        Some(failure) => Some(failure.kube_error()),
        None => cause.downcast_ref(),
    }
}

/// What TLS found, wherever it is among the causes.
fn tls(error: &kube::Error) -> Option<&rustls::Error> {
    let mut cause: Option<&(dyn Error + 'static)> = Some(error);
    while let Some(current) = cause {
        if let Some(found) = unwrapped(current) {
            return Some(found);
        }
        cause = current.source();
    }
    None
}

/// An error of TLS within errors of input and output, which do not name what they wrap as their source.
fn unwrapped<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a rustls::Error> {
    match error.downcast_ref::<io::Error>() {
        Some(wrapper) => unwrapped(wrapper.get_ref()?),
        None => error.downcast_ref(),
    }
}

fn untrusted(error: &rustls::Error) -> Advice {
    match error {
        rustls::Error::AlertReceived(_) => Advice::new(Code::Unauthorized, CREDENTIALS),
        rustls::Error::InvalidCertificate(
            CertificateError::Expired | CertificateError::ExpiredContext { .. },
        ) => Advice::new(Code::Untrusted, EXPIRED),
        rustls::Error::InvalidCertificate(
            CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. },
        ) => Advice::new(Code::Untrusted, CLOCK),
        rustls::Error::InvalidCertificate(_) => Advice::new(
            Code::Untrusted,
            "another cluster answers at this address, or the kubeconfig is of another one: compare its CA with what \
             `slipway certs ca-hash` prints on the control plane",
        ),
        _ => unreachable(),
    }
}
