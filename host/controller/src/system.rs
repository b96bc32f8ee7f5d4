//! The namespace that holds Slipway's own records, and what marks them.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use k8s_openapi::api::core::v1::Namespace;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::api::{Api, PostParams};
pub use slipway_config::system::NAMESPACE;

use crate::error::{During as _, Error};

/// What time it is; another one for tests.
pub type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// The label that tells whose an object is.
const MANAGED_BY: &str = "app.kubernetes.io/managed-by";

/// Makes [`NAMESPACE`] where it is missing.
///
/// # Errors
/// When the API refuses.
pub(crate) async fn ensure_namespace(client: &kube::Client) -> Result<(), Error> {
    let namespaces: Api<Namespace> = Api::all(client.clone());
    let existing = namespaces
        .get_opt(NAMESPACE)
        .await
        .during("read", format_args!("Namespace {NAMESPACE}"))?;
    if existing.is_some() {
        return Ok(());
    }
    let namespace = Namespace {
        metadata: ObjectMeta {
            name: Some(NAMESPACE.to_owned()),
            ..ObjectMeta::default()
        },
        ..Namespace::default()
    };
    let made = namespaces
        .create(&PostParams::default(), &namespace)
        .await
        .during("create", format_args!("Namespace {NAMESPACE}"));
    match made {
        Err(error) if error.is_conflict() => Ok(()),
        made => made.map(drop),
    }
}

/// The system's clock.
pub(crate) fn system_clock() -> Clock {
    Arc::new(Timestamp::now)
}

/// The labels of an object of ours.
pub(crate) fn labels<'a>(
    more: impl IntoIterator<Item = (&'a str, String)>,
) -> BTreeMap<String, String> {
    more.into_iter()
        .chain([(MANAGED_BY, "slipway".to_owned())])
        .map(|(key, value)| (key.to_owned(), value))
        .collect()
}

/// `time` moved by `by` and cut to what a timestamp can hold.
pub(crate) fn later(time: Timestamp, by: std::time::Duration) -> Timestamp {
    jiff::SignedDuration::try_from(by)
        .ok()
        .and_then(|by| time.checked_add(by).ok())
        .unwrap_or(Timestamp::MAX)
}

/// How long from `from` to `to`; nothing where that is past.
pub(crate) fn until(from: Timestamp, to: Timestamp) -> std::time::Duration {
    std::time::Duration::try_from(to.duration_since(from)).unwrap_or_default()
}
