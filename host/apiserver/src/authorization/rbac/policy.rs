//! All RBAC objects at one moment, and what they allow an identity.

use std::collections::HashMap;

use k8s_openapi::api::rbac::v1::{
    ClusterRole, ClusterRoleBinding, PolicyRule, Role, RoleBinding, RoleRef, Subject,
};

use super::rule;
use crate::authentication::{SERVICE_ACCOUNT_PREFIX, UserInfo};
use crate::authorization::{Attributes, Target};

/// The served RBAC objects, indexed. A value: it is built anew when one of them changes.
#[derive(Clone, Debug, Default)]
pub(crate) struct Policy {
    cluster_roles: HashMap<String, Vec<PolicyRule>>,
    roles: HashMap<(String, String), Vec<PolicyRule>>,
    cluster_role_bindings: Vec<Binding>,
    role_bindings: HashMap<String, Vec<Binding>>,
}

#[derive(Clone, Debug)]
struct Binding {
    name: String,
    role: RoleRef,
    subjects: Vec<Subject>,
}

impl Policy {
    /// Indexes the objects.
    pub(crate) fn new(
        cluster_roles: Vec<ClusterRole>,
        roles: Vec<Role>,
        cluster_role_bindings: Vec<ClusterRoleBinding>,
        role_bindings: Vec<RoleBinding>,
    ) -> Self {
        let mut policy = Self::default();
        for role in cluster_roles {
            let name = role.metadata.name.unwrap_or_default();
            policy
                .cluster_roles
                .insert(name, role.rules.unwrap_or_default());
        }
        for role in roles {
            let name = role.metadata.name.unwrap_or_default();
            let namespace = role.metadata.namespace.unwrap_or_default();
            policy
                .roles
                .insert((namespace, name), role.rules.unwrap_or_default());
        }
        for binding in cluster_role_bindings {
            policy.cluster_role_bindings.push(Binding {
                name: binding.metadata.name.unwrap_or_default(),
                role: binding.role_ref,
                subjects: binding.subjects.unwrap_or_default(),
            });
        }
        for binding in role_bindings {
            policy
                .role_bindings
                .entry(binding.metadata.namespace.unwrap_or_default())
                .or_default()
                .push(Binding {
                    name: binding.metadata.name.unwrap_or_default(),
                    role: binding.role_ref,
                    subjects: binding.subjects.unwrap_or_default(),
                });
        }
        policy
    }

    /// Why the identity may do this, in words; none where no rule allows it.
    pub(crate) fn allows(&self, user: &UserInfo, attributes: &Attributes) -> Option<String> {
        let cluster_wide = self.bound_cluster_wide(user).find_map(|(binding, rules)| {
            rules
                .iter()
                .any(|rule| rule::allows(rule, attributes))
                .then(|| reason("ClusterRoleBinding", &binding.name, &binding.role))
        });
        let Target::Resource(target) = &attributes.target else {
            return cluster_wide;
        };
        cluster_wide.or_else(|| {
            self.bound_in(user, &target.namespace)
                .find_map(|(binding, rules)| {
                    rules
                        .iter()
                        .any(|rule| rule::allows(rule, attributes))
                        .then(|| {
                            let name = format!("{}/{}", target.namespace, binding.name);
                            reason("RoleBinding", &name, &binding.role)
                        })
                })
        })
    }

    /// All rules that apply to the identity in a namespace (the empty one: cluster-wide only).
    pub(crate) fn rules_for(&self, user: &UserInfo, namespace: &str) -> Vec<PolicyRule> {
        let cluster_wide = self.bound_cluster_wide(user).flat_map(|(_, rules)| rules);
        let in_namespace = self
            .bound_in(user, namespace)
            .flat_map(|(_, rules)| rules)
            // A path has no namespace, so a RoleBinding cannot grant it.
            .filter(|rule| rule.non_resource_urls.as_ref().is_none_or(Vec::is_empty));
        cluster_wide.chain(in_namespace).cloned().collect()
    }

    /// The rules of the role that a binding in the namespace (empty: a ClusterRoleBinding) refers to;
    /// none where there is no such role.
    pub(crate) fn role_rules(&self, namespace: &str, role: &RoleRef) -> Option<&[PolicyRule]> {
        match role.kind.as_str() {
            "ClusterRole" => self.cluster_roles.get(&role.name),
            "Role" => self.roles.get(&(namespace.to_owned(), role.name.clone())),
            _ => None,
        }
        .map(Vec::as_slice)
    }

    fn bound_cluster_wide<'a>(
        &'a self,
        user: &'a UserInfo,
    ) -> impl Iterator<Item = (&'a Binding, &'a [PolicyRule])> {
        self.cluster_role_bindings
            .iter()
            .filter(|binding| binding.role.kind == "ClusterRole")
            .filter_map(move |binding| self.bound(binding, user, ""))
    }

    fn bound_in<'a>(
        &'a self,
        user: &'a UserInfo,
        namespace: &'a str,
    ) -> impl Iterator<Item = (&'a Binding, &'a [PolicyRule])> {
        self.role_bindings
            .get(namespace)
            .filter(|_| !namespace.is_empty())
            .into_iter()
            .flatten()
            .filter_map(move |binding| self.bound(binding, user, namespace))
    }

    fn bound<'a>(
        &'a self,
        binding: &'a Binding,
        user: &UserInfo,
        namespace: &str,
    ) -> Option<(&'a Binding, &'a [PolicyRule])> {
        binding
            .subjects
            .iter()
            .any(|subject| applies_to(subject, user, namespace))
            .then(|| self.role_rules(namespace, &binding.role))
            .flatten()
            .map(|rules| (binding, rules))
    }
}

