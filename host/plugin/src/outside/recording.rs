//! What one call learned, as it is kept.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use slipway_config::digest::Sha256Digest;

/// Everything that one call learned, in the order in which it asked.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Recording(pub Vec<Noted>);

/// A question and its answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Noted {
    /// What was asked.
    pub question: Question,
    /// What was answered, in the form of the capability that answers.
    pub answer: Value,
}

/// Something that a plugin can ask the host.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(tag = "of", rename_all = "kebab-case", rename_all_fields = "camelCase")]
pub enum Question {
    /// The time of day.
    WallClock,
    /// Elapsed time.
    MonotonicClock,
    /// Random bytes: the answer is what they were made from.
    Randomness,
    /// The addresses of a name.
    Addresses {
        /// The name.
        name: String,
    },
    /// The SRV records of a name.
    Services {
        /// The name.
        name: String,
    },
    /// One object of the cluster.
    Object {
        /// API group and version: `v1`, `cluster.x-k8s.io/v1beta1`.
        api_version: String,
        /// The kind.
        kind: String,
        /// Empty for kinds without namespaces.
        namespace: String,
        /// The object's name.
        name: String,
    },
    /// All objects of a kind.
    Objects {
        /// API group and version.
        api_version: String,
        /// The kind.
        kind: String,
        /// Empty for all of them.
        namespace: String,
    },
    /// The answer of a server.
    Http {
        /// The method.
        method: String,
        /// The whole URL.
        url: String,
        /// SHA-256 over the request's body.
        body: Sha256Digest,
    },
    /// What is in a folder's path, with the name of the grant: `inventory/names.txt`.
    File {
        /// The path.
        path: String,
    },
    /// The names in a folder.
    Folder {
        /// Its path.
        path: String,
    },
    /// What kind of file a path is, its size and times.
    Metadata {
        /// The path.
        path: String,
    },
}

impl fmt::Display for Question {
    /// Names are a plugin's own words, and shown escaped.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let within = |namespace: &str| match namespace {
            "" => String::new(),
            namespace => format!(" in {}", namespace.escape_debug()),
        };
        match self {
            Self::WallClock => formatter.write_str("the time of day"),
            Self::MonotonicClock => formatter.write_str("elapsed time"),
            Self::Randomness => formatter.write_str("random bytes"),
            Self::Addresses { name } => {
                write!(formatter, "the addresses of {}", name.escape_debug())
            }
            Self::Services { name } => {
                write!(formatter, "the services {}", name.escape_debug())
            }
            Self::Object {
                kind,
                namespace,
                name,
                ..
            } => {
                let (kind, name) = (kind.escape_debug(), name.escape_debug());
                write!(formatter, "{kind} {name}{}", within(namespace))
            }
            Self::Objects {
                kind, namespace, ..
            } => {
                let kind = kind.escape_debug();
                write!(formatter, "every {kind}{}", within(namespace))
            }
            Self::Http { method, url, .. } => {
                write!(
                    formatter,
                    "{} {}",
                    method.escape_debug(),
                    url.escape_debug()
                )
            }
            Self::File { path } => write!(formatter, "the file {}", path.escape_debug()),
            Self::Folder { path } => write!(formatter, "the names in {}", path.escape_debug()),
            Self::Metadata { path } => write!(formatter, "what {} is", path.escape_debug()),
        }
    }
}
