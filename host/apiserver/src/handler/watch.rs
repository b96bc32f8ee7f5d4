//! `watch`: what happens to the objects that the request selects.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use bytes::Bytes;
use http::{HeaderValue, Response, header};
use tokio::time::{Instant, Interval, MissedTickBehavior, interval_at};
use tokio_util::sync::CancellationToken;

use super::call::Call;
use super::list::too_old;
use super::watch_encoding::{Encoder, Seen};
use crate::request::{ListOptions, OptionsKind, ResourceVersionMatch};
use crate::selector::Selector;
use crate::server::Closing;
use crate::status::Status;
use crate::store::{Event, EventKind, Listing, OutOfHistory, Scope, Told, Watch};
use crate::strategy::Violation;

/// How long a watch lasts that does not say.
const DEFAULT_DURATION: Duration = Duration::from_secs(45 * 60);

/// How often a watch that wants bookmarks gets one.
const BOOKMARK_INTERVAL: Duration = Duration::from_secs(60);

/// What a watch begins with.
enum Start {
    /// What is there now, as additions; then the mark of their end, if one is wanted.
    Initial { listing: Listing, mark_end: bool },
    /// What happened since.
    Changes,
    /// The moment is not in the history.
    Gone(OutOfHistory),
}

/// Streams what happens until the timeout, the server's end, or the client's.
pub(super) fn watch(call: Call) -> Result<Response<Body>, Status> {
    let options = ListOptions::parse(call.query())?;
    check(&options)?;
    let (scope, selector) = call.selection(&options)?;
    let encoder = Encoder::new(&call)?;
    let media_type = encoder.media_type();
    let (start, watch) = start(&call, &options, scope);
    let closing = call
        .parts
        .extensions
        .get::<Closing>()
        .map(|closing| closing.0.clone())
        .unwrap_or_default();
    let mut bookmarks = interval_at(Instant::now() + BOOKMARK_INTERVAL, BOOKMARK_INTERVAL);
    bookmarks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut stream = Stream {
        watch,
        selector,
        encoder,
        ready: VecDeque::new(),
        bookmarks: options.allow_bookmarks.then_some(bookmarks),
        deadline: Instant::now() + options.timeout.unwrap_or(DEFAULT_DURATION),
        closing,
    };
    stream.begin(start);
    let body = futures::stream::unfold(stream, |mut stream| async move {
        let line = stream.next().await?;
        Some((Ok::<Bytes, std::convert::Infallible>(line), stream))
    });
    let mut response = Response::new(Body::from_stream(body));
    response
        .headers_mut()
        .insert(header::CONTENT_TYPE, HeaderValue::from_static(media_type));
    Ok(response)
}

/// Which combinations of options make sense.
fn check(options: &ListOptions) -> Result<(), Status> {
    let violation = match (options.send_initial_events, options.resource_version_match) {
        (Some(_), Some(ResourceVersionMatch::NotOlderThan)) | (None, None) => return Ok(()),
        (Some(_), _) => Violation::forbidden(
            "resourceVersionMatch",
            "sendInitialEvents requires setting resourceVersionMatch to NotOlderThan",
        ),
        (None, Some(_)) => Violation::forbidden(
            "resourceVersionMatch",
            "resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided",
        ),
    };
    Err(OptionsKind::LIST.invalid(violation))
}

fn start(call: &Call, options: &ListOptions, scope: Scope) -> (Start, Option<Watch>) {
    let store = &call.api.store;
    let from_now = |mark_end| {
        let (listing, watch) = store.list_and_watch(scope.clone());
        (Start::Initial { listing, mark_end }, Some(watch))
    };
    match (options.send_initial_events, options.resource_version) {
        (Some(true), wanted) => {
            let newest = store.revision();
            match wanted.filter(|wanted| *wanted > newest) {
                Some(wanted) => (
                    Start::Gone(OutOfHistory {
                        wanted,
                        oldest: newest,
                        newest,
                    }),
                    None,
                ),
                None => from_now(options.allow_bookmarks),
            }
        }
        (None, None | Some(0)) => from_now(false),
        (Some(false), None | Some(0)) => {
            let (_, watch) = store.list_and_watch(scope.clone());
            (Start::Changes, Some(watch))
        }
        (_, Some(version)) => match store.watch(scope.clone(), version) {
            Ok(watch) => (Start::Changes, Some(watch)),
            Err(error) => (Start::Gone(error), None),
        },
    }
}

