//! Rules about the request itself: usages, lifetime, subject, and that a client asks for nothing else.

use slipway_config::name::{NODES_GROUP, NodeName};

use super::{ClusterFacts, CsrFacts, Findings, LifetimePolicy, Names};
use crate::certificate::{COMMON_NAME, ORGANIZATION};
use crate::csr::CertificateRequest;
use crate::decision::signing::SHORTEST_EXPIRATION;
use crate::signer::{NodeSigner, Usage};

/// Usages are exactly those of the signer, key encipherment optionally among them.
pub(super) fn usages(
    csr: &CsrFacts<'_>,
    signer: NodeSigner,
    findings: &mut Findings,
) -> Vec<Usage> {
    const RULE: &str = "usages-of-the-signer";
    let required = signer.required_usages();
    let mut read = Vec::new();
    for name in csr.usages {
        match Usage::from_name(name) {
            Some(usage) if read.contains(&usage) => {
                findings.failed(RULE, format!("the usage {name:?} is asked for twice"))
            }
            Some(usage) if required.contains(&usage) || usage == NodeSigner::OPTIONAL_USAGE => {
                read.push(usage)
            }
            _ => findings.failed(
                RULE,
                format!("the usage {name:?} is not one that {signer} gives"),
            ),
        }
    }
    for usage in required.iter().filter(|usage| !read.contains(usage)) {
        findings.failed(
            RULE,
            format!("the usage \"{usage}\" is missing, which {signer} requires"),
        );
    }
    read.sort();
    findings.passed_unless_failed(RULE, "the usages are those of the signer");
    read
}

/// The lifetime asked for is at least ten minutes, and not too long for a signer that we do not know.
pub(super) fn expiration(
    csr: &CsrFacts<'_>,
    cluster: &ClusterFacts,
    findings: &mut Findings,
) -> Option<u32> {
    const RULE: &str = "lifetime";
    let asked = csr.expiration_seconds?;
    let seconds = u32::try_from(asked)
        .ok()
        .filter(|seconds| *seconds >= SHORTEST_EXPIRATION);
    let Some(seconds) = seconds else {
        findings.failed(
            RULE,
            format!(
                "a lifetime of {asked} s is asked for; expected at least {SHORTEST_EXPIRATION}"
            ),
        );
        return None;
    };
    match cluster.lifetime {
        LifetimePolicy::Refused { longest } if u64::from(seconds) > longest.as_secs() => findings
            .failed_with_fix(
                RULE,
                format!(
                    "a lifetime of {seconds} s is asked for, and at most {} s may be",
                    longest.as_secs()
                ),
                "ask for a shorter one, or let Slipway's own signer sign, which gives less",
            ),
        _ => findings.passed(RULE, format!("a lifetime of {seconds} s is asked for")),
    }
    Some(seconds)
}

/// The subject is one organization `system:nodes` and one common name of a node, and nothing else.
pub(super) fn subject(request: &CertificateRequest, findings: &mut Findings) -> Option<NodeName> {
    const RULE: &str = "subject-of-a-node";
    let subject = request.subject();
    if let Some(other) = request
        .subject_attributes()
        .iter()
        .find(|a| a.oid != COMMON_NAME && a.oid != ORGANIZATION)
    {
        findings.failed(
            RULE,
            format!(
                "the subject has the attribute {}; expected O and CN only",
                other.oid
            ),
        );
    }
    match subject.organizations.as_slice() {
        [organization] if organization == NODES_GROUP => {}
        organizations => findings.failed(
            RULE,
            format!("O is {organizations:?}; expected one, {NODES_GROUP:?}"),
        ),
    }
    let common_names = subject.common_names.as_slice();
    let node = match common_names {
        [name] => NodeName::from_user_name(name),
        _ => None,
    };
    if node.is_none() {
        let shown: Vec<String> = common_names.iter().map(|name| shortened(name)).collect();
        findings.failed(
            RULE,
            format!("CN is {shown:?}; expected one, system:node:<name of a node>"),
        );
    }
    findings.passed_unless_failed(RULE, "the subject is that of a node");
    node
}

/// A client certificate has no alternative names, and no other extension is asked for.
pub(super) fn no_extensions(request: &CertificateRequest, findings: &mut Findings) -> Names {
    const RULE: &str = "client-without-extensions";
    if request.alternative_names().is_some() {
        findings.failed(
            RULE,
            "subject alternative names are asked for; a client certificate has none",
        );
    }
    for oid in request.other_extensions() {
        findings.failed(
            RULE,
            format!(
                "the extension {oid} is asked for; a client certificate has none from the request"
            ),
        );
    }
    findings.passed_unless_failed(RULE, "no extension is asked for");
    Names::default()
}

impl Findings {
    /// Notes that `rule` holds if nothing was found to break it.
    pub(super) fn passed_unless_failed(&mut self, rule: &str, seen: &str) {
        if self.0.iter().all(|finding| finding.rule != rule) {
            self.passed(rule, seen);
        }
    }
}

/// Enough of a text that a stranger chose to recognise it.
pub(super) fn shortened(text: &str) -> String {
    const LONGEST: usize = 80;
    let mut characters = text.chars();
    let start: String = characters.by_ref().take(LONGEST).collect();
    if characters.next().is_none() {
        start
    } else {
        format!("{start}… ({} bytes)", text.len())
    }
}
