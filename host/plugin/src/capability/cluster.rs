//! Read access to objects of the cluster that the operator granted.

use std::sync::Arc;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use slipway_config::plugin::{ClusterGrant, Grants};
use wasmtime::component::{HasSelf, Linker};

use super::{Access, Capability, Inert};
use crate::ExtensionPoint;
use crate::bindings::import::cluster::{self, ClusterError, ObjectKind as WitKind};
use crate::call::CallState;
use crate::outside::{Outside, Question, Unrecorded};
use crate::text::one_line;

/// The most that one answer to a plugin holds, in bytes of JSON.
const ANSWER_BYTES: usize = 8 * 1024 * 1024;

/// Objects of the cluster.
pub(crate) struct Cluster;

impl Capability for Cluster {
    fn interfaces(&self) -> &'static [&'static str] {
        &["slipway:plugin/cluster"]
    }

    fn access(&self, grants: &Grants, _: ExtensionPoint) -> Access {
        if grants.cluster.is_empty() {
            Access::NeedsGrant {
                grant: "grants: {cluster: [{version: v1, kind: Node}]}",
                inert: Inert::WhenOptional,
            }
        } else {
            Access::Open
        }
    }

    fn link(&self, linker: &mut Linker<CallState>) -> wasmtime::Result<()> {
        cluster::add_to_linker::<CallState, HasSelf<ClusterView>>(linker, |state| {
            &mut state.cluster
        })
    }
}

/// Reads objects for plugins: the caller's client or cache.
#[async_trait]
pub trait ClusterReader: Send + Sync {
    /// One object; none where it does not exist. `namespace` is empty for kinds without namespaces.
    ///
    /// # Errors
    /// See [`ClusterReadError`].
    async fn get(
        &self,
        kind: &ObjectKind,
        namespace: &str,
        name: &str,
    ) -> Result<Option<Value>, ClusterReadError>;

    /// All objects of a kind; `namespace` empty means those of all namespaces, or of a kind without.
    ///
    /// # Errors
    /// See [`ClusterReadError`].
    async fn list(
        &self,
        kind: &ObjectKind,
        namespace: &str,
    ) -> Result<Vec<Value>, ClusterReadError>;
}

/// A kind of object.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ObjectKind {
    /// API group, empty for the core group.
    pub group: String,
    /// API version: `v1`.
    pub version: String,
    /// The kind: `Node`.
    pub kind: String,
}

/// Why the cluster gave no answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(rename_all = "kebab-case")]
pub enum ClusterReadError {
    /// The API server does not know the kind.
    #[error("the API server does not know this kind")]
    UnknownKind,
    /// The API server could not be asked.
    #[error("the API server could not be asked: {0}")]
    Unavailable(String),
    /// Anything else.
    #[error("{0}")]
    Other(String),
}

impl ObjectKind {
    /// Group and version as objects name them: `v1`, `cluster.x-k8s.io/v1beta1`.
    fn api_version(&self) -> String {
        match self.group.as_str() {
            "" => self.version.clone(),
            group => format!("{group}/{}", self.version),
        }
    }

    /// Whether objects of this kind hold secrets. The configuration refuses such a grant; this is the last door.
    fn is_secret(&self) -> bool {
        self.group.is_empty() && self.kind.eq_ignore_ascii_case("secret")
    }
}

/// What one plugin may read.
#[derive(Clone)]
pub(crate) struct ClusterView {
    grants: Arc<[ClusterGrant]>,
    reader: Option<Arc<dyn ClusterReader>>,
    outside: Outside,
}

impl ClusterView {
    pub(crate) fn new(grants: &Grants, reader: Option<Arc<dyn ClusterReader>>) -> Self {
        Self {
            grants: grants.cluster.clone().into(),
            reader,
            outside: Outside::live(),
        }
    }

    /// The same for one call.
    pub(crate) fn begin(&self, outside: Outside) -> Self {
        Self {
            outside,
            ..self.clone()
        }
    }

    fn reader(&self) -> Result<&dyn ClusterReader, ClusterReadError> {
        self.reader
            .as_deref()
            .ok_or_else(|| ClusterReadError::Unavailable("there is no cluster here".to_owned()))
    }

    /// The grants for a kind; a sentence where there is none.
    fn granted(&self, kind: &ObjectKind) -> Result<Vec<&ClusterGrant>, ClusterError> {
        if kind.is_secret() {
            return Err(ClusterError::NotGranted(
                "Secrets can never be granted".to_owned(),
            ));
        }
        let grants: Vec<_> = self
            .grants
            .iter()
            .filter(|grant| kind_of(grant) == *kind)
            .collect();
        if grants.is_empty() {
            return Err(not_granted(kind, "", ""));
        }
        Ok(grants)
    }

