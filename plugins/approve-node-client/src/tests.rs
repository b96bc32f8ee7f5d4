use std::time::Duration;

use serde_json::json;
use slipway_sdk::csr_approver::{SERVING_SIGNER, TokenFacts};
use slipway_sdk::settings;
use slipway_sdk::testing::{MockHost, bootstrap_request, renewal_request};

use super::*;

fn plugin(settings: serde_json::Value) -> Result<ApproveNodeClient, SettingErrors> {
    ApproveNodeClient::configure(settings::parse(settings)?)
}

fn review(settings: serde_json::Value, request: &CertificateRequest) -> Review {
    plugin(settings).unwrap().review(request).unwrap()
}

fn bounded(bound: impl FnOnce(&mut TokenFacts)) -> CertificateRequest {
    let mut request = bootstrap_request("worker-1", "abcdef");
    bound(request.token.as_mut().unwrap());
    request
}

/// The verdict, and the rule that was applied last.
fn outcome(review: &Review) -> (&Verdict, &str, Outcome) {
    let last = review.findings.last().unwrap();
    (&review.verdict, &last.rule, last.outcome)
}

#[test]
fn a_new_node_within_its_tokens_bounds_is_approved() {
    let request = bounded(|token| {
        token.node = Some("worker-1".to_owned());
        token.uses = Some(2);
        token.uses_left = Some(1);
    });
    let review = review(json!({}), &request);
    assert_eq!(review.verdict, Verdict::Approve);
    let rules: Vec<_> = review
        .findings
        .iter()
        .map(|finding| finding.rule.as_str())
        .collect();
    assert_eq!(
        rules,
        [
            "client-certificate",
            "bootstrap-token",
            "token-alive",
            "token-for-node",
            "token-uses-left",
            "request-fresh",
            "node-new",
            "node-name-allowed"
        ]
    );
    assert!(
        review
            .findings
            .iter()
            .all(|finding| finding.outcome == Outcome::Passed)
    );
}

#[test]
fn other_requests_are_left_to_others() {
    let serving = CertificateRequest {
        signer_name: SERVING_SIGNER.to_owned(),
        ..bootstrap_request("worker-1", "abcdef")
    };
    let mut no_group = bootstrap_request("worker-1", "abcdef");
    no_group.requester.groups.clear();
    for request in [serving, no_group, renewal_request("worker-1")] {
        assert_eq!(
            review(json!({}), &request).verdict,
            Verdict::Abstain,
            "{request:?}"
        );
    }
}

#[test]
fn a_token_for_another_node_is_denied() {
    let review = review(
        json!({}),
        &bounded(|token| token.node = Some("worker-2".to_owned())),
    );
    let reason = "the token is for node worker-2, not for worker-1".to_owned();
    assert_eq!(
        outcome(&review),
        (&Verdict::Deny(reason), "token-for-node", Outcome::Failed)
    );
}

#[test]
fn what_may_change_is_deferred() {
    let created = bootstrap_request("worker-1", "abcdef").created;
    let mut forgotten = bootstrap_request("worker-1", "abcdef");
    forgotten.token = None;
    for (request, rule) in [
        (
            bounded(|token| token.uses_left = Some(0)),
            "token-uses-left",
        ),
        (
            bounded(|token| token.expires = Some(created)),
            "token-alive",
        ),
        (
            bounded(|token| token.id = "ghijkl".to_owned()),
            "bootstrap-token",
        ),
        (forgotten, "bootstrap-token"),
    ] {
        let review = review(json!({}), &request);
        let (verdict, last, _) = outcome(&review);
        assert!(matches!(verdict, Verdict::Defer(_)), "{review:?}");
        assert_eq!(last, rule);
    }
    let just_in_time = bounded(|token| token.expires = Some(created + Duration::from_secs(1)));
    assert_eq!(review(json!({}), &just_in_time).verdict, Verdict::Approve);
}

