//! What kubeadm knows and Slipway does not serve: kinds and fields, and why.

use serde::Deserialize;

use super::join;
use super::{
    ApiServer, ClusterConfiguration, ControllerManager, Discovery, InitConfiguration,
    JoinConfiguration, NodeRegistration, Timeouts, TokenSpec,
};
use crate::document::fields_of;

/// Kinds that stand in kubeadm's files beside those that are served.
pub(crate) const KINDS: [(&str, &str); 4] = [
    (
        "ResetConfiguration",
        "`slipway reset` takes its options on the command line",
    ),
    ("UpgradeConfiguration", "Slipway upgrades no control plane"),
    (
        "KubeletConfiguration",
        "Slipway leaves the kubelet's configuration to the machine",
    ),
    ("KubeProxyConfiguration", "Slipway deploys no kube-proxy"),
];

const STATIC_PODS: &str = "Slipway's embedded API is no static pod";
const IMAGES: &str = "Slipway pulls no images";
const ADD_ONS: &str = "Slipway deploys no add-ons";
const KUBELET: &str = "Slipway writes no options of the kubelet";
const CONTROL_PLANE_JOIN: &str = "Slipway joins no control-plane nodes";
const WAITS: &str = "Slipway does not wait for this";

const INIT: &[(&str, &str)] = &[
    ("nodeRegistration", "init registers no node"),
    ("certificateKey", CONTROL_PLANE_JOIN),
    ("patches", STATIC_PODS),
    ("timeouts", WAITS),
];
const CLUSTER: &[(&str, &str)] = &[
    ("etcd", "Slipway's embedded API has a store of its own"),
    (
        "networking",
        "Slipway configures no network of pods and services",
    ),
    (
        "kubernetesVersion",
        "Slipway's embedded API has one version",
    ),
    ("scheduler", STATIC_PODS),
    ("dns", ADD_ONS),
    ("proxy", ADD_ONS),
    ("imageRepository", IMAGES),
    ("featureGates", "they are kubeadm's own"),
];
const API_SERVER: &[(&str, &str)] = &[
    ("extraArgs", STATIC_PODS),
    ("extraVolumes", STATIC_PODS),
    ("extraEnvs", STATIC_PODS),
    (
        "timeoutForControlPlane",
        "kubeadm has it up to v1beta3 only",
    ),
];
const CONTROLLER_MANAGER: &[(&str, &str)] =
    &[("extraVolumes", STATIC_PODS), ("extraEnvs", STATIC_PODS)];
const JOIN: &[(&str, &str)] = &[
    (
        "caCertPath",
        "the CA is written beside the kubeconfig; give a known CA with --ca-file",
    ),
    ("controlPlane", CONTROL_PLANE_JOIN),
    ("patches", STATIC_PODS),
];
const DISCOVERY: &[(&str, &str)] = &[(
    "timeout",
    "kubeadm has it up to v1beta3 only; use timeouts.discovery",
)];
const NODE: &[(&str, &str)] = &[
    ("criSocket", "Slipway starts no containers"),
    ("taints", "the kubelet registers its taints itself"),
    ("kubeletExtraArgs", KUBELET),
    (
        "ignorePreflightErrors",
        "Slipway has no preflight checks to ignore",
    ),
    ("imagePullPolicy", IMAGES),
    ("imagePullSerial", IMAGES),
];
const TIMEOUTS: &[(&str, &str)] = &[
    ("controlPlaneComponentHealthCheck", WAITS),
    ("kubeletHealthCheck", WAITS),
    ("kubernetesAPICall", WAITS),
    ("etcdAPICall", WAITS),
    ("upgradeManifests", WAITS),
];

/// Why kubeadm's field `field` is not served in the struct that serves `served`; none where kubeadm has no such field
/// there.
///
/// A struct is known by the fields that it serves, since serde tells no more of it.
pub(crate) fn reason(field: &str, served: &[&str]) -> Option<&'static str> {
    structs()
        .into_iter()
        .find(|(fields, _)| fields == &served)
        .and_then(|(_, unserved)| unserved.iter().find(|(name, _)| *name == field))
        .map(|(_, reason)| *reason)
}

type Unserved = (
    &'static [&'static str],
    &'static [(&'static str, &'static str)],
);

/// Every struct of kubeadm's documents that is served: its fields that are, and those that are not.
fn structs() -> [Unserved; 10] {
    [
        served::<InitConfiguration>(INIT),
        served::<ClusterConfiguration>(CLUSTER),
        served::<ApiServer>(API_SERVER),
        served::<ControllerManager>(CONTROLLER_MANAGER),
        served::<JoinConfiguration>(JOIN),
        served::<Discovery>(DISCOVERY),
        served::<NodeRegistration>(NODE),
        served::<Timeouts>(TIMEOUTS),
        served::<TokenSpec>(&[]),
        served::<join::WrittenToken>(&[]),
    ]
}

fn served<T: for<'de> Deserialize<'de>>(
    unserved: &'static [(&'static str, &'static str)],
) -> Unserved {
    (fields_of::<T>(), unserved)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_struct_is_known_by_its_fields() {
        let structs = structs();
        for (index, (served, unserved)) in structs.iter().enumerate() {
            assert!(!served.is_empty());
            assert!(
                structs
                    .iter()
                    .skip(index + 1)
                    .all(|(other, _)| other != served),
                "{served:?}"
            );
            assert!(
                unserved.iter().all(|(name, _)| !served.contains(name)),
                "{served:?}"
            );
        }
    }

    #[test]
    fn fields_are_looked_for_where_kubeadm_has_them() {
        assert!(reason("taints", fields_of::<NodeRegistration>()).is_some());
        assert_eq!(reason("taints", fields_of::<JoinConfiguration>()), None);
        assert_eq!(reason("taint", fields_of::<NodeRegistration>()), None);
    }
}
