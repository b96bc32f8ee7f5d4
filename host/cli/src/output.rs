//! What a command prints: the answer on standard output, everything else on standard error. Colours only on
//! terminals (anstream takes them away elsewhere).

mod age;
mod table;

use std::fmt::Display;
use std::io::{self, Write as _};

use anstyle::{AnsiColor, Style};
use serde::Serialize;
use slipway_config::posture::{PostureEntry, Severity};
use slipway_controller::decision_log::PluginOpinion;

use crate::arguments::{GlobalArguments, OutputForm};

pub(crate) use age::age;
pub(crate) use table::{Growing, Table};

const BOLD: Style = Style::new().bold();
const GOOD: Style = AnsiColor::Green.on_default();
const CAREFUL: Style = AnsiColor::Yellow.on_default().bold();
const BAD: Style = AnsiColor::Red.on_default().bold();

/// Where all text goes through.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Printer {
    form: OutputForm,
    quiet: bool,
}

impl Printer {
    pub(crate) fn new(arguments: &GlobalArguments) -> Self {
        Self {
            form: arguments.output,
            quiet: arguments.quiet,
        }
    }

    /// Whether tables have their further columns.
    pub(crate) fn is_wide(self) -> bool {
        self.form == OutputForm::Wide
    }

    /// Whether progress is wanted.
    pub(crate) fn shows_progress(self) -> bool {
        !self.quiet && !self.is_for_programs()
    }

    /// This printer for an answer that only says that what was asked for is done: none where a person wants to hear
    /// nothing of it.
    pub(crate) fn unless_quiet(self) -> Option<Self> {
        (!self.quiet || self.is_for_programs()).then_some(self)
    }

    fn is_for_programs(self) -> bool {
        matches!(self.form, OutputForm::Json | OutputForm::Yaml)
    }

    /// The answer, as JSON, as YAML or as `text` renders it.
    pub(crate) fn answer<T: Serialize>(
        self,
        value: &T,
        text: impl FnOnce(&T) -> String,
    ) -> io::Result<()> {
        let mut text = match self.form {
            OutputForm::Json => serde_json::to_string_pretty(value)?,
            OutputForm::Yaml => yaml(value)?,
            OutputForm::Text | OutputForm::Wide => text(value),
        };
        if !text.ends_with('\n') && !text.is_empty() {
            text.push('\n');
        }
        anstream::stdout().lock().write_all(text.as_bytes())
    }

    /// One line of an answer that goes on, flushed at once so that it can be followed.
    pub(crate) fn line<T: Serialize>(
        self,
        value: &T,
        text: impl FnOnce(&T) -> String,
    ) -> io::Result<()> {
        let text = match self.form {
            OutputForm::Json => serde_json::to_string(value)?,
            OutputForm::Yaml => format!("---\n{}", yaml(value)?),
            OutputForm::Text | OutputForm::Wide => text(value),
        };
        let mut stdout = anstream::stdout().lock();
        writeln!(stdout, "{}", text.trim_end_matches('\n'))?;
        stdout.flush()
    }

    /// Something worth knowing that is no part of the answer.
    pub(crate) fn note(self, text: impl Display) {
        if self.shows_progress() {
            say(text);
        }
    }

    /// A step that is done.
    pub(crate) fn done(self, text: impl Display) {
        if self.shows_progress() {
            say(format_args!("{GOOD}✓{GOOD:#} {text}"));
        }
    }

    /// Something to look at; shown even when quiet.
    pub(crate) fn warning(self, text: impl Display) {
        say(format_args!("{CAREFUL}warning:{CAREFUL:#} {text}"));
    }

    /// The trade-offs in force, with what closes each.
    pub(crate) fn posture(self, entries: &[PostureEntry]) {
        for entry in entries {
            say(posture_line(entry));
        }
    }

    /// What went wrong and what to do about it.
    pub(crate) fn failure(self, failure: &crate::failure::Failure) {
        if self.is_for_programs() {
            // JSON is YAML, too.
            let text = serde_json::json!({ "error": failure.message(), "hint": failure.hint(), "exitCode": failure.code() });
            say(text);
            return;
        }
        say(format_args!("{BAD}error:{BAD:#} {}", failure.message()));
        if let Some(hint) = failure.hint() {
            say(format_args!("{BOLD}next:{BOLD:#} {hint}"));
        }
    }
}

fn yaml<T: Serialize>(value: &T) -> io::Result<String> {
    serde_saphyr::to_string(value).map_err(io::Error::other)
}

/// A line on standard error. Where that cannot be written to (a log on a full disk), there is nobody left to tell, and
/// what is being done goes on: the macros of the standard library would panic.
fn say(text: impl Display) {
    let _ = writeln!(anstream::stderr().lock(), "{text}");
}

/// What an approver said, and whether that counted.
pub(crate) fn opinion(opinion: &PluginOpinion) -> String {
    let said = match (&opinion.verdict, &opinion.error) {
        (Some(verdict), _) => verdict.to_string(),
        (None, error) => error.clone().unwrap_or_default(),
    };
    let counted = match (opinion.shadow, opinion.disagrees) {
        (false, _) => "",
        (true, false) => " (shadow)",
        (true, true) => " (shadow, would have led elsewhere)",
    };
    format!("{}{counted}: {said}", opinion.plugin)
}

/// One trade-off: what it is, what it costs, how to close it.
pub(crate) fn posture_line(entry: &PostureEntry) -> String {
    let style = match entry.severity {
        Severity::Low => BOLD,
        Severity::Medium => CAREFUL,
        Severity::High => BAD,
    };
    let detail = entry
        .detail
        .as_deref()
        .map(|detail| format!(" ({detail})"))
        .unwrap_or_default();
    format!(
        "{style}{severity}{style:#} {id}: {sentence}{detail}\n  to close it: {close}",
        severity = entry.severity,
        id = entry.id,
        sentence = entry.sentence,
        close = entry.close,
    )
}
