//! From an entry of the configuration to a plugin that can be called.

mod cache;
mod code;
mod surface;

use std::sync::Arc;

use slipway_config::plugin::PluginEntry;
use wasmtime::component::{Component, InstancePre, Linker};

use crate::authority::Authority;
use crate::bindings::export::plugin_info;
use crate::call::{CallState, Callable, Inputs};
use crate::capability::cluster::ClusterReader;
use crate::engine::Engine;
use crate::limits::CallLimits;
use crate::{CallError, ExtensionPoint, LoadError, PluginIdentity, SettingProblem};
pub(crate) use cache::Cache;
pub(crate) use code::Code;
pub(crate) use surface::{INTERFACE_VERSION, InterfaceName, Need, Surface};

/// A plugin that was loaded and has accepted its settings.
pub(crate) struct Plugin {
    pub(crate) identity: PluginIdentity,
    pub(crate) callable: Callable,
}

/// What loading needs beside the entry.
pub(crate) struct Loader {
    pub(crate) engine: Engine,
    pub(crate) cache: Option<Cache>,
    pub(crate) cluster: Option<Arc<dyn ClusterReader>>,
}

impl Loader {
    /// Loads the plugin of an entry for an extension point.
    pub(crate) async fn load(
        &self,
        entry: &PluginEntry,
        point: ExtensionPoint,
    ) -> Result<Plugin, LoadError> {
        let name = entry.name.as_str();
        let limits = CallLimits::of(entry)?;
        let authority = Authority::of(entry, self.cluster.clone())?;
        let code = Code::read(entry)?;
        let digest = code.digest();
        let settings_digest = authority.settings().digest();
        let component = self.compile(name, code).await?;
        let surface = Surface::of(&component, self.engine.wasmtime());
        surface.check_exports(name, point)?;
        let callable = Callable {
            instance: self.link(entry, point, &surface, &component)?,
            engine: self.engine.clone(),
            authority,
            limits,
        };
        let version = accept_settings(&callable).await?;
        let identity = PluginIdentity {
            name: name.to_owned(),
            version,
            digest,
            source: entry.source.to_string(),
            settings_digest,
            grants: entry.grants.summary(),
        };
        Ok(Plugin { identity, callable })
    }

    /// Compiles a component, or loads what was compiled of it before.
    pub(crate) async fn compile(&self, plugin: &str, code: Code) -> Result<Component, LoadError> {
        let engine = self.engine.clone();
        let cache = self.cache.clone();
        let plugin = plugin.to_owned();
        // Compiling takes from milliseconds to seconds of CPU.
        tokio::task::spawn_blocking(move || code.component(&plugin, &engine, cache.as_ref()))
            .await
            .unwrap_or_else(|error| {
                Err(LoadError::Runtime {
                    reason: error.to_string(),
                })
            })
    }

    /// Links what the component imports, as far as its entry allows.
    fn link(
        &self,
        entry: &PluginEntry,
        point: ExtensionPoint,
        surface: &Surface,
        component: &Component,
    ) -> Result<InstancePre<CallState>, LoadError> {
        let name = entry.name.as_str();
        let mut linker = Linker::new(self.engine.wasmtime());
        let mismatch = |error: wasmtime::Error| LoadError::Mismatch {
            plugin: name.to_owned(),
            reason: format!("{error:#}"),
        };
        for capability in surface.capabilities(name, &entry.grants, point)? {
            capability.link(&mut linker).map_err(mismatch)?;
        }
        linker.instantiate_pre(component).map_err(mismatch)
    }
}

/// Has the plugin check its settings and returns the version that it states. Also the first time that its functions are
/// looked up with their types: one that does not have them fails here.
async fn accept_settings(callable: &Callable) -> Result<String, LoadError> {
    let plugin = || callable.name().to_owned();
    let info = plugin_info::GuestIndices::new(&callable.instance).map_err(|error| {
        LoadError::Mismatch {
            plugin: plugin(),
            reason: format!("{error:#}"),
        }
    })?;
    let called = callable
        .call(Inputs::default(), move |store, instance| {
            Box::pin(async move {
                let guest = info.load(&mut *store, instance)?;
                let metadata = guest.call_info(&mut *store).await?;
                let verdict = guest.call_validate_settings(&mut *store).await?;
                Ok((metadata, verdict))
            })
        })
        .await
        .map_err(|source: CallError| LoadError::Check {
            plugin: plugin(),
            source,
        })?;
    let (metadata, verdict) = called.answer;
    match verdict {
        Ok(()) => Ok(crate::text::one_line(&metadata.version)),
        Err(problems) => Err(LoadError::Settings {
            plugin: plugin(),
            problems: problems.into_iter().map(SettingProblem::from).collect(),
        }),
    }
}

impl From<crate::bindings::import::types::SettingError> for SettingProblem {
    fn from(error: crate::bindings::import::types::SettingError) -> Self {
        Self {
            path: crate::text::one_line(&error.path),
            message: crate::text::one_line(&error.message),
            suggestion: error.suggestion.as_deref().map(crate::text::one_line),
        }
    }
}
