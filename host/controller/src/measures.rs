//! What is counted, for whoever keeps it (`slipway controller` answers it on /metrics). Where nobody does, nothing is.

use std::time::Duration;

use metrics::{
    Unit, counter, describe_counter, describe_gauge, describe_histogram, gauge, histogram,
};

const DECISIONS: &str = "slipway_csr_decisions_total";
const CERTIFICATES: &str = "slipway_certificates_total";
const WORK: &str = "slipway_work_duration_seconds";
const LEADER: &str = "slipway_leader";
const BROKEN_WATCHES: &str = "slipway_watches_broken_total";

/// Says what each of them is.
pub fn describe() {
    describe_counter!(
        DECISIONS,
        "Decisions about certificate signing requests, by what was decided"
    );
    describe_counter!(
        CERTIFICATES,
        "Approved requests, by whether a certificate was issued or refused"
    );
    describe_histogram!(
        WORK,
        Unit::Seconds,
        "Time for one look at one request, by controller"
    );
    describe_gauge!(LEADER, "1 where this replica leads, else 0");
    describe_counter!(BROKEN_WATCHES, "Watches that broke and were taken up again");
}

pub(crate) fn decided(decision: &str) {
    counter!(DECISIONS, "decision" => decision.to_owned()).increment(1);
}

pub(crate) fn issued() {
    counter!(CERTIFICATES, "outcome" => "issued").increment(1);
}

pub(crate) fn refused() {
    counter!(CERTIFICATES, "outcome" => "refused").increment(1);
}

pub(crate) fn worked(controller: &'static str, took: Duration) {
    histogram!(WORK, "controller" => controller).record(took.as_secs_f64());
}

pub(crate) fn leads(leads: bool) {
    gauge!(LEADER).set(if leads { 1.0 } else { 0.0 });
}

pub(crate) fn watch_broke() {
    counter!(BROKEN_WATCHES).increment(1);
}
