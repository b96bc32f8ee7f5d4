//! What is particular to `init`.

use std::net::IpAddr;
use std::num::NonZeroU16;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::TokenSpec;

/// What is particular to `init`. Written out, it shows its tokens without their secrets.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct InitConfiguration {
    /// Tokens to make.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub bootstrap_tokens: Vec<TokenSpec>,
    /// Whether to change nothing, and to say what would be done.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub dry_run: bool,
    /// Where this API server listens.
    #[serde(
        rename = "localAPIEndpoint",
        skip_serializing_if = "ApiEndpoint::is_default"
    )]
    pub local_api_endpoint: ApiEndpoint,
    /// Phases to leave out.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub skip_phases: Vec<String>,
}

/// Where an API server listens.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct ApiEndpoint {
    /// The address under which others reach it; found out when left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub advertise_address: Option<IpAddr>,
    /// The port; 6443 when left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bind_port: Option<NonZeroU16>,
}

impl ApiEndpoint {
    fn is_default(&self) -> bool {
        *self == Self::default()
    }
}
