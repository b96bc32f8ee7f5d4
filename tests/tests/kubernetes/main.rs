//! Slipway against Kubernetes as it is released: clusters that kubeadm made, with kube-controller-manager's controllers.

mod controller;
mod join;
mod kubeadm_join;
mod kubelet;
mod requests;
mod serving;
mod tokens;
