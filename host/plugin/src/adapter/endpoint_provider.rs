//! Endpoint providers.

use async_trait::async_trait;
use rand::{Rng, RngExt as _};
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
    Ok(drawn(addresses, &mut rand::rng()))
}

/// The same, with those of one priority in an order that is drawn by their weights (RFC 2782): the first of them is one with
/// the weight 3 three times as often as one with the weight 1. Those without a weight keep their order, after the others.
fn drawn(addresses: Vec<DialAddress>, random: &mut impl Rng) -> Vec<DialAddress> {
    let mut ordered = Vec::with_capacity(addresses.len());
    for equals in addresses.chunk_by(|one, other| one.priority == other.priority) {
        let (mut weighted, weightless): (Vec<_>, Vec<_>) =
            equals.iter().cloned().partition(|one| one.weight > 0);
        while !weighted.is_empty() {
            let weights = weighted.iter().map(|one| u32::from(one.weight));
            let mut left = random.random_range(0..weights.clone().sum());
            let chosen = weights.into_iter().position(|weight| {
                let is_it = left < weight;
                left = left.saturating_sub(weight);
                is_it
            });
            ordered.push(weighted.remove(chosen.unwrap_or_default()));
        }
        ordered.extend(weightless);
    }
    ordered
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
    use rand::SeedableRng as _;
    use rand::rngs::StdRng;

    use super::*;

    fn endpoint(address: &str, port: u16, priority: u16) -> guest::Endpoint {
        guest::Endpoint {
            address: address.to_owned(),
            port,
            priority,
            weight: 0,
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

    #[test]
    fn those_of_one_priority_are_drawn_by_their_weights() {
        let address = |name: &str, priority, weight| DialAddress {
            address: name.to_owned(),
            port: 6443,
            priority,
            weight,
            zone: None,
        };
        let listed = vec![
            address("first", 0, 0),
            address("light", 1, 1),
            address("none", 1, 0),
            address("heavy", 1, 3),
            address("last", 2, 7),
        ];
        let mut random = StdRng::seed_from_u64(1);
        let mut heavy = 0;
        for _ in 0..4000 {
            let order: Vec<_> = drawn(listed.clone(), &mut random)
                .into_iter()
                .map(|one| one.address)
                .collect();
            assert_eq!(
                (&*order[0], &*order[3], &*order[4]),
                ("first", "none", "last")
            );
            heavy += u32::from(order[1] == "heavy");
        }
        assert!((2900..3100).contains(&heavy), "{heavy} of 4000");
    }
}
