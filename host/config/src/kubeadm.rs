//! kubeadm's documents, `kubeadm.k8s.io/v1beta4`: the fields that Slipway serves, under kubeadm's names.
//!
//! A field that kubeadm has and Slipway does not serve is an error that says so, and never ignored. The
//! shapes are those of kubeadm's API types (`cmd/kubeadm/app/apis/kubeadm/v1beta4/types.go`).

mod cluster;
mod controller_manager;
mod init;
mod join;
mod token_spec;
pub(crate) mod unserved;
mod validity;

pub use cluster::{
    ApiServer, ClusterConfiguration, ClusterName, ClusterNameError, ControlPlaneEndpoint,
    EncryptionAlgorithm,
};
pub use controller_manager::{ArgumentError, ControllerManager, ControllerManagerArgument};
pub use init::{ApiEndpoint, InitConfiguration};
pub use join::{
    Discovery, DiscoveryError, DiscoverySource, JoinConfiguration, NodeRegistration, Timeouts,
};
pub use token_spec::{Lifetime, TokenSpec, TokenSpecError};
pub use validity::{ValidityPeriod, ValidityPeriodError};

/// The API version of kubeadm's documents.
pub(crate) const API_VERSION: &str = "kubeadm.k8s.io/v1beta4";

/// A token as a printed configuration shows it: its secret masked.
fn masked(token: &crate::token::BootstrapToken) -> String {
    format!(
        "{}.{}",
        token.id,
        "*".repeat(crate::token::TokenSecret::LENGTH)
    )
}
