//! The traits of the extension points, filled by WebAssembly components: values across the border, and checks on what
//! comes back.

mod approver;
mod endpoint_provider;
mod findings;
mod token_store;
mod trust_source;

pub(crate) use approver::WasmApprover;
pub(crate) use endpoint_provider::WasmEndpointProvider;
pub(crate) use token_store::WasmTokenStore;
pub(crate) use trust_source::WasmTrustSource;

use crate::LoadError;
use crate::load::Plugin;

/// A missing function of an interface, as an error of loading.
fn mismatch(plugin: &Plugin, error: &wasmtime::Error) -> LoadError {
    LoadError::Mismatch {
        plugin: plugin.identity.name.clone(),
        reason: format!("{error:#}"),
    }
}
