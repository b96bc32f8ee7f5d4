//! Nodes by name and by what they are reached at.

use std::collections::{BTreeSet, HashMap};

use slipway_config::endpoint::Host;
use slipway_config::name::NodeName;
use slipway_pki::guardrail::KnownNode;

/// Nodes, found without looking at the others.
#[derive(Default)]
pub(super) struct Index {
    nodes: HashMap<String, KnownNode>,
    by_host: HashMap<Host, BTreeSet<NodeName>>,
}

impl Index {
    /// How many nodes there are.
    pub(super) fn len(&self) -> usize {
        self.nodes.len()
    }

    /// Takes a node in, in place of what was known of it.
    pub(super) fn put(&mut self, node: KnownNode) {
        self.remove(node.name().as_str());
        for host in node.hosts() {
            let owners = self.by_host.entry(host.clone()).or_default();
            owners.insert(node.name().clone());
        }
        self.nodes.insert(node.name().to_string(), node);
    }

    /// Forgets a node.
    pub(super) fn remove(&mut self, name: &str) {
        let Some(node) = self.nodes.remove(name) else {
            return;
        };
        for host in node.hosts() {
            if let Some(owners) = self.by_host.get_mut(host) {
                owners.remove(node.name());
                if owners.is_empty() {
                    self.by_host.remove(host);
                }
            }
        }
    }

    /// The node of this name, and whoever is reached at one of these.
    pub(super) fn reached_at(&self, name: &NodeName, hosts: &[Host]) -> Vec<KnownNode> {
        let owners = hosts.iter().filter_map(|host| self.by_host.get(host));
        let names: BTreeSet<&NodeName> = owners.flatten().chain([name]).collect();
        names
            .into_iter()
            .filter_map(|name| self.nodes.get(name.as_str()))
            .cloned()
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> NodeName {
        text.parse().unwrap()
    }

    fn found(index: &Index, node: &str, hosts: &[&str]) -> String {
        let hosts: Vec<Host> = hosts.iter().map(|host| host.parse().unwrap()).collect();
        let found = index.reached_at(&name(node), &hosts);
        let names: Vec<&str> = found.iter().map(|node| node.name().as_str()).collect();
        names.join(" ")
    }

    #[test]
    fn a_node_is_found_by_whatever_it_is_reached_at_and_no_more() {
        let mut index = Index::default();
        index.put(KnownNode::new(name("a"), ["10.0.0.1", "A.example."]));
        index.put(KnownNode::new(name("b"), ["::ffff:10.0.0.2", "fd00::2"]));
        // Two say the same of themselves.
        index.put(KnownNode::new(name("c"), ["10.0.0.1", "not a host"]));
        assert_eq!(index.len(), 3);
        assert_eq!(found(&index, "new", &[]), "");
        assert_eq!(found(&index, "a", &[]), "a");
        assert_eq!(found(&index, "a", &["b"]), "a b");
        assert_eq!(found(&index, "b", &["10.0.0.1"]), "a b c");
        assert_eq!(found(&index, "new", &["10.0.0.2", "[fd00::2]"]), "b");
        assert_eq!(found(&index, "new", &["a.example"]), "a");
        assert_eq!(found(&index, "new", &["10.0.0.3"]), "");

        index.put(KnownNode::new(name("a"), ["10.0.0.3"]));
        assert_eq!(found(&index, "new", &["10.0.0.1", "a.example"]), "c");
        assert_eq!(found(&index, "new", &["10.0.0.3"]), "a");
        index.remove("a");
        index.remove("unknown");
        assert_eq!(found(&index, "a", &["10.0.0.3"]), "");
        assert_eq!((index.len(), index.by_host.len()), (2, 5));
    }
}
