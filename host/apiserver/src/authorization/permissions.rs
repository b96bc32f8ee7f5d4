//! Permissions that a kind's rules ask about, beyond the one for the request's verb.

use k8s_openapi::api::rbac::v1::{PolicyRule, RoleRef};

use super::rbac::{Policy, grants_more};
use super::{Attributes, Decision, Ownership, ResourceTarget, decide, resources, rules_for};
use crate::authentication::UserInfo;

/// What one identity may do under one policy.
pub(crate) struct Permissions<'a> {
    /// The identity.
    pub(crate) user: &'a UserInfo,
    /// The RBAC objects.
    pub(crate) policy: &'a Policy,
}

impl Permissions<'_> {
    /// Whether the identity may `approve` or `sign` for a signer: the verb must be allowed on the
    /// signer, or on all signers of its domain.
    ///
    /// # Errors
    /// Why not.
    pub(crate) fn act_for_signer(&self, verb: &str, signer: &str) -> Result<(), String> {
        let domain = signer.split('/').next().unwrap_or_default();
        let allowed = [signer, &format!("{domain}/*")].iter().any(|name| {
            let target =
                ResourceTarget::new(resources::CERTIFICATES, resources::SIGNERS).named(name);
            self.allows(verb, target)
        });
        if allowed {
            Ok(())
        } else {
            Err(format!(
                "user {:?} may not {verb} requests with signerName {signer:?}",
                self.user.username
            ))
        }
    }

    /// Whether the identity may bind this role in a namespace (empty: cluster-wide): by the verb `bind`
    /// on it, or by holding all its rules.
    ///
    /// # Errors
    /// Why not.
    pub(crate) fn bind(&self, namespace: &str, role: &RoleRef) -> Result<(), String> {
        let resource = match role.kind.as_str() {
            "Role" => "roles",
            _ => "clusterroles",
        };
        let target = ResourceTarget::new(resources::RBAC, resource)
            .within(namespace)
            .named(&role.name);
        if self.allows("bind", target) {
            return Ok(());
        }
        let rules = self.policy.role_rules(namespace, role).ok_or_else(|| {
            format!(
                "{} {:?} does not exist: it can be bound by those only who are allowed the verb bind on it",
                role.kind, role.name
            )
        })?;
        self.hold(namespace, rules)
    }

    /// Whether the identity may write these rules into a role: by the verb `escalate` on it, or by
    /// holding them.
    ///
    /// # Errors
    /// Why not.
    pub(crate) fn grant(&self, role: ResourceTarget, rules: &[PolicyRule]) -> Result<(), String> {
        let namespace = role.namespace.clone();
        if self.allows("escalate", role) {
            return Ok(());
        }
        self.hold(&namespace, rules)
    }

    fn hold(&self, namespace: &str, rules: &[PolicyRule]) -> Result<(), String> {
        let owned = rules_for(self.policy, self.user, namespace);
        match grants_more(&owned, rules) {
            None => Ok(()),
            Some(escalation) => Err(format!(
                "user {:?} attempts to grant permissions: {escalation}",
                self.user.username
            )),
        }
    }

    fn allows(&self, verb: &str, target: ResourceTarget) -> bool {
        let attributes = Attributes::resource(verb, target);
        matches!(
            decide(self.policy, self.user, &attributes, Ownership::Unknown),
            Decision::Allow(_)
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::authorization::rbac::rules;
    use crate::authorization::testing::policy_of_ops;

    const KUBELET: &str = "kubernetes.io/kube-apiserver-client-kubelet";

    /// Asks as somebody who has these rules everywhere.
    fn with<R>(rules: Vec<PolicyRule>, ask: impl FnOnce(Permissions<'_>) -> R) -> R {
        let user = UserInfo::authenticated("ann", ["ops"]);
        ask(Permissions {
            user: &user,
            policy: &policy_of_ops(rules),
        })
    }

    fn signer_rule(verb: &str, name: &str) -> Vec<PolicyRule> {
        vec![rules::named(
            &[verb],
            &[resources::CERTIFICATES],
            &["signers"],
            &[name],
        )]
    }

    #[test]
    fn approving_needs_the_verb_on_the_signer_or_its_domain() {
        let may_approve = |rules| {
            with(rules, |permissions| {
                permissions.act_for_signer("approve", KUBELET)
            })
        };
        assert_eq!(may_approve(signer_rule("approve", KUBELET)), Ok(()));
        assert_eq!(
            may_approve(signer_rule("approve", "kubernetes.io/*")),
            Ok(())
        );
        for rules in [
            vec![],
            signer_rule("approve", "kubernetes.io/kubelet-serving"),
            signer_rule("approve", "example.com/*"),
            signer_rule("sign", "kubernetes.io/*"),
        ] {
            let refused = may_approve(rules).unwrap_err();
            assert!(
                refused.contains("may not approve requests with signerName"),
                "{refused}"
            );
        }
    }

    #[test]
    fn nobody_grants_what_they_do_not_hold() {
        let secrets = [rules::resources(&["get"], &[""], &["secrets"])];
        let grant = |held| {
            with(held, |permissions| {
                let role = ResourceTarget::new(resources::RBAC, "clusterroles").named("x");
                permissions.grant(role, &secrets)
            })
        };
        assert!(
            grant(vec![])
                .unwrap_err()
                .contains("attempts to grant permissions")
        );
        assert_eq!(
            grant(vec![rules::resources(&["get"], &[""], &["*"])]),
            Ok(())
        );
        let escalate = rules::named(&["escalate"], &[resources::RBAC], &["clusterroles"], &["x"]);
        assert_eq!(grant(vec![escalate]), Ok(()));
    }

    #[test]
    fn nobody_binds_a_role_beyond_their_own() {
        let bind = |held, name: &str| {
            with(held, |permissions| {
                permissions.bind(
                    "",
                    &RoleRef {
                        kind: "ClusterRole".into(),
                        name: name.into(),
                        api_group: None,
                    },
                )
            })
        };
        let refused = bind(vec![], "cluster-admin").unwrap_err();
        assert!(
            refused.contains("attempts to grant permissions"),
            "{refused}"
        );
        let may_bind = || {
            vec![rules::named(
                &["bind"],
                &[resources::RBAC],
                &["clusterroles"],
                &["cluster-admin"],
            )]
        };
        assert_eq!(bind(may_bind(), "cluster-admin"), Ok(()));
        assert!(
            bind(may_bind(), "absent")
                .unwrap_err()
                .contains("does not exist")
        );
        // The role that one is bound to oneself.
        assert_eq!(bind(may_bind(), "ops"), Ok(()));
    }
}
