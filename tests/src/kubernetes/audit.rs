//! What an API server was asked and what it answered, from its audit log.

use std::path::Path;

use serde_json::Value;

/// The name of the file with the policy.
pub(super) const POLICY_FILE: &str = "audit-policy.yaml";

/// Every answer, once.
pub(super) const POLICY: &str = "apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived, ResponseStarted]
rules:
- level: Metadata
";

/// The name of the log.
pub(super) const LOG: &str = "audit.log";

/// A request that was answered.
#[derive(Debug, Clone)]
pub struct Answered {
    /// Who asked.
    pub user: String,
    /// What was asked: `get`, `update`.
    pub verb: String,
    /// The resource, and the subresource after a slash: `certificatesigningrequests/approval`.
    pub resource: String,
    /// The name of the object; empty where it is about none or many.
    pub name: String,
    /// The HTTP status.
    pub code: u64,
    /// When it was asked, in seconds.
    pub at: f64,
}

impl Answered {
    /// Whether the API server did what was asked.
    #[must_use]
    pub fn is_done(&self) -> bool {
        (200..300).contains(&self.code)
    }
}

/// Everything in a log, in the order of the answers.
pub(super) fn read(log: &Path) -> Vec<Answered> {
    let text = std::fs::read_to_string(log).expect("the API server keeps an audit log");
    // The last line may be half written.
    let events = text
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok());
    events.map(|event| answered(&event)).collect()
}

fn answered(event: &Value) -> Answered {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let object = &event["objectRef"];
    let resource = [&object["resource"], &object["subresource"]]
        .into_iter()
        .filter_map(Value::as_str)
        .collect::<Vec<_>>()
        .join("/");
    let at: jiff::Timestamp = text(&event["requestReceivedTimestamp"])
        .parse()
        .expect("a time");
    Answered {
        user: text(&event["user"]["username"]),
        verb: text(&event["verb"]),
        resource,
        name: text(&object["name"]),
        code: event["responseStatus"]["code"].as_u64().unwrap_or_default(),
        at: at.as_duration().as_secs_f64(),
    }
}
