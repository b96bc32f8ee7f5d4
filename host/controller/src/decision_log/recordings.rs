//! What decisions rest upon, beside the log: the request as the approvers saw it, and what each of them learned of the
//! outside. A record of the log names its recording by digest, so that what is replayed is what was seen.
//!
//! A log is kept for ever and shown to auditors. A recording is large, names what is inside a network, and ends: files are
//! deleted when they are too old, or together too large. Answers that are longer than a digest stand once in a file.

use std::collections::{HashMap, HashSet};
use std::fs::{self, File};
use std::io::{self, BufRead as _, BufReader, Split, Write as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use serde::{Deserialize, Serialize};
use serde_json::Value;
use slipway_config::digest::Sha256Digest;
use slipway_config::redact;
use slipway_plugin::extension::csr_approver::ReviewRequest;
use slipway_plugin::{Noted, Question, Recording};

use super::{LogError, files};

/// The folder in that of the log.
const FOLDER: &str = "recordings";

/// A file that is larger than this is followed by another, in bytes.
const LARGEST_FILE: u64 = 16 * 1024 * 1024;

/// A file that is older than this is followed by another, so that none has to be kept for what is new in it.
const OLDEST_FILE: Duration = Duration::from_hours(24);

/// What all files may take together, in bytes.
const LARGEST_FOLDER: u64 = 1024 * 1024 * 1024;

/// Answers that take more than this stand once in a file, in bytes.
const LONG_ANSWER: usize = 256;

/// What one decision rests upon.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Case {
    /// The request.
    pub request: ReviewRequest,
    /// Why no approval is enough, where a person has to decide.
    pub deferral: Option<String>,
    /// What each approver learned.
    pub learned: Vec<Learned>,
}

/// What one approver learned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Learned {
    /// Its name in the configuration.
    pub plugin: String,
    /// What it asked, and what it was answered.
    pub answers: Recording,
}

impl Case {
    /// What an approver of this name is told: what it learned itself, else what the others did.
    pub(crate) fn recordings_for(&self, plugin: &str) -> Vec<&Recording> {
        let (own, others): (Vec<_>, Vec<_>) = self
            .learned
            .iter()
            .partition(|learned| learned.plugin == plugin);
        let all = own.into_iter().chain(others);
        all.map(|learned| &learned.answers).collect()
    }
}

