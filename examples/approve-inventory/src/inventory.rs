//! The inventory's text.

use std::collections::BTreeMap;
use std::fmt;

/// Nodes by name.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Inventory(BTreeMap<String, Node>);

/// A node of the inventory.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Node {
    /// The line that names it, from 1.
    pub(crate) line: usize,
    /// SHA-256 over the SubjectPublicKeyInfo of its key, in hex.
    pub(crate) fingerprint: Option<String>,
}

/// A line that is not understood. The whole inventory is refused then, since what it was meant to say is not known.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct InventoryError {
    line: usize,
    reason: String,
}

impl Inventory {
    /// Reads the text: one node a line, `#` begins a comment.
    pub(crate) fn parse(text: &str) -> Result<Self, InventoryError> {
        let mut nodes = BTreeMap::new();
        for (line, content) in (1..).zip(text.lines()) {
            let refuse = |reason: String| InventoryError { line, reason };
            let content = content.split('#').next().unwrap_or_default();
            let mut words = content.split_whitespace();
            let Some(name) = words.next() else {
                continue;
            };
            let fingerprint = words.next().map(str::to_owned);
            if let Some(fingerprint) = fingerprint.as_deref().filter(|text| !is_sha256(text)) {
                return Err(refuse(format!(
                    "{fingerprint:?} is not a fingerprint of 64 hex digits"
                )));
            }
            if let Some(more) = words.next() {
                return Err(refuse(format!(
                    "expected a name and a fingerprint, found {more:?} after them"
                )));
            }
            let node = Node { line, fingerprint };
            if let Some(before) = nodes.insert(name.to_owned(), node) {
                return Err(refuse(format!(
                    "{name} stands in line {} already",
                    before.line
                )));
            }
        }
        Ok(Self(nodes))
    }

    /// The node of this name.
    pub(crate) fn node(&self, name: &str) -> Option<&Node> {
        self.0.get(name)
    }
}

impl fmt::Display for InventoryError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: {}", self.line, self.reason)
    }
}

fn is_sha256(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}
