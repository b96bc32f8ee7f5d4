//! Whether the server is up, and whether it can do its work.
//!
//! Source of the form: `k8s.io/apiserver/pkg/server/healthz/healthz.go`. Unlike there the reason of a failure is told to
//! whoever asks: this server's operator has no other place to look.

use axum::body::Body;
use http::request::Parts;
use http::{HeaderValue, Response, StatusCode, header};

use crate::status::Status;
use crate::store::Store;

/// What is checked: a server that answers is alive, one that can also write is ready.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Check {
    /// Whoever reads the answer has it.
    Ping,
    /// The store can be written.
    Store,
}

impl Check {
    const fn name(self) -> &'static str {
        match self {
            Self::Ping => "ping",
            Self::Store => "store",
        }
    }

    /// # Errors
    /// The reason why not.
    async fn run(self, store: &Store) -> Result<(), String> {
        match self {
            Self::Ping => Ok(()),
            Self::Store => store.check().await.map_err(|error| error.to_string()),
        }
    }
}

/// `ok`, or with `?verbose` the checks one by one; 500 with all of them where one fails. `which` is `healthz`, `livez` or
/// `readyz`; `parts` is what follows it in the path.
pub(super) async fn answer(
    which: &str,
    parts: &[&str],
    request: &Parts,
    store: &Store,
) -> Result<Response<Body>, Status> {
    let checks: &[Check] = match which {
        "livez" => &[Check::Ping],
        _ => &[Check::Ping, Check::Store],
    };
    match parts {
        [] => Ok(all(which, checks, is_verbose(request), store).await),
        [name] => match checks.iter().find(|check| check.name() == *name) {
            Some(check) => Ok(one(*check, store).await),
            None => Err(Status::path_not_found()),
        },
        _ => Err(Status::path_not_found()),
    }
}

async fn all(which: &str, checks: &[Check], verbose: bool, store: &Store) -> Response<Body> {
    let (mut lines, mut healthy) = (String::new(), true);
    for check in checks {
        let name = check.name();
        match check.run(store).await {
            Ok(()) => lines.push_str(&format!("[+]{name} ok\n")),
            Err(reason) => {
                healthy = false;
                lines.push_str(&format!("[-]{name} failed: {reason}\n"));
            }
        }
    }
    match (healthy, verbose) {
        (true, false) => text(StatusCode::OK, "ok".to_owned()),
        (true, true) => text(StatusCode::OK, format!("{lines}{which} check passed\n")),
        (false, _) => text(
            StatusCode::INTERNAL_SERVER_ERROR,
            format!("{lines}{which} check failed\n"),
        ),
    }
}

async fn one(check: Check, store: &Store) -> Response<Body> {
    match check.run(store).await {
        Ok(()) => text(StatusCode::OK, "ok".to_owned()),
        Err(reason) => text(
            StatusCode::INTERNAL_SERVER_ERROR,
            format!("internal server error: {reason}\n"),
        ),
    }
}

fn is_verbose(request: &Parts) -> bool {
    let query = request.uri.query().unwrap_or_default();
    query
        .split('&')
        .any(|pair| pair.split('=').next() == Some("verbose"))
}

fn text(code: StatusCode, text: String) -> Response<Body> {
    let mut response = Response::new(Body::from(text));
    *response.status_mut() = code;
    let headers = response.headers_mut();
    headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("text/plain; charset=utf-8"),
    );
    headers.insert(
        header::X_CONTENT_TYPE_OPTIONS,
        HeaderValue::from_static("nosniff"),
    );
    response
}

#[cfg(test)]
mod tests;
