//! What the controllers count, and how Prometheus reads it.

use std::fmt;
use std::sync::LazyLock;
use std::time::Duration;

use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::{Registry, Unit};

/// The media type of [`text`].
pub const MEDIA_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

static MEASURES: LazyLock<Measures> = LazyLock::new(Measures::new);

/// One label and its value.
type Label = [(&'static str, &'static str); 1];

struct Measures {
    registry: Registry,
    decisions: Family<Label, Counter>,
    certificates: Family<Label, Counter>,
    work: Family<Label, Histogram>,
    leader: Gauge,
    broken_watches: Counter,
    policies: Family<Label, Counter>,
    disagreements: Family<[(&'static str, String); 1], Counter>,
}

/// Everything that was counted since the process began, in OpenMetrics' text form.
///
/// # Errors
/// When it cannot be written down.
pub fn text() -> Result<String, fmt::Error> {
    let mut text = String::new();
    encode(&mut text, &MEASURES.registry)?;
    Ok(text)
}

pub(crate) fn decided(decision: &'static str) {
    count(&MEASURES.decisions, [("decision", decision)]);
}

pub(crate) fn issued() {
    count(&MEASURES.certificates, [("outcome", "issued")]);
}

pub(crate) fn refused() {
    count(&MEASURES.certificates, [("outcome", "refused")]);
}

/// Counts a certificate that another signer put into a request.
pub(crate) fn signed_by_another() {
    count(&MEASURES.certificates, [("outcome", "foreign")]);
}

pub(crate) fn worked(controller: &'static str, took: Duration) {
    let of_controller = MEASURES.work.get_or_create(&[("controller", controller)]);
    of_controller.observe(took.as_secs_f64());
}

/// Counts a change of the policy, and whether it came in force.
pub fn policy_changed(in_force: bool) {
    let outcome = if in_force { "in-force" } else { "refused" };
    count(&MEASURES.policies, [("outcome", outcome)]);
}

/// Counts a decision with which an approver in the mode shadow disagrees.
pub(crate) fn disagreed(plugin: &str) {
    let of_plugin = MEASURES
        .disagreements
        .get_or_create(&[("plugin", plugin.to_owned())]);
    of_plugin.inc();
}

/// Whether this replica leads.
pub fn leads(leads: bool) {
    MEASURES.leader.set(leads.into());
}

pub(crate) fn watch_broke() {
    MEASURES.broken_watches.inc();
}

fn count(family: &Family<Label, Counter>, label: Label) {
    family.get_or_create(&label).inc();
}

impl Measures {
    fn new() -> Self {
        // From a millisecond to half a minute.
        let buckets = || Histogram::new(exponential_buckets(0.001, 2.0, 16));
        let mut measures = Self {
            registry: Registry::with_prefix("slipway"),
            decisions: Family::default(),
            certificates: Family::default(),
            work: Family::new_with_constructor(buckets),
            leader: Gauge::default(),
            broken_watches: Counter::default(),
            policies: Family::default(),
            disagreements: Family::default(),
        };
        let registry = &mut measures.registry;
        registry.register(
            "csr_decisions",
            "Decisions about certificate signing requests, by what was decided",
            measures.decisions.clone(),
        );
        registry.register(
            "certificates",
            "Approved requests, by whether a certificate was issued or refused, or another signer was quicker (foreign)",
            measures.certificates.clone(),
        );
        registry.register_with_unit(
            "work_duration",
            "Time for one look at one request, by controller",
            Unit::Seconds,
            measures.work.clone(),
        );
        registry.register(
            "leader",
            "1 where this replica leads, else 0",
            measures.leader.clone(),
        );
        registry.register(
            "watches_broken",
            "Watches that broke and were taken up again",
            measures.broken_watches.clone(),
        );
        registry.register(
            "policy_changes",
            "Changes of the policy's file, by whether they came in force or were refused",
            measures.policies.clone(),
        );
        registry.register(
            "shadow_disagreements",
            "Decisions with which an approver in the mode shadow disagrees, by approver",
            measures.disagreements.clone(),
        );
        measures
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_counted_is_read() {
        let measures = Measures::new();
        count(&measures.decisions, [("decision", "approved")]);
        count(&measures.decisions, [("decision", "approved")]);
        measures.leader.set(1);
        let of_signer = measures.work.get_or_create(&[("controller", "signer")]);
        of_signer.observe(0.003);
        drop(of_signer);
        let mut text = String::new();
        encode(&mut text, &measures.registry).unwrap();
        for line in [
            "slipway_csr_decisions_total{decision=\"approved\"} 2",
            "slipway_leader 1",
            "slipway_work_duration_seconds_bucket{le=\"0.004\",controller=\"signer\"} 1",
            "slipway_work_duration_seconds_count{controller=\"signer\"} 1",
            "# UNIT slipway_work_duration_seconds seconds",
            "slipway_watches_broken_total 0",
        ] {
            assert!(text.lines().any(|written| written == line), "{text}");
        }
    }
}
