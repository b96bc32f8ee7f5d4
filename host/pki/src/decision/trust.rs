//! Whether a joining node believes what a trust source proposes.
//!
//! `Proposed` is what a plugin returned and proves nothing. [`establish`] turns it into [`VerifiedTrust`] with a proof of
//! the host's own: a pin, CA certificates that the operator gave, or bytes whose signature the host verified itself, which
//! the host also parses itself. Everything weaker needs the operator's opt-in and is named in the posture.

use std::collections::BTreeSet;
use std::fmt;

use slipway_config::endpoint::{ApiServerUrl, EndpointError};
use slipway_config::finding::Finding;
use slipway_config::pin::CaPin;
use slipway_config::posture::PostureId;

use crate::alpha_discovery::AlphaClusterInfo;
use crate::ca::{BundleError, CaBundle, PinMismatch};
use crate::jws::SignedBytes;
use crate::kubeconfig::{ClusterInfoKubeconfig, KubeconfigError};

/// What a trust source proposes to believe.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proposed {
    /// API servers, the preferred one first.
    pub endpoints: Vec<ApiServerUrl>,
    /// CA certificates; none where they come from elsewhere.
    pub ca: Option<CaBundle>,
    /// What the source says that it checked, for display.
    pub evidence: Vec<Finding>,
}

/// What the host has of its own to believe a proposal by.
#[derive(Clone, Debug, Default)]
pub struct Proofs {
    /// Pins that the operator gave.
    pub pins: Vec<CaPin>,
    /// What the operator gave out of band: a file with CA certificates, a discovery file.
    pub out_of_band: Option<OutOfBand>,
    /// What passed signature verification in the very call that returned the proposal.
    pub signed: Vec<SignedBytes>,
    /// The discovery document that the host fetched over HTTPS, verified with the machine's trust roots.
    pub https_document: Option<ClusterInfoKubeconfig>,
    /// API servers that the operator named.
    pub operator_endpoints: Vec<ApiServerUrl>,
    /// What the operator accepted explicitly.
    pub accepted: BTreeSet<Accepted>,
}

/// What the operator gave by a way of their own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutOfBand {
    /// CA certificates.
    pub ca: CaBundle,
    /// API servers, where the same file names some.
    pub endpoints: Vec<ApiServerUrl>,
}

/// A weaker basis that the operator accepted, each with a flag or a setting of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Accepted {
    /// A signature with the token's secret without a pin: who has the token can pose as the cluster.
    TokenWithoutPin,
    /// A document over HTTPS without a pin: who has the web server can pose as the cluster.
    HttpsWithoutPin,
    /// What this trust source says, whatever it is.
    UnverifiedSource,
}

/// How the CA certificates were proved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Proof {
    /// The operator gave them.
    OutOfBand,
    /// The operator gave the hashes of their keys.
    Pinned,
    /// They are in a document signed with the token's secret.
    SignedWithToken,
    /// They are in a document that a web server served over verified HTTPS.
    HttpsDocument,
    /// They were not; the operator accepted the source as it is.
    Unverified,
}

impl fmt::Display for Proof {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::OutOfBand => "out-of-band",
            Self::Pinned => "pinned",
            Self::SignedWithToken => "signed-with-token",
            Self::HttpsDocument => "https-document",
            Self::Unverified => "unverified",
        })
    }
}

/// Trust that the host has a proof for. Made by [`establish`] and [`VerifiedTrust::confirm`] only.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerifiedTrust {
    ca: CaBundle,
    endpoints: Vec<ApiServerUrl>,
    proof: Proof,
    posture: Vec<PostureId>,
    signed_document: Option<Vec<u8>>,
}

