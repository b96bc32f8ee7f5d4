use serde_json::json;
use slipway_sdk::settings;
use slipway_sdk::testing::{MockHost, bootstrap_request, renewal_request};

use super::*;

/// The fingerprint that `bootstrap_request` has.
const KEY: &str = "ABababababababababababababababababababababababababababababababab";

fn plugin(settings: serde_json::Value) -> Result<ApproveInventory, SettingErrors> {
    ApproveInventory::configure(settings::parse(settings)?)
}

fn review_with(
    settings: serde_json::Value,
    inventory: &str,
    node: &str,
) -> Result<Review, ReviewError> {
    let _host = MockHost::new()
        .file(GRANT, "nodes.txt", inventory)
        .install();
    plugin(settings)
        .unwrap()
        .review(&bootstrap_request(node, "abcdef"))
}

fn review(inventory: &str) -> Result<Review, ReviewError> {
    review_with(json!({}), inventory, "worker-1")
}

#[test]
fn a_node_in_the_inventory_is_approved() {
    let review = review("# rack 7\n\nworker-2\nworker-1 # the loud one\n").unwrap();
    assert_eq!(review.verdict, Verdict::Approve);
    assert_eq!(
        review.findings[0].seen,
        "worker-1 is in line 4 of nodes.txt"
    );
    assert_eq!(review.findings[1].outcome, Outcome::Skipped);
}

#[test]
fn a_known_key_must_be_the_one_that_asks() {
    assert_eq!(
        review(&format!("worker-1 {KEY}\n")).unwrap().verdict,
        Verdict::Approve
    );
    let other = format!("worker-1 {}\n", "cd".repeat(32));
    assert_eq!(
        review(&other).unwrap().verdict,
        Verdict::Deny("the inventory knows another key for worker-1".to_owned())
    );
}

#[test]
fn an_unknown_node_waits_or_is_denied() {
    let reason = "worker-1 is not in the inventory".to_owned();
    let deferred = review("worker-10\n").unwrap();
    assert_eq!(deferred.verdict, Verdict::Defer(reason.clone()));
    assert!(deferred.findings[0].fix.is_some());
    let denied = review_with(json!({"unknown": "deny"}), "", "worker-1").unwrap();
    assert_eq!(denied.verdict, Verdict::Deny(reason));
}

#[test]
fn an_inventory_that_is_not_understood_decides_nothing() {
    for (inventory, reason) in [
        (
            "worker-1 abc\n",
            "inventory/nodes.txt: line 1: \"abc\" is not a fingerprint of 64 hex digits",
        ),
        (
            "a\nworker-1\na\n",
            "inventory/nodes.txt: line 3: a stands in line 1 already",
        ),
    ] {
        assert_eq!(
            review(inventory),
            Err(ReviewError::Other(reason.to_owned()))
        );
    }
    let three = format!("worker-1 {KEY} x\n");
    assert!(matches!(review(&three), Err(ReviewError::Other(_))));
}

#[test]
fn a_missing_inventory_is_waited_for() {
    let request = bootstrap_request("worker-1", "abcdef");
    let approver = plugin(json!({"file": "other.txt"})).unwrap();
    let _host = MockHost::new().directory(GRANT).install();
    let error = approver.review(&request).unwrap_err();
    assert_eq!(
        error,
        ReviewError::Unavailable("inventory/other.txt: there is no such file".to_owned())
    );
    let _no_grant = MockHost::new().install();
    assert!(matches!(
        approver.review(&request),
        Err(ReviewError::Other(_))
    ));
}

#[test]
fn renewals_are_left_to_others() {
    let _host = MockHost::new().install();
    let review = plugin(json!({}))
        .unwrap()
        .review(&renewal_request("worker-1"));
    assert_eq!(review.unwrap().verdict, Verdict::Abstain);
}

#[test]
fn a_path_is_no_name_in_the_folder() {
    let error = plugin(json!({"file": "/etc/nodes.txt"})).unwrap_err();
    assert_eq!(error.as_slice()[0].path, "file");
}
