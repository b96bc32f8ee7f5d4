//! The rules of all kinds in one place: from a write as it was sent to the object as it is stored, or to
//! a refusal. Pure; what needs more than the two objects and the policy is done by the caller.

use jiff::Timestamp;
use k8s_openapi::api::certificates::v1::CertificateSigningRequest;
use k8s_openapi::api::core::v1::{ConfigMap, Node, Secret};
use k8s_openapi::api::rbac::v1::{
    ClusterRole, ClusterRoleBinding, PolicyRule, Role, RoleBinding, RoleRef,
};
use serde::de::DeserializeOwned;
use serde::{Deserialize as _, Serialize};
use serde_json::Value;

use super::{Violation, certificate_request, data, node, roles};
use crate::authentication::UserInfo;
use crate::authorization::rbac::{Policy, grants_more};
use crate::authorization::{self, Attributes, Decision, Ownership, ResourceTarget, resources};

/// A create (without `old`) or an update, with the object's name and namespace already checked.
pub(crate) struct Write<'a> {
    /// Where the object is.
    pub(crate) target: &'a ResourceTarget,
    /// The stored object.
    pub(crate) old: Option<&'a Value>,
    /// The object as the client wants it.
    pub(crate) new: Value,
}

/// Why a write is refused.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Refusal {
    /// This identity may not do it.
    Forbidden(String),
    /// The object is not valid.
    Invalid(Vec<Violation>),
    /// What is stored, or what the rules made of it, cannot be read.
    Internal(String),
}

/// Who writes, and by which rules.
pub(crate) struct Admission<'a> {
    /// The requester.
    pub(crate) user: &'a UserInfo,
    /// The RBAC objects.
    pub(crate) policy: &'a Policy,
    /// The time that the server fills in.
    pub(crate) now: Timestamp,
}

