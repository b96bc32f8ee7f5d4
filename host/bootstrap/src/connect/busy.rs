//! An API server that has too much to do says when to come back (429, `Retry-After`), and is not asked before.

use std::time::Duration;

use http::{Request, Response, StatusCode};
use kube::client::Body;
use kube::client::retry::RetryPolicy;
use tower::BoxError;
use tower::retry::Policy;

/// The pause where the server names none or a shorter one, at first and at most: a node that waits is not to be forgotten.
const PAUSES: [Duration; 2] = [Duration::from_millis(50), Duration::from_secs(5)];

/// How often the same is asked. What takes longer is told to the user.
const ATTEMPTS: u32 = 15;

/// kube's policy, for 429 only: what else goes wrong is for the flow to know, which tells the user.
#[derive(Clone)]
pub(super) struct ComeBackLater(RetryPolicy);

impl Default for ComeBackLater {
    fn default() -> Self {
        let [first, longest] = PAUSES;
        let policy = RetryPolicy::new(first, longest, ATTEMPTS, true);
        Self(policy.unwrap_or_else(|_| RetryPolicy::server_retry()))
    }
}

impl<B> Policy<Request<Body>, Response<B>, BoxError> for ComeBackLater {
    type Future = tokio::time::Sleep;

    fn retry(
        &mut self,
        request: &mut Request<Body>,
        result: &mut Result<Response<B>, BoxError>,
    ) -> Option<Self::Future> {
        match result {
            Ok(response) if response.status() == StatusCode::TOO_MANY_REQUESTS => {
                self.0.retry(request, result)
            }
            _ => None,
        }
    }

    fn clone_request(&mut self, request: &Request<Body>) -> Option<Request<Body>> {
        Policy::<Request<Body>, Response<B>, BoxError>::clone_request(&mut self.0, request)
    }
}
