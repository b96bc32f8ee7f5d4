//! The API servers that the operator named, in the order in which they were named: the locations first, then those of
//! the settings.

use serde::Deserialize;
use slipway_sdk::address::InvalidAddress;
use slipway_sdk::endpoint_provider::{API_SERVER_PORT, EndpointList, Listed};
use slipway_sdk::prelude::*;

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
#[cfg_attr(not(target_family = "wasm"), derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Settings {
    /// API servers beyond the locations.
    pub endpoints: Vec<Listed>,
}

/// Lists locations and settings.
#[derive(Debug)]
pub struct EndpointsStatic {
    endpoints: Vec<Listed>,
}

impl Plugin for EndpointsStatic {
    type Settings = Settings;

    fn configure(settings: Settings) -> Result<Self, SettingErrors> {
        let mut errors = Vec::new();
        for (index, listed) in settings.endpoints.iter().enumerate() {
            if let Err(error) = EndpointList::default().add_listed(listed) {
                errors.push(SettingError::new(
                    format!("endpoints[{index}].address"),
                    error.to_string(),
                ));
            }
        }
        let endpoints = settings.endpoints;
        SettingErrors::unless_empty(errors, Self { endpoints })
    }
}

impl EndpointProvider for EndpointsStatic {
    fn endpoints(&self, request: &EndpointRequest) -> Result<Vec<Endpoint>, EndpointError> {
        let mut endpoints = EndpointList::default();
        let invalid = |error: InvalidAddress| EndpointError::InvalidRequest(error.to_string());
        for location in request.locations.iter().filter(|text| is_api_server(text)) {
            endpoints.add(address(location).map_err(invalid)?, None, 1, None);
        }
        for listed in &self.endpoints {
            endpoints.add_listed(listed).map_err(invalid)?;
        }
        let endpoints = endpoints.sorted();
        if endpoints.is_empty() {
            return Err(EndpointError::InvalidRequest(
                "no API server is named, neither as a location nor in the setting `endpoints`"
                    .to_owned(),
            ));
        }
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
        None => HostPort::parse(location, API_SERVER_PORT),
    }
}

slipway_sdk::export_endpoint_provider!(EndpointsStatic);

#[cfg(test)]
mod tests;