/// Why a proposal is not believed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TrustError {
    /// An API server that the source proposes is no URL of one.
    #[error("the trust source proposes an API server that cannot be used: {0}")]
    Endpoint(#[from] EndpointError),
    /// The CA certificates that the source proposes cannot be used.
    #[error("the trust source proposes CA certificates that cannot be used: {0}")]
    Ca(#[from] BundleError),
    /// No certificate has a pinned key.
    #[error("{0}")]
    Pins(#[from] PinMismatch),
    /// There are no CA certificates at all.
    #[error("no CA certificate is known: neither the trust source nor the operator gave one")]
    NoCa,
    /// There is a CA, and nothing that proves it.
    #[error("nothing proves the cluster's CA: {missing}")]
    NoProof {
        /// What would prove it.
        missing: &'static str,
    },
    /// What was signed is no discovery document.
    #[error("what was signed with the token is no discovery document: {0}")]
    SignedDocument(#[source] KubeconfigError),
    /// Documents that differ were signed with the same token.
    #[error(
        "different discovery documents were signed with the token {0}; one of them is not the cluster's"
    )]
    SignedDocumentsDiffer(slipway_config::token::TokenId),
    /// No API server is known by name from the operator or from verified information.
    #[error("no API server is known from verified information; name one yourself, as host:port")]
    NoEndpoint,
    /// The second document, fetched over the verified connection, cannot be read.
    #[error("the discovery document fetched over the verified connection cannot be used: {0}")]
    SecondDocument(#[source] KubeconfigError),
    /// The second document, fetched over the verified connection, is not the first.
    #[error(
        "the discovery document fetched over the verified connection is not the one fetched before"
    )]
    SecondDocumentDiffers,
}

impl Proposed {
    /// Reads what a plugin returned: URLs, and certificates in PEM or nothing.
    pub fn parse(
        endpoints: &[String],
        ca_bundle: &str,
        evidence: Vec<Finding>,
    ) -> Result<Self, TrustError> {
        let endpoints = endpoints
            .iter()
            .map(|url| url.parse())
            .collect::<Result<_, _>>()?;
        let ca = match ca_bundle.trim() {
            "" => None,
            pem => Some(CaBundle::from_pem(pem.as_bytes())?),
        };
        Ok(Self {
            endpoints,
            ca,
            evidence,
        })
    }
}

/// Turns a proposal into trust, by the strongest proof there is; or says what is missing.
pub fn establish(proposed: &Proposed, proofs: &Proofs) -> Result<VerifiedTrust, TrustError> {
    let signed = signed_information(&proofs.signed)?;
    let (ca, proof) = prove_ca(proposed, proofs, signed.as_ref())?;
    let mut posture = Vec::new();
    posture.extend(proof.posture());
    let endpoints = verified_endpoints(proposed, proofs, signed.as_ref(), &mut posture)?;
    let signed_document = signed.and_then(|information| information.document);
    Ok(VerifiedTrust {
        ca,
        endpoints,
        proof,
        posture,
        signed_document,
    })
}

impl VerifiedTrust {
    /// The CA certificates to verify API servers with.
    pub fn ca(&self) -> &CaBundle {
        &self.ca
    }

    /// The API servers by the names that their certificates must carry, the preferred one first; at least one. Where to
    /// dial them is another question, which an endpoint provider may answer.
    pub fn endpoints(&self) -> &[ApiServerUrl] {
        &self.endpoints
    }

    /// How the CA certificates were proved.
    pub fn proof(&self) -> Proof {
        self.proof
    }

    /// What the operator accepted to get here, for the posture.
    pub fn posture(&self) -> &[PostureId] {
        &self.posture
    }

    /// The same trust after cluster-info was fetched again over a connection that was verified with [`Self::ca`]. The
    /// document must be, byte for byte, the one that was signed, where one was. All its CA certificates are taken over
    /// then, those that were not pinned too, so that a rotation of the CA in progress works.
    pub fn confirm(self, fetched: &[u8]) -> Result<Self, TrustError> {
        if self
            .signed_document
            .as_deref()
            .is_some_and(|first| first != fetched)
        {
            return Err(TrustError::SecondDocumentDiffers);
        }
        let document = ClusterInfoKubeconfig::parse(fetched).map_err(TrustError::SecondDocument)?;
        Ok(Self {
            ca: document.ca().cloned().unwrap_or(self.ca),
            endpoints: document.endpoints().to_vec(),
            ..self
        })
    }
}

impl Proof {
    /// What it costs, if anything.
    fn posture(self) -> Option<PostureId> {
        match self {
            Self::OutOfBand | Self::Pinned => None,
            Self::SignedWithToken => Some(PostureId::TokenWithoutPin),
            Self::HttpsDocument => Some(PostureId::HttpsDiscoveryWithoutPin),
            Self::Unverified => Some(PostureId::UnverifiedTrustSource),
        }
    }
}

/// A cluster as signed bytes describe it.
struct SignedInformation {
    ca: Option<CaBundle>,
    endpoints: Vec<ApiServerUrl>,
    /// The bytes, where they are cluster-info's.
    document: Option<Vec<u8>>,
}

