//! What a bootstrap token was used for, and whether it may be used again.
//!
//! A use is free, then *reserved* when its request is approved, then *consumed* before its certificate is delivered. It
//! is bound to one key, one node name and one signer. Where the number of uses is not limited there is nothing to
//! reserve: uses are counted, and not kept. The ledger is an object of its own, one per token UID, so that it survives
//! the token; it is stored as JSON.

use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use slipway_config::name::NodeName;
use slipway_config::token::{TokenBounds, TokenId};

use crate::key::KeyFingerprint;
use crate::signer::NodeSigner;
use crate::time::later;

/// How long a reservation lasts without being consumed. Our signer takes seconds; this is for one that is down.
pub const RESERVATION_LIMIT: Duration = Duration::from_secs(3600);

/// How long after its consumption the same key may come again without counting as another use.
pub(crate) const GRACE: Duration = Duration::from_secs(3600);

/// The record of one token.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TokenLedger {
    token_id: TokenId,
    token_uid: String,
    bounds: TokenBounds,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    expires: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    revoked: Option<Timestamp>,
    /// How many uses were consumed in all; the entries below are forgotten after a while.
    used: u32,
    reserved: Vec<Entry>,
    consumed: Vec<Entry>,
}

/// A use of a token that is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenUse {
    /// UID of the token that was used.
    pub token_uid: String,
    /// The key to be certified.
    pub key: KeyFingerprint,
    /// The node that it is for.
    pub node: NodeName,
    /// The signer.
    pub signer: NodeSigner,
    /// When the request was submitted: the token must have been valid then.
    pub submitted: Timestamp,
}

/// A use that is held for a node, from the approval of its request until the certificate is signed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Reservation {
    /// The node.
    pub node: NodeName,
    /// The key that alone may consume it.
    pub key: KeyFingerprint,
    /// When it is free again, unless it was consumed.
    pub until: Timestamp,
}

/// Where a use stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UseStanding {
    /// It may be reserved.
    Free,
    /// It is reserved.
    Reserved,
    /// It was consumed a short while ago, by the same key: it may be served again.
    Consumed,
}

/// Why a use is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Refusal {
    /// The token was deleted.
    #[error("it was deleted at {0:.0}")]
    Revoked(Timestamp),
    /// It is another token, under the same ID.
    #[error(
        "it was made anew since: the token that was used has the UID {used}, the one there is now {now}"
    )]
    OtherToken {
        /// UID of the token that was used.
        used: String,
        /// UID of the token whose ledger this is.
        now: String,
    },
    /// It is bound to another node.
    #[error("it is for the node {bound} only, not for {asked}")]
    OtherNode {
        /// The node that it is bound to.
        bound: NodeName,
        /// The node that it was used for.
        asked: NodeName,
    },
    /// It had expired when the request was submitted.
    #[error("it expired at {expired}, before the request was submitted at {submitted}")]
    Expired {
        /// When it expired.
        expired: Timestamp,
        /// When the request was submitted.
        submitted: Timestamp,
    },
    /// All its uses are consumed or reserved.
    #[error("{}", used_up(*uses, last.as_ref()))]
    UsedUp {
        /// How many it had.
        uses: u32,
        /// Which node took the last of them, and when.
        last: Option<(NodeName, Timestamp)>,
    },
    /// There is no reservation to consume, or none any more.
    #[error("this use is not reserved, or not any more")]
    NotReserved,
}

