//! Against a server that answers as each test says.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use http::StatusCode;

use super::*;

const IMPATIENT: Patience = Patience {
    away: Duration::from_secs(1),
    busy: Duration::from_secs(1),
    answer: Duration::from_secs(3),
};

/// Everything takes a little longer on a machine that also compiles.
const SLOW: Duration = Duration::from_secs(10);

/// Asks once, and returns what came of it, how often the server was asked, and how long it took. `server` is told how often
/// it was asked before.
async fn ask<A>(
    patience: Patience,
    server: impl Fn(usize) -> A + Clone + Send + 'static,
) -> (Result<StatusCode, String>, usize, Duration)
where
    A: Future<Output = Result<Response<Body>, BoxError>> + Send + 'static,
{
    let asked = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&asked);
    let service =
        service_fn(move |_: Request<Body>| server(counted.fetch_add(1, Ordering::Relaxed)));
    let begun = Instant::now();
    let answer = Patient::new(patience, service)
        .expect("a policy")
        .oneshot(Request::new(Body::empty()))
        .await;
    let said = answer
        .map(|answer| answer.status())
        .map_err(|error| error.to_string());
    (said, asked.load(Ordering::Relaxed), begun.elapsed())
}

fn answer(code: u16, retry_after: Option<&str>) -> Result<Response<Body>, BoxError> {
    let mut answer = Response::builder().status(code);
    if let Some(seconds) = retry_after {
        answer = answer.header("Retry-After", seconds);
    }
    Ok(answer.body(Body::empty())?)
}

fn nobody_listens() -> Result<Response<Body>, BoxError> {
    let refused = io::Error::from(io::ErrorKind::ConnectionRefused);
    Err(kube::Error::Service(refused.into()).into())
}

#[tokio::test]
async fn a_short_outage_is_survived() {
    for code in [429, 503, 504] {
        let (said, asked, _) = ask(IMPATIENT, move |before| async move {
            match before {
                0 | 1 => answer(code, None),
                _ => answer(200, None),
            }
        })
        .await;
        assert_eq!((said, asked), (Ok(StatusCode::OK), 3), "{code}");
    }
    let (said, asked, _) = ask(IMPATIENT, |before| async move {
        match before {
            0 => nobody_listens(),
            _ => answer(200, None),
        }
    })
    .await;
    assert_eq!((said, asked), (Ok(StatusCode::OK), 2));
}

#[tokio::test]
async fn a_long_one_is_told_soon() {
    let (said, asked, took) = ask(IMPATIENT, |_| async { answer(503, None) }).await;
    assert_eq!(said, Ok(StatusCode::SERVICE_UNAVAILABLE));
    assert!(asked > 1 && took < SLOW, "{asked} times, {took:?}");
    let (said, asked, took) = ask(IMPATIENT, |_| async { nobody_listens() }).await;
    assert!(said.is_err());
    assert!(asked > 1 && took < SLOW, "{asked} times, {took:?}");
    let never = |_| std::future::pending();
    let (said, asked, took) = ask(IMPATIENT, never).await;
    assert_eq!((said, asked), (Err("no answer within 3 s".to_owned()), 1));
    assert!(took < SLOW, "{took:?}");
}

#[tokio::test]
async fn a_server_is_not_asked_before_it_wants_to_be() {
    let patient = Patience {
        busy: SLOW,
        answer: 2 * SLOW,
        ..IMPATIENT
    };
    let busy_at_first = |before| async move {
        match before {
            0 => answer(429, Some("2")),
            _ => answer(200, None),
        }
    };
    let (said, asked, took) = ask(patient, busy_at_first).await;
    assert_eq!((said, asked), (Ok(StatusCode::OK), 2));
    assert!(took >= Duration::from_secs(2), "{took:?}");
    let (said, asked, _) = ask(IMPATIENT, busy_at_first).await;
    assert_eq!((said, asked), (Ok(StatusCode::TOO_MANY_REQUESTS), 1));
}

#[tokio::test]
async fn what_is_no_outage_is_not_tried_again() {
    for code in [200, 404, 409, 500] {
        let (said, asked, _) = ask(IMPATIENT, move |_| async move { answer(code, None) }).await;
        assert_eq!(said.map(|status| status.as_u16()), Ok(code));
        assert_eq!(asked, 1, "{code}");
    }
    let (_, asked, _) = ask(IMPATIENT, |_| async { Err("certificate refused".into()) }).await;
    assert_eq!(asked, 1);
    let (_, asked, _) = ask(Patience::OF_A_PROCESS, |_| async { nobody_listens() }).await;
    assert_eq!(asked, 1, "a process has loops of its own");
}
