//! The rules, in the order in which they are applied. The first that objects ends the review.

use slipway_sdk::clock;
use slipway_sdk::csr_approver::TokenFacts;
use slipway_sdk::files::{Directory, FileError, Reason};
use slipway_sdk::prelude::*;

use crate::pattern::NamePattern;
use crate::{ApproveNodeClient, FOLDER, OtherName, Rejoin};

/// The largest file of names that is read, in bytes.
const NAMES_BYTES: usize = 4 << 20;

/// A rule holds, with what was seen; or ends the review.
type Rule = fn(&ApproveNodeClient, &CertificateRequest) -> Result<Finding, End>;

/// What ends a review before it comes to an approval.
pub(crate) enum End {
    /// A rule objects.
    Objection { verdict: Verdict, finding: Finding },
    /// What a rule needs cannot be had.
    Error(ReviewError),
}

/// All rules.
pub(crate) const RULES: &[Rule] = &[
    client_certificate,
    bootstrap_token,
    token_alive,
    token_for_node,
    token_uses_left,
    request_fresh,
    node_new,
    node_name_allowed,
];

fn client_certificate(_: &ApproveNodeClient, request: &CertificateRequest) -> Result<Finding, End> {
    const RULE: &str = "client-certificate";
    let seen = format!("the signer is {}", request.signer_name);
    if request.is_for_client() {
        Ok(Finding::passed(RULE, seen))
    } else {
        Err(not_mine(RULE, seen))
    }
}

/// Renewals, and what an administrator submits for a node, are decided by others.
fn bootstrap_token(_: &ApproveNodeClient, request: &CertificateRequest) -> Result<Finding, End> {
    const RULE: &str = "bootstrap-token";
    let seen = format!("{} asks", request.requester.username);
    let Some(id) = request.requester.token_id() else {
        return Err(not_mine(RULE, seen));
    };
    match &request.token {
        Some(token) if token.id == id => Ok(Finding::passed(RULE, seen)),
        Some(_) | None => Err(End::Objection {
            verdict: Verdict::Defer(format!("nothing is known any more of the token {id}")),
            finding: Finding::failed(RULE, seen),
        }),
    }
}

/// There is no clock here and none is needed: a token that expired after the request was submitted is the host's to
/// notice.
fn token_alive(_: &ApproveNodeClient, request: &CertificateRequest) -> Result<Finding, End> {
    const RULE: &str = "token-alive";
    let Some(expires) = token(request).and_then(|token| token.expires) else {
        return Ok(Finding::passed(RULE, "the token does not expire"));
    };
    if request.created < expires {
        Ok(Finding::passed(
            RULE,
            "the token was valid when it was used",
        ))
    } else {
        Err(End::Objection {
            verdict: Verdict::Defer("the token had expired when it was used".to_owned()),
            finding: Finding::failed(RULE, "the request is younger than the token's end"),
        })
    }
}

fn token_for_node(_: &ApproveNodeClient, request: &CertificateRequest) -> Result<Finding, End> {
    const RULE: &str = "token-for-node";
    match token(request).and_then(|token| token.node.as_ref()) {
        None => Ok(Finding::passed(RULE, "the token is for any node")),
        Some(node) if *node == request.node_name => Ok(Finding::passed(
            RULE,
            format!("the token is for node {node}"),
        )),
        Some(node) => Err(End::Objection {
            verdict: Verdict::Deny(format!(
                "the token is for node {node}, not for {}",
                request.node_name
            )),
            finding: Finding::failed(RULE, format!("the token is for node {node}"))
                .fix(format!("make a token for node {}", request.node_name)),
        }),
    }
}

/// Whether a use is this very request's is in the host's ledger, so one that seems too many is no denial.
fn token_uses_left(_: &ApproveNodeClient, request: &CertificateRequest) -> Result<Finding, End> {
    const RULE: &str = "token-uses-left";
    match token(request).and_then(|token| token.uses_left) {
        None => Ok(Finding::passed(RULE, "the token's uses are not limited")),
        Some(0) => Err(End::Objection {
            verdict: Verdict::Defer("the token has no uses left".to_owned()),
            finding: Finding::failed(RULE, "no uses are left").fix("make another token"),
        }),
        Some(left) => Ok(Finding::passed(RULE, format!("uses left: {left}"))),
    }
}

