//! What the host holds for one call.

use wasmtime::component::{HasData, ResourceTable};
use wasmtime_wasi::{WasiCtx, WasiCtxView, WasiView};
use wasmtime_wasi_http::{WasiHttpCtx, WasiHttpCtxView, WasiHttpView};

use crate::authority::Authority;
use crate::capability::bootstrap_token::TokenSession;
use crate::capability::cluster::ClusterView;
use crate::capability::dns::LookupSession;
use crate::capability::dns_records::RecordSession;
use crate::capability::files::FileSession;
use crate::capability::http::HttpSession;
use crate::capability::log::LogSession;
use crate::capability::process;
use crate::capability::settings::SettingsView;
use crate::capability::unverified_https::FetchSession;
use crate::limits::{CallLimits, Meter};
use crate::outside::Outside;

/// The state of one call, gone with it.
pub(crate) struct CallState {
    pub(crate) table: ResourceTable,
    pub(crate) log: LogSession,
    pub(crate) settings: SettingsView,
    pub(crate) tokens: TokenSession,
    pub(crate) fetches: FetchSession,
    pub(crate) cluster: ClusterView,
    pub(crate) records: RecordSession,
    pub(crate) lookups: LookupSession,
    pub(crate) files: FileSession,
    meter: Meter,
    wasi: WasiCtx,
    http: WasiHttpCtx,
    requests: HttpSession,
}

/// What a call brings along for the capabilities.
#[derive(Default)]
pub(crate) struct Inputs {
    /// What a trust source may fetch without verification.
    pub(crate) fetches: FetchSession,
    /// Where its answers come from; by default from whoever is asked.
    pub(crate) outside: Option<Outside>,
}

impl CallState {
    /// The state at the beginning of a call.
    pub(super) fn begin(
        authority: &Authority,
        limits: CallLimits,
        inputs: Inputs,
    ) -> wasmtime::Result<Self> {
        let log = authority.log();
        let outside = authority.outside(inputs.outside);
        let files = FileSession::begin(outside.clone())?;
        let mut wasi = WasiCtx::builder();
        process::configure(&mut wasi, &log);
        authority.configure(&mut wasi, &outside, &files)?;
        let mut table = ResourceTable::new();
        table.set_max_capacity(limits.resources);
        Ok(Self {
            table,
            settings: authority.settings(),
            tokens: TokenSession::default(),
            fetches: inputs.fetches,
            cluster: authority.cluster(&outside),
            records: authority.records(&outside),
            lookups: authority.lookups(&outside),
            files,
            meter: Meter::new(limits),
            wasi: wasi.build(),
            http: WasiHttpCtx::new(),
            requests: authority.requests(&outside),
            log,
        })
    }

    pub(super) fn log(&self) -> &LogSession {
        &self.log
    }

    pub(super) fn meter(&self) -> &Meter {
        &self.meter
    }

    pub(super) fn meter_mut(&mut self) -> &mut Meter {
        &mut self.meter
    }
}

impl WasiView for CallState {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView {
            ctx: &mut self.wasi,
            table: &mut self.table,
        }
    }
}

impl WasiHttpView for CallState {
    fn http(&mut self) -> WasiHttpCtxView<'_> {
        WasiHttpCtxView {
            hooks: &mut self.requests,
            table: &mut self.table,
            ctx: &mut self.http,
        }
    }
}

/// Host interfaces that need nothing but the table of resources.
pub(crate) struct Table;

impl HasData for Table {
    type Data<'a> = &'a mut ResourceTable;
}

/// The table of a call.
pub(crate) fn table(state: &mut CallState) -> &mut ResourceTable {
    &mut state.table
}
