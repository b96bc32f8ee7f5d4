//! The namespaces that a bootstrap works in. A real API server makes the first three itself.

use k8s_openapi::api::core::v1::Namespace;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;

use super::objects::{ObjectError, Policy, Wanted};

/// All of them.
pub const NAMESPACES: [&str; 4] = [
    "kube-system",
    "kube-public",
    "kube-node-lease",
    slipway_config::system::NAMESPACE,
];

/// The namespaces as objects.
pub fn objects() -> Result<Vec<Wanted>, ObjectError> {
    NAMESPACES
        .iter()
        .map(|&name| {
            let metadata = ObjectMeta {
                name: Some(name.to_owned()),
                ..ObjectMeta::default()
            };
            Wanted::cluster(
                &Namespace {
                    metadata,
                    ..Namespace::default()
                },
                Policy::CreateOnly,
            )
        })
        .collect()
}
