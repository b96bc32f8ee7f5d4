//! Name lookup without a connection.

use slipway_config::plugin::Grants;
use wasmtime::component::Linker;
use wasmtime_wasi::WasiCtxBuilder;
use wasmtime_wasi::p2::bindings::sockets;
use wasmtime_wasi::sockets::{WasiSockets, WasiSocketsView as _};

use super::{Access, Capability, Inert};
use crate::ExtensionPoint;
use crate::call::CallState;

/// Name lookup.
pub(crate) struct Dns;

impl Capability for Dns {
    fn interfaces(&self) -> &'static [&'static str] {
        &[
            "wasi:sockets/network",
            "wasi:sockets/instance-network",
            "wasi:sockets/ip-name-lookup",
        ]
    }

    fn access(&self, grants: &Grants, _: ExtensionPoint) -> Access {
        if grants.dns {
            Access::Open
        } else {
            Access::NeedsGrant {
                grant: "grants: {dns: true}",
                inert: Inert::Always,
            }
        }
    }

    fn link(&self, linker: &mut Linker<CallState>) -> wasmtime::Result<()> {
        let options = sockets::network::LinkOptions::default();
        sockets::network::add_to_linker::<CallState, WasiSockets>(
            linker,
            &options,
            CallState::sockets,
        )?;
        sockets::instance_network::add_to_linker::<CallState, WasiSockets>(
            linker,
            CallState::sockets,
        )?;
        sockets::ip_name_lookup::add_to_linker::<CallState, WasiSockets>(linker, CallState::sockets)
    }
}

/// Sets what a call gets. Without the grant a lookup is refused.
pub(crate) fn configure(builder: &mut WasiCtxBuilder, granted: bool) {
    builder.allow_ip_name_lookup(granted);
}
