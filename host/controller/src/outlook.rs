//! What would be done with a request.

use serde::Serialize;
use slipway_pki::decision::verdict::Decision;

use crate::approver::summary;
use crate::decision_log::{Action, PluginOpinion};

/// What would be done with a request, or was meant to be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Outlook {
    /// Approve, deny, leave it to a person, or ask again.
    pub action: Action,
    /// Why, in one line.
    pub reason: String,
}

impl Outlook {
    pub(crate) fn of(decision: &Decision, opinions: &[PluginOpinion]) -> Self {
        Self {
            action: Action::of(decision),
            reason: summary(decision, opinions),
        }
    }
}
