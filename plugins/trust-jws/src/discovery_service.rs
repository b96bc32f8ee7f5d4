//! The stand-alone discovery service of 2016, kept for clusters that switch anonymous access off: it answers a JWS whose
//! payload is the cluster's information.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;
use slipway_sdk::prelude::*;
use slipway_sdk::token::BootstrapToken;

const PATH: &str = "/cluster-info/v1/";

/// The payload.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct ClusterInfo {
    certificate_authorities: Vec<String>,
    endpoints: Vec<String>,
}

pub(crate) fn url(service: &HostPort, token_id: &str) -> String {
    format!("https://{service}{PATH}?token-id={token_id}")
}

/// What the answer proposes, once it turns out to be signed with the token.
pub(crate) fn read(
    answer: &[u8],
    service: &HostPort,
    token: &BootstrapToken<'_>,
) -> Result<ClusterTrust, DiscoveryError> {
    let id = token.id();
    let jws = std::str::from_utf8(answer)
        .map(str::trim_end)
        .map_err(|_| untrusted("the answer is not a JWS"))?;
    let payload = payload(jws)?;
    token
        .verify_jws(jws, &payload)
        .map_err(|error| DiscoveryError::Untrusted(error.to_string()))?;
    let info: ClusterInfo = serde_json::from_slice(&payload).map_err(|error| {
        DiscoveryError::Untrusted(format!("the signed information has another form: {error}"))
    })?;
    if info.endpoints.is_empty() {
        return Err(untrusted("the signed information names no API server"));
    }
    let is_certificate = |pem: &String| pem.contains("-----BEGIN CERTIFICATE-----");
    if info.certificate_authorities.is_empty()
        || !info.certificate_authorities.iter().all(is_certificate)
    {
        return Err(untrusted("the signed information has no CA certificates"));
    }
    Ok(ClusterTrust {
        ca_bundle: info.certificate_authorities.join("\n"),
        evidence: vec![Finding::passed(
            "discovery-service-signed",
            format!("the answer of {service} carries the signature of token {id}"),
        )],
        endpoints: info.endpoints,
    })
}

/// The middle part of a compact JWS.
fn payload(jws: &str) -> Result<Vec<u8>, DiscoveryError> {
    jws.split('.')
        .nth(1)
        .and_then(|payload| URL_SAFE_NO_PAD.decode(payload).ok())
        .filter(|payload| !payload.is_empty())
        .ok_or_else(|| untrusted("the answer is not a JWS with its payload in place"))
}

fn untrusted(reason: &str) -> DiscoveryError {
    DiscoveryError::Untrusted(reason.to_owned())
}
