//! Real Kubernetes, of a test's own: etcd, kube-apiserver, kube-controller-manager, kubeadm, kubelet and kubectl as they
//! are released, on loopback, in a temporary folder.
//!
//! What is started ends with the value that started it, a panic included; where a test fails, the end of every log is
//! printed and all of them are kept.

mod audit;
mod cluster;
mod components;
mod controller;
mod initialised;
mod kubeadm;
mod kubelet;
mod loopback;
mod machine;
mod namespace;
mod port;
mod process;
mod proxy;

pub use audit::Answered;
pub use cluster::{ALL_CONTROLLERS, Kubernetes};
pub use components::{component, kubectl};
pub use controller::{AUTOMATIC, Controller, MANUAL};
pub use kubelet::Kubelet;
pub use loopback::Loopback;
pub use machine::Machine;
pub use proxy::Proxy;
