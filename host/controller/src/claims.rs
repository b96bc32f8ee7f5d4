//! Where claims on node names are kept: one ConfigMap `node-claim.<name>` per name, in
//! `slipway-system`, which is made and removed and never changed.
//!
//! Who may have a name is decided in [`slipway_pki::decision::claim`]. Everything here reads live.

use std::collections::{BTreeMap, HashSet};

use k8s_openapi::api::certificates::v1::CertificateSigningRequest;
use k8s_openapi::api::core::v1::Node;
use kube::ResourceExt;
use kube::api::{Api, ListParams};
use slipway_config::digest::Sha256Digest;
use slipway_config::finding::Finding;
use slipway_config::name::NodeName;
use slipway_pki::decision::claim::{self, Claim, ClaimFacts, ClaimedRequest, Step};
use slipway_pki::decision::ledger::TokenLedger;

use crate::condition::{self, Standing};
use crate::error::{During as _, Error};
use crate::ledger::{Ledgers, StoredLedger};
use crate::records::{Record, Records, Stored, required, title};
use crate::system::Clock;
use crate::watch::Cache;

/// What the name of a claim's ConfigMap starts with; the node's name follows.
const NAME_PREFIX: &str = "node-claim.";
/// The key of the claim itself.
const CLAIM: &str = "claim";
/// Longest name of an object.
const LONGEST_NAME: usize = 253;
/// Turns of looking and acting before somebody else gets a turn.
const TURNS: usize = 8;

/// Reads and writes claims. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Claims {
    records: Records<Claim>,
    client: kube::Client,
    ledgers: Ledgers,
    clock: Clock,
}

/// Whether a name could be had.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Claimed {
    /// It is ours.
    Held,
    /// It is another's.
    Another(Finding),
}

impl Claimed {
    /// What stands in the way, if something does.
    pub(crate) fn by_another(self) -> Option<Finding> {
        match self {
            Self::Held => None,
            Self::Another(finding) => Some(finding),
        }
    }
}

impl Claims {
    /// Claims over this client.
    pub(crate) fn new(client: kube::Client, ledgers: Ledgers, clock: Clock) -> Self {
        Self {
            records: Records::new(client.clone()),
            client,
            ledgers,
            clock,
        }
    }

    /// Removes the claims that are over. Which ones may be is found by looking at all of them together, and whether they
    /// are by looking at each.
    pub(crate) async fn sweep(
        &self,
        requests: &Cache<CertificateSigningRequest>,
    ) -> Result<(), Error> {
        let claims = self.records.list(Claim::LABEL).await?;
        if claims.is_empty() {
            return Ok(());
        }
        let nodes: Api<Node> = Api::all(self.client.clone());
        let nodes = nodes
            .list_metadata(&ListParams::default())
            .await
            .during("list", "Nodes")?;
        let nodes: HashSet<String> = nodes.items.iter().map(ResourceExt::name_any).collect();
        let ledgers = self.ledgers.list().await?;
        let usable: HashSet<&str> = ledgers
            .iter()
            .map(StoredLedger::ledger)
            .filter(|ledger| ledger.revoked().is_none())
            .map(TokenLedger::token_uid)
            .collect();
        for claim in claims.iter().map(|stored| &stored.record) {
            let token = claim.token_uid.as_deref();
            let facts = ClaimFacts {
                request: behind(claim, requests.get(&claim.request)),
                node_exists: nodes.contains(claim.node.as_str()),
                token_revoked: token.is_some_and(|uid| !usable.contains(uid)),
            };
            if claim::end(claim, facts, (self.clock)()).is_some() {
                self.settle(&claim.node).await?;
            }
        }
        Ok(())
    }

    /// Claims a name that most likely nobody has claimed yet. On disk when this returns.
    pub(crate) async fn make(&self, wanted: &Claim) -> Result<Claimed, Error> {
        let made = self.records.create(&wanted.as_made((self.clock)())).await?;
        match made {
            Some(_) => Ok(Claimed::Held),
            None => self.acquire(wanted).await,
        }
    }

