use slipway_sdk::csr_approver::SERVING_SIGNER;
use slipway_sdk::testing::{bootstrap_request, renewal_request};

use super::*;

fn review(request: &CertificateRequest) -> Review {
    ApproveManual::configure(NoSettings {})
        .unwrap()
        .review(request)
        .unwrap()
}

#[test]
fn a_new_node_waits_for_a_person() {
    let review = review(&bootstrap_request("worker-1", "abcdef"));
    assert_eq!(
        review.verdict,
        Verdict::Defer("new nodes are approved by a person on this cluster".to_owned())
    );
    let [finding] = review.findings.as_slice() else {
        panic!("{review:?}");
    };
    assert!(
        finding
            .seen
            .contains("system:bootstrap:abcdef asks for node worker-1")
    );
    assert!(finding.seen.contains(&"ab".repeat(32)));
    let fix = finding.fix.as_deref().unwrap();
    assert!(fix.contains("compare the key's fingerprint"), "{fix}");
}

#[test]
fn renewals_never_wait() {
    assert_eq!(
        review(&renewal_request("worker-1")).verdict,
        Verdict::Abstain
    );
    let serving = CertificateRequest {
        signer_name: SERVING_SIGNER.to_owned(),
        ..renewal_request("worker-1")
    };
    assert_eq!(review(&serving).verdict, Verdict::Abstain);
}

#[test]
fn a_node_that_asks_for_another_waits() {
    let request = CertificateRequest {
        node_name: "worker-2".to_owned(),
        ..renewal_request("worker-1")
    };
    assert!(matches!(review(&request).verdict, Verdict::Defer(_)));
}

#[test]
fn the_name_of_a_node_without_its_group_waits() {
    let mut request = renewal_request("worker-1");
    request
        .requester
        .groups
        .retain(|group| group != "system:nodes");
    assert!(matches!(review(&request).verdict, Verdict::Defer(_)));
}
