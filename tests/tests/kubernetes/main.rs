//! Slipway against Kubernetes as it is released: clusters that kubeadm made, with kube-controller-manager's controllers.

mod controller;
mod faults;
mod handover;
mod join;
mod joins;
mod kubeadm_join;
mod kubelet;
mod load;
mod mirror;
mod refusals;
mod requests;
mod serving;
mod signers;
mod tokens;
