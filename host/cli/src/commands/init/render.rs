//! What init says when it is done.

use slipway_bootstrap::layout::Layout;
use slipway_config::posture::PostureId;

use super::Answer;
use crate::reach::Reach;

/// Where the cluster is and how to go on.
pub(super) fn answer(answer: &Answer, layout: &Layout) -> String {
    let Some(url) = &answer.join_url else {
        return format!("the files are in {}\n", layout.kubernetes().display());
    };
    format!(
        "the cluster is up at {}\n  administrator:  export KUBECONFIG={}\n\n{}\n{}",
        answer.server,
        answer.kubeconfig,
        invitation(answer, url, layout),
        approval(answer, &Reach::of_layout(layout))
    )
}

fn invitation(answer: &Answer, url: &str, layout: &Layout) -> String {
    let mut text = String::new();
    let mut ca_file = "";
    if answer.ca_omitted {
        let ca = layout.ca_certificate();
        text.push_str(&format!("bring the CA to each node: {}\n", ca.display()));
        ca_file = " --ca-file ca.crt";
    }
    let secret = answer
        .token
        .as_deref()
        .and_then(|token| token.split_once('.'))
        .map(|(_, secret)| format!(", which is {secret}"))
        .unwrap_or_default();
    text.push_str(&format!(
        "let a node join; it asks for the token's secret{secret}:\n  slipway join '{url}'{ca_file}\n"
    ));
    if let Some(command) = &answer.join_command {
        text.push_str(&format!(
            "the same as kubeadm has it; every user of the node can read the secret:\n  {command}\n"
        ));
    }
    text
}

fn approval(answer: &Answer, reach: &Reach) -> String {
    let is_automatic = answer
        .posture
        .iter()
        .any(|entry| entry.id == PostureId::AutomaticApproval);
    if is_automatic {
        let posture = reach.command("posture");
        return format!("every node with a valid token gets in, with nobody looking: {posture}\n");
    }
    format!(
        "see who waits, and let a node in:\n  {}\n  {}\n",
        reach.command("csr list"),
        reach.command("csr approve NAME")
    )
}
