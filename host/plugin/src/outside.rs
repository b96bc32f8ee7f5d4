//! What a call gets to know of what is outside of it: asked for now, noted for later, or answered as it was then.
//!
//! Whatever can be different tomorrow goes through [`Outside`]: clocks, randomness, names, objects of the cluster, answers
//! of servers, files. A plugin is a function of its request, its settings and these answers, so that a call that gets the
//! same answers comes to the same end. Where a call is replayed, nothing is asked of anybody: a question to which there is
//! no recorded answer is noted as missed, and what the plugin says then counts for nothing.

mod content;
mod recording;

use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

pub(crate) use content::Content;
pub use recording::{Noted, Question, Recording};

/// The most that is noted of one call, in bytes of JSON. A call that learns more is not recorded.
const LARGEST: usize = 16 * 1024 * 1024;

/// What a noted question costs beside its answer, roughly, in bytes.
const QUESTION: usize = 96;

/// Where a call's answers come from. A clone is the same.
#[derive(Clone, Default)]
pub struct Outside(Mode);

#[derive(Clone, Default)]
enum Mode {
    #[default]
    Live,
    Noted(Arc<Mutex<Notes>>),
    Replayed(Arc<Mutex<Replay>>),
}

#[derive(Default)]
struct Notes {
    recording: Recording,
    bytes: usize,
}

#[derive(Default)]
struct Replay {
    answers: HashMap<Question, VecDeque<Value>>,
    missed: Vec<Question>,
}

/// There is no recorded answer to a question.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("this was not recorded")]
pub(crate) struct Unrecorded;

impl Outside {
    /// Everything is asked for when it is asked, and forgotten.
    pub fn live() -> Self {
        Self::default()
    }

    /// The same, and what is answered is noted.
    pub fn noted() -> Self {
        Self(Mode::Noted(Arc::default()))
    }

    /// Everything is answered as it was, in the order in which it was; the last answer to a question stays. Of several
    /// recordings the first that knows a question answers it.
    pub fn replayed<'a>(recordings: impl IntoIterator<Item = &'a Recording>) -> Self {
        let mut answers: HashMap<Question, VecDeque<Value>> = HashMap::new();
        for recording in recordings {
            let mut known: HashMap<Question, VecDeque<Value>> = HashMap::new();
            for noted in &recording.0 {
                let known = known.entry(noted.question.clone()).or_default();
                known.push_back(noted.answer.clone());
            }
            for (question, known) in known {
                answers.entry(question).or_insert(known);
            }
        }
        Self(Mode::Replayed(Arc::new(Mutex::new(Replay {
            answers,
            missed: Vec::new(),
        }))))
    }

    /// What was noted until now; none where nothing is noted, or too much was.
    pub fn recording(&self) -> Option<Recording> {
        let Mode::Noted(notes) = &self.0 else {
            return None;
        };
        let notes = lock(notes);
        (notes.bytes <= LARGEST).then(|| notes.recording.clone())
    }

    /// What was asked until now and is not recorded, each once.
    pub fn missed(&self) -> Vec<Question> {
        match &self.0 {
            Mode::Replayed(replay) => lock(replay).missed.clone(),
            Mode::Live | Mode::Noted(_) => Vec::new(),
        }
    }

    /// Whether the same call can be made again, or is.
    pub(crate) fn is_repeatable(&self) -> bool {
        !matches!(self.0, Mode::Live)
    }

    /// Whether what is answered is noted.
    pub(crate) fn is_noted(&self) -> bool {
        matches!(self.0, Mode::Noted(_))
    }

    /// Whether nothing is asked of anybody.
    pub(crate) fn is_replayed(&self) -> bool {
        matches!(self.0, Mode::Replayed(_))
    }

    /// The answer to a question, which `live` gets.
    ///
    /// # Errors
    /// The call is replayed, and the question was not asked then.
    pub(crate) async fn ask<T: Serialize + DeserializeOwned>(
        &self,
        question: impl FnOnce() -> Question,
        live: impl Future<Output = T>,
    ) -> Result<T, Unrecorded> {
        if self.is_replayed() {
            return self.recall(question());
        }
        let answer = live.await;
        self.note(question, &answer);
        Ok(answer)
    }

    /// The same where nothing has to be waited for.
    ///
    /// # Errors
    /// As for [`ask`](Self::ask).
    pub(crate) fn ask_now<T: Serialize + DeserializeOwned>(
        &self,
        question: impl FnOnce() -> Question,
        live: impl FnOnce() -> T,
    ) -> Result<T, Unrecorded> {
        if self.is_replayed() {
            return self.recall(question());
        }
        let answer = live();
        self.note(question, &answer);
        Ok(answer)
    }

    /// The recorded answer to a question, where the call is replayed.
    ///
    /// # Errors
    /// There is none.
    pub(crate) fn recall<T: DeserializeOwned>(&self, question: Question) -> Result<T, Unrecorded> {
        let Mode::Replayed(replay) = &self.0 else {
            return Err(Unrecorded);
        };
        let mut replay = lock(replay);
        let answer = replay.answers.get_mut(&question).and_then(|answers| {
            let is_last = answers.len() == 1;
            let answer = if is_last {
                answers.front().cloned()
            } else {
                answers.pop_front()
            };
            answer.and_then(|answer| serde_json::from_value(answer).ok())
        });
        answer.ok_or_else(|| {
            if !replay.missed.contains(&question) {
                replay.missed.push(question);
            }
            Unrecorded
        })
    }

    /// Notes nothing of this call: something is too large for that.
    pub(crate) fn give_up(&self) {
        if let Mode::Noted(notes) = &self.0 {
            let mut notes = lock(notes);
            notes.bytes = usize::MAX;
            notes.recording.0.clear();
        }
    }

    /// Notes an answer, where answers are noted.
    pub(crate) fn note<T: Serialize>(&self, question: impl FnOnce() -> Question, answer: &T) {
        let Mode::Noted(notes) = &self.0 else {
            return;
        };
        let mut notes = lock(notes);
        if notes.bytes > LARGEST {
            return;
        }
        let answer = serde_json::to_value(answer).unwrap_or_default();
        let size = QUESTION.saturating_add(answer.to_string().len());
        notes.bytes = notes.bytes.saturating_add(size);
        if notes.bytes > LARGEST {
            notes.recording.0.clear();
        } else {
            notes.recording.0.push(Noted {
                question: question(),
                answer,
            });
        }
    }
}

