//! The host: loads plugins for the entries of a configuration.

use std::path::PathBuf;
use std::sync::Arc;

use slipway_config::plugin::PluginEntry;

use crate::adapter::{WasmApprover, WasmEndpointProvider, WasmTokenStore, WasmTrustSource};
use crate::capability::cluster::ClusterReader;
use crate::engine::{Allocation, Engine};
use crate::inspection::{Inspection, Subject};
use crate::load::{Cache, Loader};
use crate::{
    CsrApprover, EndpointProvider, ExtensionPoint, LoadError, SealingKey, TokenStore, TrustSource,
};

/// How a host runs.
#[derive(Default)]
pub struct HostOptions {
    /// The folder for compiled components, which belongs to this user alone and is made if it is not there; without it,
    /// a component that is not bundled is compiled at each start.
    pub cache_dir: Option<PathBuf>,
    /// How the memory for instances is had.
    pub allocation: Allocation,
}

/// Runs plugins. Cheap to keep, expensive to make: one for a process. Clones are the same runtime.
///
/// Loading a plugin checks its digest, its grants and its imports, compiles it, and has it check its settings. It
/// runs the plugin, hence is async, and needs a tokio runtime with time and I/O enabled.
#[derive(Clone)]
pub struct PluginHost {
    loader: Loader,
}

impl PluginHost {
    /// Starts the runtime.
    ///
    /// # Errors
    /// This machine cannot run it: a pool of address space that cannot be reserved, for example.
    pub fn new(options: HostOptions) -> Result<Self, LoadError> {
        Ok(Self {
            loader: Loader {
                engine: Engine::start(options.allocation)?,
                cache: options.cache_dir.map(Cache::new),
                cluster: None,
                live: true,
            },
        })
    }

    /// The same runtime, which reads objects of a cluster for the plugins that it loads and that may. Without it they are
    /// told that there is no cluster: a token store is loaded before there is one.
    #[must_use]
    pub fn with_cluster(mut self, reader: Arc<dyn ClusterReader>) -> Self {
        self.loader.cluster = Some(reader);
        self
    }

    /// The same runtime for replays: whatever the plugins that it loads were granted, nothing is asked of anybody, and no
    /// folder or credential has to be there.
    #[must_use]
    pub fn for_replay(mut self) -> Self {
        self.loader.live = false;
        self
    }

    /// Loads a trust source. A relative path in the entry counts from the working directory.
    ///
    /// # Errors
    /// The plugin cannot be used as its entry says; see [`LoadError`].
    pub async fn load_trust_source(
        &self,
        entry: &PluginEntry,
    ) -> Result<Arc<dyn TrustSource>, LoadError> {
        let plugin = self.loader.load(entry, ExtensionPoint::TrustSource).await?;
        Ok(Arc::new(WasmTrustSource::new(plugin)?))
    }

    /// Loads a CSR approver. A relative path in the entry counts from the working directory.
    ///
    /// # Errors
    /// As for [`load_trust_source`](Self::load_trust_source).
    pub async fn load_csr_approver(
        &self,
        entry: &PluginEntry,
    ) -> Result<Arc<dyn CsrApprover>, LoadError> {
        let plugin = self.loader.load(entry, ExtensionPoint::CsrApprover).await?;
        Ok(Arc::new(WasmApprover::new(plugin)?))
    }

    /// Loads a token store, which sees records sealed with `key` only. A relative path in the entry counts from the
    /// working directory.
    ///
    /// # Errors
    /// As for [`load_trust_source`](Self::load_trust_source).
    pub async fn load_token_store(
        &self,
        entry: &PluginEntry,
        key: SealingKey,
    ) -> Result<Arc<dyn TokenStore>, LoadError> {
        let plugin = self.loader.load(entry, ExtensionPoint::TokenStore).await?;
        Ok(Arc::new(WasmTokenStore::new(plugin, key)?))
    }

    /// Loads an endpoint provider. A relative path in the entry counts from the working directory.
    ///
    /// # Errors
    /// As for [`load_trust_source`](Self::load_trust_source).
    pub async fn load_endpoint_provider(
        &self,
        entry: &PluginEntry,
    ) -> Result<Arc<dyn EndpointProvider>, LoadError> {
        let plugin = self
            .loader
            .load(entry, ExtensionPoint::EndpointProvider)
            .await?;
        Ok(Arc::new(WasmEndpointProvider::new(plugin)?))
    }

    /// Reads what a component is and what it asks for, without running it.
    ///
    /// # Errors
    /// It cannot be read or is not a component.
    pub async fn inspect(&self, subject: Subject) -> Result<Inspection, LoadError> {
        Inspection::of(&self.loader, subject).await
    }
}