fn used_up(uses: u32, last: Option<&(NodeName, Timestamp)>) -> String {
    let (taken, the_last) = match uses {
        1 => ("its only use is taken".to_owned(), ""),
        _ => (format!("all of its {uses} uses are taken"), "the last "),
    };
    let by = last.map_or_else(String::new, |(node, at)| {
        format!(", {the_last}by {node} at {at:.0}")
    });
    format!("{taken}{by}; `slipway token create` makes another token")
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Entry {
    key: KeyFingerprint,
    node: NodeName,
    signer: NodeSigner,
    at: Timestamp,
}

impl TokenLedger {
    /// The ledger of a token that was not used yet.
    pub fn new(
        token_id: TokenId,
        token_uid: String,
        bounds: TokenBounds,
        expires: Option<Timestamp>,
    ) -> Self {
        Self {
            token_id,
            token_uid,
            bounds,
            expires,
            revoked: None,
            used: 0,
            reserved: Vec::new(),
            consumed: Vec::new(),
        }
    }

    /// The token's ID.
    pub fn token_id(&self) -> &TokenId {
        &self.token_id
    }

    /// The UID of the token's Secret.
    pub fn token_uid(&self) -> &str {
        &self.token_uid
    }

    /// The token's bounds.
    pub fn bounds(&self) -> &TokenBounds {
        &self.bounds
    }

    /// When the token expires, if ever.
    pub fn expires(&self) -> Option<Timestamp> {
        self.expires
    }

    /// The ledger with another end of the token: whoever may write the token may move it.
    #[must_use]
    pub fn expiring(&self, expires: Option<Timestamp>) -> Self {
        Self {
            expires,
            ..self.clone()
        }
    }

    /// Whether the number of uses is limited; where it is not there is nothing to reserve.
    pub fn is_limited(&self) -> bool {
        self.bounds.uses.is_some()
    }

    /// How many uses were consumed in all.
    pub fn used(&self) -> u32 {
        self.used
    }

    /// When the token was revoked, if it was.
    pub fn revoked(&self) -> Option<Timestamp> {
        self.revoked
    }

    /// How many uses are left at `now`; none where they are not limited.
    pub fn uses_left(&self, now: Timestamp) -> Option<u32> {
        self.bounds
            .uses
            .map(|uses| uses.saturating_sub(self.taken(now)))
    }

    /// The uses that are reserved at `now`.
    pub fn reservations(&self, now: Timestamp) -> impl Iterator<Item = Reservation> {
        self.reserved_at(now).map(|entry| Reservation {
            node: entry.node.clone(),
            key: entry.key,
            until: later(entry.at, RESERVATION_LIMIT),
        })
    }

    /// Where a use stands, or why it is refused.
    pub fn standing(&self, wanted: &TokenUse, now: Timestamp) -> Result<UseStanding, Refusal> {
        if wanted.token_uid != self.token_uid {
            return Err(Refusal::OtherToken {
                used: wanted.token_uid.clone(),
                now: self.token_uid.clone(),
            });
        }
        if let Some(at) = self.revoked {
            return Err(Refusal::Revoked(at));
        }
        if let Some(bound) = self
            .bounds
            .node
            .as_ref()
            .filter(|bound| **bound != wanted.node)
        {
            return Err(Refusal::OtherNode {
                bound: bound.clone(),
                asked: wanted.node.clone(),
            });
        }
        if self
            .consumed
            .iter()
            .any(|entry| entry.is_of(wanted) && entry.lasts(GRACE, now))
        {
            return Ok(UseStanding::Consumed);
        }
        if self
            .reserved
            .iter()
            .any(|entry| entry.is_of(wanted) && entry.lasts(RESERVATION_LIMIT, now))
        {
            return Ok(UseStanding::Reserved);
        }
        if let Some(expired) = self.expires.filter(|expires| *expires <= wanted.submitted) {
            return Err(Refusal::Expired {
                expired,
                submitted: wanted.submitted,
            });
        }
        match self.bounds.uses {
            Some(uses) if self.taken(now) >= uses => Err(Refusal::UsedUp {
                uses,
                last: self.last_taken(now),
            }),
            _ => Ok(UseStanding::Free),
        }
    }

    /// The ledger with this use reserved. What is reserved or consumed by the same key already stays as it is, and so does
    /// everything where uses are not limited.
    pub fn reserve(&self, wanted: &TokenUse, now: Timestamp) -> Result<Self, Refusal> {
        let mut next = self.expire(now);
        if self.standing(wanted, now)? == UseStanding::Free && self.is_limited() {
            next.reserved.push(Entry::of(wanted, now));
        }
        Ok(next)
    }

    /// The ledger with this use consumed; to be stored before the certificate is delivered. What is consumed by the same
    /// key already stays as it is, where uses are limited; elsewhere a signer that comes again counts twice.
    pub fn consume(&self, wanted: &TokenUse, now: Timestamp) -> Result<Self, Refusal> {
        let mut next = self.expire(now);
        match self.standing(wanted, now)? {
            UseStanding::Free if self.is_limited() => return Err(Refusal::NotReserved),
            UseStanding::Free => next.used = next.used.saturating_add(1),
            UseStanding::Consumed => {}
            UseStanding::Reserved => {
                next.reserved.retain(|entry| !entry.is_of(wanted));
                next.consumed.push(Entry::of(wanted, now));
                next.used = next.used.saturating_add(1);
            }
        }
        Ok(next)
    }

    /// The ledger without the reservation of this use, after a denial. A consumed use stays consumed.
    #[must_use]
    pub fn release(&self, wanted: &TokenUse, now: Timestamp) -> Self {
        let mut next = self.expire(now);
        next.reserved.retain(|entry| !entry.is_of(wanted));
        next
    }

    /// The ledger of the token after its deletion: nothing may be used through it any more. Never undone.
    #[must_use]
    pub fn revoke(&self, now: Timestamp) -> Self {
        let mut next = self.expire(now);
        next.reserved.clear();
        next.revoked.get_or_insert(now);
        next
    }

    /// The ledger without what is over at `now`: reservations past their limit, and consumed uses past their grace,
    /// whose number is kept, and the last of them, for whoever asks where it went.
    #[must_use]
    pub fn expire(&self, now: Timestamp) -> Self {
        let mut next = self.clone();
        next.reserved
            .retain(|entry| entry.lasts(RESERVATION_LIMIT, now));
        let last = next.consumed.pop();
        next.consumed.retain(|entry| entry.lasts(GRACE, now));
        next.consumed.extend(last);
        next
    }

    /// Who took a use last, and when, of those that are remembered.
    fn last_taken(&self, now: Timestamp) -> Option<(NodeName, Timestamp)> {
        let taken = self.consumed.iter().chain(self.reserved_at(now));
        let last = taken.max_by_key(|entry| entry.at)?;
        Some((last.node.clone(), last.at))
    }

    fn reserved_at(&self, now: Timestamp) -> impl Iterator<Item = &Entry> {
        let lasts = move |entry: &&Entry| entry.lasts(RESERVATION_LIMIT, now);
        self.reserved.iter().filter(lasts)
    }

    /// Uses that are consumed or reserved.
    fn taken(&self, now: Timestamp) -> u32 {
        let reserved = self.reserved_at(now).count();
        self.used
            .saturating_add(u32::try_from(reserved).unwrap_or(u32::MAX))
    }
}

impl Entry {
    fn of(wanted: &TokenUse, at: Timestamp) -> Self {
        Self {
            key: wanted.key,
            node: wanted.node.clone(),
            signer: wanted.signer,
            at,
        }
    }

    fn is_of(&self, wanted: &TokenUse) -> bool {
        self.key == wanted.key && self.node == wanted.node && self.signer == wanted.signer
    }

    fn lasts(&self, limit: Duration, now: Timestamp) -> bool {
        now < later(self.at, limit)
    }
}

#[cfg(test)]
mod tests;
