//! The groups and resources that authorization has rules of its own about.

use k8s_openapi::api::rbac::v1::PolicyRule;

use super::ResourceTarget;
use super::rbac::rules;

/// The group of certificate signing requests and signers.
pub(crate) const CERTIFICATES: &str = "certificates.k8s.io";
/// Certificate signing requests.
pub(crate) const REQUESTS: &str = "certificatesigningrequests";
/// What one must be allowed to approve or sign for; it exists in rules only.
pub(crate) const SIGNERS: &str = "signers";
/// The group of the RBAC objects.
pub(crate) const RBAC: &str = "rbac.authorization.k8s.io";
/// The group of SelfSubjectReview and TokenReview.
pub(crate) const AUTHENTICATION: &str = "authentication.k8s.io";
/// The group of the access reviews.
pub(crate) const AUTHORIZATION: &str = "authorization.k8s.io";
/// The group of leases.
pub(crate) const COORDINATION: &str = "coordination.k8s.io";
/// Where nodes keep their leases.
pub(crate) const NODE_LEASES: &str = "kube-node-lease";

/// Whether the target is a certificate signing request, or this subresource of one.
pub(crate) fn is_request(target: &ResourceTarget, subresource: &str) -> bool {
    target.is(CERTIFICATES, REQUESTS, subresource)
}

/// Whether the target is a review in which an identity asks about itself.
pub(crate) fn is_self_review(target: &ResourceTarget) -> bool {
    target.is(AUTHENTICATION, "selfsubjectreviews", "")
        || target.is(AUTHORIZATION, "selfsubjectaccessreviews", "")
        || target.is(AUTHORIZATION, "selfsubjectrulesreviews", "")
}

/// The rules that allow those reviews.
pub(crate) fn self_review_rules() -> [PolicyRule; 2] {
    [
        rules::resources(
            &["create"],
            &[AUTHORIZATION],
            &["selfsubjectaccessreviews", "selfsubjectrulesreviews"],
        ),
        rules::resources(&["create"], &[AUTHENTICATION], &["selfsubjectreviews"]),
    ]
}
