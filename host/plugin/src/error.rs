//! What can go wrong when a plugin is loaded, and when it is called.

use std::borrow::Cow;
use std::io;
use std::path::PathBuf;
use std::time::Duration;

use slipway_config::digest::Sha256Digest;
use thiserror::Error;

use crate::ExtensionPoint;

/// A call that gave no usable answer. Whatever the reason, it is never an approval and never trust.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum CallError {
    /// The plugin stopped itself, or did what WebAssembly forbids.
    #[error("plugin {plugin} trapped: {reason}")]
    Trap {
        /// The entry's name.
        plugin: String,
        /// The kind of trap, and what the plugin logged last as an error, if anything.
        reason: String,
    },
    /// The plugin did not answer in time.
    #[error("plugin {plugin} did not answer within {} ms", limit.as_millis())]
    Deadline {
        /// The entry's name.
        plugin: String,
        /// The time it had.
        limit: Duration,
    },
    /// The plugin wanted more memory than it may have.
    #[error("plugin {plugin} wanted more than its {} KiB of memory", limit / 1024)]
    Memory {
        /// The entry's name.
        plugin: String,
        /// What it may have, in bytes.
        limit: u64,
    },
    /// The plugin handed the host more data than one call may.
    #[error("plugin {plugin} handed over more than {limit} bytes in one call")]
    TooMuchData {
        /// The entry's name.
        plugin: String,
        /// What it may hand over, in bytes.
        limit: u64,
    },
    /// The answer has the right type, but no sense.
    #[error("plugin {plugin} gave a malformed answer: {reason}")]
    Malformed {
        /// The entry's name.
        plugin: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The runtime could not make an instance.
    #[error("plugin {plugin} could not be started: {reason}")]
    Start {
        /// The entry's name.
        plugin: String,
        /// What the runtime says.
        reason: String,
    },
}

impl CallError {
    /// Whether the plugin ran out of time, which another try may have more of.
    pub(crate) fn is_deadline(&self) -> bool {
        matches!(self, Self::Deadline { .. })
    }
}