    async fn read(
        &self,
        kind: &ObjectKind,
        namespace: &str,
        name: &str,
    ) -> Result<Option<String>, ClusterError> {
        if !is_path_segment(name) {
            return Err(ClusterError::Other(format!(
                "{:?} is not the name of an object",
                one_line(name)
            )));
        }
        let covered = self
            .granted(kind)?
            .into_iter()
            .any(|grant| covers_namespace(grant, namespace) && covers_name(grant, name));
        if !covered {
            return Err(not_granted(kind, namespace, name));
        }
        let question = || Question::Object {
            api_version: kind.api_version(),
            kind: kind.kind.clone(),
            namespace: namespace.to_owned(),
            name: name.to_owned(),
        };
        let get = async { self.reader()?.get(kind, namespace, name).await };
        let object = self
            .outside
            .ask(question, get)
            .await
            .map_err(unrecorded)??;
        let text = object.map(|object| object.to_string());
        bounded(text.iter().map(String::len).sum())?;
        Ok(text)
    }

    async fn read_all(
        &self,
        kind: &ObjectKind,
        namespace: &str,
    ) -> Result<Vec<String>, ClusterError> {
        let grants = self.granted(kind)?;
        if !namespace.is_empty()
            && !grants
                .iter()
                .any(|grant| covers_namespace(grant, namespace))
        {
            return Err(not_granted(kind, namespace, ""));
        }
        let question = || Question::Objects {
            api_version: kind.api_version(),
            kind: kind.kind.clone(),
            namespace: namespace.to_owned(),
        };
        let list = async { self.reader()?.list(kind, namespace).await };
        let objects = self
            .outside
            .ask(question, list)
            .await
            .map_err(unrecorded)??;
        let texts: Vec<_> = objects
            .iter()
            .filter(|object| {
                let namespace = text_at(object, "/metadata/namespace");
                let name = text_at(object, "/metadata/name");
                grants
                    .iter()
                    .any(|grant| covers_namespace(grant, namespace) && covers_name(grant, name))
            })
            .map(Value::to_string)
            .collect();
        bounded(texts.iter().map(String::len).sum())?;
        Ok(texts)
    }
}

impl cluster::Host for ClusterView {
    async fn get(
        &mut self,
        kind: WitKind,
        namespace: String,
        name: String,
    ) -> wasmtime::Result<Result<Option<String>, ClusterError>> {
        Ok(self.read(&kind.into(), &namespace, &name).await)
    }

    async fn list(
        &mut self,
        kind: WitKind,
        namespace: String,
    ) -> wasmtime::Result<Result<Vec<String>, ClusterError>> {
        Ok(self.read_all(&kind.into(), &namespace).await)
    }
}

impl From<WitKind> for ObjectKind {
    fn from(kind: WitKind) -> Self {
        Self {
            group: kind.group,
            version: kind.version,
            kind: kind.kind,
        }
    }
}

impl From<ClusterReadError> for ClusterError {
    fn from(error: ClusterReadError) -> Self {
        match error {
            ClusterReadError::UnknownKind => Self::UnknownKind,
            ClusterReadError::Unavailable(text) => Self::Unavailable(text),
            ClusterReadError::Other(text) => Self::Other(text),
        }
    }
}

fn unrecorded(unrecorded: Unrecorded) -> ClusterError {
    ClusterError::Unavailable(unrecorded.to_string())
}

fn kind_of(grant: &ClusterGrant) -> ObjectKind {
    ObjectKind {
        group: grant.group.clone(),
        version: grant.version.clone(),
        kind: grant.kind.clone(),
    }
}

/// A grant without a namespace is for objects without one.
fn covers_namespace(grant: &ClusterGrant, namespace: &str) -> bool {
    grant.namespace.as_deref().unwrap_or_default() == namespace
}

/// A grant without names is for all of them.
fn covers_name(grant: &ClusterGrant, name: &str) -> bool {
    grant.names.is_empty() || grant.names.iter().any(|granted| granted == name)
}

/// Whether a name stays one segment of a path: with another it would be the path of something that was not granted. As
/// `IsValidPathSegmentName` in `k8s.io/apimachinery/pkg/api/validation/path`, and stricter: a name becomes a URL here.
fn is_path_segment(name: &str) -> bool {
    let is_safe = |byte: u8| byte.is_ascii_graphic() && !b"/%?#\\".contains(&byte);
    !matches!(name, "" | "." | "..") && name.bytes().all(is_safe)
}

fn text_at<'a>(object: &'a Value, pointer: &str) -> &'a str {
    object
        .pointer(pointer)
        .and_then(Value::as_str)
        .unwrap_or_default()
}

fn bounded(bytes: usize) -> Result<(), ClusterError> {
    if bytes > ANSWER_BYTES {
        return Err(ClusterError::Other(format!(
            "the answer has {bytes} bytes, more than the {ANSWER_BYTES} that a plugin gets at once"
        )));
    }
    Ok(())
}

/// Names the line that would grant it.
fn not_granted(kind: &ObjectKind, namespace: &str, name: &str) -> ClusterError {
    let mut grant = String::from("{");
    if !kind.group.is_empty() {
        grant.push_str(&format!("group: {}, ", kind.group));
    }
    grant.push_str(&format!("version: {}, kind: {}", kind.version, kind.kind));
    if !namespace.is_empty() {
        grant.push_str(&format!(", namespace: {namespace}"));
    }
    if !name.is_empty() {
        grant.push_str(&format!(", names: [{name}]"));
    }
    grant.push('}');
    ClusterError::NotGranted(format!("it needs `grants: {{cluster: [{grant}]}}`"))
}
