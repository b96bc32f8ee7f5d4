//! What a component is and what it asks for, read without running it.

use std::path::PathBuf;

use serde::Serialize;
use slipway_config::digest::Sha256Digest;
use slipway_config::plugin::Grants;

use crate::bundled::Bundled;
use crate::load::{Code, INTERFACE_VERSION, InterfaceName, Loader, Need, Surface};
use crate::text::one_line;
use crate::{ExtensionPoint, LoadError};

/// Which component to inspect.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Subject {
    /// A bundled one, by name.
    Bundled(String),
    /// One in a file.
    File(PathBuf),
}

/// What a component is and what it asks for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Inspection {
    /// The extension points that it fills; none if it is no plugin for this host.
    pub kinds: Vec<ExtensionPoint>,
    /// The version of the interfaces that this host serves, which the component's fit if it fills a kind.
    pub interface_version: String,
    /// SHA-256 over the component.
    pub digest: Sha256Digest,
    /// Its size in bytes.
    pub size: u64,
    /// What it says about itself.
    pub metadata: Metadata,
    /// What it imports, and what each import needs.
    pub imports: Vec<Import>,
}

/// What a component says about itself in its metadata.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Metadata {
    /// Its name.
    pub name: Option<String>,
    /// Its version.
    pub version: Option<String>,
    /// One sentence.
    pub description: Option<String>,
    /// Where its documentation lives.
    pub homepage: Option<String>,
    /// Its licenses, as an SPDX expression.
    pub licenses: Option<String>,
}

/// One import of a component.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Import {
    /// The interface, with its version.
    pub interface: String,
    /// What it needs.
    pub need: ImportNeed,
}

/// What an import needs of the operator.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case", tag = "kind", content = "detail")]
pub enum ImportNeed {
    /// Nothing; it conveys no authority.
    Nothing,
    /// A grant to be of use; the plugin loads without. The line of configuration.
    Optional(String),
    /// Nothing; it is there for the runtime of the plugin's language, and does nothing.
    Inert,
    /// A grant for the plugin to load. The line of configuration.
    Grant(String),
    /// It cannot be had, and the plugin not be loaded. Why, as the rest of a sentence.
    Never(String),
}

impl Inspection {
    /// Lines of configuration that the plugin needs to load, each once.
    pub fn grants_needed(&self) -> Vec<&str> {
        let mut lines: Vec<&str> = Vec::new();
        for import in &self.imports {
            if let ImportNeed::Grant(line) = &import.need
                && !lines.contains(&line.as_str())
            {
                lines.push(line);
            }
        }
        lines
    }

    pub(crate) async fn of(loader: &Loader, subject: Subject) -> Result<Self, LoadError> {
        let (name, code) = match subject {
            Subject::Bundled(name) => {
                let code = Code::bundled(&name)?;
                (name, code)
            }
            Subject::File(path) => {
                let name = path.display().to_string();
                let code = Code::file(&name, &path)?;
                (name, code)
            }
        };
        let digest = code.digest();
        let (size, metadata) = code.described();
        let (surface, _) = loader.open(&name, code).await?;
        let kinds = surface.points();
        Ok(Self {
            interface_version: INTERFACE_VERSION.to_owned(),
            digest,
            size,
            metadata,
            imports: imports(&surface, kinds.first().copied()),
            kinds,
        })
    }
}

impl Metadata {
    /// Reads the custom sections of a component. What cannot be read is left out: nothing rests on it.
    pub(crate) fn of(bytes: &[u8]) -> Self {
        let Ok(payload) = wasm_metadata::Payload::from_binary(bytes) else {
            return Self::default();
        };
        let metadata = payload.metadata();
        let text = |text: Option<String>| text.map(|text| one_line(&text));
        Self {
            name: text(metadata.name.clone()),
            version: text(metadata.version.as_ref().map(ToString::to_string)),
            description: text(metadata.description.as_ref().map(ToString::to_string)),
            homepage: text(metadata.homepage.as_ref().map(ToString::to_string)),
            licenses: text(metadata.licenses.as_ref().map(ToString::to_string)),
        }
    }
}

impl From<&Bundled> for Metadata {
    fn from(bundled: &Bundled) -> Self {
        Self {
            name: Some(bundled.name.to_owned()),
            version: Some(bundled.version.to_owned()),
            description: Some(bundled.description.to_owned()),
            homepage: None,
            licenses: Some(bundled.licenses.to_owned()),
        }
    }
}

/// What the imports need under no grants; for a component that fills no extension point, as for a trust source, which
/// may have the most.
fn imports(surface: &Surface, point: Option<ExtensionPoint>) -> Vec<Import> {
    let none = Grants::default();
    let point = point.unwrap_or(ExtensionPoint::TrustSource);
    let need = |name: &InterfaceName| match surface.need(name, &none, point) {
        Need::Nothing(_) => ImportNeed::Nothing,
        Need::Optional {
            grant: Some(line), ..
        } => ImportNeed::Optional(line.to_owned()),
        Need::Optional { grant: None, .. } => ImportNeed::Inert,
        Need::Grant(line) => ImportNeed::Grant(line.to_owned()),
        Need::Never(reason) => ImportNeed::Never(reason.to_owned()),
    };
    surface
        .imports()
        .iter()
        .map(|name| Import {
            interface: one_line(name.as_str()),
            need: need(name),
        })
        .collect()
}
