//! A policy as an operator might write it: three bundled plugins.

use std::sync::Arc;

use approve_node_client::ApproveNodeClient;
use approve_renewal::ApproveRenewal;
use approve_rules::ApproveRules;
use serde_json::{Value, json};
use slipway_config::plugin::PluginEntry;
use slipway_controller::Chain;
use slipway_plugin::{Allocation, CsrApprover, HostOptions, PluginHost};

use crate::native::Native;

/// The plugins in their sandbox.
pub(crate) async fn chain() -> Chain {
    let host = PluginHost::new(HostOptions {
        allocation: Allocation::Pooling,
        ..HostOptions::default()
    });
    let host = host.expect("the plugin runtime starts");
    let mut approvers = Vec::new();
    for (name, settings) in policy() {
        let approver = host.load_csr_approver(&entry(name, settings)).await;
        approvers.push(approver.expect("the bundled plugin loads"));
    }
    Chain::new(approvers)
}

/// The same plugins, compiled into this program.
pub(crate) fn native_chain() -> Chain {
    let approvers = policy().map(|(name, settings)| -> Arc<dyn CsrApprover> {
        match name {
            RENEWAL => Arc::new(Native::<ApproveRenewal>::new(name, settings)),
            NODE_CLIENT => Arc::new(Native::<ApproveNodeClient>::new(name, settings)),
            _ => Arc::new(Native::<ApproveRules>::new(name, settings)),
        }
    });
    Chain::new(approvers.into())
}

const RENEWAL: &str = "approve-renewal";
const NODE_CLIENT: &str = "approve-node-client";
const RULES: &str = "approve-rules";

/// Nodes renew themselves; new ones called `worker-*` are approved by a list of names and by the last of three rules, nodes'
/// servers by the second. Any other name is left to a person.
fn policy() -> [(&'static str, Value); 3] {
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
    [
        (RENEWAL, json!({})),
        (NODE_CLIENT, json!({"names": ["edge-1", "worker-*"]})),
        (RULES, json!({"rules": rules})),
    ]
}

fn entry(name: &str, settings: Value) -> PluginEntry {
    let entry = json!({"name": name, "settings": settings});
    serde_json::from_value(entry).expect("an entry")
}
