//! A ledger with the mark of how its token ended, and what may be changed in it: values in, values out.

use std::collections::BTreeMap;

use jiff::Timestamp;
use slipway_config::system::{LEDGER_KEY, ledger_name};
use slipway_pki::decision::ledger::{Refusal, TokenLedger, TokenUse};

use crate::records::{Record, required};

/// The key of the mark that the token expired by itself; its value is the expiration that was reached.
const EXPIRED: &str = "expired";

/// A ledger and, where the token is known to have reached its end by itself, the expiration that was reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct MarkedLedger {
    pub(super) ledger: TokenLedger,
    expired: Option<Timestamp>,
}

/// A change of a ledger.
#[derive(Clone, Debug)]
pub(super) enum Change {
    /// The token has another end than before.
    Expiring(Option<Timestamp>),
    /// A use is reserved.
    Reserve(TokenUse),
    /// A use is consumed, and reserved first where nobody has: what a person approved was reserved by nobody.
    Consume(TokenUse),
    /// A reserved use is given back.
    Release(TokenUse),
    /// The token is deleted.
    Revoke,
    /// The token was found to be gone: it is revoked, unless it reached its end by itself.
    RevokeGone,
    /// The token reached the end that its ledger states. A revoked one ended otherwise.
    MarkExpired,
}

impl MarkedLedger {
    /// Not marked.
    pub(super) fn new(ledger: TokenLedger) -> Self {
        Self {
            ledger,
            expired: None,
        }
    }

    /// Whether the token is known to have reached the end that it has now. A mark for another end does not count.
    pub(super) fn is_marked_expired(&self) -> bool {
        self.expired.is_some() && self.expired == self.ledger.expires()
    }

    /// Makes a change; what is refused changes nothing.
    pub(super) fn change(&mut self, change: &Change, now: Timestamp) -> Result<(), Refusal> {
        let ledger = &self.ledger;
        self.ledger = match change {
            Change::Expiring(expires) => {
                // The mark was for another end than the token has now.
                self.expired = None;
                ledger.expiring(*expires)
            }
            Change::Reserve(wanted) => ledger.reserve(wanted, now)?,
            Change::Consume(wanted) => ledger.reserve(wanted, now)?.consume(wanted, now)?,
            Change::Release(wanted) => ledger.release(wanted, now),
            Change::RevokeGone if self.is_marked_expired() => return Ok(()),
            Change::Revoke | Change::RevokeGone => ledger.revoke(now),
            Change::MarkExpired => {
                if ledger.revoked().is_none() {
                    self.expired = ledger.expires();
                }
                return Ok(());
            }
        };
        Ok(())
    }
}

impl Record for MarkedLedger {
    const ALL: &'static str = "the token ledgers";
    /// With the token's ID.
    const LABEL: &'static str = "slipway.dev/token-id";
    const IMMUTABLE: bool = false;

    fn name(&self) -> String {
        ledger_name(self.ledger.token_uid())
    }

    fn label(&self) -> String {
        self.ledger.token_id().to_string()
    }

    fn to_data(&self) -> Result<BTreeMap<String, String>, serde_json::Error> {
        let text = serde_json::to_string(&self.ledger)?;
        let mut data = BTreeMap::from([(LEDGER_KEY.to_owned(), text)]);
        data.extend(
            self.expired
                .map(|end| (EXPIRED.to_owned(), end.to_string())),
        );
        Ok(data)
    }

    fn from_data(data: &BTreeMap<String, String>) -> Result<Self, String> {
        let ledger = required(data, LEDGER_KEY)?;
        let expired = data.get(EXPIRED).map(|text| text.parse()).transpose();
        Ok(Self {
            ledger: serde_json::from_str(ledger).map_err(|error| error.to_string())?,
            expired: expired.map_err(|error: jiff::Error| error.to_string())?,
        })
    }
}

#[cfg(test)]
mod tests {
    use slipway_config::token::TokenBounds;

    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn ending(expires: Option<Timestamp>) -> MarkedLedger {
        let id = "abcdef".parse().unwrap();
        MarkedLedger::new(TokenLedger::new(
            id,
            "u-1".to_owned(),
            TokenBounds::default(),
            expires,
        ))
    }

    fn after(mut marked: MarkedLedger, change: &Change, now: Timestamp) -> MarkedLedger {
        marked.change(change, now).unwrap();
        marked
    }

    #[test]
    fn what_ended_by_itself_is_not_revoked_by_whoever_finds_it_gone() {
        let expired = after(ending(Some(at(10))), &Change::MarkExpired, at(10));
        assert!(expired.is_marked_expired());
        for change in [Change::RevokeGone, Change::MarkExpired] {
            assert_eq!(after(expired.clone(), &change, at(11)), expired);
        }
    }

    #[test]
    fn what_was_revoked_did_not_end_by_itself() {
        let revoked = after(ending(Some(at(10))), &Change::RevokeGone, at(5));
        assert_eq!(revoked.ledger.revoked(), Some(at(5)));
        assert_eq!(
            after(revoked.clone(), &Change::MarkExpired, at(10)),
            revoked
        );
        assert!(!revoked.is_marked_expired());
        let endless = after(ending(None), &Change::MarkExpired, at(10));
        assert!(!endless.is_marked_expired());
    }

    #[test]
    fn a_mark_for_another_end_than_the_token_has_now_does_not_count() {
        let marked = after(ending(Some(at(10))), &Change::MarkExpired, at(10));
        let moved = after(marked, &Change::Expiring(Some(at(20))), at(10));
        assert!(!moved.is_marked_expired());
        let gone = after(moved, &Change::RevokeGone, at(15));
        assert!(gone.ledger.revoked().is_some());
    }

    #[test]
    fn a_refused_change_changes_nothing() {
        let revoked = after(ending(None), &Change::Revoke, at(5));
        let wanted = TokenUse {
            token_uid: "u-1".to_owned(),
            key: [7; 32].into(),
            node: "w1".parse().unwrap(),
            signer: slipway_pki::signer::NodeSigner::KubeletClient,
            submitted: at(1),
        };
        let mut same = revoked.clone();
        let refused = same.change(&Change::Consume(wanted), at(6));
        assert_eq!(refused, Err(Refusal::Revoked(at(5))));
        assert_eq!(same, revoked);
    }
}
