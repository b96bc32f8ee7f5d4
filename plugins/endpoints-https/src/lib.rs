//! The API servers that a document behind a URL lists. It is as trustworthy as an address needs to be: where is dialled proves
//! nothing, whoever answers has to prove itself by the names and the CA that come from elsewhere.
//!
//! ```json
//! {"endpoints": [{"address": "10.0.0.2:6443"}, {"address": "api.example", "priority": 5, "weight": 10, "zone": "b"}]}
//! ```

use serde::Deserialize;
use slipway_sdk::endpoint_provider::{EndpointList, Listed};
use slipway_sdk::grants::Grants;
use slipway_sdk::http::Get;
use slipway_sdk::prelude::*;

/// The largest document that is read, in bytes.
const LIMIT: usize = 256 << 10;

/// What the operator can set.
///
/// ```yaml
/// settings:
///   url: https://inventory.example/clusters/north/endpoints.json
/// ```
#[derive(Debug, Deserialize)]
#[cfg_attr(not(target_family = "wasm"), derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Settings {
    /// Where the document is. Its server has to be granted (`http`).
    pub url: String,
}

/// Lists what a document lists.
#[derive(Debug)]
pub struct EndpointsHttps {
    url: String,
}

/// The document.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    endpoints: Vec<Listed>,
}

impl Plugin for EndpointsHttps {
    type Settings = Settings;

    fn configure(settings: Settings) -> Result<Self, SettingErrors> {
        Grants::load()?.need_http("url", &settings.url)?;
        Ok(Self { url: settings.url })
    }
}

impl EndpointProvider for EndpointsHttps {
    fn endpoints(&self, _: &EndpointRequest) -> Result<Vec<Endpoint>, EndpointError> {
        let url = &self.url;
        let malformed = |reason: String| EndpointError::Other(format!("{url}: {reason}"));
        let document: Document = serde_json::from_slice(&self.fetch()?)
            .map_err(|error| malformed(format!("the document is not understood: {error}")))?;
        let mut endpoints = EndpointList::default();
        for listed in &document.endpoints {
            endpoints
                .add_listed(listed)
                .map_err(|error| malformed(error.to_string()))?;
        }
        let endpoints = endpoints.sorted();
        match endpoints.is_empty() {
            true => Err(EndpointError::Unavailable(format!(
                "{url} lists no API server"
            ))),
            false => Ok(endpoints),
        }
    }
}

impl EndpointsHttps {
    fn fetch(&self) -> Result<Vec<u8>, EndpointError> {
        let answer = Get::new(&self.url)
            .and_then(|get| {
                get.header("accept", "application/json")
                    .body_limit(LIMIT)
                    .send()
            })
            .map_err(|error| match error.is_outage() {
                true => EndpointError::Unavailable(error.to_string()),
                false => EndpointError::Other(error.to_string()),
            })?;
        match answer.status {
            200 => Ok(answer.body),
            status => Err(EndpointError::Unavailable(format!(
                "{} answers with status {status}",
                self.url
            ))),
        }
    }
}

slipway_sdk::export_endpoint_provider!(EndpointsHttps);

#[cfg(test)]
mod tests;
