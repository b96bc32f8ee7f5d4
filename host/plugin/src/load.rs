//! From an entry of the configuration to a plugin that can be called.

mod cache;
mod code;
mod optional;
mod surface;

use std::sync::Arc;

use slipway_config::plugin::PluginEntry;
use wasmtime::Store;
use wasmtime::component::{Component, Instance, InstancePre, Linker};

use crate::authority::Authority;
use crate::bindings::export::{
    csr_approver, endpoint_provider, plugin_info, token_store, trust_source,
};
use crate::bindings::import::types::SettingError;
use crate::call::{CallState, Callable, Inputs};
use crate::capability::cluster::ClusterReader;
use crate::engine::Engine;
use crate::limits::CallLimits;
use crate::text::one_line;
use crate::{ExtensionPoint, LoadError, PluginIdentity, SettingProblem};
pub(crate) use cache::Cache;
pub(crate) use code::Code;
pub use surface::INTERFACE_VERSION;
pub(crate) use surface::{InterfaceName, Need, Surface};

/// A plugin that was loaded and has accepted its settings.
pub(crate) struct Plugin {
    pub(crate) identity: PluginIdentity,
    pub(crate) callable: Callable,
}

/// What loading needs beside the entry.
#[derive(Clone)]
pub(crate) struct Loader {
    pub(crate) engine: Engine,
    pub(crate) cache: Option<Cache>,
    pub(crate) cluster: Option<Arc<dyn ClusterReader>>,
    /// Whether plugins may ask anybody; otherwise their calls are only replayed.
    pub(crate) live: bool,
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
        let authority = Authority::of(entry, self.cluster.clone(), self.live)?;
        let code = Code::read(entry)?;
        let digest = code.digest();
        let settings_digest = authority.settings().digest();
        let (surface, component) = self.open(name, code).await?;
        surface.check_exports(name, point)?;
        let callable = Callable {
            instance: self.link(entry, point, &surface, &component)?,
            engine: self.engine.clone(),
            authority,
            limits,
        };
        let version = accept_settings(&callable, point).await?;
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

    /// What a component exports and imports, and its code.
    pub(crate) async fn open(
        &self,
        plugin: &str,
        code: Code,
    ) -> Result<(Surface, Component), LoadError> {
        let optional = code.optional_imports();
        let component = self.compile(plugin, code).await?;
        let surface = Surface::of(&component, self.engine.wasmtime(), optional);
        Ok((surface, component))
    }

    /// Compiles a component, or loads what was compiled of it before.
    async fn compile(&self, plugin: &str, code: Code) -> Result<Component, LoadError> {
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

/// Has the plugin check its settings and returns the version that it states. Its functions are looked up with their
/// types first, so that a plugin that does not have them fails here and not in its first call.
async fn accept_settings(callable: &Callable, point: ExtensionPoint) -> Result<String, LoadError> {
    let plugin = || callable.name().to_owned();
    let mismatch = |error: wasmtime::Error| LoadError::Mismatch {
        plugin: plugin(),
        reason: format!("{error:#}"),
    };
    let info = plugin_info::GuestIndices::new(&callable.instance).map_err(mismatch)?;
    let called = callable
        .call(Inputs::default(), move |store, instance| {
            Box::pin(async move {
                let guest = match typed(&info, point, store, instance) {
                    Ok(guest) => guest,
                    Err(error) => return Ok(Err(error)),
                };
                let metadata = guest.call_info(&mut *store).await?;
                let accepted = guest.call_validate_settings(&mut *store).await?;
                Ok(Ok((metadata, accepted)))
            })
        })
        .await
        .map_err(|source| LoadError::Check {
            plugin: plugin(),
            source,
        })?;
    let (metadata, accepted) = called.answer.map_err(mismatch)?;
    match accepted {
        Ok(()) => Ok(one_line(&metadata.version)),
        Err(problems) => Err(LoadError::Settings {
            plugin: plugin(),
            problems: problems.into_iter().map(SettingProblem::from).collect(),
        }),
    }
}

/// Looks up the functions of a plugin; an error if one has another type.
fn typed(
    info: &plugin_info::GuestIndices,
    point: ExtensionPoint,
    store: &mut Store<CallState>,
    instance: &Instance,
) -> wasmtime::Result<plugin_info::Guest> {
    let pre = instance.instance_pre(&mut *store);
    match point {
        ExtensionPoint::TrustSource => {
            trust_source::GuestIndices::new(&pre)?.load(&mut *store, instance)?;
        }
        ExtensionPoint::CsrApprover => {
            csr_approver::GuestIndices::new(&pre)?.load(&mut *store, instance)?;
        }
        ExtensionPoint::TokenStore => {
            token_store::GuestIndices::new(&pre)?.load(&mut *store, instance)?;
        }
        ExtensionPoint::EndpointProvider => {
            endpoint_provider::GuestIndices::new(&pre)?.load(&mut *store, instance)?;
        }
    }
    info.load(&mut *store, instance)
}

impl From<SettingError> for SettingProblem {
    fn from(error: SettingError) -> Self {
        Self {
            place: String::new(),
            path: one_line(&error.path),
            message: one_line(&error.message),
            suggestion: error.suggestion.as_deref().map(one_line),
        }
    }
}
