//! How the controllers are, for a kubelet and for Prometheus.

use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use kube::Client;
use slipway_config::posture::PostureId;
use slipway_controller::foreign::ForeignApproval;
use slipway_controller::foreign_signer::ForeignSigners;
use slipway_controller::{PolicyInForce, measures};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

/// How long the API server may take to show that it is there.
const ANSWER: Duration = Duration::from_secs(5);

/// What is asked about.
#[derive(Clone)]
pub(super) struct Health {
    pub(super) client: Client,
    /// What approvals of others would get around.
    pub(super) policy: PolicyInForce,
    /// Others who sign, where this signs.
    pub(super) foreign_signers: ForeignSigners,
    pub(super) leads: watch::Receiver<bool>,
}

/// `/metrics`.
pub(super) fn metrics() -> Router {
    Router::new().route("/metrics", get(measured))
}

async fn measured() -> Response {
    match measures::text() {
        Ok(text) => ([(header::CONTENT_TYPE, measures::MEDIA_TYPE)], text).into_response(),
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()).into_response(),
    }
}

/// Answers until `shutdown`; a question that hangs then is not waited for.
pub(super) async fn serve(listener: TcpListener, router: Router, shutdown: CancellationToken) {
    tokio::select! {
        () = shutdown.cancelled() => {}
        served = axum::serve(listener, router).into_future() => if let Err(error) = served {
            tracing::warn!(%error, "health and metrics are not answered any more");
        },
    }
}

impl Health {
    /// `/healthz`, `/livez` and `/readyz`.
    pub(super) fn router(self) -> Router {
        Router::new()
            .route("/healthz", get(async || "ok"))
            .route("/livez", get(async || "ok"))
            .route("/readyz", get(ready))
            .with_state(self)
    }

    /// What stands in the way of working.
    async fn obstacle(&self) -> Option<String> {
        let asked = tokio::time::timeout(ANSWER, self.client.apiserver_version());
        match asked.await {
            Err(_) => return Some("the API server does not answer".to_owned()),
            Ok(Err(error)) => return Some(format!("the API server cannot be used: {error}")),
            Ok(Ok(_)) => {}
        }
        if !self.policy.enforces() {
            return None;
        }
        if let Some(found) = self.foreign_signers.recent() {
            return Some(format!(
                "others sign what is approved, without the guardrails ({found}); {}",
                PostureId::ForeignSigner.close()
            ));
        }
        match ForeignApproval::find(&self.client).await {
            Err(error) => Some(format!("it cannot be seen who else approves: {error}")),
            Ok(found) if found.is_empty() => None,
            Ok(found) => {
                let titles: Vec<_> = found.iter().map(ForeignApproval::title).collect();
                Some(format!(
                    "others approve what tokens ask for, past the policy ({}); `slipway init --kubeconfig \
                     FILE --take-over-approval` shows and removes it",
                    titles.join(", ")
                ))
            }
        }
    }
}

async fn ready(State(health): State<Health>) -> (StatusCode, String) {
    match health.obstacle().await {
        Some(obstacle) => (StatusCode::SERVICE_UNAVAILABLE, format!("{obstacle}\n")),
        None if *health.leads.borrow() => (StatusCode::OK, "ok, leading\n".to_owned()),
        None => (StatusCode::OK, "ok, waiting to lead\n".to_owned()),
    }
}
