//! One version of one token's record, and the file that holds it.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use slipway_sdk::prelude::*;

/// The only format so far.
const FORMAT: u32 = 1;

/// A file's name: the token's ID and the number of its version.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct FileName {
    pub(crate) id: String,
    pub(crate) number: u64,
}

impl FileName {
    /// Reads a name; others' files, and temporary ones, have none.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (id, digits) = text.split_once('.')?;
        let name = Self {
            id: id.to_owned(),
            number: digits.parse().ok()?,
        };
        (is_token_id(id) && name.to_string() == text).then_some(name)
    }
}

impl fmt::Display for FileName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.id, self.number)
    }
}

/// The second name of a removal, which tells its place among the others.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct RemovalMark {
    pub(crate) order: u64,
    pub(crate) removal: FileName,
}

impl RemovalMark {
    /// Reads a name.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (order, removal) = text.strip_prefix("removed.")?.split_once('.')?;
        let mark = Self {
            order: order.parse().ok()?,
            removal: FileName::parse(removal)?,
        };
        (mark.to_string() == text).then_some(mark)
    }
}

impl fmt::Display for RemovalMark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "removed.{}.{}", self.order, self.removal)
    }
}

/// Whether a text can be a token's ID, and so part of a file's name.
pub(crate) fn is_token_id(text: &str) -> bool {
    text.len() == 6
        && text
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
}

/// One version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Record {
    pub(crate) name: FileName,
    content: Content,
}

/// What a version says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Content {
    /// The sealed record.
    Sealed(Vec<u8>),
    /// The record was removed.
    Removed,
}

/// The form of a file. The ID and the number are repeated in it, so that a file that was renamed is noticed.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Document {
    format: u32,
    id: String,
    number: u64,
    sealed: Option<String>,
}

impl Record {
    /// The version after `current`.
    pub(crate) fn after(
        current: Option<&Self>,
        id: &str,
        content: Content,
    ) -> Result<Self, StoreError> {
        let number = current
            .map_or(0, |current| current.name.number)
            .checked_add(1)
            .ok_or_else(|| StoreError::Corrupt(format!("{id} has no further versions")))?;
        Ok(Self {
            name: FileName {
                id: id.to_owned(),
                number,
            },
            content,
        })
    }

    /// Reads a file's content; the error is a sentence about it.
    pub(crate) fn parse(name: &FileName, bytes: &[u8]) -> Result<Self, String> {
        let document: Document =
            serde_json::from_slice(bytes).map_err(|error| format!("it is damaged: {error}"))?;
        if document.format != FORMAT {
            return Err(format!(
                "it has format {}, this store reads format {FORMAT}",
                document.format
            ));
        }
        if (document.id.as_str(), document.number) != (name.id.as_str(), name.number) {
            return Err(format!(
                "it is version {} of {} under another name",
                document.number, document.id
            ));
        }
        let content = match document.sealed {
            None => Content::Removed,
            Some(text) => Content::Sealed(
                STANDARD
                    .decode(text)
                    .map_err(|error| format!("it is damaged: sealed is not base64: {error}"))?,
            ),
        };
        Ok(Self {
            name: name.clone(),
            content,
        })
    }

    /// The file's content.
    pub(crate) fn write(&self) -> Result<Vec<u8>, StoreError> {
        let document = Document {
            format: FORMAT,
            id: self.name.id.clone(),
            number: self.name.number,
            sealed: match &self.content {
                Content::Sealed(sealed) => Some(STANDARD.encode(sealed)),
                Content::Removed => None,
            },
        };
        let mut bytes = serde_json::to_vec(&document).map_err(|error| {
            StoreError::Other(format!("{} cannot be written: {error}", self.name))
        })?;
        bytes.push(b'\n');
        Ok(bytes)
    }

    /// The version as the host sees it; none if the record was removed.
    pub(crate) fn version(&self) -> Option<String> {
        match &self.content {
            Content::Sealed(_) => Some(self.name.number.to_string()),
            Content::Removed => None,
        }
    }

    /// The record as the host sees it; none if it was removed.
    pub(crate) fn into_stored(self) -> Option<Stored> {
        let version = self.version()?;
        match self.content {
            Content::Sealed(sealed) => Some(Stored {
                id: self.name.id,
                version,
                sealed,
            }),
            Content::Removed => None,
        }
    }
}
