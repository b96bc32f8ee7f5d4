//! Requests as nodes submit them, for tests of approvers.

use std::net::IpAddr;
use std::time::{Duration, SystemTime};

use crate::csr_approver::{
    CLIENT_SIGNER, CertificateRequest, Requester, SERVING_SIGNER, TokenFacts,
};

/// What a new node submits with a bootstrap token that has no bounds but its end, a day after 2026 began.
pub fn bootstrap_request(node: &str, token_id: &str) -> CertificateRequest {
    let new_year = SystemTime::UNIX_EPOCH + Duration::from_secs(1_767_225_600);
    CertificateRequest {
        name: format!("node-csr-{node}"),
        uid: "6f0c9f8e-0000-4000-8000-000000000001".to_owned(),
        signer_name: CLIENT_SIGNER.to_owned(),
        node_name: node.to_owned(),
        usages: vec!["digital signature".to_owned(), "client auth".to_owned()],
        dns_names: Vec::new(),
        ip_addresses: Vec::new(),
        key_algorithm: "ECDSA P-256".to_owned(),
        key_fingerprint: "ab".repeat(32),
        expiration: None,
        der: Vec::new(),
        requester: Requester {
            username: format!("system:bootstrap:{token_id}"),
            groups: vec![
                "system:bootstrappers".to_owned(),
                "system:authenticated".to_owned(),
            ],
            extra: Vec::new(),
        },
        token: Some(TokenFacts {
            id: token_id.to_owned(),
            node: None,
            uses: None,
            uses_left: None,
            expires: Some(new_year + Duration::from_secs(86_400)),
        }),
        created: new_year,
        rejoins: false,
    }
}

/// What a node submits to renew its client certificate.
pub fn renewal_request(node: &str) -> CertificateRequest {
    CertificateRequest {
        requester: Requester {
            username: format!("system:node:{node}"),
            groups: vec!["system:nodes".to_owned(), "system:authenticated".to_owned()],
            extra: Vec::new(),
        },
        token: None,
        ..bootstrap_request(node, "abcdef")
    }
}

/// What a node submits for its serving certificate, with these names and addresses.
pub fn serving_request(node: &str, dns_names: &[&str], addresses: &[IpAddr]) -> CertificateRequest {
    CertificateRequest {
        name: format!("csr-{node}-serving"),
        signer_name: SERVING_SIGNER.to_owned(),
        usages: vec!["digital signature".to_owned(), "server auth".to_owned()],
        dns_names: dns_names.iter().map(ToString::to_string).collect(),
        ip_addresses: addresses.to_vec(),
        ..renewal_request(node)
    }
}
