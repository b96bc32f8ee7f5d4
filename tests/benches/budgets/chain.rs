//! A policy as an operator might write it: three bundled plugins.

use serde_json::{Value, json};
use slipway_config::plugin::PluginEntry;
use slipway_controller::Chain;
use slipway_plugin::{Allocation, HostOptions, PluginHost};

/// Nodes renew themselves; new ones called `worker-*` are approved by a list of names and by the last of three rules, nodes'
/// servers by the second. Any other name is left to a person.
pub(crate) async fn chain() -> Chain {
    let host = PluginHost::new(HostOptions {
        allocation: Allocation::Pooling,
        ..HostOptions::default()
    });
    let host = host.expect("the plugin runtime starts");
    let rules = json!([
        {"name": "no-short-names", "when": "size(request.nodeName) < 5", "then": "deny"},
        {
            "name": "servers",
            "when": "request.signerName == 'kubernetes.io/kubelet-serving'",
            "then": "approve",
        },
        {
            "name": "workers-with-a-token",
            "when": "has(request.token) && request.nodeName.matches('^worker-[0-9]+$')",
            "then": "approve",
        },
    ]);
    let entries = [
        ("approve-renewal", json!({})),
        (
            "approve-node-client",
            json!({"names": ["edge-1", "worker-*"]}),
        ),
        ("approve-rules", json!({"rules": rules})),
    ];
    let mut approvers = Vec::new();
    for (name, settings) in entries {
        let approver = host.load_csr_approver(&entry(name, settings)).await;
        approvers.push(approver.expect("the bundled plugin loads"));
    }
    Chain::new(approvers)
}

fn entry(name: &str, settings: Value) -> PluginEntry {
    let entry = json!({"name": name, "settings": settings});
    serde_json::from_value(entry).expect("an entry")
}
