//! Trust sources.

use async_trait::async_trait;
use slipway_pki::decision::trust::Proposed;
use wasmtime::Store;
use wasmtime::component::Resource;

use super::{findings, mismatch};
use crate::bindings::export::trust_source as guest;
use crate::call::{CallState, Inputs};
use crate::capability::bootstrap_token::Token;
use crate::capability::unverified_https::FetchSession;
use crate::extension::trust_source::{Discovery, DiscoveryError, DiscoveryRequest, TrustSource};
use crate::load::Plugin;
use crate::text::one_line;
use crate::{LoadError, PluginIdentity};

/// A component that discovers.
pub(crate) struct WasmTrustSource {
    plugin: Plugin,
    guest: guest::GuestIndices,
}

impl WasmTrustSource {
    pub(crate) fn new(plugin: Plugin) -> Result<Self, LoadError> {
        let guest = guest::GuestIndices::new(&plugin.callable.instance)
            .map_err(|error| mismatch(&plugin, &error))?;
        Ok(Self { plugin, guest })
    }
}

#[async_trait]
impl TrustSource for WasmTrustSource {
    fn identity(&self) -> &PluginIdentity {
        &self.plugin.identity
    }

    async fn discover(&self, request: DiscoveryRequest) -> Result<Discovery, DiscoveryError> {
        let inputs = Inputs {
            fetches: FetchSession::begin(&request.locations),
            ..Inputs::default()
        };
        let indices = self.guest.clone();
        let callable = &self.plugin.callable;
        let called = callable
            .call(inputs, move |store, instance| {
                Box::pin(async move {
                    let guest = indices.load(&mut *store, instance)?;
                    let request = lend(store, request)?;
                    guest.call_discover(&mut *store, &request).await
                })
            })
            .await
            .map_err(DiscoveryError::Failed)?;
        let answer = called.answer.map_err(DiscoveryError::from)?;
        let proposed = Proposed::parse(
            &answer.endpoints,
            &answer.ca_bundle,
            findings::from_guest(answer.evidence),
        )
        .map_err(|error| {
            DiscoveryError::Failed(callable.malformed(one_line(&error.to_string())))
        })?;
        Ok(Discovery {
            proposed,
            signed: called.state.tokens.into_signed(),
            stats: called.stats,
        })
    }
}

/// The request as the guest sees it: the token as a handle that it borrows for the call. The token itself stays in the
/// call's table and goes with it.
fn lend(
    store: &mut Store<CallState>,
    request: DiscoveryRequest,
) -> wasmtime::Result<guest::Request> {
    let token = match request.token {
        Some(token) => {
            let owned = store.data_mut().table.push(Token(token))?;
            Some(Resource::new_borrow(owned.rep()))
        }
        None => None,
    };
    Ok(guest::Request {
        locations: request.locations,
        token,
        ca_pins: request.ca_pins.iter().map(ToString::to_string).collect(),
        document: request.document,
    })
}

impl From<guest::DiscoveryError> for DiscoveryError {
    fn from(error: guest::DiscoveryError) -> Self {
        match error {
            guest::DiscoveryError::Unavailable(text) => Self::Unavailable(one_line(&text)),
            guest::DiscoveryError::NotSigned(text) => Self::NotSigned(one_line(&text)),
            guest::DiscoveryError::Untrusted(text) => Self::Untrusted(one_line(&text)),
            guest::DiscoveryError::InvalidRequest(text) => Self::InvalidRequest(one_line(&text)),
            guest::DiscoveryError::Other(text) => Self::Other(one_line(&text)),
        }
    }
}
