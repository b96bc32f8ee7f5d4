//! The stand-alone discovery service of the 2016 design: `GET /cluster-info/v1/?token-id=<id>` answers a JWS, signed with
//! the token's secret, over the CA and the API servers. For clusters that show nothing to strangers.
//!
//! Nothing secret is in an answer. What one could learn by asking is which tokens exist, so an unknown token is answered
//! like a known one: with a signature of a secret that nobody has, after the same time.

mod backend;
mod decoy;
mod rate_limit;
mod server;

use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::extract::{Extension, RawQuery, State};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use http::{StatusCode, header};
use slipway_config::token::TokenId;
use slipway_pki::jws;
use tokio::time::Instant;

use self::decoy::Decoys;
use self::rate_limit::RateLimit;

pub use self::backend::{Backend, BackendError, Cluster};
pub use self::server::{ServeError, serve};

/// The port of the 2016 design.
pub const DEFAULT_PORT: u16 = 9898;

/// Where the service answers.
pub const PATH: &str = "/cluster-info/v1/";

/// Every answer takes a multiple of this, so that the time of a look-up does not show.
const ANSWER_STEP: Duration = Duration::from_millis(25);

/// Where a request comes from; an extension of every request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Caller(pub IpAddr);

/// The service without its transport: a request without the extension [`Caller`] is refused.
///
/// # Errors
/// When the system has no randomness.
pub fn router(backend: Arc<dyn Backend>) -> Result<Router, ServeError> {
    let service = Arc::new(Service {
        backend,
        decoys: Decoys::new().ok_or(ServeError::Randomness)?,
        limit: Mutex::new(RateLimit::default()),
    });
    Ok(Router::new().route(PATH, get(answer)).with_state(service))
}

struct Service {
    backend: Arc<dyn Backend>,
    decoys: Decoys,
    limit: Mutex<RateLimit>,
}

async fn answer(
    State(service): State<Arc<Service>>,
    Extension(Caller(caller)): Extension<Caller>,
    RawQuery(query): RawQuery,
) -> Response {
    let started = Instant::now();
    let allowed = service
        .limit
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .allow(caller, started);
    if !allowed {
        let headers = [(header::RETRY_AFTER, "5")];
        return (
            StatusCode::TOO_MANY_REQUESTS,
            headers,
            "too many requests\n",
        )
            .into_response();
    }
    let Some(id) = query.as_deref().and_then(token_id) else {
        let text = "expected ?token-id= with a token's ID: six characters of a to z and 0 to 9\n";
        return (StatusCode::BAD_REQUEST, text).into_response();
    };
    let signed = service.sign(&id).await;
    tokio::time::sleep_until(next_step(started, Instant::now())).await;
    match signed {
        Ok(jws) => {
            let headers = [
                (header::CONTENT_TYPE, "application/jose"),
                (header::CACHE_CONTROL, "no-store"),
            ];
            (headers, jws).into_response()
        }
        Err(reason) => {
            tracing::warn!(%reason, "the discovery service cannot answer");
            let text = "the cluster cannot be asked now\n";
            (StatusCode::SERVICE_UNAVAILABLE, text).into_response()
        }
    }
}

impl Service {
    async fn sign(&self, id: &TokenId) -> Result<String, String> {
        let cluster = self
            .backend
            .cluster()
            .await
            .map_err(|error| error.to_string())?;
        let payload = cluster.to_json().map_err(|error| error.to_string())?;
        let known = self
            .backend
            .token(id)
            .await
            .map_err(|error| error.to_string())?;
        let decoy = self.decoys.token(id).ok_or("no decoy could be made")?;
        jws::sign_compact(known.as_ref().unwrap_or(&decoy), &payload)
            .map_err(|error| error.to_string())
    }
}

fn token_id(query: &str) -> Option<TokenId> {
    url::form_urlencoded::parse(query.as_bytes())
        .find(|(name, _)| name == "token-id")
        .and_then(|(_, value)| value.parse().ok())
}

/// The first multiple of the step after `started` that lies after `now`.
fn next_step(started: Instant, now: Instant) -> Instant {
    let passed = now.saturating_duration_since(started).as_nanos() / ANSWER_STEP.as_nanos();
    let steps = u32::try_from(passed).unwrap_or(u32::MAX).saturating_add(1);
    started + ANSWER_STEP.saturating_mul(steps)
}

#[cfg(test)]
mod tests;