/// What lay about for long may have been forgotten, and the machine with it.
fn request_fresh(plugin: &ApproveNodeClient, request: &CertificateRequest) -> Result<Finding, End> {
    const RULE: &str = "request-fresh";
    let Some(max) = plugin.max_age else {
        return Ok(Finding::passed(RULE, "a request may be of any age"));
    };
    let age = clock::now()
        .duration_since(request.created)
        .unwrap_or_default();
    let seen = format!(
        "the request is {} s old; {} s are allowed",
        age.as_secs(),
        max.as_secs()
    );
    if age <= max {
        return Ok(Finding::passed(RULE, seen));
    }
    Err(End::Objection {
        verdict: Verdict::Defer(seen.clone()),
        finding: Finding::failed(RULE, seen).fix(
            "have the node ask again, or see the setting `maxAgeSeconds` of approve-node-client",
        ),
    })
}

/// That the host allows it says that the name may be taken over, not by whom.
fn node_new(plugin: &ApproveNodeClient, request: &CertificateRequest) -> Result<Finding, End> {
    const RULE: &str = "node-new";
    let name = &request.node_name;
    if !request.rejoins {
        return Ok(Finding::passed(
            RULE,
            format!("no node named {name} exists"),
        ));
    }
    let seen = format!("a node named {name} exists; a machine asks for its place");
    let verdict = match plugin.rejoin {
        Rejoin::Approve => return Ok(Finding::passed(RULE, seen)),
        Rejoin::Defer => Verdict::Defer(seen.clone()),
        Rejoin::Deny => Verdict::Deny(seen.clone()),
    };
    Err(End::Objection {
        verdict,
        finding: Finding::failed(RULE, seen)
            .fix("compare the key's fingerprint with the one that the node shows, then approve or deny the request"),
    })
}

fn node_name_allowed(
    plugin: &ApproveNodeClient,
    request: &CertificateRequest,
) -> Result<Finding, End> {
    const RULE: &str = "node-name-allowed";
    let name = &request.node_name;
    if plugin.names.is_empty() && plugin.names_file.is_none() {
        return Ok(Finding::passed(RULE, "every name is allowed"));
    }
    let listed = match &plugin.names_file {
        Some(file) => read_names(file).map_err(End::Error)?,
        None => Vec::new(),
    };
    let mut patterns = plugin.names.iter().chain(&listed);
    if let Some(pattern) = patterns.find(|pattern| pattern.matches(name)) {
        return Ok(Finding::passed(RULE, format!("{name} matches {pattern}")));
    }
    let reason = format!("{name} is none of the names that are approved without a person");
    Err(End::Objection {
        finding: Finding::failed(RULE, &*reason).fix(match &plugin.names_file {
            Some(file) => format!("add it to {FOLDER}/{file}"),
            None => "add it to the setting `names` of approve-node-client".to_owned(),
        }),
        verdict: match plugin.other_name {
            OtherName::Defer => Verdict::Defer(reason),
            OtherName::Deny => Verdict::Deny(reason),
        },
    })
}

/// The names of a file. One that is not understood is refused as a whole: what it was meant to say is not known.
fn read_names(file: &str) -> Result<Vec<NamePattern>, ReviewError> {
    let text = Directory::open(FOLDER)
        .and_then(|folder| folder.read_text(file, NAMES_BYTES))
        .map_err(unreadable)?;
    let mut names = Vec::new();
    for (line, content) in (1..).zip(text.lines()) {
        let name = content.split('#').next().unwrap_or_default().trim();
        if name.is_empty() {
            continue;
        }
        names.push(NamePattern::parse(name).map_err(|reason| {
            ReviewError::Other(format!("{FOLDER}/{file}: line {line}: {reason}"))
        })?);
    }
    Ok(names)
}

/// A file that is not there may come: the request waits for it, and nobody is denied.
fn unreadable(error: FileError) -> ReviewError {
    let text = error.to_string();
    match error.reason {
        Reason::NotFound | Reason::NotPermitted => ReviewError::Unavailable(text),
        _ => ReviewError::Other(text),
    }
}

fn token(request: &CertificateRequest) -> Option<&TokenFacts> {
    request.token.as_ref()
}

fn not_mine(rule: &str, seen: String) -> End {
    End::Objection {
        verdict: Verdict::Abstain,
        finding: Finding::skipped(rule, seen),
    }
}