impl Admission<'_> {
    /// The object to store.
    ///
    /// # Errors
    /// Why the write is refused.
    pub(crate) fn admit(&self, write: Write<'_>) -> Result<Value, Refusal> {
        let target = write.target;
        match (target.group.as_str(), target.resource.as_str()) {
            (resources::CERTIFICATES, resources::REQUESTS) => self.request(write),
            ("", "nodes") => self.node(write),
            (resources::COORDINATION, "leases") => self.lease(write),
            ("", "secrets") => secret(write),
            ("", "configmaps") => typed(write, |old: Option<&ConfigMap>, new| {
                valid(data::validate_config_map(old, new))
            }),
            (resources::RBAC, "roles") => self.role(write),
            (resources::RBAC, "clusterroles") => self.cluster_role(write),
            (resources::RBAC, "rolebindings") => self.role_binding(write),
            (resources::RBAC, "clusterrolebindings") => self.cluster_role_binding(write),
            _ => Ok(write.new),
        }
    }

    fn request(&self, write: Write<'_>) -> Result<Value, Refusal> {
        let door = write.target.subresource.clone();
        typed(write, |old: Option<&CertificateSigningRequest>, new| {
            let Some(old) = old else {
                if let Some(refusal) = certificate_request::refusal(new, self.user) {
                    return Err(Refusal::Forbidden(refusal));
                }
                certificate_request::prepare_create(new, self.user);
                return valid(certificate_request::validate_create(new));
            };
            let signer = &old.spec.signer_name;
            match door.as_str() {
                "approval" => {
                    self.may_act_for_signer("approve", signer)?;
                    certificate_request::prepare_approval(old, new, self.now);
                    valid(certificate_request::validate_status(old, new))
                }
                "status" => {
                    certificate_request::prepare_status(old, new, self.now);
                    if certificate_request::is_signing(old, new) {
                        self.may_act_for_signer("sign", signer)?;
                    }
                    valid(certificate_request::validate_status(old, new))
                }
                _ => {
                    certificate_request::prepare_update(old, new);
                    Ok(())
                }
            }
        })
    }

    /// The verb must be allowed on the signer, or on all signers of its domain.
    fn may_act_for_signer(&self, verb: &str, signer: &str) -> Result<(), Refusal> {
        let domain = signer.split('/').next().unwrap_or_default();
        let allowed = [signer, &format!("{domain}/*")].iter().any(|name| {
            let target =
                ResourceTarget::new(resources::CERTIFICATES, resources::SIGNERS).named(name);
            self.allows(verb, target)
        });
        if allowed {
            Ok(())
        } else {
            Err(Refusal::Forbidden(format!(
                "user {:?} may not {verb} requests with signerName {signer:?}",
                self.user.username
            )))
        }
    }

    fn node(&self, write: Write<'_>) -> Result<Value, Refusal> {
        let door = write.target.subresource.clone();
        typed(write, |old: Option<&Node>, new| {
            match (old, door.as_str()) {
                (Some(old), "status") => node::prepare_status(old, new),
                (Some(old), _) => node::prepare_update(old, new),
                (None, _) => {}
            }
            match self.user.node_name() {
                Some(name) => refused(node::refusal(name, old, new)),
                None => Ok(()),
            }
        })
    }

    /// Who writes a node's lease has to be that node; the name of a new one stands in the body only.
    fn lease(&self, write: Write<'_>) -> Result<Value, Refusal> {
        let node = self
            .user
            .node_name()
            .filter(|_| write.target.namespace == resources::NODE_LEASES);
        if let Some(node) = node {
            let name = write.new.pointer("/metadata/name").and_then(Value::as_str);
            refused(node::foreign_name(node, "Lease", name.unwrap_or_default()))?;
        }
        Ok(write.new)
    }

    fn role(&self, write: Write<'_>) -> Result<Value, Refusal> {
        let target = write.target;
        typed(write, |old: Option<&Role>, new| {
            let rules = new.rules.as_deref().unwrap_or_default();
            valid(roles::rules(rules, true))?;
            if old.is_some_and(|old| old.rules == new.rules) {
                return Ok(());
            }
            self.may_grant("escalate", target, rules)
        })
    }

    fn cluster_role(&self, write: Write<'_>) -> Result<Value, Refusal> {
        let target = write.target;
        typed(write, |old: Option<&ClusterRole>, new| {
            let rules = new.rules.as_deref().unwrap_or_default();
            let mut violations = roles::rules(rules, false);
            violations.extend(roles::aggregation(new.aggregation_rule.as_ref()));
            valid(violations)?;
            if old.is_some_and(|old| old.rules == new.rules) {
                return Ok(());
            }
            self.may_grant("escalate", target, rules)
        })
    }

    fn role_binding(&self, write: Write<'_>) -> Result<Value, Refusal> {
        let namespace = write.target.namespace.clone();
        typed(write, |old: Option<&RoleBinding>, new| {
            let subjects = new.subjects.get_or_insert_default();
            roles::fill_in(&mut new.role_ref, subjects);
            let mut violations = roles::role_ref(old.map(|old| &old.role_ref), &new.role_ref, true);
            violations.extend(roles::subjects(subjects, true));
            valid(violations)?;
            if old.is_some_and(|old| old.subjects == new.subjects) {
                return Ok(());
            }
            self.may_bind(&namespace, &new.role_ref)
        })
    }

    fn cluster_role_binding(&self, write: Write<'_>) -> Result<Value, Refusal> {
        typed(write, |old: Option<&ClusterRoleBinding>, new| {
            let subjects = new.subjects.get_or_insert_default();
            roles::fill_in(&mut new.role_ref, subjects);
            let mut violations =
                roles::role_ref(old.map(|old| &old.role_ref), &new.role_ref, false);
            violations.extend(roles::subjects(subjects, false));
            valid(violations)?;
            if old.is_some_and(|old| old.subjects == new.subjects) {
                return Ok(());
            }
            self.may_bind("", &new.role_ref)
        })
    }

    /// Whether the author may bind this role: by the verb `bind` on it, or by holding all its rules.
    fn may_bind(&self, namespace: &str, role: &RoleRef) -> Result<(), Refusal> {
        let resource = match role.kind.as_str() {
            "Role" => "roles",
            _ => "clusterroles",
        };
        let target = ResourceTarget::new(resources::RBAC, resource)
            .within(namespace)
            .named(&role.name);
        if self.allows("bind", target.clone()) {
            return Ok(());
        }
        let Some(rules) = self.policy.role_rules(namespace, role) else {
            return Err(Refusal::Forbidden(format!(
                "{} {:?} does not exist: it can be bound by those only who are allowed the verb bind on it",
                role.kind, role.name
            )));
        };
        self.holds(namespace, rules)
    }

    /// Whether the author may hand out these rules: by a verb on the role, or by holding them.
    fn may_grant(
        &self,
        verb: &str,
        target: &ResourceTarget,
        rules: &[PolicyRule],
    ) -> Result<(), Refusal> {
        if self.allows(verb, target.clone()) {
            return Ok(());
        }
        self.holds(&target.namespace, rules)
    }

    fn holds(&self, namespace: &str, rules: &[PolicyRule]) -> Result<(), Refusal> {
        let owned = authorization::rules_for(self.policy, self.user, namespace);
        refused(grants_more(&owned, rules).map(|escalation| {
            format!(
                "user {:?} attempts to grant permissions: {escalation}",
                self.user.username
            )
        }))
    }

    fn allows(&self, verb: &str, target: ResourceTarget) -> bool {
        let attributes = Attributes::resource(verb, target);
        let decision =
            authorization::decide(self.policy, self.user, &attributes, Ownership::Unknown);
        matches!(decision, Decision::Allow(_))
    }
}

/// A Secret that is malformed is refused without the parser's words: they would repeat its values.
fn secret(write: Write<'_>) -> Result<Value, Refusal> {
    if Secret::deserialize(&write.new).is_err() {
        return Err(Refusal::Invalid(vec![Violation::invalid(
            "data",
            "the Secret is malformed: data maps keys to base64, stringData maps keys to text",
        )]));
    }
    typed(write, |old: Option<&Secret>, new| {
        data::prepare_secret(old, new);
        valid(data::validate_secret(old, new))
    })
}

/// Runs a rule on the typed objects. What the type does not know is dropped, as Kubernetes does.
fn typed<T, F>(write: Write<'_>, rule: F) -> Result<Value, Refusal>
where
    T: DeserializeOwned + Serialize,
    F: FnOnce(Option<&T>, &mut T) -> Result<(), Refusal>,
{
    let old =
        write.old.map(T::deserialize).transpose().map_err(|error| {
            Refusal::Internal(format!("a stored object cannot be read: {error}"))
        })?;
    let mut new = T::deserialize(&write.new)
        .map_err(|error| Refusal::Invalid(vec![Violation::invalid("", error.to_string())]))?;
    rule(old.as_ref(), &mut new)?;
    serde_json::to_value(new)
        .map_err(|error| Refusal::Internal(format!("the object cannot be written: {error}")))
}

fn valid(violations: Vec<Violation>) -> Result<(), Refusal> {
    if violations.is_empty() {
        Ok(())
    } else {
        Err(Refusal::Invalid(violations))
    }
}

fn refused(refusal: Option<String>) -> Result<(), Refusal> {
    refusal.map_or(Ok(()), |why| Err(Refusal::Forbidden(why)))
}

#[cfg(test)]
mod tests;