fn applies_to(subject: &Subject, user: &UserInfo, binding_namespace: &str) -> bool {
    match subject.kind.as_str() {
        "User" => subject.name == user.username,
        "Group" => user.in_group(&subject.name),
        "ServiceAccount" => {
            let namespace = subject
                .namespace
                .as_deref()
                .filter(|namespace| !namespace.is_empty())
                .unwrap_or(binding_namespace);
            !namespace.is_empty()
                && user
                    .username
                    .strip_prefix(SERVICE_ACCOUNT_PREFIX)
                    .and_then(|account| account.split_once(':'))
                    == Some((namespace, &subject.name))
        }
        _ => false,
    }
}

fn reason(kind: &str, name: &str, role: &RoleRef) -> String {
    format!(
        "RBAC: allowed by {kind} {name:?} of {} {:?}",
        role.kind, role.name
    )
}

#[cfg(test)]
mod tests {
    use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;

    use super::*;
    use crate::authorization::ResourceTarget;
    use crate::authorization::rbac::rules;

    fn metadata(namespace: &str, name: &str) -> ObjectMeta {
        ObjectMeta {
            name: Some(name.into()),
            namespace: Some(namespace.into()).filter(|namespace: &String| !namespace.is_empty()),
            ..ObjectMeta::default()
        }
    }

    fn subject(kind: &str, namespace: Option<&str>, name: &str) -> Subject {
        Subject {
            kind: kind.into(),
            name: name.into(),
            namespace: namespace.map(Into::into),
            api_group: None,
        }
    }

    fn role_ref(kind: &str, name: &str) -> RoleRef {
        RoleRef {
            kind: kind.into(),
            name: name.into(),
            api_group: Some("rbac.authorization.k8s.io".into()),
        }
    }

    fn reader(namespace: &str, subjects: Vec<Subject>, role: RoleRef) -> Policy {
        Policy::new(
            vec![ClusterRole {
                metadata: metadata("", "reader"),
                rules: Some(vec![
                    rules::resources(&["get"], &[""], &["configmaps"]),
                    rules::paths(&["get"], &["/metrics"]),
                ]),
                ..ClusterRole::default()
            }],
            vec![Role {
                metadata: metadata("a", "reader"),
                rules: Some(vec![rules::resources(&["list"], &[""], &["configmaps"])]),
            }],
            if namespace.is_empty() {
                vec![ClusterRoleBinding {
                    metadata: metadata("", "b"),
                    role_ref: role.clone(),
                    subjects: Some(subjects.clone()),
                }]
            } else {
                vec![]
            },
            if namespace.is_empty() {
                vec![]
            } else {
                vec![RoleBinding {
                    metadata: metadata(namespace, "b"),
                    role_ref: role,
                    subjects: Some(subjects),
                }]
            },
        )
    }

    fn may(policy: &Policy, user: &UserInfo, verb: &str, namespace: &str) -> bool {
        let target = ResourceTarget::new("", "configmaps").within(namespace);
        policy
            .allows(user, &Attributes::resource(verb, target))
            .is_some()
    }

    #[test]
    fn a_role_binding_counts_in_its_namespace_only() {
        let ann = UserInfo::authenticated("ann", ["ops"]);
        let subjects = vec![subject("User", None, "ann")];
        let policy = reader("a", subjects.clone(), role_ref("ClusterRole", "reader"));
        assert!(may(&policy, &ann, "get", "a"));
        assert!(!may(&policy, &ann, "get", "b"));
        assert!(!may(&policy, &ann, "get", ""));
        assert!(
            policy
                .allows(&ann, &Attributes::path("get", "/metrics"))
                .is_none(),
            "a RoleBinding grants no path"
        );
        let policy = reader("", subjects, role_ref("ClusterRole", "reader"));
        assert!(may(&policy, &ann, "get", "b") && may(&policy, &ann, "get", ""));
        assert!(
            policy
                .allows(&ann, &Attributes::path("get", "/metrics"))
                .is_some()
        );
    }

    #[test]
    fn a_role_is_found_in_the_bindings_namespace_only() {
        let ann = UserInfo::authenticated("ann", ["ops"]);
        let group = vec![subject("Group", None, "ops")];
        assert!(may(
            &reader("a", group.clone(), role_ref("Role", "reader")),
            &ann,
            "list",
            "a"
        ));
        assert!(!may(
            &reader("b", group.clone(), role_ref("Role", "reader")),
            &ann,
            "list",
            "b"
        ));
        assert!(!may(
            &reader("", group, role_ref("Role", "reader")),
            &ann,
            "list",
            "a"
        ));
    }

    #[test]
    fn a_user_is_not_a_group_and_a_service_account_has_a_namespace() {
        let ann = UserInfo::authenticated("ann", ["ops"]);
        let role = role_ref("ClusterRole", "reader");
        assert!(!may(
            &reader("a", vec![subject("Group", None, "ann")], role.clone()),
            &ann,
            "get",
            "a"
        ));
        assert!(!may(
            &reader("a", vec![subject("User", None, "ops")], role.clone()),
            &ann,
            "get",
            "a"
        ));
        let account = UserInfo::authenticated("system:serviceaccount:a:bot", ["x"]);
        let bound = |namespace| {
            reader(
                "a",
                vec![subject("ServiceAccount", namespace, "bot")],
                role.clone(),
            )
        };
        assert!(may(&bound(None), &account, "get", "a"));
        assert!(may(&bound(Some("a")), &account, "get", "a"));
        assert!(!may(&bound(Some("b")), &account, "get", "a"));
    }
}
