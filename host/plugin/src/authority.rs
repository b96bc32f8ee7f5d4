//! What one plugin may do, checked when it is loaded and handed out to each of its calls.

use std::sync::Arc;

use slipway_config::plugin::PluginEntry;
use wasmtime_wasi::WasiCtxBuilder;

use crate::LoadError;
use crate::capability::cluster::{ClusterReader, ClusterView};
use crate::capability::dns::LookupSession;
use crate::capability::dns_records::RecordSession;
use crate::capability::files::{FileSession, Folders};
use crate::capability::http::{HttpSession, Rules};
use crate::capability::log::{LogMeter, LogSession};
use crate::capability::settings::SettingsView;
use crate::capability::{clocks, random, sockets};
use crate::outside::Outside;

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
    live: bool,
}

impl Authority {
    /// Checks the grants of an entry. Without `live` nothing is asked of anybody.
    pub(crate) fn of(
        entry: &PluginEntry,
        reader: Option<Arc<dyn ClusterReader>>,
        live: bool,
    ) -> Result<Self, LoadError> {
        let plugin = entry.name.as_str();
        let grants = &entry.grants;
        Ok(Self {
            plugin: plugin.into(),
            log: Arc::new(LogMeter::new()),
            settings: SettingsView::new(&entry.settings, grants),
            cluster: ClusterView::new(grants, reader),
            folders: Folders::check(plugin, grants, live)?,
            rules: Arc::new(Rules::check(plugin, grants, live)?),
            clocks: grants.clocks,
            random: grants.random,
            dns: grants.dns,
            live,
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

    /// What a call gets to know of the outside, where `wanted` says nothing else. A plugin that may ask nobody is told what
    /// was recorded, or nothing.
    pub(crate) fn outside(&self, wanted: Option<Outside>) -> Outside {
        let wanted = wanted.unwrap_or_default();
        match self.live || wanted.is_replayed() {
            true => wanted,
            false => Outside::replayed([]),
        }
    }

    /// What a call may read of the cluster.
    pub(crate) fn cluster(&self, outside: &Outside) -> ClusterView {
        self.cluster.begin(outside.clone())
    }

    /// What a call may look up in the DNS beyond addresses.
    pub(crate) fn records(&self, outside: &Outside) -> RecordSession {
        RecordSession::begin(self.dns, outside.clone())
    }

    /// Whose addresses a call may look up.
    pub(crate) fn lookups(&self, outside: &Outside) -> LookupSession {
        LookupSession::begin(self.dns, outside.clone())
    }

    /// What a call may request over HTTP.
    pub(crate) fn requests(&self, outside: &Outside) -> HttpSession {
        HttpSession::begin(Arc::clone(&self.rules), outside.clone())
    }

    /// Sets what a call gets of WASI, the folders of `files` among it.
    pub(crate) fn configure(
        &self,
        builder: &mut WasiCtxBuilder,
        outside: &Outside,
        files: &FileSession,
    ) -> wasmtime::Result<()> {
        sockets::configure(builder);
        clocks::configure(builder, self.clocks, outside);
        random::configure(builder, self.random, outside);
        self.folders.configure(builder, files)
    }
}