#[test]
fn names_can_be_narrowed() {
    let request = bootstrap_request("worker-1", "abcdef");
    let names = json!({"names": ["edge-*", "worker-1"]});
    assert_eq!(review(names, &request).verdict, Verdict::Approve);

    let reason = || "worker-1 is none of the names that are approved without a person".to_owned();
    let review_of_other = review(json!({"names": ["edge-*"]}), &request);
    assert_eq!(
        outcome(&review_of_other),
        (
            &Verdict::Defer(reason()),
            "node-name-allowed",
            Outcome::Failed
        )
    );
    let denying = json!({"names": ["edge-*"], "otherName": "deny"});
    assert_eq!(review(denying, &request).verdict, Verdict::Deny(reason()));
}

#[test]
fn names_can_stand_in_a_file() {
    let request = bootstrap_request("worker-1", "abcdef");
    let settings = json!({"names": ["edge-*"], "namesFile": "nodes.txt"});
    let review = |text: &str| {
        let _host = MockHost::new()
            .file("inventory", "nodes.txt", text)
            .install();
        plugin(settings.clone()).unwrap().review(&request)
    };
    let verdict = |text: &str| review(text).unwrap().verdict;
    assert_eq!(
        verdict("# rack 7\n\nworker-1 # the loud one\n"),
        Verdict::Approve
    );
    assert_eq!(verdict("worker-*"), Verdict::Approve);
    assert!(matches!(verdict("worker-10\n"), Verdict::Defer(_)));
    let error = review("worker-1\nWorker\n").unwrap_err();
    assert!(
        error
            .to_string()
            .starts_with("inventory/nodes.txt: line 2: "),
        "{error}"
    );

    let _empty = MockHost::new().directory("inventory").install();
    let error = plugin(settings.clone())
        .unwrap()
        .review(&request)
        .unwrap_err();
    assert!(matches!(error, ReviewError::Unavailable(_)), "{error}");
    let _none = MockHost::new().install();
    assert_eq!(
        plugin(settings).unwrap_err().as_slice()[0].path,
        "namesFile"
    );
}

#[test]
fn an_old_request_waits_for_a_person() {
    let request = bootstrap_request("worker-1", "abcdef");
    let settings = json!({"maxAgeSeconds": 60});
    let verdict = |seconds: u64| {
        let now = request.created + Duration::from_secs(seconds);
        let _host = MockHost::new().now(now).install();
        plugin(settings.clone())
            .unwrap()
            .review(&request)
            .unwrap()
            .verdict
    };
    assert_eq!(verdict(60), Verdict::Approve);
    assert_eq!(
        verdict(61),
        Verdict::Defer("the request is 61 s old; 60 s are allowed".to_owned())
    );
    let _no_clock = MockHost::new().install();
    assert_eq!(
        plugin(settings).unwrap_err().as_slice()[0].path,
        "maxAgeSeconds"
    );
}

#[test]
fn a_machine_that_takes_a_nodes_place_waits_for_a_person() {
    let request = CertificateRequest {
        rejoins: true,
        ..bootstrap_request("worker-1", "abcdef")
    };
    let verdict = |settings| review(settings, &request).verdict;
    assert!(matches!(verdict(json!({})), Verdict::Defer(_)));
    assert!(matches!(
        verdict(json!({"rejoin": "deny"})),
        Verdict::Deny(_)
    ));
    assert_eq!(verdict(json!({"rejoin": "approve"})), Verdict::Approve);
}

#[test]
fn settings_that_make_no_sense_are_named() {
    let error = plugin(json!({"names": ["worker-*", "Worker", ""]})).unwrap_err();
    let paths: Vec<_> = error
        .as_slice()
        .iter()
        .map(|error| error.path.as_str())
        .collect();
    assert_eq!(paths, ["names[1]", "names[2]"]);

    let error = plugin(json!({"otherName": "Deny"}))
        .unwrap_err()
        .to_string();
    assert!(error.ends_with("did you mean \"deny\"?"), "{error}");
    let error = plugin(json!({"name": []})).unwrap_err().to_string();
    assert!(error.ends_with("did you mean \"names\"?"), "{error}");
}
