//! What a bootstrap token's identity may do: ask for a certificate and look at its own request.
//!
//! RBAC cannot say "its own", which is why `system:node-bootstrapper` lets a token read everybody's. Here it can be said, so
//! that a kubelet, which lists and watches its request by name, needs no more than our own join does.

use k8s_openapi::api::rbac::v1::PolicyRule;

use super::rbac::rules;
use super::{Attributes, Decision, Ownership, Target, resources};
use crate::authentication::{MASTERS, UserInfo};

/// Decides for a bootstrap identity. Final either way: RBAC is not asked, so that no binding, however
/// wide, gives a token more than this.
pub(super) fn decide(attributes: &Attributes, ownership: Ownership) -> Decision {
    let allowed = match &attributes.target {
        Target::Path(_) => false,
        Target::Resource(target) => match attributes.verb.as_str() {
            "create" => resources::is_request(target, "") || resources::is_self_review(target),
            "get" => {
                resources::is_request(target, "")
                    && matches!(ownership, Ownership::Own | Ownership::Absent)
            }
            "list" | "watch" => resources::is_request(target, "") && ownership == Ownership::Own,
            _ => false,
        },
    };
    if allowed {
        Decision::Allow("bootstrap: its own certificate signing request".to_owned())
    } else {
        Decision::Deny(
            "a bootstrap token may create a CertificateSigningRequest and read its own by name, nothing else"
                .to_owned(),
        )
    }
}

/// Whether of all requests an identity is shown its own only, whatever names it asks for: a name can have been another's
/// at the moment that a list shows, and become another's while a watch goes on.
pub(crate) fn is_shown_its_own_only(user: &UserInfo) -> bool {
    user.is_bootstrap() && !user.in_group(MASTERS)
}

/// The same as rules, for a SelfSubjectRulesReview. That a request must be its own cannot be said in a
/// rule.
pub(super) fn rules() -> Vec<PolicyRule> {
    let mut rules = vec![rules::resources(
        &["create", "get", "list", "watch"],
        &[resources::CERTIFICATES],
        &[resources::REQUESTS],
    )];
    rules.extend(resources::self_review_rules());
    rules
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::authorization::ResourceTarget;

    fn allowed(verb: &str, target: ResourceTarget, ownership: Ownership) -> bool {
        matches!(
            decide(&Attributes::resource(verb, target), ownership),
            Decision::Allow(_)
        )
    }

    #[test]
    fn a_token_reads_its_own_request_only() {
        let request = || ResourceTarget::new(resources::CERTIFICATES, resources::REQUESTS);
        assert!(allowed("create", request(), Ownership::Unknown));
        assert!(allowed("get", request().named("x"), Ownership::Own));
        assert!(allowed("get", request().named("x"), Ownership::Absent));
        assert!(!allowed("get", request().named("x"), Ownership::Foreign));
        assert!(!allowed("get", request().named("x"), Ownership::Unknown));
        for verb in ["list", "watch"] {
            assert!(allowed(verb, request().named("x"), Ownership::Own));
            for ownership in [Ownership::Absent, Ownership::Foreign, Ownership::Unknown] {
                assert!(!allowed(verb, request().named("x"), ownership), "{verb}");
            }
        }
    }

    #[test]
    fn nothing_else_is_open() {
        let request =
            || ResourceTarget::new(resources::CERTIFICATES, resources::REQUESTS).named("x");
        for verb in ["update", "patch", "delete", "deletecollection"] {
            assert!(!allowed(verb, request(), Ownership::Own), "{verb}");
        }
        for subresource in ["approval", "status", "nodeclient", "selfnodeclient"] {
            for verb in ["create", "get", "update", "patch"] {
                let target = request().subresource(subresource);
                assert!(
                    !allowed(verb, target, Ownership::Own),
                    "{verb} {subresource}"
                );
            }
        }
        for resource in ["secrets", "configmaps", "nodes", "namespaces", "events"] {
            for verb in ["create", "get", "list"] {
                let target = ResourceTarget::new("", resource).named("x");
                assert!(!allowed(verb, target, Ownership::Own), "{verb} {resource}");
            }
        }
        let other_group = ResourceTarget::new("example.com", resources::REQUESTS);
        assert!(!allowed("create", other_group, Ownership::Own));
        assert!(matches!(
            decide(&Attributes::path("get", "/metrics"), Ownership::Unknown),
            Decision::Deny(_)
        ));
    }

    #[test]
    fn it_may_ask_about_itself_and_about_nobody_else() {
        let review = |group, resource| ResourceTarget::new(group, resource);
        for resource in ["selfsubjectaccessreviews", "selfsubjectrulesreviews"] {
            let target = review("authorization.k8s.io", resource);
            assert!(allowed("create", target, Ownership::Unknown));
        }
        assert!(allowed(
            "create",
            review("authentication.k8s.io", "selfsubjectreviews"),
            Ownership::Unknown
        ));
        for (group, resource) in [
            ("authorization.k8s.io", "subjectaccessreviews"),
            ("authentication.k8s.io", "tokenreviews"),
        ] {
            assert!(!allowed(
                "create",
                review(group, resource),
                Ownership::Unknown
            ));
        }
    }
}
