//! Why a request stands where it stands: what every rule and every approver says of it now.

use serde::Serialize;
use slipway_pki::decision::verdict::Decision;

use super::{RequestDetails, RequestError, Requests};
use crate::chain::{Chain, Sight};
use crate::decision_log::PluginOpinion;
use crate::outlook::Outlook;

/// A request with what the guardrails and the approvers say about it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Explanation {
    /// Where it stands, what is in it, and what the guardrails find.
    #[serde(flatten)]
    pub details: RequestDetails,
    /// What each approver says now; none where a guardrail is broken, so that they are not asked.
    pub opinions: Vec<PluginOpinion>,
    /// What would be done with it now if it were not decided; none where it is for a signer that is not served.
    pub outlook: Option<Outlook>,
}

impl Requests {
    /// One request with what these approvers say about it now, whether or not it is decided. Nothing is written.
    ///
    /// # Errors
    /// As for [`show`](Self::show).
    pub async fn explain(&self, name: &str, chain: &Chain) -> Result<Explanation, RequestError> {
        let request = self.get(name).await?;
        let (checked, claim) = self.look(&request).await?;
        let now = (self.clock)();
        let (reviewed, decision) = chain.judge(&request, &checked, now, Sight::Live).await;
        // An approval waits for a name that is another's.
        let decision = match (decision, &claim) {
            (Some(Decision::Approved { .. }), Some(finding)) => {
                Some(Decision::name_claimed(finding))
            }
            (decision, _) => decision,
        };
        let opinions = decision
            .as_ref()
            .map_or_else(Vec::new, |decision| reviewed.recorded(decision));
        Ok(Explanation {
            outlook: decision
                .as_ref()
                .map(|decision| Outlook::of(decision, &opinions)),
            opinions,
            details: RequestDetails::of(&request, &checked.guarded, claim),
        })
    }
}