impl fmt::Debug for Outside {
    /// Not what was learned: it may be long.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self.0 {
            Mode::Live => "Outside(live)",
            Mode::Noted(_) => "Outside(noted)",
            Mode::Replayed(_) => "Outside(replayed)",
        })
    }
}

/// Notes are whole after each change.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(name: &str) -> Question {
        Question::Addresses {
            name: name.to_owned(),
        }
    }

    #[tokio::test]
    async fn what_was_answered_is_answered_again_in_its_order_and_the_last_stays() {
        let noted = Outside::noted();
        for answer in [1, 2] {
            let asked = noted.ask(|| name("a"), async { answer }).await;
            assert_eq!(asked, Ok(answer));
        }
        let recording = noted.recording().unwrap();
        let replayed = Outside::replayed([&recording]);
        for expected in [1, 2, 2] {
            let live = || -> i32 { panic!("nobody is asked in a replay") };
            assert_eq!(replayed.ask_now(|| name("a"), live), Ok(expected));
        }
        assert_eq!(replayed.missed(), []);
        assert_eq!(replayed.ask_now(|| name("b"), || 3), Err(Unrecorded));
        assert_eq!(replayed.ask_now(|| name("b"), || 3), Err(Unrecorded));
        assert_eq!(replayed.missed(), [name("b")]);
    }

    #[test]
    fn the_first_recording_that_knows_a_question_answers_it() {
        let recorded = |names: &[(&str, i32)]| {
            let noted = Outside::noted();
            for (asked, answer) in names {
                noted.ask_now(|| name(asked), || *answer).unwrap();
            }
            noted.recording().unwrap()
        };
        let (own, other) = (recorded(&[("a", 1)]), recorded(&[("a", 7), ("b", 8)]));
        let replayed = Outside::replayed([&own, &other]);
        let recall = |asked: &str| replayed.ask_now(|| name(asked), || 0);
        assert_eq!(
            [recall("a"), recall("a"), recall("b")],
            [Ok(1), Ok(1), Ok(8)]
        );
    }

    #[test]
    fn a_call_that_learns_too_much_is_not_recorded_rather_than_in_part() {
        let noted = Outside::noted();
        let long = "x".repeat(LARGEST / 2);
        noted.ask_now(|| name("a"), || long.clone()).unwrap();
        assert!(noted.recording().is_some());
        assert_eq!(
            noted.ask_now(|| name("b"), || long.clone()).as_deref(),
            Ok(&*long)
        );
        assert_eq!(noted.recording(), None);
        assert_eq!(Outside::live().recording(), None);
    }
}
