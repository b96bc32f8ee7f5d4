//! What is valid in a Node.
//!
//! Source: `ValidateNode` and `ValidateNodeUpdate` in `pkg/apis/core/validation`.

use k8s_openapi::api::core::v1::{Node, Taint};

use crate::resource::{label_value_faults, qualified_name_faults};
use crate::strategy::Violation;

const EFFECTS: [&str; 3] = ["NoSchedule", "PreferNoSchedule", "NoExecute"];

/// Everything wrong with a Node, given the one before.
pub(super) fn violations(old: Option<&Node>, new: &Node) -> Vec<Violation> {
    let mut found = taints(new);
    let networks = |node: &Node| {
        let networks = node.spec.as_ref().and_then(|spec| spec.pod_cidrs.clone());
        networks.unwrap_or_default()
    };
    if old.is_some_and(|old| !networks(old).is_empty() && networks(old) != networks(new)) {
        found.push(Violation::forbidden(
            "spec.podCIDRs",
            "node updates may not change podCIDR except from \"\" to valid",
        ));
    }
    found
}

fn taints(node: &Node) -> Vec<Violation> {
    let taints = node.spec.as_ref().and_then(|spec| spec.taints.as_deref());
    let taints = taints.unwrap_or_default();
    let mut found = Vec::new();
    for (index, taint) in taints.iter().enumerate() {
        // Kubernetes names the place so, although they stand in the spec.
        let field = |name: &str| format!("metadata.taints[{index}].{name}");
        let faults = qualified_name_faults(&taint.key);
        found.extend(Violation::each(&field("key"), &taint.key, faults));
        let value = taint.value.as_deref().unwrap_or_default();
        let faults = label_value_faults(value);
        found.extend(Violation::each(&field("value"), value, faults));
        if !EFFECTS.contains(&taint.effect.as_str()) {
            found.push(Violation::not_supported(
                field("effect"),
                &taint.effect,
                &EFFECTS,
            ));
        }
        let is_same = |other: &Taint| other.key == taint.key && other.effect == taint.effect;
        if taints.iter().take(index).any(is_same) {
            found.push(Violation::duplicate(
                format!("metadata.taints[{index}]"),
                "one taint of this key and effect is there already",
            ));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use k8s_openapi::api::core::v1::NodeSpec;

    use super::*;

    fn fields(old: Option<&Node>, new: &Node) -> Vec<String> {
        let found = violations(old, new);
        found.into_iter().map(|violation| violation.field).collect()
    }

    fn tainted(taints: &[(&str, &str, &str)]) -> Node {
        let taint = |&(key, value, effect): &(&str, &str, &str)| Taint {
            key: key.to_owned(),
            value: Some(value.to_owned()),
            effect: effect.to_owned(),
            ..Taint::default()
        };
        Node {
            spec: Some(NodeSpec {
                taints: Some(taints.iter().map(taint).collect()),
                ..NodeSpec::default()
            }),
            ..Node::default()
        }
    }

    #[test]
    fn taints_have_keys_values_and_effects() {
        let good = [
            ("dedicated", "gpu", "NoSchedule"),
            ("dedicated", "gpu", "NoExecute"),
            ("example.com/x", "", "PreferNoSchedule"),
        ];
        assert!(fields(None, &tainted(&good)).is_empty());
        let bad = tainted(&[("a b", "c d", "Sometimes")]);
        assert_eq!(
            fields(None, &bad),
            [
                "metadata.taints[0].key",
                "metadata.taints[0].value",
                "metadata.taints[0].effect"
            ]
        );
        let twice = tainted(&[("a", "b", "NoSchedule"), ("a", "c", "NoSchedule")]);
        assert_eq!(fields(None, &twice), ["metadata.taints[1]"]);
    }

    #[test]
    fn pod_networks_are_given_once() {
        let with = |networks: &[&str]| Node {
            spec: Some(NodeSpec {
                pod_cidrs: Some(networks.iter().map(|&one| one.to_owned()).collect()),
                ..NodeSpec::default()
            }),
            ..Node::default()
        };
        let (none, one, other) = (
            Node::default(),
            with(&["10.0.0.0/24"]),
            with(&["10.0.1.0/24"]),
        );
        assert!(fields(Some(&none), &one).is_empty() && fields(Some(&one), &one).is_empty());
        assert_eq!(fields(Some(&one), &other), ["spec.podCIDRs"]);
        assert_eq!(fields(Some(&one), &none), ["spec.podCIDRs"]);
    }
}
