//! Name lookup without a connection.
//!
//! `wasi:sockets/ip-name-lookup` is our own, so that answers can be noted and given again: the addresses that
//! wasmtime-wasi hands out can be looked up by itself only.

use std::io;
use std::net::{IpAddr, Ipv6Addr};
use std::vec;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use slipway_config::plugin::Grants;
use wasmtime::StoreContextMut;
use wasmtime::component::{Linker, Resource, ResourceType};
use wasmtime_wasi::p2::bindings::sockets;
use wasmtime_wasi::p2::bindings::sockets::network::{ErrorCode, IpAddress, Network};
use wasmtime_wasi::p2::{DynPollable, Pollable, subscribe};
use wasmtime_wasi::sockets::{WasiSockets, WasiSocketsView as _};

use super::{Access, Capability, Inert, WASI};
use crate::ExtensionPoint;
use crate::call::CallState;
use crate::outside::{Outside, Question};

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
        link_lookup(linker)
    }
}

/// What one call may look up.
pub(crate) struct LookupSession {
    granted: bool,
    outside: Outside,
}

impl LookupSession {
    pub(crate) fn begin(granted: bool, outside: Outside) -> Self {
        Self { granted, outside }
    }
}

/// Why a name has no addresses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum LookupFailure {
    /// It is no name.
    Invalid,
    /// It is not there, or has no address.
    Unresolvable,
    /// The resolver does not answer, or not now.
    Unavailable,
}

/// What the C library says of a name that is not there or has no address: glibc's words, then musl's. An error has no more
/// than these words, which are English: nobody sets a locale. All else is an outage, which is never taken for an answer.
const NO_ADDRESS: [&str; 4] = [
    "Name or service not known",
    "No address associated with hostname",
    "Name does not resolve",
    "Name has no usable address",
];

/// The addresses of a name that are not told yet.
struct Addresses(vec::IntoIter<IpAddr>);

#[async_trait]
impl Pollable for Addresses {
    /// They were looked up before there was something to wait for.
    async fn ready(&mut self) {}
}

type Found = Result<Resource<Addresses>, ErrorCode>;
type Next = Result<Option<IpAddress>, ErrorCode>;

fn link_lookup(linker: &mut Linker<CallState>) -> wasmtime::Result<()> {
    let mut lookup = linker.instance(&format!("wasi:sockets/ip-name-lookup@{WASI}"))?;
    lookup.resource(
        "resolve-address-stream",
        ResourceType::host::<Addresses>(),
        |mut store, handle| {
            let addresses = Resource::<Addresses>::new_own(handle);
            store.data_mut().table.delete(addresses)?;
            Ok(())
        },
    )?;
    lookup.func_wrap_async(
        "resolve-addresses",
        |mut store: StoreContextMut<'_, CallState>,
         (network, name): (Resource<Network>, String)| {
            Box::new(async move {
                let state = store.data_mut();
                // Whoever has no network may ask for no name.
                state.table.get(&network)?;
                let found = addresses(&state.lookups, name).await;
                let found: Found = match found {
                    Ok(found) => Ok(state.table.push(Addresses(found.into_iter()))?),
                    Err(code) => Err(code),
                };
                Ok((found,))
            })
        },
    )?;
    lookup.func_wrap(
        "[method]resolve-address-stream.resolve-next-address",
        |mut store: StoreContextMut<'_, CallState>, (addresses,): (Resource<Addresses>,)| {
            let addresses = store.data_mut().table.get_mut(&addresses)?;
            let next: Next = Ok(addresses.0.next().map(IpAddress::from));
            Ok((next,))
        },
    )?;
    lookup.func_wrap(
        "[method]resolve-address-stream.subscribe",
        |mut store: StoreContextMut<'_, CallState>, (addresses,): (Resource<Addresses>,)| {
            let ready: Resource<DynPollable> = subscribe(&mut store.data_mut().table, addresses)?;
            Ok((ready,))
        },
    )
}

async fn addresses(session: &LookupSession, name: String) -> Result<Vec<IpAddr>, ErrorCode> {
    if !session.granted {
        return Err(ErrorCode::PermanentResolverFailure);
    }
    let question = || Question::Addresses { name: name.clone() };
    match session.outside.ask(question, look_up(&name)).await {
        Ok(Ok(addresses)) => Ok(addresses),
        Ok(Err(LookupFailure::Invalid)) => Err(ErrorCode::InvalidArgument),
        Ok(Err(LookupFailure::Unresolvable)) => Err(ErrorCode::NameUnresolvable),
        Ok(Err(LookupFailure::Unavailable)) | Err(_) => Err(ErrorCode::TemporaryResolverFailure),
    }
}

/// The addresses of a name; of an address itself, with or without brackets.
async fn look_up(name: &str) -> Result<Vec<IpAddr>, LookupFailure> {
    let bare = name
        .strip_prefix('[')
        .and_then(|name| name.strip_suffix(']'));
    if let Ok(address) = bare.unwrap_or(name).parse::<Ipv6Addr>() {
        return Ok(vec![address.into()]);
    }
    let is_in_names = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    if name.is_empty() || !name.bytes().all(is_in_names) {
        return Err(LookupFailure::Invalid);
    }
    let found = tokio::net::lookup_host((name, 0)).await.map_err(|error| {
        tracing::debug!(name, "a plugin's name has no address: {error}");
        LookupFailure::of(&error)
    })?;
    Ok(found.map(|address| address.ip().to_canonical()).collect())
}

impl LookupFailure {
    fn of(error: &io::Error) -> Self {
        let said = error.to_string();
        match NO_ADDRESS.iter().any(|words| said.contains(words)) {
            true => Self::Unresolvable,
            false => Self::Unavailable,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn only_the_resolvers_own_words_say_that_a_name_is_not_there() {
        for words in NO_ADDRESS {
            let error = io::Error::other(format!("failed to lookup address information: {words}"));
            assert_eq!(LookupFailure::of(&error), LookupFailure::Unresolvable);
        }
        for words in [
            "failed to lookup address information: Temporary failure in name resolution",
            "failed to lookup address information: Try again",
            "Too many open files (os error 24)",
        ] {
            let error = io::Error::other(words);
            assert_eq!(LookupFailure::of(&error), LookupFailure::Unavailable);
        }
        assert_eq!(look_up("a b").await, Err(LookupFailure::Invalid));
    }
}
