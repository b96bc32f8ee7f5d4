//! From a core module to a component that describes itself.

use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result};
use serde::Deserialize;
use wasm_metadata::{AddMetadata, AddMetadataField};
use wit_component::ComponentEncoder;

/// What `Cargo.toml` says about a package.
#[derive(Debug, Deserialize)]
pub(crate) struct Description {
    pub(crate) name: String,
    version: String,
    description: Option<String>,
    homepage: Option<String>,
    license: Option<String>,
}

/// Encodes `module` as a component at `path`, unless it is there already with the same bytes.
pub(crate) fn encode(module: &Path, description: &Description, path: &Path) -> Result<()> {
    let module = fs::read(module).with_context(|| format!("cannot read {}", module.display()))?;
    let component = ComponentEncoder::default()
        .validate(true)
        .module(&module)?
        .encode()?;
    let component = metadata(description)?.to_wasm(&component)?;
    if fs::read(path).is_ok_and(|present| present == component) {
        return Ok(());
    }
    let temporary = path.with_extension(format!("{}.tmp", std::process::id()));
    fs::write(&temporary, component)
        .with_context(|| format!("cannot write {}", temporary.display()))?;
    fs::rename(&temporary, path).with_context(|| format!("cannot write {}", path.display()))
}

fn metadata(description: &Description) -> Result<AddMetadata> {
    let mut metadata = AddMetadata::default();
    metadata.name = AddMetadataField::Set(description.name.clone());
    metadata.version =
        AddMetadataField::Set(wasm_metadata::Version::new(description.version.clone()));
    if let Some(text) = &description.description {
        metadata.description = AddMetadataField::Set(wasm_metadata::Description::new(text.clone()));
    }
    if let Some(homepage) = &description.homepage {
        metadata.homepage =
            AddMetadataField::Set(homepage.parse().context("homepage is not a URL")?);
    }
    if let Some(license) = &description.license {
        metadata.licenses = AddMetadataField::Set(license.parse().context("license is not SPDX")?);
    }
    Ok(metadata)
}