    /// Claims a name, for a request that is open or approved and whose token is in order. On disk when this returns.
    pub(crate) async fn acquire(&self, wanted: &Claim) -> Result<Claimed, Error> {
        for _ in 0..TURNS {
            let existing = self.get(&wanted.node).await?;
            if existing
                .as_ref()
                .is_some_and(|stored| stored.record.is_held_by(wanted, (self.clock)()))
            {
                return Ok(Claimed::Held);
            }
            let facts = match &existing {
                Some(stored) => Some((&stored.record, self.facts(&stored.record).await?)),
                None => None,
            };
            match claim::next(facts, wanted, (self.clock)()) {
                Step::Create(claim) => {
                    // Where somebody else made it first, the next turn shows whose it is.
                    if self.records.create(&claim).await?.is_some() {
                        return Ok(Claimed::Held);
                    }
                }
                Step::Held => return Ok(Claimed::Held),
                Step::Clear(_) => {
                    if let Some(stored) = &existing {
                        self.records.remove(stored).await?;
                    }
                }
                Step::Defer(finding) => return Ok(Claimed::Another(finding)),
            }
        }
        Err(Error::Contended {
            object: title(&name(&wanted.node)),
            attempts: TURNS,
        })
    }

    /// Whether a name could be had, without taking it.
    pub(crate) async fn look(&self, wanted: &Claim) -> Result<Claimed, Error> {
        let Some(Stored { record, .. }) = self.get(&wanted.node).await? else {
            return Ok(Claimed::Held);
        };
        let facts = Some((&record, self.facts(&record).await?));
        Ok(match claim::next(facts, wanted, (self.clock)()) {
            Step::Defer(finding) => Claimed::Another(finding),
            Step::Create(_) | Step::Held | Step::Clear(_) => Claimed::Held,
        })
    }

    /// Removes the claim on a name if it is over. Returns whether the name is free now.
    ///
    /// # Errors
    /// When the API does not answer, or the claim is damaged.
    pub(crate) async fn settle(&self, node: &NodeName) -> Result<bool, Error> {
        let Some(stored) = self.get(node).await? else {
            return Ok(true);
        };
        let facts = self.facts(&stored.record).await?;
        if claim::end(&stored.record, facts, (self.clock)()).is_none() {
            return Ok(false);
        }
        self.records.remove(&stored).await?;
        Ok(true)
    }

    async fn get(&self, node: &NodeName) -> Result<Option<Stored<Claim>>, Error> {
        self.records.get(&name(node)).await
    }

    async fn facts(&self, claim: &Claim) -> Result<ClaimFacts, Error> {
        let requests: Api<CertificateSigningRequest> = Api::all(self.client.clone());
        let request = requests.get_opt(&claim.request).await.during(
            "read",
            format_args!("CertificateSigningRequest {}", claim.request),
        )?;
        let nodes: Api<Node> = Api::all(self.client.clone());
        let node = nodes
            .get_opt(claim.node.as_str())
            .await
            .during("read", format_args!("Node {}", claim.node))?;
        let token_revoked = match &claim.token_uid {
            None => false,
            // Without its ledger nothing can be used through a token.
            Some(uid) => self
                .ledgers
                .get(uid)
                .await?
                .is_none_or(|stored| stored.ledger().revoked().is_some()),
        };
        Ok(ClaimFacts {
            request: behind(claim, request),
            node_exists: node.is_some(),
            token_revoked,
        })
    }
}

impl Record for Claim {
    const ALL: &'static str = "the claims on node names";
    const LABEL: &'static str = "slipway.dev/node-claim";
    const IMMUTABLE: bool = true;

    fn name(&self) -> String {
        name(&self.node)
    }

    fn label(&self) -> String {
        "true".to_owned()
    }

    fn to_data(&self) -> Result<BTreeMap<String, String>, serde_json::Error> {
        let claim = serde_json::to_string(self)?;
        Ok(BTreeMap::from([(CLAIM.to_owned(), claim)]))
    }

    fn from_data(data: &BTreeMap<String, String>) -> Result<Self, String> {
        serde_json::from_str(required(data, CLAIM)?).map_err(|error| error.to_string())
    }
}

/// Where the request behind a claim stands, given the one of its name. One that was refused by the signer is as good as
/// denied.
fn behind(claim: &Claim, named: Option<CertificateSigningRequest>) -> ClaimedRequest {
    let Some(request) =
        named.filter(|named| named.metadata.uid.as_ref() == Some(&claim.request_uid))
    else {
        return ClaimedRequest::Gone;
    };
    match condition::standing(&request) {
        Standing::Denied | Standing::Failed => ClaimedRequest::Denied,
        Standing::Issued => ClaimedRequest::Delivered,
        Standing::Open | Standing::Approved => ClaimedRequest::Open,
    }
}

fn name(node: &NodeName) -> String {
    let plain = format!("{NAME_PREFIX}{node}");
    if plain.len() <= LONGEST_NAME {
        return plain;
    }
    format!(
        "{NAME_PREFIX}sha256-{}",
        Sha256Digest::of(node.as_str().as_bytes()).to_hex()
    )
}
