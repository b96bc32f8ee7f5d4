use slipway_sdk::csr_approver::SERVING_SIGNER;
use slipway_sdk::testing::{bootstrap_request, renewal_request};

use super::*;

fn verdict(request: &CertificateRequest) -> Verdict {
    ApproveRenewal::configure(NoSettings {})
        .unwrap()
        .review(request)
        .unwrap()
        .verdict
}

#[test]
fn a_node_renews_itself() {
    assert_eq!(verdict(&renewal_request("worker-1")), Verdict::Approve);
}

#[test]
fn anything_else_is_left_to_others() {
    let other_node = CertificateRequest {
        node_name: "worker-2".to_owned(),
        ..renewal_request("worker-1")
    };
    let serving = CertificateRequest {
        signer_name: SERVING_SIGNER.to_owned(),
        ..renewal_request("worker-1")
    };
    let mut no_group = renewal_request("worker-1");
    no_group.requester.groups.clear();
    let new_node = bootstrap_request("worker-1", "abcdef");
    for request in [other_node, serving, no_group, new_node] {
        assert_eq!(verdict(&request), Verdict::Abstain, "{request:?}");
    }
}
