//! Endpoint providers.

use async_trait::async_trait;
use slipway_config::endpoint::Host;

use super::mismatch;
use crate::bindings::export::endpoint_provider as guest;
use crate::call::Inputs;
use crate::extension::endpoint_provider::{
    DialAddress, EndpointError, EndpointProvider, EndpointRequest, Endpoints,
};
use crate::load::Plugin;
use crate::text::one_line;
use crate::{LoadError, PluginIdentity};

/// Endpoints that one answer may have.
const ENDPOINTS: usize = 256;

/// A component that lists endpoints.
pub(crate) struct WasmEndpointProvider {
    plugin: Plugin,
    guest: guest::GuestIndices,
}

impl WasmEndpointProvider {
    pub(crate) fn new(plugin: Plugin) -> Result<Self, LoadError> {
        let guest = guest::GuestIndices::new(&plugin.callable.instance)
            .map_err(|error| mismatch(&plugin, &error))?;
        Ok(Self { plugin, guest })
    }
}

#[async_trait]
impl EndpointProvider for WasmEndpointProvider {
    fn identity(&self) -> &PluginIdentity {
        &self.plugin.identity
    }

    async fn endpoints(&self, request: EndpointRequest) -> Result<Endpoints, EndpointError> {
        let request = guest::Request {
            locations: request.locations,
            zone: request.zone,
        };
        let indices = self.guest.clone();
        let callable = &self.plugin.callable;
        let called = callable
            .call(Inputs::default(), move |store, instance| {
                Box::pin(async move {
                    let guest = indices.load(&mut *store, instance)?;
                    guest.call_endpoints(&mut *store, &request).await
                })
            })
            .await
            .map_err(EndpointError::Failed)?;
        let addresses = called
            .answer
            .map_err(EndpointError::from)
            .and_then(|endpoints| {
                checked(endpoints)
                    .map_err(|reason| EndpointError::Failed(callable.malformed(reason)))
            })?;
        Ok(Endpoints {
            addresses,
            stats: called.stats,
        })
    }
}

impl From<guest::EndpointError> for EndpointError {
    fn from(error: guest::EndpointError) -> Self {
        match error {
            guest::EndpointError::Unavailable(text) => Self::Unavailable(one_line(&text)),
            guest::EndpointError::InvalidRequest(text) => Self::InvalidRequest(one_line(&text)),
            guest::EndpointError::Other(text) => Self::Other(one_line(&text)),
        }
    }
}

fn checked(endpoints: Vec<guest::Endpoint>) -> Result<Vec<DialAddress>, String> {
    if endpoints.is_empty() {
        return Err("it lists no endpoint".to_owned());
    }
    if endpoints.len() > ENDPOINTS {
        return Err(format!(
            "it lists {} endpoints, more than {ENDPOINTS}",
            endpoints.len()
        ));
    }
    let mut addresses = endpoints
        .into_iter()
        .map(dial_address)
        .collect::<Result<Vec<_>, _>>()?;
    addresses.sort_by_key(|address| address.priority);
    Ok(addresses)
}

fn dial_address(endpoint: guest::Endpoint) -> Result<DialAddress, String> {
    let written = if endpoint.address.contains(':') {
        format!("[{}]", endpoint.address)
    } else {
        endpoint.address
    };
    let host: Host = written
        .parse()
        .map_err(|error| format!("an endpoint's address cannot be used: {error}"))?;
    if endpoint.port == 0 {
        return Err(format!("the endpoint {host} has port 0"));
    }
    Ok(DialAddress {
        address: host.to_unbracketed(),
        port: endpoint.port,
        priority: endpoint.priority,
        weight: endpoint.weight,
        zone: endpoint.zone.as_deref().map(one_line),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn endpoint(address: &str, port: u16, priority: u16) -> guest::Endpoint {
        guest::Endpoint {
            address: address.to_owned(),
            port,
            priority,
            weight: 1,
            zone: None,
        }
    }

    #[test]
    fn endpoints_are_sorted_by_priority_and_keep_their_order_within_one() {
        let addresses = checked(vec![
            endpoint("c", 6443, 2),
            endpoint("2001:db8::1", 6443, 1),
            endpoint("10.0.0.1", 6443, 1),
        ])
        .unwrap();
        let names: Vec<_> = addresses.iter().map(|one| one.address.as_str()).collect();
        assert_eq!(names, ["2001:db8::1", "10.0.0.1", "c"]);
    }

    #[test]
    fn an_answer_that_cannot_be_dialled_is_malformed() {
        for endpoints in [
            vec![],
            vec![endpoint("a", 0, 0)],
            vec![endpoint("", 1, 0)],
            vec![endpoint("a b", 1, 0)],
            vec![endpoint("https://a", 1, 0)],
            vec![endpoint("a", 1, 0); ENDPOINTS + 1],
        ] {
            assert!(checked(endpoints).is_err());
        }
    }
}
