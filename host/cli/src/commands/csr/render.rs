//! Requests as people read them.

use jiff::Timestamp;
use slipway_config::finding::{Finding, Outcome};
use slipway_controller::Standing;
use slipway_controller::decision_log::Action;
use slipway_controller::requests::{Explanation, RequestDetails, RequestSummary};

use crate::output::{Printer, age, opinion};
use crate::reach::Reach;

/// What stands in the place of a node's name that cannot be read.
pub(super) const UNREADABLE: &str = "<unreadable>";

/// What stands in a column that has nothing to say.
const NONE: &str = "<none>";

/// Which columns a table of requests has.
#[derive(Debug, Clone, Copy)]
pub(super) enum Columns {
    /// What fits on a screen.
    Usual,
    /// More.
    Wide,
}

impl Columns {
    /// Those that were asked for.
    pub(super) fn of(printer: Printer) -> Self {
        if printer.is_wide() {
            Self::Wide
        } else {
            Self::Usual
        }
    }

    pub(super) fn heading(self) -> &'static [&'static str] {
        match self {
            Self::Usual => &["NAME", "AGE", "NODE", "REQUESTER", "STANDING", "WHY"],
            Self::Wide => &[
                "NAME",
                "AGE",
                "NODE",
                "REQUESTER",
                "SIGNER",
                "STANDING",
                "DECIDED BY",
                "WHY",
            ],
        }
    }

    pub(super) fn row(self, request: &RequestSummary) -> Vec<String> {
        self.cells(request, request.standing.as_str())
    }

    /// The last row of a request that is not there any more.
    pub(super) fn row_of_deleted(self, request: &RequestSummary) -> Vec<String> {
        self.cells(request, "deleted")
    }

    fn cells(self, request: &RequestSummary, standing: &str) -> Vec<String> {
        let message = request.message.as_deref().unwrap_or_default();
        let or_none = |text: &Option<String>| text.as_deref().unwrap_or(NONE).to_owned();
        let mut cells = vec![
            request.name.clone(),
            request
                .created
                .map(|created| age(created, Timestamp::now()))
                .unwrap_or_default(),
            request.node.as_deref().unwrap_or(UNREADABLE).to_owned(),
            request.requester.clone(),
        ];
        match self {
            Self::Usual => cells.extend([
                standing.to_owned(),
                message.lines().next().unwrap_or_default().to_owned(),
            ]),
            Self::Wide => cells.extend([
                request.signer_name.clone(),
                standing.to_owned(),
                or_none(&request.decided_by),
                message
                    .lines()
                    .map(str::trim)
                    .collect::<Vec<_>>()
                    .join("; "),
            ]),
        }
        cells
    }
}

/// Everything about one request, and what can be done.
pub(super) fn details(details: &RequestDetails, reach: &Reach) -> String {
    let lines = facts(details).into_iter();
    lines
        .chain(choices(details, reach))
        .collect::<Vec<_>>()
        .join("\n")
}

/// The same with what the approvers say.
pub(super) fn explanation(explanation: &Explanation, reach: &Reach) -> String {
    let details = &explanation.details;
    let mut lines = facts(details);
    if !explanation.opinions.is_empty() {
        lines.push("approvers:".to_owned());
    }
    for said in &explanation.opinions {
        lines.push(format!("  {}", opinion(said)));
        let found = said.findings.iter().map(finding);
        lines.extend(found.map(|text| format!("  {}", text.replace('\n', "\n  "))));
    }
    if let Some(outlook) = &explanation.outlook {
        let action = match outlook.action {
            Action::Approve => "it would be approved",
            Action::Deny => "it would be denied",
            Action::Retry => "the approvers would be asked again",
            _ => "a person would decide",
        };
        lines.push(format!("as things are now, {action}: {}", outlook.reason));
    }
    lines.extend(choices(details, reach));
    lines.join("\n")
}

fn facts(details: &RequestDetails) -> Vec<String> {
    let summary = &details.summary;
    let mut lines = vec![
        format!("name:       {}", summary.name),
        format!("standing:   {}", summary.standing.as_str()),
        format!(
            "node:       {}",
            summary.node.as_deref().unwrap_or(UNREADABLE)
        ),
        format!(
            "requester:  {} ({})",
            summary.requester,
            details.groups.join(", ")
        ),
        format!("signer:     {}", summary.signer_name),
        format!("usages:     {}", details.usages.join(", ")),
    ];
    if let Some(parsed) = &details.parsed {
        lines.push(format!(
            "key:        {}, SHA-256 {}",
            parsed.key_algorithm, parsed.key_fingerprint
        ));
    }
    if let Some(names) = names(details) {
        lines.push(format!("names:      {names}"));
    }
    if let Some(by) = &summary.decided_by {
        lines.push(format!("decided by: {by}"));
    }
    if let Some(message) = &summary.message {
        let message: Vec<_> = message.lines().collect();
        lines.push(format!("why:        {}", message.join("\n            ")));
    }
    if let Some(deferral) = &details.deferral {
        lines.push(format!("for people: {deferral}"));
    }
    if !details.findings.is_empty() {
        lines.push("guardrails:".to_owned());
        lines.extend(details.findings.iter().map(finding));
    }
    lines
}

/// What a server with this certificate would be believed to be; none where nothing is asked for.
fn names(details: &RequestDetails) -> Option<String> {
    let parsed = details.parsed.as_ref()?;
    let addresses = parsed.ip_addresses.iter().map(ToString::to_string);
    let names: Vec<_> = parsed.dns_names.iter().cloned().chain(addresses).collect();
    (!names.is_empty()).then(|| names.join(", "))
}

/// The commands that decide an open request, as far as they would be taken.
fn choices(details: &RequestDetails, reach: &Reach) -> Vec<String> {
    let name = &details.summary.name;
    if details.summary.standing != Standing::Open || details.passes_guardrails.is_none() {
        return Vec::new();
    }
    let stands_in_the_way = |finding: &Finding| finding.outcome == Outcome::Failed;
    let mut lines = vec![String::new()];
    if !details.findings.iter().any(stands_in_the_way) {
        let approve = reach.command(format_args!("csr approve {name}"));
        lines.push(format!("to let it in:    {approve}"));
    }
    let deny = reach.command(format_args!("csr deny {name} --reason '…'"));
    lines.push(format!("to keep it out:  {deny}"));
    lines
}

fn finding(finding: &Finding) -> String {
    let mark = match finding.outcome {
        Outcome::Passed => "✓",
        Outcome::Failed => "✗",
        Outcome::Skipped => "-",
    };
    let fix = finding
        .fix
        .as_ref()
        .map(|fix| format!("\n      {fix}"))
        .unwrap_or_default();
    format!("  {mark} {}: {}{fix}", finding.rule, finding.seen)
}
