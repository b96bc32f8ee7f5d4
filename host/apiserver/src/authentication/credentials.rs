//! The credentials of a request: a client certificate, a bearer token, or none.

use async_trait::async_trait;
use http::header::AUTHORIZATION;
use http::request::Parts;
use slipway_config::token::BootstrapToken;

use super::bootstrap_token::identify;
use super::tokens::Tokens;
use super::{UserInfo, user_from_certificate};
use crate::serve::Peer;
use crate::server::{Authenticator, Clock};
use crate::status::Status;

/// Finds out who sends a request. Every credential that is presented has to be good; with a good
/// certificate and a good token the certificate names the user.
pub(crate) struct Credentials {
    tokens: Tokens,
    clock: Clock,
}

impl Credentials {
    pub(crate) fn new(tokens: Tokens, clock: Clock) -> Self {
        Self { tokens, clock }
    }

    /// The identity of a bearer token; none where it is no good. The reason is in the log only.
    ///
    /// # Errors
    /// When the token cannot be looked up.
    pub(crate) async fn bearer(
        &self,
        token: &str,
        peer: Option<&Peer>,
    ) -> Result<Option<UserInfo>, Status> {
        let Ok(presented) = token.parse::<BootstrapToken>() else {
            tracing::debug!("a bearer token was presented that is no bootstrap token");
            return Ok(None);
        };
        let Some(known) = self.tokens.find(&presented.id).await? else {
            tracing::debug!(token = %presented.id, "no such bootstrap token");
            return Ok(None);
        };
        let source = peer.map(|peer| peer.address.ip());
        match identify(&presented, &known, source, (self.clock)()) {
            Ok(user) => Ok(Some(user)),
            Err(refusal) => {
                tracing::debug!(token = %presented.id, ?source, %refusal, "bootstrap token refused");
                Ok(None)
            }
        }
    }
}

#[async_trait]
impl Authenticator for Credentials {
    async fn authenticate(&self, request: &Parts) -> Result<UserInfo, Status> {
        let peer = request.extensions.get::<Peer>();
        let by_token = match bearer_token(request)? {
            Some(token) => Some(
                self.bearer(token, peer)
                    .await?
                    .ok_or_else(Status::unauthorized)?,
            ),
            None => None,
        };
        match peer.and_then(|peer| peer.certificate.as_ref()) {
            Some(certificate) => user_from_certificate(certificate).map_err(|error| {
                tracing::debug!(%error, "client certificate refused");
                Status::unauthorized()
            }),
            None => Ok(by_token.unwrap_or_else(UserInfo::anonymous)),
        }
    }
}

/// The token in the `Authorization` header; none where there is no such header. Any other scheme, an
/// empty token and a second header are bad credentials.
fn bearer_token(request: &Parts) -> Result<Option<&str>, Status> {
    let mut values = request.headers.get_all(AUTHORIZATION).iter();
    let Some(value) = values.next() else {
        return Ok(None);
    };
    let token = value
        .to_str()
        .ok()
        .and_then(|text| text.split_once(' '))
        .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
        .map(|(_, token)| token.trim());
    match (token, values.next()) {
        (Some(token), None) if !token.is_empty() => Ok(Some(token)),
        _ => Err(Status::unauthorized()),
    }
}

#[cfg(test)]
mod tests;
