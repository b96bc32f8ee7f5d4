//! One node that joins.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader};
use std::process::Stdio;
use std::time::Instant;

use slipway_tests::kubernetes::{ALL_CONTROLLERS, Kubernetes};
use slipway_tests::{Cluster, Invitation, Sandbox};

use crate::figure::{Quantity, middle};

/// What one join takes, with automatic approval.
pub(crate) struct Join {
    /// From the first look at the cluster to the certificate on disk.
    pub(crate) bootstrap: Quantity,
    /// The whole process, to what a kubelet reads.
    pub(crate) whole: Quantity,
}

pub(crate) fn join_the_embedded_api() -> Join {
    let cluster = Cluster::start(&["--auto-approve"]);
    join(&cluster.invitation())
}

/// Where kubeadm initialised the cluster, and kube-controller-manager, with no limit on its requests, approves and signs.
pub(crate) fn join_kubernetes() -> Join {
    let mut cluster = Kubernetes::initialised_by_kubeadm();
    cluster.start_controllers(ALL_CONTROLLERS, &[]);
    join(&cluster.invitation())
}

fn join(invitation: &Invitation) -> Join {
    let (mut bootstraps, mut wholes) = (Vec::new(), Vec::new());
    for number in 0..50 {
        let node = Sandbox::new();
        let start = Instant::now();
        let mut join = invitation
            .command(&node, &format!("worker-{number}"))
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("it runs");
        let said = BufReader::new(join.stderr.take().expect("stderr is piped"));
        let ends: BTreeMap<_, _> = said
            .lines()
            .map(|line| (line.expect("text"), start.elapsed()))
            .collect();
        assert!(join.wait().expect("it ends").success(), "{ends:?}");
        wholes.push(start.elapsed());
        bootstraps.push(ends["✓ wait"] - ends["✓ preflight"]);
    }
    Join {
        bootstrap: middle(bootstraps),
        whole: middle(wholes),
    }
}