/// Reads the signed bytes, which are cluster-info's kubeconfig or the payload of 2016. A source may verify the same bytes
/// more than once, but not different ones.
fn signed_information(signed: &[SignedBytes]) -> Result<Option<SignedInformation>, TrustError> {
    let Some((first, others)) = signed.split_first() else {
        return Ok(None);
    };
    if others
        .iter()
        .any(|other| other.as_bytes() != first.as_bytes())
    {
        return Err(TrustError::SignedDocumentsDiffer(first.token_id().clone()));
    }
    let bytes = first.as_bytes();
    // YAML that happens to begin with a brace is a kubeconfig still, and then the second reader takes it.
    if let Ok(payload) = AlphaClusterInfo::from_json(bytes) {
        return Ok(Some(SignedInformation {
            ca: Some(payload.ca),
            endpoints: payload.endpoints,
            document: None,
        }));
    }
    let document = ClusterInfoKubeconfig::parse(bytes).map_err(TrustError::SignedDocument)?;
    Ok(Some(SignedInformation {
        ca: document.ca().cloned(),
        endpoints: document.endpoints().to_vec(),
        document: Some(bytes.to_vec()),
    }))
}

/// The CA certificates to believe, by the strongest proof for any. With pins, whatever else is known is narrowed to them:
/// an operator who gave pins is never served with less.
fn prove_ca(
    proposed: &Proposed,
    proofs: &Proofs,
    signed: Option<&SignedInformation>,
) -> Result<(CaBundle, Proof), TrustError> {
    let signed = signed.and_then(|information| information.ca.as_ref());
    let https = proofs
        .https_document
        .as_ref()
        .and_then(ClusterInfoKubeconfig::ca);
    let out_of_band = proofs.out_of_band.as_ref().map(|given| &given.ca);
    if !proofs.pins.is_empty() {
        let offered = out_of_band
            .or(signed)
            .or(https)
            .or(proposed.ca.as_ref())
            .ok_or(TrustError::NoCa)?;
        return Ok((offered.narrow(&proofs.pins)?, Proof::Pinned));
    }
    if let Some(ca) = out_of_band {
        return Ok((ca.clone(), Proof::OutOfBand));
    }
    let accepted = |what| proofs.accepted.contains(&what);
    let (ca, proof, accepted, missing) = if let Some(ca) = signed {
        let missing = "it is signed with the token only; give its hash (a pin), or accept a token without a pin";
        (
            ca,
            Proof::SignedWithToken,
            accepted(Accepted::TokenWithoutPin),
            missing,
        )
    } else if let Some(ca) = https {
        let missing = "it comes from a web server; give its hash (a pin), or accept HTTPS discovery without a pin";
        (
            ca,
            Proof::HttpsDocument,
            accepted(Accepted::HttpsWithoutPin),
            missing,
        )
    } else if let Some(ca) = &proposed.ca {
        let missing = "the trust source alone vouches for it; give its hash (a pin) or the CA itself, or accept this source";
        (
            ca,
            Proof::Unverified,
            accepted(Accepted::UnverifiedSource),
            missing,
        )
    } else {
        return Err(TrustError::NoCa);
    };
    if accepted {
        Ok((ca.clone(), proof))
    } else {
        Err(TrustError::NoProof { missing })
    }
}

/// The API servers whose names come from the operator or from verified information. A plugin's own list counts only as
/// far as the operator named the same servers, or accepted the source.
fn verified_endpoints(
    proposed: &Proposed,
    proofs: &Proofs,
    signed: Option<&SignedInformation>,
    posture: &mut Vec<PostureId>,
) -> Result<Vec<ApiServerUrl>, TrustError> {
    let known = [
        proofs
            .out_of_band
            .as_ref()
            .map(|given| given.endpoints.as_slice()),
        signed.map(|information| information.endpoints.as_slice()),
        proofs
            .https_document
            .as_ref()
            .map(ClusterInfoKubeconfig::endpoints),
        Some(proofs.operator_endpoints.as_slice()),
    ];
    if let Some(endpoints) = known
        .into_iter()
        .flatten()
        .find(|endpoints| !endpoints.is_empty())
    {
        return Ok(endpoints.to_vec());
    }
    if proposed.endpoints.is_empty() || !proofs.accepted.contains(&Accepted::UnverifiedSource) {
        return Err(TrustError::NoEndpoint);
    }
    if !posture.contains(&PostureId::UnverifiedTrustSource) {
        posture.push(PostureId::UnverifiedTrustSource);
    }
    Ok(proposed.endpoints.clone())
}

#[cfg(test)]
mod tests;
