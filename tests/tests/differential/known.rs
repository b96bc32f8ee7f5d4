//! Differences that are meant, or not closed yet, with the reason.

use std::fmt;
use std::path::Path;

use crate::difference::Difference;
use crate::script::Request;

/// The list.
pub(crate) struct Known {
    entries: Vec<(Entry, bool)>,
}

/// An entry as it stands in the file.
#[derive(Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Reason {
    /// `FILE: TITLE` of each request; `*` stands for any text.
    requests: Vec<String>,
    /// Of those that are not meant.
    #[serde(default)]
    except: Vec<String>,
    /// The place in the answer; `*` stands for any text.
    at: String,
    /// Why.
    reason: String,
}

/// Places of answers where a difference is known.
#[derive(Debug)]
pub(crate) struct Entry {
    request: String,
    except: Vec<String>,
    at: String,
}

impl Known {
    pub(crate) fn read(file: &Path) -> Self {
        let text = std::fs::read_to_string(file).expect("the list of known differences");
        let reasons: Vec<Reason> = serde_saphyr::from_str(&text).expect("a list of differences");
        let mut entries = Vec::new();
        for Reason {
            requests,
            except,
            at,
            reason,
        } in reasons
        {
            assert!(!reason.trim().is_empty(), "{requests:?} have no reason");
            for request in requests {
                let entry = Entry {
                    request,
                    except: except.clone(),
                    at: at.clone(),
                };
                entries.push((entry, false));
            }
        }
        Self { entries }
    }

    /// Whether the difference stands in the list.
    pub(crate) fn explains(&mut self, script: &str, request: &Request, found: &Difference) -> bool {
        let title = format!("{script}: {}", request.title);
        let mut explained = false;
        for (entry, seen) in &mut self.entries {
            if entry.is_about(&title) && matches(&entry.at, &found.at) {
                *seen = true;
                explained = true;
            }
        }
        explained
    }

    /// What stands in the list and did not occur.
    pub(crate) fn unseen(&self) -> impl Iterator<Item = &Entry> {
        self.entries
            .iter()
            .filter(|(_, seen)| !seen)
            .map(|(entry, _)| entry)
    }
}

impl Entry {
    fn is_about(&self, title: &str) -> bool {
        matches(&self.request, title) && !self.except.iter().any(|except| matches(except, title))
    }
}

impl fmt::Display for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at {}", self.request, self.at)
    }
}

/// Whether `text` is of the form of `pattern`, in which `*` stands for any text.
fn matches(pattern: &str, text: &str) -> bool {
    let parts: Vec<_> = pattern.split('*').map(regex::escape).collect();
    let pattern = format!("^{}$", parts.join(".*"));
    regex::Regex::new(&pattern).is_ok_and(|pattern| pattern.is_match(text))
}

#[test]
fn a_star_stands_for_any_text() {
    assert!(matches("a/*/c", "a/b/b/c") && matches("*", "") && matches("a", "a"));
    assert!(!matches("a/*/c", "a/c") && !matches("a", "ab") && !matches("a.c", "abc"));
}
