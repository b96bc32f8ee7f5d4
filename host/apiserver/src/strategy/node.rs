//! Nodes: what may change through which door, and what a node may say of itself.
//! Figures: plugin/pkg/admission/noderestriction and kubelet/pkg/apis/well_known_labels.go.

mod validation;

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::Node;

use super::{forbidden, typed, valid};
use crate::resource::{Context, Object};
use crate::status::Status;

/// Labels in Kubernetes' own domains that a node may set on itself.
const OWN_LABELS: [&str; 11] = [
    "kubernetes.io/hostname",
    "kubernetes.io/os",
    "kubernetes.io/arch",
    "beta.kubernetes.io/os",
    "beta.kubernetes.io/arch",
    "beta.kubernetes.io/instance-type",
    "node.kubernetes.io/instance-type",
    "topology.kubernetes.io/zone",
    "topology.kubernetes.io/region",
    "failure-domain.beta.kubernetes.io/zone",
    "failure-domain.beta.kubernetes.io/region",
];
/// Domains (and what is below them) in which a node may set any label on itself.
const OWN_DOMAINS: [&str; 2] = ["kubelet.kubernetes.io", "node.kubernetes.io"];
/// The domains in which it may set no other.
const RESERVED_DOMAINS: [&str; 2] = ["kubernetes.io", "k8s.io"];

/// From the Node as the client wants it to the Node as it is stored.
pub(super) fn admit(
    old: Option<&Object>,
    new: Object,
    context: &Context,
) -> Result<Object, Status> {
    typed(old, &new, |old: Option<&Node>, new| {
        match (old, context.subresource) {
            (None, _) => {}
            (Some(old), None) => prepare_update(old, new),
            (Some(old), Some(_)) => prepare_status(old, new),
        }
        let refusal = context
            .user
            .node_name()
            .and_then(|node| refusal(node, old, new));
        let name = new.metadata.name.as_deref();
        match refusal {
            None => valid(&validation::violations(old, new), name, context),
            Some(why) => Err(forbidden(context, name, &why)),
        }
    })
}

/// A write to the object itself leaves the status alone.
fn prepare_update(old: &Node, new: &mut Node) {
    new.status = old.status.clone();
}

/// A write through `/status` leaves the spec alone, and what ties the object to others. kubelet
/// writes its labels and annotations through this door.
fn prepare_status(old: &Node, new: &mut Node) {
    new.spec = old.spec.clone();
    new.metadata.finalizers = old.metadata.finalizers.clone();
    new.metadata.owner_references = old.metadata.owner_references.clone();
}

/// Why the node of this name may not write the object so; `old` is none on create.
fn refusal(node: &str, old: Option<&Node>, new: &Node) -> Option<String> {
    let name = new.metadata.name.as_deref().unwrap_or_default();
    if let Some(refusal) = foreign_name(node, "Node", name) {
        return Some(refusal);
    }
    let empty = BTreeMap::new();
    let before = old
        .and_then(|old| old.metadata.labels.as_ref())
        .unwrap_or(&empty);
    let after = new.metadata.labels.as_ref().unwrap_or(&empty);
    let changed = before
        .iter()
        .filter(|(key, value)| after.get(*key) != Some(value))
        .chain(after.iter().filter(|(key, _)| !before.contains_key(*key)))
        .find(|(key, _)| !may_label(key));
    if let Some((label, _)) = changed {
        return Some(format!(
            "node {node:?} may not set or change its label {label:?}"
        ));
    }
    let old = old?;
    let taints = |node: &Node| {
        node.spec
            .as_ref()
            .and_then(|spec| spec.taints.clone())
            .unwrap_or_default()
    };
    (taints(old) != taints(new)).then(|| format!("node {node:?} may not change its taints"))
}

/// Why the node may not write an object of this name, when that has to be its own.
pub(super) fn foreign_name(node: &str, kind: &str, name: &str) -> Option<String> {
    (name != node).then(|| format!("node {node:?} may write no {kind} but its own, not {name:?}"))
}

fn may_label(label: &str) -> bool {
    let Some((domain, _)) = label.split_once('/') else {
        return true;
    };
    let within = |parent: &str| {
        domain == parent
            || domain
                .strip_suffix(parent)
                .is_some_and(|rest| rest.ends_with('.'))
    };
    !RESERVED_DOMAINS.iter().any(|parent| within(parent))
        || OWN_LABELS.contains(&label)
        || OWN_DOMAINS.iter().any(|parent| within(parent))
}

#[cfg(test)]
mod tests {
    use k8s_openapi::api::core::v1::{NodeSpec, NodeStatus, Taint};

    use super::*;

    fn node(name: &str, labels: &[(&str, &str)]) -> Node {
        let mut node = Node::default();
        node.metadata.name = Some(name.into());
        node.metadata.labels = Some(
            labels
                .iter()
                .map(|&(key, value)| (key.to_owned(), value.to_owned()))
                .collect(),
        );
        node
    }

    fn tainted(mut node: Node) -> Node {
        node.spec = Some(NodeSpec {
            taints: Some(vec![Taint {
                key: "k".into(),
                effect: "NoSchedule".into(),
                ..Taint::default()
            }]),
            ..NodeSpec::default()
        });
        node
    }

    #[test]
    fn a_node_writes_only_itself() {
        assert_eq!(refusal("n1", None, &node("n1", &[])), None);
        assert!(
            refusal("n1", None, &node("n2", &[]))
                .unwrap()
                .contains("n2")
        );
    }

    #[test]
    fn a_node_takes_no_label_that_others_trust() {
        for label in [
            "node-restriction.kubernetes.io/x",
            "node-role.kubernetes.io/control-plane",
            "k8s.io/x",
        ] {
            let labelled = node("n1", &[(label, "")]);
            assert!(refusal("n1", None, &labelled).is_some(), "{label}");
            assert!(
                refusal("n1", Some(&node("n1", &[])), &labelled).is_some(),
                "{label}"
            );
            assert!(
                refusal("n1", Some(&labelled), &node("n1", &[])).is_some(),
                "{label}"
            );
            assert!(
                refusal("n1", Some(&labelled), &labelled).is_none(),
                "{label}"
            );
        }
        for label in [
            "kubernetes.io/hostname",
            "x.node.kubernetes.io/y",
            "example.com/x",
            "notkubernetes.io/x",
            "plain",
        ] {
            assert_eq!(
                refusal("n1", None, &node("n1", &[(label, "")])),
                None,
                "{label}"
            );
        }
    }

    #[test]
    fn a_node_registers_with_taints_and_keeps_them() {
        let plain = node("n1", &[]);
        let tainted = tainted(node("n1", &[]));
        assert_eq!(refusal("n1", None, &tainted), None);
        assert!(refusal("n1", Some(&tainted), &plain).is_some());
    }

    #[test]
    fn each_door_changes_its_own_half() {
        let old = node("n1", &[]);
        let mut new = tainted(node("n1", &[("a", "b")]));
        new.status = Some(NodeStatus {
            phase: Some("Running".into()),
            ..NodeStatus::default()
        });
        let mut updated = new.clone();
        prepare_update(&old, &mut updated);
        assert_eq!((updated.status, updated.spec), (None, new.spec.clone()));
        let mut status = new.clone();
        prepare_status(&old, &mut status);
        assert_eq!((status.status, status.spec), (new.status, None));
    }
}
