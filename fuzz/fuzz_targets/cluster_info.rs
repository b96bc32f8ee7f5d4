//! Cluster information: of cluster-info, and of the discovery service of 2016.

#![no_main]

use libfuzzer_sys::fuzz_target;
use slipway_pki::alpha_discovery::AlphaClusterInfo;
use slipway_pki::kubeconfig::ClusterInfoKubeconfig;

fuzz_target!(|data: &[u8]| {
    if let Ok(information) = ClusterInfoKubeconfig::parse(data) {
        let written = information.to_yaml().expect("what was read can be written");
        ClusterInfoKubeconfig::parse(written.as_bytes()).expect("what is written is read");
    }
    if let Ok(information) = AlphaClusterInfo::from_json(data) {
        let written = information.to_json().expect("what was read can be written");
        AlphaClusterInfo::from_json(&written).expect("what is written is read");
    }
});
