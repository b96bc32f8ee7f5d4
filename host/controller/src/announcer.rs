//! What became of a request, as an Event about it: `kubectl describe` shows no conditions of requests, and it shows Events.
//!
//! An Event is for people, and nothing rests on it: each goes out when there is time, so that a burst of requests is decided as
//! fast as without them, and one that the API refuses, or that would be too many, is passed over.

use std::time::Duration;

use jiff::Timestamp;
use k8s_openapi::api::certificates::v1::CertificateSigningRequest;
use k8s_openapi::api::core::v1::{Event, EventSource, ObjectReference};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, Time};
use kube::api::{Api, PostParams};
use kube::{Resource as _, ResourceExt as _};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::condition::{APPROVED, shortened};

/// The namespace of Events about objects that have none (`k8s.io/client-go/tools/record/event.go`).
const NAMESPACE: &str = "default";

/// Who reports.
const COMPONENT: &str = "slipway-controller";

/// How long it is at least from one Event to the next.
const PAUSE: Duration = Duration::from_millis(50);

/// Events that wait; more are passed over.
const QUEUE: usize = 1024;

/// The longest part of a request's name in that of its Event, in bytes.
const NAME: usize = 200;

/// Tells people.
#[derive(Clone)]
pub(crate) struct Announcer {
    queue: mpsc::Sender<Event>,
}

impl Announcer {
    /// One whose Events wait to be written.
    pub(crate) fn new() -> (Self, mpsc::Receiver<Event>) {
        let (queue, waiting) = mpsc::channel(QUEUE);
        (Self { queue }, waiting)
    }

    /// Tells of a condition that was written into a request.
    pub(crate) fn tell(
        &self,
        request: &CertificateSigningRequest,
        condition: &str,
        reason: &str,
        message: &str,
        now: Timestamp,
    ) {
        if let Ok(room) = self.queue.try_reserve() {
            room.send(event(request, condition, reason, message, now));
        }
    }
}

/// Writes what waits, until `shutdown`.
pub(crate) async fn write(
    client: kube::Client,
    mut waiting: mpsc::Receiver<Event>,
    shutdown: CancellationToken,
) {
    let events: Api<Event> = Api::namespaced(client, NAMESPACE);
    let writing = async {
        while let Some(event) = waiting.recv().await {
            if let Err(error) = events.create(&PostParams::default(), &event).await {
                tracing::debug!(
                    error = &error as &dyn std::error::Error,
                    "an Event could not be written"
                );
            }
            tokio::time::sleep(PAUSE).await;
        }
    };
    shutdown.run_until_cancelled(writing).await;
    // Where nobody decides there is nothing to tell.
    shutdown.cancelled().await;
}

fn event(
    request: &CertificateSigningRequest,
    condition: &str,
    reason: &str,
    message: &str,
    now: Timestamp,
) -> Event {
    let name = request.name_any();
    let part = name
        .get(..name.floor_char_boundary(NAME))
        .unwrap_or_default();
    let part = part.trim_end_matches(|c: char| !c.is_ascii_alphanumeric());
    let (time, component) = (Time(now), Some(COMPONENT.to_owned()));
    Event {
        metadata: ObjectMeta {
            name: Some(format!("{part}.{:x}", now.as_nanosecond())),
            namespace: Some(NAMESPACE.to_owned()),
            ..ObjectMeta::default()
        },
        involved_object: ObjectReference {
            // By name and UID alone: it goes on to change.
            resource_version: None,
            namespace: None,
            ..request.object_ref(&())
        },
        type_: Some(match condition {
            APPROVED => "Normal".to_owned(),
            _ => "Warning".to_owned(),
        }),
        reason: Some(reason.to_owned()),
        message: Some(shortened(message)),
        source: Some(EventSource {
            component: component.clone(),
            host: None,
        }),
        reporting_component: component,
        reporting_instance: Some(COMPONENT.to_owned()),
        first_timestamp: Some(time.clone()),
        last_timestamp: Some(time),
        count: Some(1),
        ..Event::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event_of(name: &str) -> Event {
        let request = CertificateSigningRequest {
            metadata: ObjectMeta {
                name: Some(name.to_owned()),
                uid: Some("uid".to_owned()),
                ..ObjectMeta::default()
            },
            ..CertificateSigningRequest::default()
        };
        event(
            &request,
            "Denied",
            "GuardrailBroken",
            "why",
            Timestamp::UNIX_EPOCH,
        )
    }

    #[test]
    fn an_event_is_about_its_request() {
        let event = event_of("r1");
        let about = event.involved_object;
        assert_eq!(about.kind.as_deref(), Some("CertificateSigningRequest"));
        assert_eq!(about.api_version.as_deref(), Some("certificates.k8s.io/v1"));
        assert_eq!(
            (about.name.as_deref(), about.uid.as_deref()),
            (Some("r1"), Some("uid"))
        );
        assert_eq!(event.metadata.name.as_deref(), Some("r1.0"));
        assert_eq!(event.type_.as_deref(), Some("Warning"));
    }

    #[test]
    fn the_name_of_an_event_is_one_however_long_that_of_its_request_is() {
        let long = format!("{}.{}", "a".repeat(NAME - 1), "b".repeat(50));
        let name = event_of(&long).metadata.name.unwrap();
        assert_eq!(name, format!("{}.0", "a".repeat(NAME - 1)));
    }
}
