//! From an error to what a user reads: what happened, the next command, and an exit code that scripts can rely on.

mod advice;
mod coded;
mod usage;

use std::process::ExitCode;

use advice::RefusedCertificate;
pub(crate) use advice::{Advice, BACKUP, NEW_STORE};
pub(crate) use coded::Coded;
use slipway_config::redact;
pub(crate) use usage::Usage;

/// Why a command failed, as scripts see it. Stable: documented in docs/cli.md.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Code {
    /// Something went wrong that has no code of its own.
    General = 1,
    /// The arguments or a configuration file cannot be used.
    Usage = 2,
    /// Trust was refused: a wrong pin, signature or CA, a decision log that is not what was written.
    Untrusted = 3,
    /// A token is unknown, expired or not allowed to do this.
    Unauthorized = 4,
    /// The request was denied.
    Denied = 5,
    /// It took longer than it was given.
    TimedOut = 6,
    /// No API server could be reached.
    Unreachable = 7,
    /// What should be made is there already.
    Exists = 8,
    /// What should be there is not.
    NotFound = 9,
    /// A posture entry is at or above the threshold of `--fail-on`.
    Posture = 10,
}

/// A failed command.
#[derive(Debug)]
pub(crate) struct Failure {
    message: String,
    advice: Advice,
}

impl Failure {
    /// What happened, to which input, and why.
    pub(crate) fn message(&self) -> &str {
        &self.message
    }

    /// The next command.
    pub(crate) fn hint(&self) -> Option<&str> {
        self.advice.hint.as_deref()
    }

    /// The exit code as a number.
    pub(crate) fn code(&self) -> u8 {
        self.advice.code as u8
    }
}

impl From<anyhow::Error> for Failure {
    fn from(error: anyhow::Error) -> Self {
        Self {
            message: redact::tokens(&sentence(&error)),
            advice: Advice::for_error(&error),
        }
    }
}

impl From<&Failure> for ExitCode {
    fn from(failure: &Failure) -> Self {
        Self::from(failure.code())
    }
}

/// The causes from the outermost to the innermost, each said once: some libraries repeat their source in their own text.
fn sentence(error: &anyhow::Error) -> String {
    let mut text = String::new();
    for cause in error.chain().map(said) {
        if text.is_empty() {
            text = cause;
        } else if !is_said(&text, &cause) {
            text.push_str(": ");
            text.push_str(&cause);
        }
    }
    match error.chain().find_map(RefusedCertificate::among) {
        Some(refused) => refused.put_plainly(text),
        None => text,
    }
}

/// What a cause says; of the API's answer its message only, since kube adds all of it in the form of a programmer.
fn said(cause: &(dyn std::error::Error + 'static)) -> String {
    match cause.downcast_ref() {
        Some(kube::Error::Api(status)) if !status.message.is_empty() => status.message.clone(),
        _ => cause.to_string(),
    }
}

/// Whether a text says what the cause says: libraries add a reason or a place to a message. One word is no message.
fn is_said(text: &str, cause: &str) -> bool {
    text.contains(cause)
        || cause.rsplit_once(": ").is_some_and(|(message, _)| {
            message.contains(char::is_whitespace) && text.contains(message)
        })
}

#[cfg(test)]
mod tests {
    use anyhow::anyhow;

    use super::sentence;

    #[test]
    fn each_cause_is_said_once() {
        let error = anyhow!("no such file")
            .context("cannot read a.yaml: no such file")
            .context("--config");
        assert_eq!(
            sentence(&error),
            "--config: cannot read a.yaml: no such file"
        );
        let error = anyhow!("secrets \"a\" not found: NotFound")
            .context("cannot read it: secrets \"a\" not found");
        assert_eq!(sentence(&error), "cannot read it: secrets \"a\" not found");
    }

    #[test]
    fn a_cause_about_what_was_named_before_is_said() {
        let error = anyhow!("tokens: there is no such grant").context("no list of the tokens");
        assert_eq!(
            sentence(&error),
            "no list of the tokens: tokens: there is no such grant"
        );
    }
}
