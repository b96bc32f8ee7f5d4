//! Which roles have a right that somebody lacks. They are found by their rules: those that Slipway writes into a cluster,
//! and those of the roles that every cluster has.

use k8s_openapi::api::rbac::v1::{ClusterRole, PolicyRule};
use slipway_apiserver::authorization::{Attributes, Target, allows, cluster_roles};
use slipway_bootstrap::init::objects::Wanted;
use slipway_bootstrap::init::rbac::{self, Access};
use slipway_controller::permissions::{self, Duties, Permissions};

/// For a refusal that does not say what it is about.
const ADMINISTRATOR: &str = "use the kubeconfig of an administrator: the built-in ClusterRole cluster-admin has every right";

/// What to do about a refusal (403) with this message.
pub(super) fn advice(message: &str) -> String {
    let missing = Attributes::refused_in(message);
    let named = missing.and_then(|missing| Some((wanted(&missing)?, holders(&missing)?)));
    match named {
        Some((right, holders)) => {
            format!("use credentials with the right to {right}: it is in {holders}")
        }
        None => ADMINISTRATOR.to_owned(),
    }
}

/// A role that Slipway knows.
struct KnownRole {
    /// Kind and name: `ClusterRole cluster-admin`.
    title: String,
    origin: Origin,
    /// Where its rules hold; none: in the whole cluster.
    namespace: Option<String>,
    rules: Vec<PolicyRule>,
}

/// Whose a role is.
enum Origin {
    BuiltIn,
    /// Of what this command writes or prints.
    Command(&'static str),
}

impl KnownRole {
    fn has(&self, missing: &Attributes) -> bool {
        let Target::Resource(target) = &missing.target else {
            return false;
        };
        let holds_there = match &self.namespace {
            Some(namespace) => *namespace == target.namespace,
            None => true,
        };
        holds_there && self.rules.iter().any(|rule| allows(rule, missing))
    }

    /// As a sentence names it.
    fn said(&self) -> String {
        match self.origin {
            Origin::BuiltIn => format!("the built-in {}", self.title),
            Origin::Command(command) => format!("the {} of `{command}`", self.title),
        }
    }

    /// One of `slipway init`.
    fn of_init(wanted: &Wanted) -> Option<Self> {
        let object = wanted.value();
        let namespace = object.pointer("/metadata/namespace");
        Some(Self {
            title: wanted.title(),
            origin: Origin::Command("slipway init"),
            namespace: namespace
                .and_then(|namespace| namespace.as_str())
                .map(str::to_owned),
            rules: serde_json::from_value(object.get("rules")?.clone()).ok()?,
        })
    }

    /// One of `slipway controller manifest`.
    fn of_controllers(Permissions { namespace, rules }: Permissions) -> Self {
        let title = match namespace {
            Some(namespace) => format!("Role {namespace}/{}", permissions::ROLE),
            None => format!("ClusterRole {}", permissions::ROLE),
        };
        Self {
            title,
            origin: Origin::Command("slipway controller manifest"),
            namespace: namespace.map(str::to_owned),
            rules,
        }
    }

    fn built_in(role: ClusterRole) -> Option<Self> {
        Some(Self {
            title: format!("ClusterRole {}", role.metadata.name?),
            origin: Origin::BuiltIn,
            namespace: None,
            rules: role.rules?,
        })
    }
}

/// The roles that have a right, as a sentence names them: those that Slipway makes first, the one with every right last.
fn holders(missing: &Attributes) -> Option<String> {
    let built_in: Vec<_> = cluster_roles()
        .into_iter()
        .rev()
        .filter_map(KnownRole::built_in)
        .collect();
    let everything = Access {
        automatic_approval: true,
        kubelet_compatible: true,
    };
    let of_init = rbac::objects(everything).unwrap_or_default();
    let of_init = of_init
        .iter()
        .filter_map(KnownRole::of_init)
        // What a kube-apiserver makes itself, init makes where it is missing.
        .filter(|role| built_in.iter().all(|known| known.title != role.title));
    let of_controllers = permissions::needed(Duties::default())
        .into_iter()
        .map(KnownRole::of_controllers);
    let mut found: Vec<_> = of_init
        .chain(of_controllers)
        .filter(|role| role.has(missing))
        .map(|role| role.said())
        .collect();
    let built_in = built_in.iter().filter(|role| role.has(missing));
    found.extend(built_in.map(KnownRole::said));
    let last = found.pop()?;
    Some(match found.is_empty() {
        true => last,
        false => format!("{}, and in {last}", found.join(", in ")),
    })
}

/// What is wanted: `list secrets in kube-system`.
fn wanted(missing: &Attributes) -> Option<String> {
    let Target::Resource(target) = &missing.target else {
        return None;
    };
    let mut right = format!("{} {}", missing.verb, target.combined());
    if !target.group.is_empty() {
        right.push_str(&format!(" ({})", target.group));
    }
    if !target.namespace.is_empty() {
        right.push_str(&format!(" in {}", target.namespace));
    }
    Some(right)
}

#[cfg(test)]
mod tests {
    use slipway_apiserver::authorization::ResourceTarget;

