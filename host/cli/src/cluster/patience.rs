//! How long a client waits for an API server that is away or busy.
//!
//! kube's own retries go on for minutes, which nobody at a terminal waits for, and know nothing of a server that is being
//! started again or that takes a request and never answers.

use std::error::Error as StdError;
use std::io;
use std::task::{Context, Poll};
use std::time::Duration;

use futures::future::BoxFuture;
use http::{Request, Response};
use kube::client::Body;
use kube::client::retry::RetryPolicy;
use kube::{Client, Config};
use tokio::time::{Instant, Sleep, timeout};
use tower::retry::backoff::{
    Backoff as _, ExponentialBackoff, ExponentialBackoffMaker, InvalidBackoff, MakeBackoff as _,
};
use tower::retry::{Policy, Retry};
use tower::util::rng::HasherRng;
use tower::{BoxError, Service, ServiceExt as _, service_fn};

/// The pause between two tries where the server names none or a shorter one, at first and at most.
const PAUSES: [Duration; 2] = [Duration::from_millis(50), Duration::from_secs(1)];

/// How long a connection may take, its TLS handshake included.
const CONNECTION: Duration = Duration::from_secs(5);

/// How long a client waits.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Patience {
    /// From the first time that nothing listens at the address: a server that is being started again is there soon.
    away: Duration,
    /// From the first answer that says to come back later (429, 503, 504). `Retry-After` counts: where it is later than
    /// this, the answer stands.
    busy: Duration,
    /// For the beginning of an answer, all tries included.
    answer: Duration,
}

impl Patience {
    /// Somebody waits at a terminal.
    pub(crate) const OF_A_PERSON: Self = Self {
        away: Duration::from_secs(3),
        busy: Duration::from_secs(10),
        answer: Duration::from_secs(30),
    };

    /// A process has loops of its own, which go on when this is over. They do not know what `Retry-After` said, so that a
    /// busy server is waited for here; the longest that it takes for an answer is 60 s.
    pub(crate) const OF_A_PROCESS: Self = Self {
        away: Duration::ZERO,
        busy: Duration::from_secs(60),
        answer: Duration::from_secs(65),
    };

    /// A client that waits so long.
    ///
    /// # Errors
    /// When the configuration cannot be used.
    pub(super) fn client(self, mut config: Config) -> Result<Client, kube::Error> {
        config.default_retry = false;
        config.connect_timeout = Some(CONNECTION);
        let namespace = config.default_namespace.clone();
        let client = Client::try_from(config)?;
        let valid_until = *client.valid_until();
        let asked = service_fn(move |request| {
            let client = client.clone();
            async move { Ok::<_, BoxError>(client.send(request).await?) }
        });
        let patient =
            Patient::new(self, asked).map_err(|error| kube::Error::Service(error.into()))?;
        Ok(Client::new(patient, namespace).with_valid_until(valid_until))
    }
}

/// A service that is asked again while it is away or busy.
struct Patient<S> {
    tries: Retry<NotNow, S>,
    longest: Duration,
}

impl<S> Patient<S> {
    fn new(patience: Patience, service: S) -> Result<Self, InvalidBackoff> {
        Ok(Self {
            tries: Retry::new(NotNow::within(patience)?, service),
            longest: patience.answer,
        })
    }
}

impl<S> Service<Request<Body>> for Patient<S>
where
    S: Service<Request<Body>, Response = Response<Body>, Error = BoxError> + Clone + Send + 'static,
    S::Future: Send,
{
    type Response = Response<Body>;
    type Error = BoxError;
    type Future = BoxFuture<'static, Result<Response<Body>, BoxError>>;

    fn poll_ready(&mut self, _context: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let longest = self.longest;
        let answer = timeout(longest, self.tries.clone().oneshot(request));
        Box::pin(async move {
            let too_late = |_| format!("no answer within {} s", longest.as_secs());
            answer.await.map_err(too_late)?
        })
    }
}

/// Which answers mean "not now", and when to ask again.
#[derive(Clone)]
struct NotNow {
    patience: Patience,
    busy: RetryPolicy,
    away: ExponentialBackoff,
    /// When it was first said, to this request.
    since: Option<Instant>,
}

impl NotNow {
    fn within(patience: Patience) -> Result<Self, InvalidBackoff> {
        let [first, longest] = PAUSES;
        Ok(Self {
            patience,
            // It is time that ends it.
            busy: RetryPolicy::new(first, longest, u32::MAX, true)?,
            away: ExponentialBackoffMaker::new(first, longest, 0.5, HasherRng::new())?
                .make_backoff(),
            since: None,
        })
    }
}

impl Policy<Request<Body>, Response<Body>, BoxError> for NotNow {
    type Future = Sleep;

    fn retry(
        &mut self,
        request: &mut Request<Body>,
        result: &mut Result<Response<Body>, BoxError>,
    ) -> Option<Sleep> {
        let since = *self.since.get_or_insert_with(Instant::now);
        let (pause, longest) = match result {
            Ok(_) => (self.busy.retry(request, result)?, self.patience.busy),
            // Nothing was sent, so that nothing is done twice.
            Err(error) if is_refused(error.as_ref()) => {
                (self.away.next_backoff(), self.patience.away)
            }
            Err(_) => return None,
        };
        (pause.deadline() <= since + longest).then_some(pause)
    }

    fn clone_request(&mut self, request: &Request<Body>) -> Option<Request<Body>> {
        Policy::<Request<Body>, Response<Body>, BoxError>::clone_request(&mut self.busy, request)
    }
}

/// Whether nothing listens at the address.
fn is_refused(error: &(dyn StdError + 'static)) -> bool {
    let mut cause = Some(error);
    while let Some(current) = cause {
        if let Some(found) = current.downcast_ref::<io::Error>()
            && found.kind() == io::ErrorKind::ConnectionRefused
        {
            return true;
        }
        cause = current.source();
    }
    false
}

#[cfg(test)]
mod tests;
