//! Raw sockets, which no plugin gets: a connection goes through `wasi:http`, where the host sees its
//! destination. A language's runtime that imports them anyway gets ones that refuse.

use slipway_config::plugin::Grants;
use wasmtime::component::Linker;
use wasmtime_wasi::WasiCtxBuilder;
use wasmtime_wasi::p2::bindings::sockets;
use wasmtime_wasi::sockets::{WasiSockets, WasiSocketsView as _};

use super::{Access, Capability, Inert};
use crate::ExtensionPoint;
use crate::call::CallState;

/// Raw sockets.
pub(crate) struct Sockets;

impl Capability for Sockets {
    fn interfaces(&self) -> &'static [&'static str] {
        &[
            "wasi:sockets/tcp",
            "wasi:sockets/tcp-create-socket",
            "wasi:sockets/udp",
            "wasi:sockets/udp-create-socket",
        ]
    }

    fn access(&self, _: &Grants, _: ExtensionPoint) -> Access {
        Access::Never {
            reason: "which no plugin gets: use wasi:http/outgoing-handler with a grant for the server",
            inert: Inert::Always,
        }
    }

    fn link(&self, linker: &mut Linker<CallState>) -> wasmtime::Result<()> {
        sockets::tcp::add_to_linker::<CallState, WasiSockets>(linker, CallState::sockets)?;
        sockets::tcp_create_socket::add_to_linker::<CallState, WasiSockets>(
            linker,
            CallState::sockets,
        )?;
        sockets::udp::add_to_linker::<CallState, WasiSockets>(linker, CallState::sockets)?;
        sockets::udp_create_socket::add_to_linker::<CallState, WasiSockets>(
            linker,
            CallState::sockets,
        )
    }
}

/// Refuses every socket.
pub(crate) fn configure(builder: &mut WasiCtxBuilder) {
    builder.allow_tcp(false).allow_udp(false);
}
