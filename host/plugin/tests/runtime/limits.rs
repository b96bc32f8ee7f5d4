//! What a hostile plugin can do to the host: nothing.

use std::time::{Duration, Instant};

use serde_json::json;
use slipway_config::finding::Verdict;
use slipway_plugin::extension::csr_approver::ReviewError;
use slipway_plugin::{Allocation, HostOptions, PluginHost};

use crate::support::{Log, approver, deferred, entry, failure, host, options, refusal, review};

#[tokio::test]
async fn a_plugin_that_loops_is_ended_and_starves_nobody() {
    let approver = approver(entry("hostile", json!({"limits": {"deadline": "1s"}}))).await;
    let started = Instant::now();
    // This runtime has one thread: while the guest loops, others have to get their turn.
    let ticking = async {
        let mut turns = 0;
        while started.elapsed() < Duration::from_millis(1000) {
            tokio::time::sleep(Duration::from_millis(1)).await;
            turns += 1;
        }
        turns
    };
    let (error, turns) = tokio::join!(failure(&*approver, "loop"), ticking);
    insta::assert_snapshot!(error, @"plugin hostile did not answer within 1000 ms");
    assert!(
        started.elapsed() < Duration::from_secs(10),
        "{:?}",
        started.elapsed()
    );
    assert!(turns > 5, "{turns} turns of some 200");
}

#[tokio::test]
async fn a_plugin_that_allocates_without_end_meets_its_limit() {
    let limits = json!({"limits": {"memory": "8Mi", "deadline": "30s"}});
    let approver = approver(entry("hostile", limits)).await;
    insta::assert_snapshot!(failure(&*approver, "allocate").await, @"plugin hostile wanted more than its 8192 KiB of memory");
}

#[tokio::test]
async fn a_plugin_that_dies_says_why() {
    let approver = approver(entry("hostile", json!({"limits": {"deadline": "30s"}}))).await;
    insta::assert_snapshot!(failure(&*approver, "recurse").await, @"plugin hostile trapped: its calls nest too deeply");
    insta::assert_snapshot!(failure(&*approver, "trap").await, @"plugin hostile trapped: it gave up (unreachable)");
    insta::assert_snapshot!(failure(&*approver, "panic").await, @"plugin hostile trapped: it gave up (unreachable); it last said: the plugin panicked: the sky fell");
}

#[tokio::test]
async fn a_plugin_that_died_serves_the_next_request_with_a_new_instance() {
    let approver = approver(entry("hostile", json!({}))).await;
    failure(&*approver, "trap").await;
    for _ in 0..3 {
        assert_eq!(deferred(&*approver, "remember").await, "1");
    }
    assert_eq!(
        review(&*approver, "anything").await.unwrap().verdict,
        Verdict::Approve
    );
}

#[tokio::test]
async fn an_answer_that_is_too_large_is_none() {
    let approver = approver(entry("hostile", json!({"limits": {"deadline": "30s"}}))).await;
    insta::assert_snapshot!(failure(&*approver, "huge-answer").await, @"plugin hostile handed over more than 4194304 bytes in one call");
    let review = review(&*approver, "many-findings").await.unwrap();
    assert_eq!(review.findings.len(), 256);
}

#[tokio::test]
async fn texts_of_a_plugin_are_one_printable_line() {
    let approver = approver(entry("hostile", json!({}))).await;
    let denied = review(&*approver, "forge-a-line").await.unwrap().verdict;
    assert_eq!(
        denied,
        Verdict::Deny("no 2026 INFO approved [2Kyes".to_owned())
    );
    match review(&*approver, "unavailable").await {
        Err(ReviewError::Unavailable(text)) => assert_eq!(text, "away"),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_plugin_that_floods_the_log_is_cut_off_and_answers_all_the_same() {
    let log = Log::capture();
    let approver = approver(entry("hostile", json!({"limits": {"deadline": "30s"}}))).await;
    let review = review(&*approver, "flood-the-log").await.unwrap();
    assert_eq!(review.verdict, Verdict::Abstain);
    let text = log.text();
    assert_eq!(text.matches("forged").count(), 64, "{text}");
    assert!(text.contains("entry 0 forged"), "{text}");
    assert!(text.contains("dropped=9936"), "{text}");
    assert!(!text.contains('\u{1b}'), "{text}");
}

#[tokio::test]
async fn what_a_call_costs_is_told() {
    let approver = approver(entry("hostile", json!({}))).await;
    let stats = review(&*approver, "anything").await.unwrap().stats;
    assert!(stats.memory_bytes >= 64 * 1024, "{stats:?}");
    assert!(stats.duration > Duration::ZERO && stats.duration < Duration::from_secs(1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_calls_at_once_are_all_served_however_memory_is_had() {
    for allocation in [Allocation::OnDemand, Allocation::Pooling] {
        let host = PluginHost::new(HostOptions {
            allocation,
            ..options()
        })
        .unwrap();
        let entry = entry("hostile", json!({"limits": {"deadline": "30s"}}));
        let approver = host.load_csr_approver(&entry).await.unwrap();
        let calls = (0..200).map(|_| deferred(&*approver, "remember"));
        for served in futures::future::join_all(calls).await {
            assert_eq!(served, "1");
        }
        failure(&*approver, "trap").await;
    }
}

#[tokio::test]
async fn a_table_that_is_too_large_is_none() {
    let entry = entry("hostile", json!({"limits": {"tableElements": 4}}));
    insta::assert_snapshot!(refusal(entry).await, @"plugin hostile failed while it checked its settings: plugin hostile trapped: a table wants more than 4 elements");
}

#[tokio::test]
async fn a_limit_beyond_what_the_host_has_is_an_error() {
    let entry = entry("hostile", json!({"limits": {"tableElements": 1_000_000}}));
    let error = host().load_csr_approver(&entry).await.err().unwrap();
    insta::assert_snapshot!(error, @"plugin hostile: limits.tableElements: 1000000 is more than 50000");
}