/// A line of a file.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
enum Line {
    /// A long answer, named by the digest of its JSON.
    Answer(Value),
    /// What a decision rests upon.
    Case(Box<StoredCase>),
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct StoredCase {
    request: ReviewRequest,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    deferral: Option<String>,
    learned: Vec<StoredLearned>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct StoredLearned {
    plugin: String,
    answers: Vec<StoredAnswer>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct StoredAnswer {
    question: Question,
    #[serde(flatten)]
    answer: Stored,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
enum Stored {
    Answer(Value),
    AnswerDigest(Sha256Digest),
}

/// Writes recordings.
#[derive(Debug)]
pub(super) struct Recorder {
    folder: PathBuf,
    keep: Duration,
    open: Option<Open>,
}

/// The file that is written.
#[derive(Debug)]
struct Open {
    file: File,
    length: u64,
    began: SystemTime,
    /// The long answers that stand in it.
    answers: HashSet<Sha256Digest>,
}

impl Recorder {
    /// Goes on beside the log in `log`.
    ///
    /// # Errors
    /// The folder cannot be made.
    pub(super) fn open(log: &Path, keep: Duration) -> Result<Self, LogError> {
        let folder = log.join(FOLDER);
        files::create_folder(&folder)?;
        let mut recorder = Self {
            folder,
            keep,
            open: None,
        };
        recorder.clear();
        Ok(recorder)
    }

    /// Writes what a decision rests upon; its digest, or none where it could not be written.
    pub(super) fn record(&mut self, case: &Case) -> Option<Sha256Digest> {
        match self.write(case) {
            Ok(digest) => Some(digest),
            Err(error) => {
                // What is half written belongs to no record; the next one begins a file of its own.
                self.open = None;
                tracing::warn!(
                    error = &error as &dyn std::error::Error,
                    "what a decision rests upon could not be recorded: it cannot be replayed"
                );
                None
            }
        }
    }

    fn write(&mut self, case: &Case) -> Result<Sha256Digest, LogError> {
        let is_full = |open: &Open| {
            open.length >= LARGEST_FILE || open.began.elapsed().unwrap_or_default() >= OLDEST_FILE
        };
        if self.open.as_ref().is_none_or(is_full) {
            self.clear();
            let last = files::list(&self.folder)?.pop();
            let path = files::next(&self.folder, last.as_deref());
            self.open = Some(Open {
                file: files::append_to(&path)?,
                length: 0,
                began: SystemTime::now(),
                answers: HashSet::new(),
            });
        }
        let failed = files::failed("write", &self.folder);
        let Some(open) = &mut self.open else {
            return Err(failed(io::ErrorKind::NotFound.into()));
        };
        open.write(case).map_err(failed)
    }

    /// Deletes what is too old or too much, as far as that is possible; the file that is written stays.
    fn clear(&mut self) {
        let Ok(found) = files::list(&self.folder) else {
            return;
        };
        let mut total = 0_u64;
        for path in found.iter().rev() {
            let Ok(metadata) = fs::metadata(path) else {
                continue;
            };
            total = total.saturating_add(metadata.len());
            let age = metadata.modified().ok().and_then(|at| at.elapsed().ok());
            let is_over = age.is_some_and(|age| age > self.keep) || total > LARGEST_FOLDER;
            if is_over && let Err(error) = fs::remove_file(path) {
                tracing::warn!(
                    file = %path.display(),
                    error = &error as &dyn std::error::Error,
                    "an old recording could not be deleted"
                );
            }
        }
    }
}

impl Open {
    fn write(&mut self, case: &Case) -> io::Result<Sha256Digest> {
        let mut text = Vec::new();
        let mut learned = Vec::new();
        for one in &case.learned {
            let mut answers = Vec::new();
            for Noted { question, answer } in &one.answers.0 {
                answers.push(StoredAnswer {
                    question: question.clone(),
                    answer: self.stored(redacted(answer), &mut text)?,
                });
            }
            learned.push(StoredLearned {
                plugin: one.plugin.clone(),
                answers,
            });
        }
        let line = serde_json::to_vec(&Line::Case(Box::new(StoredCase {
            request: case.request.clone(),
            deferral: case.deferral.clone(),
            learned,
        })))?;
        text.extend_from_slice(&line);
        text.push(b'\n');
        self.file.write_all(&text)?;
        let written = u64::try_from(text.len()).unwrap_or(u64::MAX);
        self.length = self.length.saturating_add(written);
        Ok(Sha256Digest::of(&line))
    }

    /// An answer as it stands in a case; in `text` the answer itself, where it is long and not in the file yet.
    fn stored(&mut self, answer: Value, text: &mut Vec<u8>) -> io::Result<Stored> {
        let json = serde_json::to_vec(&answer)?;
        if json.len() <= LONG_ANSWER {
            return Ok(Stored::Answer(answer));
        }
        let digest = Sha256Digest::of(&json);
        if self.answers.insert(digest) {
            serde_json::to_writer(&mut *text, &Line::Answer(answer))?;
            text.push(b'\n');
        }
        Ok(Stored::AnswerDigest(digest))
    }
}

/// An answer without what looks like the secret of a token.
fn redacted(answer: &Value) -> Value {
    match answer {
        Value::String(text) => Value::String(redact::tokens(text)),
        Value::Array(values) => Value::Array(values.iter().map(redacted).collect()),
        Value::Object(fields) => fields
            .iter()
            .map(|(name, value)| (name.clone(), redacted(value)))
            .collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) => answer.clone(),
    }
}

/// The recordings beside a log, each with the digest by which a record names it. What was cut short or altered is passed
/// over: no record names it.
pub(crate) struct Recordings {
    files: std::vec::IntoIter<PathBuf>,
    open: Option<Reading>,
}

/// A file that is read.
struct Reading {
    path: PathBuf,
    lines: Split<BufReader<File>>,
    /// The long answers that stand in it.
    answers: HashMap<Sha256Digest, Value>,
}

impl Recordings {
    /// Those of the log in `log`.
    ///
    /// # Errors
    /// The folder cannot be read.
    pub(crate) fn open(log: &Path) -> Result<Self, LogError> {
        Ok(Self {
            files: files::list(&log.join(FOLDER))?.into_iter(),
            open: None,
        })
    }
}

impl Iterator for Recordings {
    type Item = Result<(Sha256Digest, Case), LogError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            match &mut self.open {
                Some(reading) => match reading.next() {
                    Some(found) => return Some(found),
                    None => self.open = None,
                },
                None => match Reading::open(self.files.next()?) {
                    Ok(reading) => self.open = Some(reading),
                    Err(error) => return Some(Err(error)),
                },
            }
        }
    }
}

impl Reading {
    fn open(path: PathBuf) -> Result<Self, LogError> {
        let file = File::open(&path).map_err(files::failed("read", &path))?;
        Ok(Self {
            lines: BufReader::new(file).split(b'\n'),
            path,
            answers: HashMap::new(),
        })
    }

    fn next(&mut self) -> Option<Result<(Sha256Digest, Case), LogError>> {
        loop {
            let line = match self.lines.next()? {
                Ok(line) => line,
                Err(error) => return Some(Err(files::failed("read", &self.path)(error))),
            };
            match serde_json::from_slice(&line) {
                Ok(Line::Answer(answer)) => {
                    let json = serde_json::to_vec(&answer).unwrap_or_default();
                    self.answers.insert(Sha256Digest::of(&json), answer);
                }
                Ok(Line::Case(stored)) => {
                    if let Some(case) = whole(*stored, &self.answers) {
                        return Some(Ok((Sha256Digest::of(&line), case)));
                    }
                }
                Err(_) => {}
            }
        }
    }
}

/// A case with its long answers; none where one of them is missing.
fn whole(stored: StoredCase, long: &HashMap<Sha256Digest, Value>) -> Option<Case> {
    let noted = |stored: StoredAnswer| {
        Some(Noted {
            question: stored.question,
            answer: match stored.answer {
                Stored::Answer(answer) => answer,
                Stored::AnswerDigest(digest) => long.get(&digest)?.clone(),
            },
        })
    };
    let learned = |stored: StoredLearned| {
        Some(Learned {
            plugin: stored.plugin,
            answers: Recording(
                stored
                    .answers
                    .into_iter()
                    .map(noted)
                    .collect::<Option<_>>()?,
            ),
        })
    };
    Some(Case {
        request: stored.request,
        deferral: stored.deferral,
        learned: stored
            .learned
            .into_iter()
            .map(learned)
            .collect::<Option<_>>()?,
    })
}

#[cfg(test)]
mod tests;
