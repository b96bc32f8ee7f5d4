//! The plugins of a configuration, list by list.

use std::sync::Arc;

use slipway_config::plugin::{Mode, PluginConfiguration};

use crate::{
    CsrApprover, EndpointProvider, LoadError, PluginHost, SealingKey, TokenStore, TrustSource,
};

/// A plugin of a configuration, and whether its answers count.
#[derive(Clone)]
pub struct Configured<T: ?Sized> {
    /// The plugin.
    pub plugin: Arc<T>,
    /// Whether its answers count.
    pub mode: Mode,
}

impl PluginHost {
    /// Loads the trust sources of a configuration, in its order.
    ///
    /// # Errors
    /// That of the first entry that cannot be used: a configuration holds as a whole.
    pub async fn trust_sources(
        &self,
        configuration: &PluginConfiguration,
    ) -> Result<Vec<Configured<dyn TrustSource>>, LoadError> {
        let mut loaded = Vec::new();
        for entry in &configuration.trust_sources {
            loaded.push(Configured {
                plugin: self.load_trust_source(entry).await?,
                mode: entry.mode,
            });
        }
        Ok(loaded)
    }

    /// Loads the CSR approvers of a configuration, in its order.
    ///
    /// # Errors
    /// As for [`trust_sources`](Self::trust_sources).
    pub async fn csr_approvers(
        &self,
        configuration: &PluginConfiguration,
    ) -> Result<Vec<Configured<dyn CsrApprover>>, LoadError> {
        let mut loaded = Vec::new();
        for entry in &configuration.csr_approvers {
            loaded.push(Configured {
                plugin: self.load_csr_approver(entry).await?,
                mode: entry.mode,
            });
        }
        Ok(loaded)
    }

    /// Loads the token stores of a configuration, in its order.
    ///
    /// # Errors
    /// As for [`trust_sources`](Self::trust_sources).
    pub async fn token_stores(
        &self,
        configuration: &PluginConfiguration,
        key: &SealingKey,
    ) -> Result<Vec<Configured<dyn TokenStore>>, LoadError> {
        let mut loaded = Vec::new();
        for entry in &configuration.token_stores {
            loaded.push(Configured {
                plugin: self.load_token_store(entry, key.clone()).await?,
                mode: entry.mode,
            });
        }
        Ok(loaded)
    }

    /// Loads the endpoint providers of a configuration, in its order.
    ///
    /// # Errors
    /// As for [`trust_sources`](Self::trust_sources).
    pub async fn endpoint_providers(
        &self,
        configuration: &PluginConfiguration,
    ) -> Result<Vec<Configured<dyn EndpointProvider>>, LoadError> {
        let mut loaded = Vec::new();
        for entry in &configuration.endpoint_providers {
            loaded.push(Configured {
                plugin: self.load_endpoint_provider(entry).await?,
                mode: entry.mode,
            });
        }
        Ok(loaded)
    }
}