    use super::*;

    /// What is said about a refusal in the words of an API server.
    fn advice_for(verb: &str, target: ResourceTarget) -> String {
        let object = format!("{}.{} {:?}", target.resource, target.group, target.name);
        let missing = Attributes::resource(verb, target);
        advice(&format!("{object} is forbidden: User \"ann\" {missing}"))
    }

    #[test]
    fn the_role_with_the_right_is_named_where_it_holds() {
        let secrets = ResourceTarget::new("", "secrets");
        insta::assert_snapshot!(
            advice_for("watch", secrets.clone().within("kube-system")),
            @"use credentials with the right to watch secrets in kube-system: it is in the Role kube-system/slipway-controller of `slipway controller manifest`, and in the built-in ClusterRole cluster-admin"
        );
        insta::assert_snapshot!(advice_for("watch", secrets.clone().within("default")), @"use credentials with the right to watch secrets in default: it is in the built-in ClusterRole cluster-admin");
        insta::assert_snapshot!(advice_for("create", secrets.within("kube-system")), @"use credentials with the right to create secrets in kube-system: it is in the built-in ClusterRole cluster-admin");
    }

    #[test]
    fn a_role_for_one_object_has_no_right_on_others() {
        let config_map = ResourceTarget::new("", "configmaps").within("kube-public");
        insta::assert_snapshot!(advice_for("get", config_map.clone().named("cluster-info")), @"use credentials with the right to get configmaps in kube-public: it is in the Role kube-public/kubeadm:bootstrap-signer-clusterinfo of `slipway init`, in the Role kube-public/slipway-controller of `slipway controller manifest`, and in the built-in ClusterRole cluster-admin");
        insta::assert_snapshot!(advice_for("get", config_map.named("other")), @"use credentials with the right to get configmaps in kube-public: it is in the built-in ClusterRole cluster-admin");
    }

    #[test]
    fn what_tokens_and_approvers_need_is_named_too() {
        let requests = ResourceTarget::new("certificates.k8s.io", "certificatesigningrequests");
        insta::assert_snapshot!(advice_for("create", requests.clone()), @"use credentials with the right to create certificatesigningrequests (certificates.k8s.io): it is in the ClusterRole slipway:node-bootstrapper of `slipway init`, in the built-in ClusterRole system:node-bootstrapper, and in the built-in ClusterRole cluster-admin");
        insta::assert_snapshot!(advice_for("update", requests.subresource("approval").named("r")), @"use credentials with the right to update certificatesigningrequests/approval (certificates.k8s.io): it is in the ClusterRole slipway-controller of `slipway controller manifest`, and in the built-in ClusterRole cluster-admin");
        let signer = "certificatesigningrequests.certificates.k8s.io \"r\" is forbidden: user not permitted to approve \
                      requests with signerName \"kubernetes.io/kube-apiserver-client-kubelet\"";
        insta::assert_snapshot!(advice(signer), @"use credentials with the right to approve signers (certificates.k8s.io): it is in the ClusterRole slipway-controller of `slipway controller manifest`, and in the built-in ClusterRole cluster-admin");
    }

    #[test]
    fn a_refusal_without_a_right_leads_to_an_administrator() {
        assert_eq!(advice("forbidden: quota"), ADMINISTRATOR);
    }
}
