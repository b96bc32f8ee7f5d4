//! Signatures of discovery documents with the secret of a bootstrap token: JWS (RFC 7515), HS256.
//!
//! The protected header is, byte for byte, `{"alg":"HS256","kid":"<token-id>"}`, and the key is the secret part of the
//! token alone. In cluster-info the payload is left out of the compact serialization (`header..signature`); the
//! stand-alone discovery service of 2016 leaves it in place (`header.payload.signature`).
//! Source: Kubernetes, `cluster-bootstrap/token/jws`.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use josekit::jws::{HS256, JwsHeader, serialize_compact};
use slipway_config::token::{BootstrapToken, TokenId};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

/// Shortest key that josekit takes, in bytes. HMAC pads a key with zero bytes anyway, so that padding it here changes
/// nothing.
const MINIMUM_KEY: usize = 32;

/// Bytes whose signature was verified, and the token that they were verified with. Made by [`verify`] and
/// [`verify_compact`] only.
#[derive(Clone, PartialEq, Eq)]
pub struct SignedBytes {
    bytes: Vec<u8>,
    token: TokenId,
}

/// Why a signature was refused, or could not be made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum JwsError {
    /// It is not a JWS in compact serialization.
    #[error("it is not a JWS in compact serialization: {0}")]
    Malformed(&'static str),
    /// The protected header is not exactly the one of a signature by this kind of token.
    #[error("its protected header is not exactly {{\"alg\":\"HS256\",\"kid\":\"<token ID>\"}}")]
    UnexpectedHeader,
    /// The header is in order, but names another token.
    #[error("it was signed with the token {found}, not with {expected}")]
    WrongKeyId {
        /// The token that the header names.
        found: TokenId,
        /// The token that it was verified with.
        expected: TokenId,
    },
    /// It carries a payload, and not the one that was to be verified.
    #[error("it carries another payload than the one to be verified")]
    PayloadMismatch,
    /// It has no payload where one was expected.
    #[error("it has no payload in it")]
    NoPayload,
    /// The signature is not of these bytes with this token's secret.
    #[error("its signature is not of these bytes with the secret of this token")]
    SignatureMismatch,
    /// The provider could not compute a signature.
    #[error("the signature could not be computed: {0}")]
    Provider(#[source] josekit::JoseError),
}

/// Has the provider start, which takes it a millisecond or two, so that the first signature does not wait for it.
pub fn start_provider() {
    // What it says here it says again where it matters.
    let _ = compute("", &[], &[]);
}

/// Signs `payload`; the payload is left out of the result, as cluster-info has it.
pub fn sign(token: &BootstrapToken, payload: &[u8]) -> Result<String, JwsError> {
    let compact = sign_compact(token, payload)?;
    let Segments {
        header, signature, ..
    } = Segments::of(&compact)?;
    Ok(format!("{header}..{signature}"))
}

/// Signs `payload` and leaves it in the result, as the stand-alone discovery service serves it.
pub fn sign_compact(token: &BootstrapToken, payload: &[u8]) -> Result<String, JwsError> {
    compute(token.id.as_str(), token.secret.expose().as_bytes(), payload)
}

/// Verifies that `jws` signs `payload` with the secret of `token`. A payload in the JWS must equal `payload`.
pub fn verify(token: &BootstrapToken, jws: &str, payload: &[u8]) -> Result<SignedBytes, JwsError> {
    check(&token.id, token.secret.expose().as_bytes(), jws, payload)?;
    Ok(SignedBytes {
        bytes: payload.to_vec(),
        token: token.id.clone(),
    })
}

/// Verifies a JWS with its payload in place.
pub fn verify_compact(token: &BootstrapToken, jws: &str) -> Result<SignedBytes, JwsError> {
    let segments = Segments::of(jws)?;
    if segments.payload.is_empty() {
        return Err(JwsError::NoPayload);
    }
    verify(
        token,
        jws,
        &decode(
            segments.payload,
            "its payload is not base64url without padding",
        )?,
    )
}

impl SignedBytes {
    /// The bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The ID of the token whose secret signed them.
    pub fn token_id(&self) -> &TokenId {
        &self.token
    }
}

impl fmt::Debug for SignedBytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SignedBytes({} bytes, {})", self.bytes.len(), self.token)
    }
}

/// The three parts of a compact serialization, still encoded.
struct Segments<'a> {
    header: &'a str,
    payload: &'a str,
    signature: &'a str,
}

impl<'a> Segments<'a> {
    fn of(jws: &'a str) -> Result<Self, JwsError> {
        let mut parts = jws.split('.');
        match (parts.next(), parts.next(), parts.next(), parts.next()) {
            (Some(header), Some(payload), Some(signature), None) => Ok(Self {
                header,
                payload,
                signature,
            }),
            _ => Err(JwsError::Malformed(
                "it does not have three parts between dots",
            )),
        }
    }
}

/// The whole compact serialization, computed by josekit.
fn compute(id: &str, secret: &[u8], payload: &[u8]) -> Result<String, JwsError> {
    let mut key = Zeroizing::new(secret.to_vec());
    if key.len() < MINIMUM_KEY {
        key.resize(MINIMUM_KEY, 0);
    }
    let signer = HS256
        .signer_from_bytes(key.as_slice())
        .map_err(JwsError::Provider)?;
    // The order of these two calls is the order of the members in the header.
    let mut header = JwsHeader::new();
    header.set_algorithm("HS256");
    header.set_key_id(id);
    serialize_compact(payload, &header, &signer).map_err(JwsError::Provider)
}

fn check(id: &TokenId, secret: &[u8], jws: &str, payload: &[u8]) -> Result<(), JwsError> {
    let given = Segments::of(jws)?;
    check_header(given.header, id)?;
    let expected = compute(id.as_str(), secret, payload)?;
    let expected = Segments::of(&expected)?;
    if !given.payload.is_empty() && given.payload != expected.payload {
        return Err(JwsError::PayloadMismatch);
    }
    let signature = decode(
        given.signature,
        "its signature is not base64url without padding",
    )?;
    let expected = decode(expected.signature, "")?;
    // josekit's own comparison ends at the first byte that differs.
    if bool::from(signature.ct_eq(&expected)) {
        Ok(())
    } else {
        Err(JwsError::SignatureMismatch)
    }
}

fn check_header(encoded: &str, expected: &TokenId) -> Result<(), JwsError> {
    let header = decode(encoded, "its header is not base64url without padding")?;
    let id = header
        .strip_prefix(br#"{"alg":"HS256","kid":""#)
        .and_then(|rest| rest.strip_suffix(br#""}"#))
        .and_then(|id| std::str::from_utf8(id).ok())
        .and_then(|id| id.parse::<TokenId>().ok())
        .ok_or(JwsError::UnexpectedHeader)?;
    if id == *expected {
        Ok(())
    } else {
        Err(JwsError::WrongKeyId {
            found: id,
            expected: expected.clone(),
        })
    }
}

/// Strict: no padding, no line breaks, no spare bits, so that one value has one spelling.
fn decode(text: &str, otherwise: &'static str) -> Result<Vec<u8>, JwsError> {
    URL_SAFE_NO_PAD
        .decode(text)
        .map_err(|_| JwsError::Malformed(otherwise))
}

#[cfg(test)]
mod tests;
