//! The API servers that the DNS names: by SRV records (RFC 2782), or as hosts.
//!
//! Names are listed as names. The host looks their addresses up when it connects, races them, and looks again with the next
//! connection, so that a change is seen as soon as its record's time is over. The name that a server has to prove comes from
//! elsewhere in any case: whoever answers the look-up decides where is dialled, and no more.

use serde::Deserialize;
use slipway_sdk::dns::{self, DnsError};
use slipway_sdk::endpoint_provider::{API_SERVER_PORT, EndpointList};
use slipway_sdk::prelude::*;

/// What the operator can set.
///
/// ```yaml
/// settings:
///   services: [_kubernetes._tcp.north.example]
///   hosts: ["api.north.example:6443"]
/// ```
#[derive(Debug, Default, Deserialize)]
#[cfg_attr(not(target_family = "wasm"), derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Settings {
    /// Names whose SRV records say where API servers are.
    pub services: Vec<String>,
    /// Host names of API servers, with the port unless it is 6443; tried after those of the services.
    pub hosts: Vec<String>,
}

/// Lists what the DNS knows.
#[derive(Debug)]
pub struct EndpointsDns {
    services: Vec<String>,
    hosts: Vec<HostPort>,
}

impl Plugin for EndpointsDns {
    type Settings = Settings;

    fn configure(settings: Settings) -> Result<Self, SettingErrors> {
        let mut errors = Vec::new();
        if settings.services.is_empty() && settings.hosts.is_empty() {
            errors.push(SettingError::whole(
                "expected services or hosts, found neither",
            ));
        }
        for (index, name) in settings.services.iter().enumerate() {
            if !is_service(name) {
                errors.push(SettingError::new(
                    format!("services[{index}]"),
                    format!("{name:?} is no name of a service; expected one such as _kubernetes._tcp.example.com"),
                ));
            }
        }
        let mut hosts = Vec::new();
        for (index, text) in settings.hosts.iter().enumerate() {
            match HostPort::parse(text, API_SERVER_PORT) {
                Ok(host) => hosts.push(host),
                Err(error) => errors.push(SettingError::new(
                    format!("hosts[{index}]"),
                    error.to_string(),
                )),
            }
        }
        let services = settings.services;
        SettingErrors::unless_empty(errors, Self { services, hosts })
    }
}

impl EndpointProvider for EndpointsDns {
    fn endpoints(&self, _: &EndpointRequest) -> Result<Vec<Endpoint>, EndpointError> {
        let mut endpoints = EndpointList::default();
        let mut failures = Vec::new();
        for name in &self.services {
            match dns::services(name) {
                Ok(services) => {
                    for service in services {
                        let address = HostPort {
                            host: service.target,
                            port: service.port,
                        };
                        endpoints.add(address, Some(service.priority), service.weight, None);
                    }
                }
                Err(error) => {
                    log::warn(
                        "the services of a name cannot be had",
                        &[("reason", &error.to_string())],
                    );
                    failures.push(error);
                }
            }
        }
        for host in &self.hosts {
            endpoints.add(host.clone(), None, 1, None);
        }
        let endpoints = endpoints.sorted();
        if !endpoints.is_empty() {
            return Ok(endpoints);
        }
        let reasons: Vec<_> = failures.iter().map(ToString::to_string).collect();
        let reason = reasons.join("; ");
        // A name that is not there yet may come; one that is none will not.
        let is_final = |error: &DnsError| {
            matches!(
                error,
                DnsError::InvalidName(_) | DnsError::NotAllowed(_) | DnsError::Other { .. }
            )
        };
        Err(match failures.iter().all(is_final) {
            true => EndpointError::Other(reason),
            false => EndpointError::Unavailable(reason),
        })
    }
}

/// `_service._proto.name`.
fn is_service(name: &str) -> bool {
    let mut labels = name.trim_end_matches('.').split('.');
    let is_label = |label: &str| {
        let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
        !label.is_empty() && label.len() <= 63 && label.bytes().all(is_allowed)
    };
    let is_marked =
        |label: Option<&str>| label.is_some_and(|label| label.starts_with('_') && is_label(label));
    is_marked(labels.next())
        && is_marked(labels.next())
        && labels.clone().next().is_some()
        && labels.all(is_label)
}

slipway_sdk::export_endpoint_provider!(EndpointsDns);

#[cfg(test)]
mod tests;
