//! What other approvers would have decided, told what those were told who decided.
//!
//! Nobody is asked: the plugins of the chain are those of a host for replays, and each answer that they get stands in a
//! recording beside the log, which the log names by digest. A plugin that asks for what nobody asked then has no answer,
//! and what would have been decided is not known.

use std::collections::HashMap;
use std::path::Path;

use jiff::Timestamp;
use serde::Serialize;
use slipway_config::digest::Sha256Digest;
use slipway_pki::decision::verdict::{self, Opinion};

use crate::chain::{Answer, Chain, Sight};
use crate::decision_log::{Case, LogError, PluginOpinion, Record, Recordings};
use crate::outlook::Outlook;

/// What came out.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Replay {
    /// The decisions that were replayed, oldest first.
    pub decisions: Vec<Replayed>,
    /// The records of decisions by approvers that have no recording, or not any more.
    pub unrecorded: Vec<u64>,
}

/// One decision, as it was taken and as it would have been.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Replayed {
    /// The record's number in the log.
    pub sequence: u64,
    /// When it was written.
    pub time: Timestamp,
    /// The request's name.
    pub request: String,
    /// The node that it names.
    pub node: Option<String>,
    /// How the two compare.
    pub comparison: Comparison,
    /// What the approvers decided then.
    pub then: Outlook,
    /// What these decide.
    pub now: Outlook,
    /// What each of these answers.
    pub opinions: Vec<PluginOpinion>,
}

/// How a decision compares with what would have been decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Comparison {
    /// The same would have been done.
    Same,
    /// Something else would have been done.
    Different,
    /// An approver asks for what was not recorded.
    Unknown,
}

/// Has `chain` decide again what is in `records` of the log in `log`.
///
/// # Errors
/// A recording cannot be read.
pub async fn replay(log: &Path, records: &[Record], chain: &Chain) -> Result<Replay, LogError> {
    let is_of_approvers = |record: &&Record| !record.entry.opinions.is_empty();
    let mut wanted: HashMap<Sha256Digest, Vec<&Record>> = HashMap::new();
    let mut replay = Replay::default();
    for record in records.iter().filter(is_of_approvers) {
        match record.entry.recording {
            Some(digest) => wanted.entry(digest).or_default().push(record),
            None => replay.unrecorded.push(record.sequence),
        }
    }
    for recording in Recordings::open(log)? {
        let (digest, case) = recording?;
        for record in wanted.remove(&digest).unwrap_or_default() {
            replay.decisions.push(again(record, &case, chain).await);
        }
    }
    let lost = wanted.into_values().flatten();
    replay.unrecorded.extend(lost.map(|record| record.sequence));
    replay.unrecorded.sort_unstable();
    replay.decisions.sort_by_key(|decision| decision.sequence);
    Ok(replay)
}

async fn again(record: &Record, case: &Case, chain: &Chain) -> Replayed {
    let deferral = case.deferral.as_deref();
    let counted = record.entry.opinions.iter().filter(|one| !one.shadow);
    let then: Vec<_> = counted.map(opinion).collect();
    let then = Outlook::of(&verdict::outcome(&then, deferral), &record.entry.opinions);

    let reviewed = chain
        .review(case.request.clone(), Sight::Replayed(case))
        .await;
    let decision = verdict::outcome(&reviewed.opinions(), deferral);
    let opinions = reviewed.recorded(&decision);
    let now = Outlook::of(&decision, &opinions);
    let comparison = match reviewed.enforced.iter().any(Answer::is_unrecorded) {
        true => Comparison::Unknown,
        false if then.action == now.action => Comparison::Same,
        false => Comparison::Different,
    };
    let subject = &record.entry.subject;
    Replayed {
        sequence: record.sequence,
        time: record.time,
        request: subject.name.clone(),
        node: subject.node.clone(),
        comparison,
        then,
        now,
        opinions,
    }
}

/// What an approver answered then.
fn opinion(recorded: &PluginOpinion) -> Opinion {
    let error = || recorded.error.clone().unwrap_or_default();
    Opinion {
        approver: recorded.plugin.clone(),
        answer: recorded.verdict.clone().ok_or_else(error),
    }
}