/// A plugin that cannot be used as its entry says.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum LoadError {
    /// There is no bundled plugin of this name.
    #[error("there is no bundled plugin {name:?}{}", did_you_mean(suggestion.as_deref()))]
    UnknownBundled {
        /// The name in the entry.
        name: String,
        /// The nearest name that there is.
        suggestion: Option<String>,
    },
    /// Plugins from registries come with a later version.
    #[error(
        "plugin {plugin}: source {reference} is an OCI reference, which this version does not support; \
         fetch the component and give its path"
    )]
    OciUnsupported {
        /// The entry's name.
        plugin: String,
        /// The reference.
        reference: String,
    },
    /// The component cannot be read.
    #[error("plugin {plugin}: cannot read {}", path.display())]
    Unreadable {
        /// The entry's name.
        plugin: String,
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The component is larger than the host reads.
    #[error("plugin {plugin}: {} is larger than {limit} bytes", path.display())]
    TooLarge {
        /// The entry's name.
        plugin: String,
        /// The file.
        path: PathBuf,
        /// The most the host reads, in bytes.
        limit: u64,
    },
    /// The file is not the one whose digest the entry states.
    #[error(
        "plugin {plugin}: the component has the digest {found}, and the entry says {expected}; \
         a changed component is another plugin and needs consent again"
    )]
    DigestMismatch {
        /// The entry's name.
        plugin: String,
        /// What the entry says.
        expected: Sha256Digest,
        /// What the component has.
        found: Sha256Digest,
    },
    /// The bytes are not a component.
    #[error("plugin {plugin}: not a WebAssembly component: {reason}")]
    NotAComponent {
        /// The entry's name.
        plugin: String,
        /// What the compiler says.
        reason: String,
    },
    /// The component does not export the interface of this extension point in a version that the host serves.
    #[error("plugin {plugin}: {reason}")]
    WrongKind {
        /// The entry's name.
        plugin: String,
        /// The extension point that the entry stands under.
        expected: ExtensionPoint,
        /// What it exports in its place.
        reason: String,
    },
    /// The component imports something that the operator can grant and has not.
    #[error(
        "plugin {plugin} imports {import}, which needs a grant: add `{grant}` to its entry under {list}"
    )]
    MissingGrant {
        /// The entry's name.
        plugin: String,
        /// The interface.
        import: String,
        /// The line of configuration that grants it.
        grant: String,
        /// The list of the configuration in which the entry stands.
        list: &'static str,
    },
    /// The component imports something that the host never gives.
    #[error("plugin {plugin} imports {import}, {reason}")]
    Forbidden {
        /// The entry's name.
        plugin: String,
        /// The interface.
        import: String,
        /// Why it cannot be had, as the rest of the sentence.
        reason: &'static str,
    },
    /// An interface is there, but not in the form that the component expects.
    #[error("plugin {plugin} does not fit this host: {reason}")]
    Mismatch {
        /// The entry's name.
        plugin: String,
        /// What the linker says.
        reason: String,
    },
    /// A grant cannot be given as it is written.
    #[error("plugin {plugin}: grants.{grant}: {reason}")]
    InvalidGrant {
        /// The entry's name.
        plugin: String,
        /// Which grant: `filesystem[0]`.
        grant: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A limit is outside what the host can give.
    #[error("plugin {plugin}: limits.{limit}: {reason}")]
    InvalidLimit {
        /// The entry's name.
        plugin: String,
        /// Which limit: `memory`.
        limit: &'static str,
        /// What is wrong with it.
        reason: String,
    },
    /// The plugin cannot work with its settings.
    #[error("plugin {plugin} does not accept its settings: {}", joined(problems))]
    Settings {
        /// The entry's name.
        plugin: String,
        /// What the plugin says, at least one.
        problems: Vec<SettingProblem>,
    },
    /// The plugin could not even check its settings.
    #[error("plugin {plugin} failed while it checked its settings")]
    Check {
        /// The entry's name.
        plugin: String,
        /// What happened.
        #[source]
        source: CallError,
    },
    /// The cache of compiled components cannot be used.
    #[error("the cache of compiled plugins, {}, cannot be used: {reason}", path.display())]
    Cache {
        /// The folder or file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The runtime cannot be started on this machine.
    #[error("the WebAssembly runtime cannot be started: {reason}")]
    Runtime {
        /// What it says.
        reason: String,
    },
}

impl LoadError {
    /// The entry that it is about, by its name or its source, and what of the entry, as in `grants.http[0]`; none where it is
    /// about no entry.
    pub fn about(&self) -> Option<(&str, Cow<'static, str>)> {
        match self {
            Self::UnknownBundled { name: plugin, .. }
            | Self::OciUnsupported { plugin, .. }
            | Self::Unreadable { plugin, .. }
            | Self::TooLarge { plugin, .. }
            | Self::NotAComponent { plugin, .. }
            | Self::WrongKind { plugin, .. }
            | Self::Forbidden { plugin, .. }
            | Self::Mismatch { plugin, .. } => Some((plugin, "source".into())),
            Self::DigestMismatch { plugin, .. } => Some((plugin, "digest".into())),
            Self::MissingGrant { plugin, .. } => Some((plugin, "grants".into())),
            Self::InvalidGrant { plugin, grant, .. } => {
                Some((plugin, format!("grants.{grant}").into()))
            }
            Self::InvalidLimit { plugin, limit, .. } => {
                Some((plugin, format!("limits.{limit}").into()))
            }
            Self::Settings { plugin, .. } | Self::Check { plugin, .. } => {
                Some((plugin, "settings".into()))
            }
            Self::Cache { .. } | Self::Runtime { .. } => None,
        }
    }
}

/// One setting that a plugin cannot work with.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{}{}{message}{}", prefix(place), prefix(path), did_you_mean(suggestion.as_deref()))]
pub struct SettingProblem {
    /// Where that is in the operator's file, `FILE:LINE:COLUMN`; empty where it is not known.
    pub place: String,
    /// Where in the settings, as dotted keys and indices: `names[2]`; empty for the whole.
    pub path: String,
    /// What is wrong and what was expected.
    pub message: String,
    /// The nearest valid spelling, where there is one.
    pub suggestion: Option<String>,
}

fn prefix(path: &str) -> String {
    if path.is_empty() {
        String::new()
    } else {
        format!("{path}: ")
    }
}

fn did_you_mean(suggestion: Option<&str>) -> String {
    suggestion.map_or_else(String::new, |name| format!(" (did you mean {name:?}?)"))
}

fn joined(problems: &[SettingProblem]) -> String {
    problems
        .iter()
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join("; ")
}
