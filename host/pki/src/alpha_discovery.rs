//! The payload of the stand-alone discovery service of 2016 (`GET /cluster-info/v1/?token-id=…`): CA certificates and
//! API servers as JSON, served in a JWS ([`crate::jws::sign_compact`]).

use serde::{Deserialize, Serialize};
use slipway_config::endpoint::ApiServerUrl;

use crate::ca::{BundleError, CaBundle};

/// Longest payload that is read, in bytes.
const LIMIT: usize = 1024 * 1024;

/// What the service says of a cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AlphaClusterInfo {
    /// The cluster's CA certificates.
    pub ca: CaBundle,
    /// The cluster's API servers, the preferred one first; at least one.
    pub endpoints: Vec<ApiServerUrl>,
}

/// Why a payload cannot be read or written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AlphaDiscoveryError {
    /// It is longer than any honest one.
    #[error("the discovery payload is {0} bytes long; expected at most {LIMIT}")]
    TooLarge(usize),
    /// It is not the JSON that was expected.
    #[error(
        "the discovery payload is not {{\"certificateAuthorities\": [PEM…], \"endpoints\": [URL…]}}: {0}"
    )]
    Json(#[from] serde_json::Error),
    /// Its CA certificates cannot be used.
    #[error("{0}")]
    Ca(#[from] BundleError),
    /// It names no API server.
    #[error(
        "the discovery payload names no API server; expected at least one URL in \"endpoints\""
    )]
    NoEndpoint,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Document {
    certificate_authorities: Vec<String>,
    endpoints: Vec<ApiServerUrl>,
}

impl AlphaClusterInfo {
    /// Reads a payload.
    pub fn from_json(bytes: &[u8]) -> Result<Self, AlphaDiscoveryError> {
        if bytes.len() > LIMIT {
            return Err(AlphaDiscoveryError::TooLarge(bytes.len()));
        }
        let document: Document = serde_json::from_slice(bytes)?;
        if document.endpoints.is_empty() {
            return Err(AlphaDiscoveryError::NoEndpoint);
        }
        let ca = CaBundle::from_pem(document.certificate_authorities.join("\n").as_bytes())?;
        Ok(Self {
            ca,
            endpoints: document.endpoints,
        })
    }

    /// Writes the payload.
    pub fn to_json(&self) -> Result<Vec<u8>, AlphaDiscoveryError> {
        let pems = self
            .ca
            .certificates()
            .iter()
            .map(crate::certificate::Certificate::to_pem);
        let certificate_authorities = pems.collect::<Result<_, _>>().map_err(BundleError::from)?;
        Ok(serde_json::to_vec(&Document {
            certificate_authorities,
            endpoints: self.endpoints.clone(),
        })?)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::ca::tests::authority;

    #[test]
    fn what_is_written_is_read() {
        let info = AlphaClusterInfo {
            ca: authority().bundle(),
            endpoints: vec![
                "https://10.0.0.1:6443".parse().unwrap(),
                "https://[fd00::1]:6443".parse().unwrap(),
            ],
        };
        assert_eq!(
            AlphaClusterInfo::from_json(&info.to_json().unwrap()).unwrap(),
            info
        );
    }

    #[test]
    fn what_is_not_the_payload_is_refused() {
        let pem = authority().certificate().to_pem().unwrap();
        let refused = |value: serde_json::Value| {
            AlphaClusterInfo::from_json(value.to_string().as_bytes()).unwrap_err()
        };
        let json = |cas: &[&str], endpoints: &[&str]| serde_json::json!({"certificateAuthorities": cas, "endpoints": endpoints});
        assert!(matches!(
            refused(json(&[], &["https://a:1"])),
            AlphaDiscoveryError::Ca(BundleError::Empty)
        ));
        assert!(matches!(
            refused(json(&[&pem], &[])),
            AlphaDiscoveryError::NoEndpoint
        ));
        assert!(matches!(
            refused(json(&[&pem], &["http://a:1"])),
            AlphaDiscoveryError::Json(_)
        ));
        let mut more = json(&[&pem], &["https://a:1"]);
        more["more"] = true.into();
        assert!(matches!(refused(more), AlphaDiscoveryError::Json(_)));
        let twice = br#"{"certificateAuthorities":[],"certificateAuthorities":[],"endpoints":[]}"#;
        assert!(matches!(
            AlphaClusterInfo::from_json(twice),
            Err(AlphaDiscoveryError::Json(_))
        ));
        assert!(matches!(
            AlphaClusterInfo::from_json(&vec![b' '; LIMIT + 1]),
            Err(AlphaDiscoveryError::TooLarge(_))
        ));
    }

    proptest! {
        #[test]
        fn no_bytes_make_the_reader_panic(bytes: Vec<u8>) {
            let _ = AlphaClusterInfo::from_json(&bytes);
        }
    }
}
