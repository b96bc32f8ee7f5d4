//! Configuration files: several YAML documents in one text, each of a kind that is served.
//!
//! A file is read whole or refused whole, with the place and the reason: what was found, what was expected, and the
//! nearest valid name. Messages never repeat what looks like a bootstrap token's secret.

mod error;
mod fields;
mod kind;
mod setting;
mod split;
mod type_meta;

use serde::{Deserialize, Serialize};
use serde_saphyr::Spanned;

pub use error::{DocumentError, Problem};
pub(crate) use fields::fields_of;
pub use kind::DocumentKind;
pub use setting::{Position, position_in_entry};

use crate::kubeadm::{ClusterConfiguration, InitConfiguration, JoinConfiguration};
use crate::plugin::PluginConfiguration;
use split::{Chunk, split};
use type_meta::Body;

/// The most that a configuration file may hold, in bytes.
pub const MAX_SIZE: usize = 1024 * 1024;

/// The documents of one configuration file, at most one of each kind.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Documents {
    /// kubeadm's InitConfiguration.
    pub init: Option<InitConfiguration>,
    /// kubeadm's ClusterConfiguration.
    pub cluster: Option<ClusterConfiguration>,
    /// kubeadm's JoinConfiguration.
    pub join: Option<JoinConfiguration>,
    /// Slipway's PluginConfiguration.
    pub plugins: Option<PluginConfiguration>,
}

impl Documents {
    /// Reads the text of a configuration file; `file` is its name in messages.
    ///
    /// # Errors
    /// When the text is not YAML in UTF-8 of at most [`MAX_SIZE`] bytes, has no document, a document of a kind that is
    /// not served, two of one kind, or a field that is not known, not served or does not hold what it should.
    pub fn read(file: &str, text: &[u8]) -> Result<Self, DocumentError> {
        let at = |line, problem| DocumentError {
            file: file.to_owned(),
            line,
            column: 1,
            problem,
        };
        if text.len() > MAX_SIZE {
            return Err(at(1, Problem::TooLarge { limit: MAX_SIZE }));
        }
        let text = str::from_utf8(text).map_err(|error| {
            let valid = text.get(..error.valid_up_to()).unwrap_or_default();
            at(1 + newlines(valid), Problem::NotUtf8)
        })?;
        let mut documents = Self::default();
        let mut is_empty = true;
        for chunk in split(text.trim_start_matches('\u{feff}')) {
            is_empty &= !documents.read_chunk(file, &chunk)?;
        }
        match is_empty {
            true => Err(at(1, Problem::NoDocument)),
            false => Ok(documents),
        }
    }

    /// The documents as YAML, without the secrets of tokens.
    ///
    /// # Errors
    /// When a plugin's settings cannot be written as YAML.
    pub fn to_yaml(&self) -> Result<String, serde_saphyr::SerializeError> {
        let mut texts = Vec::new();
        if let Some(init) = &self.init {
            texts.push(to_yaml(DocumentKind::InitConfiguration, init)?);
        }
        if let Some(cluster) = &self.cluster {
            texts.push(to_yaml(DocumentKind::ClusterConfiguration, cluster)?);
        }
        if let Some(join) = &self.join {
            texts.push(to_yaml(DocumentKind::JoinConfiguration, join)?);
        }
        if let Some(plugins) = &self.plugins {
            texts.push(to_yaml(DocumentKind::PluginConfiguration, plugins)?);
        }
        Ok(texts.join("---\n"))
    }

    /// Reads one document; false where there is nothing in it.
    fn read_chunk(&mut self, file: &str, chunk: &Chunk<'_>) -> Result<bool, DocumentError> {
        let place = Place { file, chunk };
        let Some((kind, location)) = place.kind()? else {
            return Ok(false);
        };
        let is_there = match kind {
            DocumentKind::InitConfiguration => place.fill(&mut self.init)?,
            DocumentKind::ClusterConfiguration => place.fill(&mut self.cluster)?,
            DocumentKind::JoinConfiguration => place.fill(&mut self.join)?,
            DocumentKind::PluginConfiguration => place.fill(&mut self.plugins)?,
        };
        match is_there {
            true => Err(place.error(Some(location), Problem::Twice { kind: kind.name() })),
            false => Ok(true),
        }
    }
}

/// One document in its file.
struct Place<'a> {
    file: &'a str,
    chunk: &'a Chunk<'a>,
}

/// What every document says of itself.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Header {
    #[serde(default)]
    api_version: Option<Spanned<String>>,
    #[serde(default)]
    kind: Option<Spanned<String>>,
}

impl Place<'_> {
    /// The document's kind and where it stands; none for an empty document.
    fn kind(&self) -> Result<Option<(DocumentKind, serde_saphyr::Location)>, DocumentError> {
        let header =
            match serde_saphyr::from_str_with_options::<Option<Header>>(self.chunk.text, options())
            {
                Ok(header) => header,
                Err(serde_saphyr::Error::Eof { .. }) => None,
                Err(error) => return Err(self.unreadable(&error)),
            };
        let Some(header) = header else {
            return Ok(None);
        };
        let missing = |field| self.error(None, Problem::NoType { field });
        let kind = header.kind.ok_or_else(|| missing("kind"))?;
        let version = header.api_version.ok_or_else(|| missing("apiVersion"))?;
        match DocumentKind::find(&version.value, &kind.value) {
            Ok(found) => Ok(Some((found, kind.referenced))),
            Err(problem @ Problem::Version { .. }) => {
                Err(self.error(Some(version.referenced), problem))
            }
            Err(problem) => Err(self.error(Some(kind.referenced), problem)),
        }
    }

    /// Reads the document into its slot; true where there was one before.
    fn fill<T: for<'de> Deserialize<'de>>(
        &self,
        slot: &mut Option<T>,
    ) -> Result<bool, DocumentError> {
        let Body(document) = serde_saphyr::from_str_with_options(self.chunk.text, options())
            .map_err(|error| self.unreadable(&error))?;
        Ok(slot.replace(document).is_some())
    }

    fn unreadable(&self, error: &serde_saphyr::Error) -> DocumentError {
        self.error(error.location(), Problem::of(error))
    }

    fn error(&self, location: Option<serde_saphyr::Location>, problem: Problem) -> DocumentError {
        let (line, column) = location.map_or((1, 1), |location| {
            (location.line().max(1), location.column().max(1))
        });
        DocumentError {
            file: self.file.to_owned(),
            line: self.chunk.lines_before + line,
            column,
            problem,
        }
    }
}

/// Strict and small: no YAML 1.1 booleans, no numbers out of versions, no merging, no tags.
fn options() -> serde_saphyr::Options {
    serde_saphyr::options! {
        strict_booleans: true,
        leading_zero_numbers_as_strings: true,
        underscored_numbers_as_strings: true,
        reject_unsupported_tags: true,
        merge_keys: serde_saphyr::MergeKeyPolicy::Error,
        with_snippet: false,
    }
}

fn to_yaml<T: Serialize>(
    kind: DocumentKind,
    document: &T,
) -> Result<String, serde_saphyr::SerializeError> {
    #[derive(Serialize)]
    #[serde(rename_all = "camelCase")]
    struct Typed<'a, T> {
        api_version: &'static str,
        kind: &'static str,
        #[serde(flatten)]
        document: &'a T,
    }
    serde_saphyr::to_string(&Typed {
        api_version: kind.api_version(),
        kind: kind.name(),
        document,
    })
}

/// Line breaks in a text.
fn newlines(text: &[u8]) -> u64 {
    text.iter().map(|byte| u64::from(*byte == b'\n')).sum()
}

#[cfg(test)]
mod tests;
