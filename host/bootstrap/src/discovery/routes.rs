//! From dial addresses and verified names to routes. An endpoint provider decides where is dialled; who must answer there
//! comes from the operator and from verified information only.

use slipway_config::endpoint::{ApiServerUrl, Host, HostPort};
use slipway_plugin::extension::endpoint_provider::DialAddress;

use super::DiscoveryFailure;
use crate::connect::Route;

/// Names that do not come from the cluster.
pub(super) struct Names {
    /// Hosts that the operator named.
    pub(super) operator: Vec<String>,
    /// The only name there is, where the operator's document says so.
    pub(super) server_name: Option<String>,
}

impl Names {
    /// The provider's addresses first, then the API servers that it did not name.
    pub(super) fn routes(&self, dials: &[HostPort], endpoints: &[ApiServerUrl]) -> Vec<Route> {
        let verified: Vec<&HostPort> = endpoints.iter().map(ApiServerUrl::host_port).collect();
        let all: Vec<String> = verified
            .iter()
            .map(|endpoint| endpoint.host().to_unbracketed())
            .chain(self.operator.clone())
            .collect();
        let mut addresses: Vec<&HostPort> = Vec::new();
        for address in dials.iter().chain(verified) {
            if !addresses.contains(&address) {
                addresses.push(address);
            }
        }
        addresses
            .into_iter()
            .map(|dial| Route {
                dial: dial.clone(),
                names: self.names_at(dial, &all),
            })
            .collect()
    }

    /// A server's own host first, where it is one of the names, so that it is what SNI says.
    fn names_at(&self, dial: &HostPort, all: &[String]) -> Vec<String> {
        if let Some(name) = &self.server_name {
            return vec![name.clone()];
        }
        let own = dial.host().to_unbracketed();
        let mut names: Vec<String> = Vec::new();
        for name in all.iter().filter(|&name| *name == own).chain(all) {
            if !names.contains(name) {
                names.push(name.clone());
            }
        }
        names
    }
}

/// What the provider named, as addresses.
pub(super) fn dial_addresses(
    addresses: Vec<DialAddress>,
) -> Result<Vec<HostPort>, DiscoveryFailure> {
    let parse = |address: &DialAddress| {
        let text = &address.address;
        let host = if text.contains(':') {
            format!("[{text}]")
        } else {
            text.clone()
        };
        HostPort::new(host.parse::<Host>().ok()?, address.port)
    };
    addresses
        .iter()
        .map(|address| {
            parse(address).ok_or_else(|| DiscoveryFailure::BadDialAddress {
                address: format!("{}:{}", address.address, address.port),
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn urls(texts: &[&str]) -> Vec<ApiServerUrl> {
        texts.iter().map(|text| text.parse().unwrap()).collect()
    }

    fn dial(text: &str) -> HostPort {
        text.parse().unwrap()
    }

    #[test]
    fn an_address_of_the_provider_must_prove_one_of_the_verified_names() {
        let names = Names {
            operator: vec!["bastion".to_owned()],
            server_name: None,
        };
        let routes = names.routes(
            &[dial("10.9.9.9:7000")],
            &urls(&["https://api.example:6443", "https://10.0.0.2:6443"]),
        );
        assert_eq!(routes[0].dial, dial("10.9.9.9:7000"));
        assert_eq!(routes[0].names, ["api.example", "10.0.0.2", "bastion"]);
        assert_eq!(routes[1].dial, dial("api.example:6443"));
        assert_eq!(routes[2].names, ["10.0.0.2", "api.example", "bastion"]);
    }

    #[test]
    fn an_address_named_twice_is_dialled_once() {
        let names = Names {
            operator: Vec::new(),
            server_name: None,
        };
        let routes = names.routes(&[dial("10.0.0.1:6443")], &urls(&["https://10.0.0.1:6443"]));
        assert_eq!(routes.len(), 1);
    }

    #[test]
    fn a_document_that_names_the_server_has_the_last_word() {
        let names = Names {
            operator: vec!["bastion".to_owned()],
            server_name: Some("kubernetes".to_owned()),
        };
        let routes = names.routes(&[], &urls(&["https://10.0.0.1:6443"]));
        assert_eq!(routes[0].names, ["kubernetes"]);
    }

    #[test]
    fn what_a_provider_names_is_parsed() {
        let address = |address: &str| DialAddress {
            address: address.to_owned(),
            port: 6443,
            priority: 0,
            weight: 0,
            zone: None,
        };
        let dials = dial_addresses(vec![address("fd00::1"), address("api.example")]).unwrap();
        assert_eq!(dials, [dial("[fd00::1]:6443"), dial("api.example:6443")]);
        assert!(dial_addresses(vec![address("a b")]).is_err());
    }
}
