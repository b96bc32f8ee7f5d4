//! What one plugin may do, checked when it is loaded and handed out to each of its calls.

use std::sync::Arc;

use slipway_config::plugin::PluginEntry;
use wasmtime_wasi::WasiCtxBuilder;

use crate::LoadError;
use crate::capability::cluster::{ClusterReader, ClusterView};
use crate::capability::dns_records::RecordSession;
use crate::capability::files::Folders;
use crate::capability::http::{HttpSession, Rules};
use crate::capability::log::{LogMeter, LogSession};
use crate::capability::settings::SettingsView;
use crate::capability::{clocks, dns, random, sockets};

/// The grants of one plugin, checked.
pub(crate) struct Authority {
    plugin: Arc<str>,
    log: Arc<LogMeter>,
    settings: SettingsView,
    cluster: ClusterView,
    folders: Folders,
    rules: Arc<Rules>,
    clocks: bool,
    random: bool,
    dns: bool,
}

impl Authority {
    /// Checks the grants of an entry.
    pub(crate) fn of(
        entry: &PluginEntry,
        reader: Option<Arc<dyn ClusterReader>>,
    ) -> Result<Self, LoadError> {
        let plugin = entry.name.as_str();
        let grants = &entry.grants;
        Ok(Self {
            plugin: plugin.into(),
            log: Arc::new(LogMeter::new()),
            settings: SettingsView::new(&entry.settings, grants),
            cluster: ClusterView::new(grants, reader),
            folders: Folders::check(plugin, grants)?,
            rules: Arc::new(Rules::check(plugin, grants)?),
            clocks: grants.clocks,
            random: grants.random,
            dns: grants.dns,
        })
    }

    /// The entry's name.
    pub(crate) fn plugin(&self) -> &str {
        &self.plugin
    }

    /// The settings, which are the same for each call.
    pub(crate) fn settings(&self) -> SettingsView {
        self.settings.clone()
    }

    /// The log of a call.
    pub(crate) fn log(&self) -> LogSession {
        LogSession::begin(Arc::clone(&self.plugin), Arc::clone(&self.log))
    }

    /// What a call may read of the cluster.
    pub(crate) fn cluster(&self) -> ClusterView {
        self.cluster.clone()
    }

    /// What a call may look up in the DNS beyond addresses.
    pub(crate) fn records(&self) -> RecordSession {
        RecordSession::begin(self.dns)
    }

    /// What a call may request over HTTP.
    pub(crate) fn requests(&self) -> HttpSession {
        HttpSession::begin(Arc::clone(&self.rules))
    }

    /// Sets what a call gets of WASI.
    pub(crate) fn configure(&self, builder: &mut WasiCtxBuilder) -> wasmtime::Result<()> {
        sockets::configure(builder);
        dns::configure(builder, self.dns);
        clocks::configure(builder, self.clocks);
        random::configure(builder, self.random);
        self.folders.configure(builder)
    }
}
