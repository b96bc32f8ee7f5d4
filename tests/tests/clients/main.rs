//! Kubernetes' own clients, unmodified, against the embedded API.

mod kubeadm;
mod kubectl;
mod kubectl_of_today;
mod kubelet;
