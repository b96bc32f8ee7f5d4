//! What init says when it is done.

use slipway_bootstrap::layout::Layout;
use slipway_config::posture::PostureId;

use super::{Answer, Done};
use crate::reach::Reach;

/// Where the cluster is and how to go on.
pub(super) fn answer(answer: &Answer, layout: &Layout) -> String {
    match answer.done {
        Done::Phase(phase) => return format!("{phase} is done for {}\n", answer.server),
        Done::Files => return format!("the files are in {}\n", layout.kubernetes().display()),
        Done::Cluster => {}
    }
    let reach = Reach::of_layout(layout);
    format!(
        "the cluster is up at {}\n  administrator:  export KUBECONFIG={}\n\n{}\n{}",
        answer.server,
        answer.kubeconfig,
        invitation(answer, layout, &reach),
        approval(answer, &reach)
    )
}

fn invitation(answer: &Answer, layout: &Layout, reach: &Reach) -> String {
    let Some(with_url) = &answer.join_with_url else {
        let create = reach.command("token create --print-join-command");
        return format!("no node can join with the tokens that were made:\n  {create}\n");
    };
    let mut text = String::new();
    if answer.accepts(PostureId::CaOmittedFromClusterInfo) {
        let ca = layout.ca_certificate();
        text.push_str(&format!("bring the CA to each node: {}\n", ca.display()));
    }
    let secret = answer
        .token
        .as_deref()
        .and_then(|token| token.split_once('.'))
        .map(|(_, secret)| format!(", which is {secret}"))
        .unwrap_or_default();
    text.push_str(&format!(
        "let a node join; it asks for the token's secret{secret}:\n  {with_url}\n"
    ));
    if let Some(command) = &answer.join_command {
        text.push_str(&format!(
            "the same as kubeadm has it; every user of the node can read the secret:\n  {command}\n"
        ));
    }
    text
}

fn approval(answer: &Answer, reach: &Reach) -> String {
    if answer.accepts(PostureId::AutomaticApproval) {
        let posture = reach.command("posture");
        return format!("every node with a valid token gets in, with nobody looking: {posture}\n");
    }
    format!(
        "see who waits, and let a node in:\n  {}\n  {}\n",
        reach.command("csr list"),
        reach.command("csr approve NAME")
    )
}

impl Answer {
    /// Whether a trade-off is in force.
    fn accepts(&self, id: PostureId) -> bool {
        self.posture.iter().any(|entry| entry.id == id)
    }
}
