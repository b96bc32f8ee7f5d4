//! One decision of a policy.

use std::time::Instant;

use slipway_config::plugin::{PluginConfiguration, PluginEntry};
use slipway_plugin::extension::csr_approver::{Requester, ReviewRequest, TokenFacts};
use slipway_plugin::{Allocation, HostOptions, Outside, PluginHost};

use crate::figure::{Quantity, middle};

/// From a parsed request to a verdict: a new instance for each call, out of the pool.
pub(crate) fn decision() -> Quantity {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    runtime.block_on(async {
        let host = PluginHost::new(HostOptions {
            allocation: Allocation::Pooling,
            ..HostOptions::default()
        })
        .expect("the plugin runtime starts");
        let entry = entry();
        let approver = host
            .load_csr_approver(&entry)
            .await
            .expect("the bundled plugin loads");
        let request = request();
        let mut times = Vec::new();
        for _ in 0..2000 {
            let start = Instant::now();
            approver
                .review(&request, &Outside::live())
                .await
                .expect("a verdict");
            times.push(start.elapsed());
        }
        middle(times)
    })
}

fn entry() -> PluginEntry {
    let configuration = PluginConfiguration::default().with_auto_approve();
    let mut approvers = configuration.csr_approvers.into_iter();
    approvers
        .find(|entry| entry.name.as_str() == "approve-node-client")
        .expect("the configuration has it")
}

fn request() -> ReviewRequest {
    ReviewRequest {
        name: "node-csr-1".to_owned(),
        uid: "uid".to_owned(),
        signer_name: "kubernetes.io/kube-apiserver-client-kubelet".to_owned(),
        node_name: "worker-1".parse().expect("a name"),
        usages: vec!["digital signature".to_owned(), "client auth".to_owned()],
        dns_names: Vec::new(),
        ip_addresses: Vec::new(),
        key_algorithm: "ECDSA P-256".to_owned(),
        key_fingerprint: "0".repeat(64),
        expiration_seconds: None,
        der: vec![0x30; 300],
        requester: Requester {
            username: "system:bootstrap:abcdef".to_owned(),
            groups: vec![
                "system:bootstrappers".to_owned(),
                "system:authenticated".to_owned(),
            ],
            extra: std::collections::BTreeMap::new(),
        },
        token: Some(TokenFacts {
            id: "abcdef".parse().expect("an ID"),
            node: None,
            uses: None,
            uses_left: None,
            expires: None,
        }),
        created: jiff::Timestamp::UNIX_EPOCH,
        rejoins: false,
    }
}
