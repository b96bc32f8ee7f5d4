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
    let ca = answer
        .accepts(PostureId::CaOmittedFromClusterInfo)
        .then(|| layout.ca_certificate());
    format!(
        "the cluster is up at {}\n  administrator:  export KUBECONFIG={}\n\n{}\n{}",
        answer.server,
        answer.kubeconfig,
        answer.invited.render(ca.as_deref(), &reach),
        approval(answer, &reach)
    )
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
