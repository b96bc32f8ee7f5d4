//! What the controllers may do in a cluster: each rule for a call that is made here, and none beside them.

use k8s_openapi::api::rbac::v1::PolicyRule;
use slipway_config::token::SECRET_NAMESPACE;
use slipway_pki::signer::NodeSigner;

use crate::bootstrap_signer::{CLUSTER_INFO, CLUSTER_INFO_NAMESPACE};
use crate::leadership::LEASE;
use crate::system::NAMESPACE;

/// The name of the roles that hold what the controllers need, one in the cluster and one in each namespace.
pub const ROLE: &str = "slipway-controller";

const CERTIFICATES: &str = "certificates.k8s.io";
const RBAC: &str = "rbac.authorization.k8s.io";

/// Rules, and where they hold.
#[derive(Clone, Debug)]
pub struct Permissions {
    /// The namespace; none: the whole cluster.
    pub namespace: Option<&'static str>,
    /// The rules.
    pub rules: Vec<PolicyRule>,
}

/// What the controllers do beside their usual work.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Duties {
    /// They mirror a token store into Secrets.
    pub mirror_tokens: bool,
}

/// Everything that the controllers need.
pub fn needed(duties: Duties) -> Vec<Permissions> {
    let signers = NodeSigner::ALL.map(NodeSigner::name);
    let cluster = vec![
        rule(
            CERTIFICATES,
            "certificatesigningrequests",
            &["get", "list", "watch", "delete"],
        ),
        rule(
            CERTIFICATES,
            "certificatesigningrequests/approval",
            &["update"],
        ),
        rule(
            CERTIFICATES,
            "certificatesigningrequests/status",
            &["update"],
        ),
        // A condition in the status, as a finding for whoever waits, takes the right to sign
        // (plugin/pkg/admission/certificates/signing).
        named(
            rule(CERTIFICATES, "signers", &["approve", "sign"]),
            &signers,
        ),
        rule("", "nodes", &["get", "list", "watch"]),
        // Whether others approve past the policy.
        rule(RBAC, "clusterroles", &["list"]),
        rule(RBAC, "clusterrolebindings", &["list"]),
        named(rule("", "namespaces", &["get"]), &[NAMESPACE]),
    ];
    let within = |namespace, rules| Permissions {
        namespace: Some(namespace),
        rules,
    };
    vec![
        Permissions {
            namespace: None,
            rules: cluster,
        },
        // Tokens; RBAC cannot tell Secrets of one type from others.
        within(
            SECRET_NAMESPACE,
            vec![match duties.mirror_tokens {
                true => rule("", "secrets", &["create", "get", "list", "watch", "delete"]),
                false => rule("", "secrets", &["get", "list", "watch", "delete"]),
            }],
        ),
        within(
            CLUSTER_INFO_NAMESPACE,
            vec![named(
                rule("", "configmaps", &["get", "list", "watch", "update"]),
                &[CLUSTER_INFO],
            )],
        ),
        // The addresses of the API server, which no node may claim; Events about requests.
        within(
            "default",
            vec![
                named(rule("", "services", &["get"]), &["kubernetes"]),
                rule("", "events", &["create"]),
            ],
        ),
        within(
            NAMESPACE,
            vec![
                rule(
                    "",
                    "configmaps",
                    &["create", "get", "list", "update", "delete"],
                ),
                rule("coordination.k8s.io", "leases", &["create"]),
                named(
                    rule("coordination.k8s.io", "leases", &["get", "update"]),
                    &[LEASE],
                ),
            ],
        ),
    ]
}

fn rule(api_group: &str, resource: &str, verbs: &[&str]) -> PolicyRule {
    PolicyRule {
        api_groups: Some(vec![api_group.to_owned()]),
        resources: Some(vec![resource.to_owned()]),
        verbs: verbs.iter().map(|&verb| verb.to_owned()).collect(),
        ..PolicyRule::default()
    }
}

fn named(rule: PolicyRule, names: &[&str]) -> PolicyRule {
    PolicyRule {
        resource_names: Some(names.iter().map(|&name| name.to_owned()).collect()),
        ..rule
    }
}
