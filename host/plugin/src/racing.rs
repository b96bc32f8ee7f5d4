//! Candidates that are attempted one after the other, each with a head start over the next, in the manner of Happy Eyeballs
//! (RFC 8305): who does not answer holds up nobody.

use std::pin::pin;
use std::time::Duration;

use futures::stream::FuturesUnordered;
use futures::{Stream, StreamExt as _, stream};

/// A slow candidate delays the next one by this much; one that is over not at all. RFC 8305 recommends 250 ms.
const HEAD_START: Duration = Duration::from_millis(250);

/// What comes of the attempts, in the order in which they end. The next begins as soon as one before it is over and the
/// stream is asked for more, or has had its head start; whatever still runs ends with the stream.
pub fn race<I, A, F>(candidates: I, attempt: A) -> impl Stream<Item = F::Output>
where
    I: IntoIterator,
    A: Fn(I::Item) -> F,
    F: Future,
{
    let waiting = candidates.into_iter().peekable();
    let start = (waiting, FuturesUnordered::new(), attempt);
    stream::unfold(start, |(mut waiting, mut running, attempt)| async move {
        loop {
            running.extend(waiting.next().map(&attempt));
            tokio::select! {
                over = running.next() => return over.map(|over| (over, (waiting, running, attempt))),
                () = tokio::time::sleep(HEAD_START), if waiting.peek().is_some() => {}
            }
        }
    })
    // A plugin may ask a race that is over as often as it likes.
    .fuse()
}

/// What comes of the first attempt that succeeds; the others are dropped.
///
/// # Errors
/// None does: why each failed, in the order in which they did.
pub async fn first_success<'a, C, T, E, F>(
    candidates: &'a [C],
    attempt: impl Fn(&'a C) -> F,
) -> Result<T, Vec<(&'a C, E)>>
where
    F: Future<Output = Result<T, E>>,
{
    let mut attempts = pin!(race(candidates, |candidate| {
        let attempt = attempt(candidate);
        async move { attempt.await.map_err(|failure| (candidate, failure)) }
    }));
    let mut failures = Vec::new();
    while let Some(over) = attempts.next().await {
        match over {
            Ok(won) => return Ok(won),
            Err(failure) => failures.push(failure),
        }
    }
    Err(failures)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn who_does_not_answer_holds_up_nobody() {
        let won = first_success(
            &["silent", "refuses", "answers", "late"],
            async |name| match *name {
                "silent" => std::future::pending().await,
                "refuses" => Err("refused"),
                name => Ok(name),
            },
        );
        assert_eq!(won.await, Ok("answers"));
    }

    #[tokio::test]
    async fn where_nobody_wins_each_says_why() {
        let lost = first_success(&["a", "b"], async |name| {
            Err::<(), _>(format!("{name} refused"))
        });
        let reasons: Vec<_> = lost
            .await
            .unwrap_err()
            .into_iter()
            .map(|(_, reason)| reason)
            .collect();
        assert_eq!(reasons, ["a refused", "b refused"]);
        assert_eq!(
            first_success(&[] as &[u8], async |_| Err::<(), ()>(())).await,
            Err(vec![])
        );
    }

    #[tokio::test]
    async fn whoever_is_slow_may_still_answer() {
        let goes_on = tokio::sync::Notify::new();
        let mut over = pin!(race(["slow", "quick"], async |name| {
            if name == "slow" {
                goes_on.notified().await;
            }
            name
        }));
        assert_eq!(over.next().await, Some("quick"));
        goes_on.notify_one();
        assert_eq!(over.next().await, Some("slow"));
        assert_eq!(over.next().await, None);
        assert_eq!(over.next().await, None, "nor at another time");
    }
}
