//! How a flow shows itself: a spinner on a terminal, plain lines elsewhere, nothing when quiet.

use std::io::IsTerminal as _;
use std::sync::Mutex;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use slipway_bootstrap::progress::{Event, Outcome, Progress, Waiting};

use crate::output::{Printer, posture_line};

const TICK: Duration = Duration::from_millis(120);

/// Renders the events of a flow.
pub(crate) struct Shown {
    printer: Printer,
    bar: Option<ProgressBar>,
    /// What was last said about waiting: said again only when it changes.
    last: Mutex<String>,
}

impl Shown {
    pub(crate) fn new(printer: Printer) -> Self {
        let bar = (printer.shows_progress() && std::io::stderr().is_terminal()).then(spinner);
        Self {
            printer,
            bar,
            last: Mutex::new(String::new()),
        }
    }

    /// Ends the spinner, so that what follows is not written over.
    pub(crate) fn finish(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }

    fn line(&self, print: impl FnOnce()) {
        match &self.bar {
            Some(bar) => bar.suspend(print),
            None => print(),
        }
    }

    fn waiting(&self, waiting: &Waiting) {
        let text = waiting_text(waiting);
        let Ok(mut last) = self.last.lock() else {
            return;
        };
        if let Some(bar) = &self.bar {
            bar.set_message(text.lines().next().unwrap_or_default().to_owned());
        }
        if *last != text {
            self.line(|| self.printer.note(&text));
            *last = text;
        }
    }
}

impl Progress for Shown {
    fn event(&self, event: Event) {
        match event {
            Event::Started { phase } => {
                if let Some(bar) = &self.bar {
                    bar.set_message(phase);
                }
            }
            Event::Finished { phase, outcome } => {
                self.line(|| self.printer.done(outcome_text(phase, &outcome)))
            }
            Event::Waiting(waiting) => self.waiting(&waiting),
            Event::Warning(entry) => self.line(|| self.printer.warning(posture_line(&entry))),
            Event::Note(text) => self.line(|| self.printer.note(text)),
        }
    }
}

fn spinner() -> ProgressBar {
    let bar = ProgressBar::new_spinner();
    if let Ok(style) = ProgressStyle::with_template("{spinner} {wide_msg} {elapsed:.dim}") {
        bar.set_style(style);
    }
    bar.enable_steady_tick(TICK);
    bar
}

fn outcome_text(phase: &str, outcome: &Outcome) -> String {
    match outcome {
        Outcome::Done => phase.to_owned(),
        Outcome::Kept(what) => format!("{phase}: kept {what}"),
        Outcome::Skipped(why) => format!("{phase}: skipped ({why})"),
    }
}

fn waiting_text(waiting: &Waiting) -> String {
    match waiting {
        Waiting::Discovery { reason, retry_in } => {
            format!(
                "waiting for the cluster: {reason}; again in {} s",
                retry_in.as_secs()
            )
        }
        Waiting::Approval {
            request,
            key,
            findings,
            command,
        } => {
            let findings = findings.as_deref().map(indented).unwrap_or_default();
            format!(
                "waiting for approval of {request}{findings}\n  this node's key: SHA-256 {key}\n  on the control plane, let it in with: {command}"
            )
        }
        Waiting::Name {
            request,
            key,
            findings,
        } => {
            format!(
                "{request} waits because its node's name is taken{}\n  this node's key: SHA-256 {key}",
                indented(findings)
            )
        }
        Waiting::Signature { request, signer } => {
            format!("{request} is approved; waiting for {signer} to sign it")
        }
        Waiting::Server {
            request,
            reason,
            retry_in,
        } => {
            format!(
                "{request} waits at the API server, which cannot be asked now: {reason}; again in {} s",
                retry_in.as_secs()
            )
        }
    }
}

/// The lines of a text below a heading.
fn indented(text: &str) -> String {
    text.lines().map(|line| format!("\n  {line}")).collect()
}
