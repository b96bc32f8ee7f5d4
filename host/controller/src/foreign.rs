//! Others who approve what bootstrap tokens ask for, past the policy of the plugins.
//!
//! kube-controller-manager approves the first certificate of a node where its requester may create
//! `certificatesigningrequests/nodeclient` (`pkg/controller/certificates/approver/sarapprove.go`). kubeadm gives that
//! permission to every bootstrap token, so that on its clusters a policy decides nothing.

use k8s_openapi::api::rbac::v1::{ClusterRole, ClusterRoleBinding, PolicyRule, Subject};
use kube::ResourceExt;
use kube::api::{Api, DeleteParams, ListParams, PostParams, Preconditions};
use slipway_config::token::{BOOTSTRAPPERS_GROUP, TokenGroup, USER_PREFIX};

use crate::error::{During as _, Error};

const API_GROUP: &str = "certificates.k8s.io";
const RESOURCE: &str = "certificatesigningrequests/nodeclient";
const VERB: &str = "create";
const ANY: &str = "*";
/// The group of everybody with credentials, tokens among them.
const AUTHENTICATED_GROUP: &str = "system:authenticated";

/// A binding through which tokens get their requests approved by others.
#[derive(Clone, Debug)]
pub struct ForeignApproval {
    binding: ClusterRoleBinding,
}

impl ForeignApproval {
    /// Every such binding of the cluster.
    ///
    /// # Errors
    /// When roles and bindings cannot be listed.
    pub async fn find(client: &kube::Client) -> Result<Vec<Self>, Error> {
        let all = ListParams::default();
        let roles: Api<ClusterRole> = Api::all(client.clone());
        let roles = roles.list(&all).await.during("list", "ClusterRoles")?;
        let approving: Vec<String> = roles
            .iter()
            .filter(|role| role.rules.iter().flatten().any(lets_approve))
            .map(ResourceExt::name_any)
            .collect();
        let bindings: Api<ClusterRoleBinding> = Api::all(client.clone());
        let bindings = bindings
            .list(&all)
            .await
            .during("list", "ClusterRoleBindings")?;
        let found = bindings.into_iter().filter(|binding| {
            approving.contains(&binding.role_ref.name)
                && binding.subjects.iter().flatten().any(is_token)
        });
        Ok(found.map(|binding| Self { binding }).collect())
    }

    /// The binding, as `ClusterRoleBinding name`.
    pub fn title(&self) -> String {
        format!("ClusterRoleBinding {}", self.binding.name_any())
    }

    /// The role that it binds.
    pub fn role(&self) -> &str {
        &self.binding.role_ref.name
    }

    /// The groups and users of tokens among its subjects.
    pub fn subjects(&self) -> Vec<&str> {
        let subjects = self.binding.subjects.iter().flatten();
        let tokens = subjects.filter(|subject| is_token(subject));
        tokens.map(|subject| subject.name.as_str()).collect()
    }

    /// Takes the permission away from tokens; what the binding gives to others stays.
    ///
    /// # Errors
    /// When the binding was changed since it was read, or the API refuses.
    pub async fn remove(&self, client: &kube::Client) -> Result<(), Error> {
        let bindings: Api<ClusterRoleBinding> = Api::all(client.clone());
        let (name, title) = (self.binding.name_any(), self.title());
        let others: Vec<Subject> = self
            .binding
            .subjects
            .iter()
            .flatten()
            .filter(|subject| !is_token(subject))
            .cloned()
            .collect();
        if !others.is_empty() {
            let narrowed = ClusterRoleBinding {
                subjects: Some(others),
                ..self.binding.clone()
            };
            let replaced = bindings
                .replace(&name, &PostParams::default(), &narrowed)
                .await;
            return replaced.during("update", title).map(drop);
        }
        let unchanged = DeleteParams {
            preconditions: Some(Preconditions {
                resource_version: self.binding.resource_version(),
                uid: self.binding.uid(),
            }),
            ..DeleteParams::default()
        };
        let deleted = bindings.delete(&name, &unchanged).await;
        deleted.during("delete", title).map(drop)
    }
}

fn lets_approve(rule: &PolicyRule) -> bool {
    let has = |list: Option<&Vec<String>>, wanted: &[&str]| {
        list.is_some_and(|list| list.iter().any(|entry| wanted.contains(&entry.as_str())))
    };
    has(rule.api_groups.as_ref(), &[API_GROUP, ANY])
        && has(rule.resources.as_ref(), &[RESOURCE, ANY, "*/nodeclient"])
        && has(Some(&rule.verbs), &[VERB, ANY])
        && rule.resource_names.as_ref().is_none_or(Vec::is_empty)
}

/// Whether a subject is a group that tokens have, or the user that one of them is.
fn is_token(subject: &Subject) -> bool {
    match subject.kind.as_str() {
        "Group" => {
            subject.name == AUTHENTICATED_GROUP
                || subject.name == BOOTSTRAPPERS_GROUP
                || subject.name.parse::<TokenGroup>().is_ok()
        }
        "User" => subject.name.starts_with(USER_PREFIX),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(group: &str, resource: &str, verb: &str) -> PolicyRule {
        PolicyRule {
            api_groups: Some(vec![group.to_owned()]),
            resources: Some(vec![resource.to_owned()]),
            verbs: vec![verb.to_owned()],
            ..PolicyRule::default()
        }
    }

    #[test]
    fn a_rule_lets_approve_by_name_and_by_wildcard() {
        assert!(lets_approve(&rule(API_GROUP, RESOURCE, "create")));
        assert!(lets_approve(&rule("*", "*", "*")));
        assert!(lets_approve(&rule(API_GROUP, "*/nodeclient", "create")));
        assert!(!lets_approve(&rule(API_GROUP, RESOURCE, "get")));
        assert!(!lets_approve(&rule("", RESOURCE, "create")));
        assert!(!lets_approve(&rule(
            API_GROUP,
            "certificatesigningrequests/selfnodeclient",
            "create"
        )));
    }

    #[test]
    fn tokens_are_known_by_their_groups_and_users() {
        let subject = |kind: &str, name: &str| Subject {
            kind: kind.to_owned(),
            name: name.to_owned(),
            ..Subject::default()
        };
        for name in [
            "system:bootstrappers",
            "system:bootstrappers:kubeadm:default-node-token",
            "system:authenticated",
        ] {
            assert!(is_token(&subject("Group", name)), "{name}");
            assert!(!is_token(&subject("User", name)), "{name}");
        }
        assert!(is_token(&subject("User", "system:bootstrap:abcdef")));
        assert!(!is_token(&subject("Group", "system:bootstrappersandmore")));
        assert!(!is_token(&subject("Group", "system:nodes")));
    }
}
