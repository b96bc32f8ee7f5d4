//! The bootstrap token through which a request was submitted, whether or not it still exists.

use jiff::Timestamp;
use k8s_openapi::api::certificates::v1::CertificateSigningRequest;
use kube::ResourceExt as _;
use slipway_config::system::{SOURCE_ADDRESS, TOKEN_UID};
use slipway_config::token::TokenId;
use slipway_pki::decision::ledger::TokenLedger;
use slipway_pki::guardrail::TokenFacts;

use crate::error::Error;
use crate::ledger::{Ledgers, LiveToken, StoredLedger};
use crate::system::Clock;
use crate::tokens::TokenSecrets;

/// Finds the tokens behind requests, read live. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Submitters {
    secrets: TokenSecrets,
    ledgers: Ledgers,
    clock: Clock,
}

/// A token that submitted something.
enum Submitter {
    /// It exists.
    Living(LiveToken),
    /// It does not exist any more; this is what is known of it.
    Gone(TokenLedger),
}

impl Submitters {
    pub(crate) fn new(client: kube::Client, ledgers: Ledgers, clock: Clock) -> Self {
        Self {
            secrets: TokenSecrets::new(client),
            ledgers,
            clock,
        }
    }

    /// The token behind a request as it stands now; none where no token was used, or nothing is known of it any more.
    /// Nothing is written.
    ///
    /// # Errors
    /// When the API does not answer, or the token is gone for a reason that is not known yet.
    pub(crate) async fn look(
        &self,
        request: &CertificateSigningRequest,
    ) -> Result<Option<TokenFacts>, Error> {
        let ledger = match self.find(request).await? {
            Some(Submitter::Living(token)) => self.ledgers.look(&token).await?,
            Some(Submitter::Gone(ledger)) => ledger,
            None => return Ok(None),
        };
        Ok(Some(facts(request, ledger)))
    }

    /// The same for whoever decides about the request. The token has a ledger when this returns, so that its deletion from
    /// now on is written down where a use of it is reserved.
    ///
    /// # Errors
    /// As for [`look`](Self::look).
    pub(crate) async fn adopt(
        &self,
        request: &CertificateSigningRequest,
    ) -> Result<Option<TokenFacts>, Error> {
        let ledger = match self.find(request).await? {
            Some(Submitter::Living(token)) => self.ledgers.adopt(&token).await?.ledger().clone(),
            Some(Submitter::Gone(ledger)) => ledger,
            None => return Ok(None),
        };
        Ok(Some(facts(request, ledger)))
    }

    /// The ID in the request may have been given to another token since.
    async fn find(&self, request: &CertificateSigningRequest) -> Result<Option<Submitter>, Error> {
        let user = request.spec.username.as_deref().unwrap_or_default();
        let Some(id) = TokenId::from_user_name(user) else {
            return Ok(None);
        };
        let submitted = request
            .creation_timestamp()
            .map_or_else(|| (self.clock)(), |time| time.0);
        let told = extra(request, TOKEN_UID);
        let existing = self.secrets.get(&id).await?;
        let existing = existing.filter(|secret| match told {
            Some(uid) => secret.uid == uid,
            None => secret.created.is_none_or(|created| created <= submitted),
        });
        if let Some(secret) = existing {
            return Ok(Some(Submitter::Living(secret.as_live(id))));
        }
        let past = match told {
            Some(uid) => self.ledgers.get(uid).await?,
            None => self.past(&id, submitted).await?,
        };
        let ended = past.map(|stored| self.ended(&id, &stored)).transpose()?;
        Ok(ended.map(Submitter::Gone))
    }

    /// The ledger of the last token of this ID that can have submitted something at that time.
    async fn past(
        &self,
        id: &TokenId,
        submitted: Timestamp,
    ) -> Result<Option<StoredLedger>, Error> {
        let ledgers = self.ledgers.of_id(id).await?;
        Ok(ledgers
            .into_iter()
            .filter(|ledger| ledger.created().is_none_or(|created| created <= submitted))
            .max_by_key(|ledger| ledger.created()))
    }

    /// The ledger of a token that is gone, with how it ended.
    fn ended(&self, id: &TokenId, stored: &StoredLedger) -> Result<TokenLedger, Error> {
        let ledger = stored.ledger();
        if stored.is_marked_expired() || ledger.revoked().is_some() {
            return Ok(ledger.clone());
        }
        let now = (self.clock)();
        if ledger.expires().is_some_and(|expires| expires <= now) {
            return Err(Error::Unsettled(id.to_string()));
        }
        // Gone without having expired: somebody deleted it, whether or not that was noted down yet.
        Ok(ledger.revoke(now))
    }
}

/// A value of the requester's extra attributes, where there is exactly one.
pub(crate) fn extra<'a>(request: &'a CertificateSigningRequest, key: &str) -> Option<&'a str> {
    match request.spec.extra.as_ref()?.get(key)?.as_slice() {
        [one] => Some(one),
        _ => None,
    }
}

fn facts(request: &CertificateSigningRequest, ledger: TokenLedger) -> TokenFacts {
    TokenFacts {
        ledger,
        source_address: extra(request, SOURCE_ADDRESS).and_then(|text| text.parse().ok()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_attribute_of_a_requester_counts_where_it_has_one_value() {
        let request = |values: &[&str]| {
            let values = values.iter().map(|value| (*value).to_owned()).collect();
            let mut request = CertificateSigningRequest::default();
            request.spec.extra = Some([(TOKEN_UID.to_owned(), values)].into());
            request
        };
        assert_eq!(extra(&request(&["u-1"]), TOKEN_UID), Some("u-1"));
        assert_eq!(extra(&request(&[]), TOKEN_UID), None);
        assert_eq!(extra(&request(&["u-1", "u-2"]), TOKEN_UID), None);
        assert_eq!(extra(&request(&["u-1"]), SOURCE_ADDRESS), None);
    }
}
