//! The API servers that the operator named, in the order in which they were named: the locations first, then those of
//! the settings.

use serde::Deserialize;
use slipway_sdk::address::InvalidAddress;
use slipway_sdk::prelude::*;

/// The port of an API server, unless one is given.
const DEFAULT_PORT: u16 = 6443;

/// The port in a URL, unless one is given.
const HTTPS_PORT: u16 = 443;

/// What the operator can set.
///
/// ```yaml
/// settings:
///   endpoints:
///   - address: 10.0.0.2:6443
///   - address: api.example
///     priority: 0
///     weight: 10
///     zone: b
/// ```
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Settings {
    /// API servers beyond the locations.
    pub endpoints: Vec<EndpointSetting>,
}

/// One API server of the settings.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct EndpointSetting {
    /// Host name or IP address, and the port unless it is 6443.
    pub address: String,
    /// Lower is tried first; after everything named before it, unless given.
    pub priority: Option<u16>,
    /// Share among those of one priority; 1 unless given.
    #[serde(default = "one")]
    pub weight: u16,
    /// The zone that it is in.
    pub zone: Option<String>,
}

fn one() -> u16 {
    1
}

/// Lists locations and settings.
#[derive(Debug)]
pub struct EndpointsStatic {
    endpoints: Vec<Configured>,
}

#[derive(Debug)]
struct Configured {
    address: HostPort,
    priority: Option<u16>,
    weight: u16,
    zone: Option<String>,
}

impl Plugin for EndpointsStatic {
    type Settings = Settings;

    fn configure(settings: Settings) -> Result<Self, SettingErrors> {
        let mut errors = Vec::new();
        let mut endpoints = Vec::new();
        for (index, setting) in settings.endpoints.into_iter().enumerate() {
            match HostPort::parse(&setting.address, DEFAULT_PORT) {
                Ok(address) => endpoints.push(Configured {
                    address,
                    priority: setting.priority,
                    weight: setting.weight,
                    zone: setting.zone,
                }),
                Err(error) => errors.push(SettingError::new(
                    format!("endpoints[{index}].address"),
                    error.to_string(),
                )),
            }
        }
        SettingErrors::unless_empty(errors, Self { endpoints })
    }
}

impl EndpointProvider for EndpointsStatic {
    fn endpoints(&self, request: &EndpointRequest) -> Result<Vec<Endpoint>, EndpointError> {
        let mut endpoints = Vec::new();
        for location in request.locations.iter().filter(|text| is_api_server(text)) {
            let address = address(location)
                .map_err(|error| EndpointError::InvalidRequest(error.to_string()))?;
            add(&mut endpoints, address, None, 1, None);
        }
        for configured in &self.endpoints {
            add(
                &mut endpoints,
                configured.address.clone(),
                configured.priority,
                configured.weight,
                configured.zone.clone(),
            );
        }
        if endpoints.is_empty() {
            return Err(EndpointError::InvalidRequest(
                "no API server is named, neither as a location nor in the setting `endpoints`"
                    .to_owned(),
            ));
        }
        // Stable: of one priority, the one named first stays first.
        endpoints.sort_by_key(|endpoint| endpoint.priority);
        Ok(endpoints)
    }
}

/// A discovery service is a location, too, but no API server.
fn is_api_server(location: &str) -> bool {
    !location.starts_with("discovery://")
}

/// The address in an API server's URL, or one that stands by itself.
fn address(location: &str) -> Result<HostPort, InvalidAddress> {
    match location.strip_prefix("https://") {
        Some(rest) => HostPort::parse(rest.trim_end_matches('/'), HTTPS_PORT),
        None => HostPort::parse(location, DEFAULT_PORT),
    }
}

/// Adds an endpoint behind the others, unless it is there already.
fn add(
    endpoints: &mut Vec<Endpoint>,
    address: HostPort,
    priority: Option<u16>,
    weight: u16,
    zone: Option<String>,
) {
    let is_known = endpoints
        .iter()
        .any(|known| known.address == address.host && known.port == address.port);
    if is_known {
        return;
    }
    let next = endpoints
        .iter()
        .map(|known| known.priority.saturating_add(1))
        .max()
        .unwrap_or(0);
    endpoints.push(Endpoint {
        address: address.host,
        port: address.port,
        priority: priority.unwrap_or(next),
        weight,
        zone,
    });
}

slipway_sdk::export_endpoint_provider!(EndpointsStatic);

#[cfg(test)]
mod tests;
