//! The two signers of a node's certificates, and the usages that they give.
//!
//! Source: Kubernetes, "Certificates and Certificate Signing Requests", "Kubernetes signers".

use std::fmt;

use serde::{Deserialize, Serialize};

/// A signer whose requests Slipway decides. Requests to any other signer are nobody's business here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum NodeSigner {
    /// `kubernetes.io/kube-apiserver-client-kubelet`: a kubelet's identity towards the API server.
    #[serde(rename = "kubernetes.io/kube-apiserver-client-kubelet")]
    KubeletClient,
    /// `kubernetes.io/kubelet-serving`: the certificate that a kubelet serves with.
    #[serde(rename = "kubernetes.io/kubelet-serving")]
    KubeletServing,
}

/// A usage as `spec.usages` of a request names it, as far as a node's certificate can have it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Usage {
    /// `digital signature`.
    #[serde(rename = "digital signature")]
    DigitalSignature,
    /// `key encipherment`, which matters for RSA keys only.
    #[serde(rename = "key encipherment")]
    KeyEncipherment,
    /// `client auth`.
    #[serde(rename = "client auth")]
    ClientAuth,
    /// `server auth`.
    #[serde(rename = "server auth")]
    ServerAuth,
}

impl NodeSigner {
    /// Every signer, in the order in which a node needs them.
    pub const ALL: [Self; 2] = [Self::KubeletClient, Self::KubeletServing];

    /// The signer that `spec.signerName` names; none for a signer that is not a node's.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|signer| signer.name() == name)
    }

    /// The name as `spec.signerName` has it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::KubeletClient => "kubernetes.io/kube-apiserver-client-kubelet",
            Self::KubeletServing => "kubernetes.io/kubelet-serving",
        }
    }

    /// The usages that a request to this signer must have.
    pub const fn required_usages(self) -> [Usage; 2] {
        match self {
            Self::KubeletClient => [Usage::DigitalSignature, Usage::ClientAuth],
            Self::KubeletServing => [Usage::DigitalSignature, Usage::ServerAuth],
        }
    }

    /// The one usage that a request to this signer may have besides.
    pub(crate) const OPTIONAL_USAGE: Usage = Usage::KeyEncipherment;
}

impl Usage {
    /// Every usage of a node's certificate.
    pub const ALL: [Self; 4] = [
        Self::DigitalSignature,
        Self::KeyEncipherment,
        Self::ClientAuth,
        Self::ServerAuth,
    ];

    /// The usage that the API names so; none for one that no node's certificate has.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|usage| usage.name() == name)
    }

    /// The name as the API has it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::DigitalSignature => "digital signature",
            Self::KeyEncipherment => "key encipherment",
            Self::ClientAuth => "client auth",
            Self::ServerAuth => "server auth",
        }
    }
}

impl fmt::Display for NodeSigner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl fmt::Display for Usage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_lead_back_to_what_they_name() {
        for signer in NodeSigner::ALL {
            assert_eq!(NodeSigner::from_name(signer.name()), Some(signer));
            assert_eq!(serde_json::to_value(signer).unwrap(), signer.name());
        }
        for usage in Usage::ALL {
            assert_eq!(Usage::from_name(usage.name()), Some(usage));
            assert_eq!(serde_json::to_value(usage).unwrap(), usage.name());
        }
        assert_eq!(NodeSigner::from_name("kubernetes.io/legacy-unknown"), None);
        assert_eq!(
            NodeSigner::from_name("kubernetes.io/kube-apiserver-client"),
            None
        );
        assert_eq!(Usage::from_name("any"), None);
    }
}