/// A running watch on its way to the client.
struct Stream {
    /// None once nothing more will come.
    watch: Option<Watch>,
    selector: Selector,
    encoder: Encoder,
    ready: VecDeque<Bytes>,
    bookmarks: Option<Interval>,
    deadline: Instant,
    closing: CancellationToken,
}

/// What woke the stream.
enum Woken {
    Event(Arc<Event>),
    Progress(u64),
    Bookmark,
    Timeout,
    End,
}

impl Stream {
    fn begin(&mut self, start: Start) {
        match start {
            Start::Changes => {}
            Start::Gone(error) => self.ready.extend(self.encoder.error(&too_old(&error))),
            Start::Initial { listing, mark_end } => {
                for record in &listing.records {
                    if self.selector.matches_record(record) {
                        self.ready
                            .extend(self.encoder.event(Seen::Added, record, record.revision));
                    }
                }
                if mark_end {
                    self.ready
                        .extend(self.encoder.bookmark(listing.revision, true));
                }
            }
        }
    }

    /// The next line; none at the end.
    async fn next(&mut self) -> Option<Bytes> {
        loop {
            if let Some(line) = self.ready.pop_front() {
                return Some(line);
            }
            match self.wake().await {
                Woken::Event(event) => {
                    let line = self.line(&event);
                    self.ready.extend(line);
                }
                Woken::Progress(revision) => {
                    if self.bookmarks.is_some() {
                        self.ready.extend(self.encoder.bookmark(revision, false));
                    }
                }
                Woken::Bookmark => self.bookmark(),
                Woken::Timeout => {
                    // The client goes on from here, however quiet it was.
                    if self.bookmarks.is_some() {
                        self.bookmark();
                    }
                    self.watch = None;
                }
                Woken::End => {
                    self.watch = None;
                    return None;
                }
            }
        }
    }

    async fn wake(&mut self) -> Woken {
        let Some(watch) = &mut self.watch else {
            return Woken::End;
        };
        let tick = async {
            match &mut self.bookmarks {
                Some(bookmarks) => bookmarks.tick().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            () = self.closing.cancelled() => Woken::End,
            () = tokio::time::sleep_until(self.deadline) => Woken::Timeout,
            told = watch.next() => match told {
                Some(Told::Event(event)) => Woken::Event(event),
                Some(Told::Progress(revision)) => Woken::Progress(revision),
                None => Woken::End,
            },
            _ = tick => Woken::Bookmark,
        }
    }

    fn bookmark(&mut self) {
        let progress = self.watch.as_mut().and_then(Watch::progress);
        if let Some(revision) = progress {
            self.ready.extend(self.encoder.bookmark(revision, false));
        }
    }

    /// What an event looks like through the selector: an object that comes into view is added, one
    /// that goes out of view is deleted.
    fn line(&mut self, event: &Event) -> Option<Bytes> {
        let before = event
            .previous
            .as_ref()
            .filter(|record| self.selector.matches_record(record));
        let after = (event.kind != EventKind::Deleted)
            .then_some(&event.record)
            .filter(|record| self.selector.matches_record(record));
        let revision = event.revision();
        match (before, after) {
            (None, None) => None,
            (None, Some(record)) => self.encoder.event(Seen::Added, record, revision),
            (Some(_), Some(record)) => self.encoder.event(Seen::Modified, record, revision),
            (Some(_), None) if event.kind == EventKind::Deleted => {
                self.encoder.event(Seen::Deleted, &event.record, revision)
            }
            (Some(last), None) => self.encoder.event(Seen::Deleted, last, revision),
        }
    }
}
