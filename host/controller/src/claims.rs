//! Where claims on node names are kept: one ConfigMap `node-claim.<name>` per name, in
//! `slipway-system`, which is created and deleted and never updated.
//!
//! Who may have a name is decided in [`slipway_pki::decision::claim`]. Everything here reads live.

use std::collections::BTreeMap;

use k8s_openapi::api::certificates::v1::CertificateSigningRequest;
use k8s_openapi::api::core::v1::{ConfigMap, Node};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::api::{Api, DeleteParams, ListParams, PostParams, Preconditions};
use slipway_config::digest::Sha256Digest;
use slipway_config::finding::Finding;
use slipway_config::name::NodeName;
use slipway_pki::decision::claim::{self, Claim, ClaimFacts, ClaimedRequest, Step};

use crate::condition::{self, Standing};
use crate::error::{During as _, Error};
use crate::ledger::Ledgers;
use crate::system::{self, Clock, NAMESPACE};

/// What the name of a claim's ConfigMap starts with; the node's name follows.
pub const NAME_PREFIX: &str = "node-claim.";

/// The label that all claims have.
const LABEL: &str = "slipway.dev/node-claim";
/// The key of the claim itself.
const CLAIM: &str = "claim";
/// The key of the name of the request behind it, which cannot be found by its UID.
const REQUEST: &str = "request";
/// Longest name of an object.
const LONGEST_NAME: usize = 253;
/// Turns of looking and acting before somebody else gets a turn.
const TURNS: usize = 8;

/// Reads and writes claims. Cheap to clone.
#[derive(Clone)]
pub struct Claims {
    objects: Api<ConfigMap>,
    client: kube::Client,
    ledgers: Ledgers,
    clock: Clock,
}

/// A claim as it was read.
#[derive(Clone, Debug)]
pub struct StoredClaim {
    /// The claim.
    pub claim: Claim,
    /// The name of the request through which it was made.
    pub request: String,
    resource_version: Option<String>,
    uid: Option<String>,
}

/// Whether a name could be had.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Claimed {
    /// It is ours.
    Held,
    /// It is another's.
    Another(Finding),
}

impl Claims {
    /// Claims over this client.
    pub fn new(client: kube::Client, ledgers: Ledgers, clock: Clock) -> Self {
        Self {
            objects: Api::namespaced(client.clone(), NAMESPACE),
            client,
            ledgers,
            clock,
        }
    }

    /// The claim on a name; none where it is free.
    ///
    /// # Errors
    /// When the API does not answer, or the claim is damaged.
    pub async fn get(&self, node: &NodeName) -> Result<Option<StoredClaim>, Error> {
        let name = name(node);
        let object = self
            .objects
            .get_opt(&name)
            .await
            .during("read", title(&name))?;
        object.map(StoredClaim::read).transpose()
    }

    /// All claims.
    ///
    /// # Errors
    /// As for [`get`](Self::get).
    pub async fn list(&self) -> Result<Vec<StoredClaim>, Error> {
        let found = self
            .objects
            .list(&ListParams::default().labels(LABEL))
            .await
            .during("list", "the claims on node names")?;
        found.items.into_iter().map(StoredClaim::read).collect()
    }

    /// Claims a name for the request called `request`. On disk when this returns.
    ///
    /// # Errors
    /// As for [`get`](Self::get).
    pub async fn acquire(&self, wanted: &Claim, request: &str) -> Result<Claimed, Error> {
        for _ in 0..TURNS {
            let existing = self.get(&wanted.node).await?;
            let facts = match &existing {
                Some(stored) => Some((&stored.claim, self.facts(stored).await?)),
                None => None,
            };
            match claim::next(facts, wanted, (self.clock)()) {
                Step::Create(claim) => self.create(&claim, request).await?,
                Step::Held => return Ok(Claimed::Held),
                Step::Clear(_) => self.clear(existing.as_ref()).await?,
                Step::Defer(finding) => return Ok(Claimed::Another(finding)),
            }
        }
        Err(Error::Contended {
            object: title(&name(&wanted.node)),
            attempts: TURNS,
        })
    }

    /// Whether a name could be had, without taking it.
    ///
    /// # Errors
    /// As for [`get`](Self::get).
    pub async fn look(&self, wanted: &Claim) -> Result<Claimed, Error> {
        let Some(stored) = self.get(&wanted.node).await? else {
            return Ok(Claimed::Held);
        };
        let facts = self.facts(&stored).await?;
        Ok(
            match claim::next(Some((&stored.claim, facts)), wanted, (self.clock)()) {
                Step::Defer(finding) => Claimed::Another(finding),
                Step::Create(_) | Step::Held | Step::Clear(_) => Claimed::Held,
            },
        )
    }

    /// Removes the claim on a name if it is over. Returns whether the name is free now.
    ///
    /// # Errors
    /// As for [`get`](Self::get).
    pub async fn settle(&self, node: &NodeName) -> Result<bool, Error> {
        let Some(stored) = self.get(node).await? else {
            return Ok(true);
        };
        let facts = self.facts(&stored).await?;
        if claim::end(&stored.claim, facts, (self.clock)()).is_none() {
            return Ok(false);
        }
        self.clear(Some(&stored)).await?;
        Ok(true)
    }

    async fn create(&self, claim: &Claim, request: &str) -> Result<(), Error> {
        let name = name(&claim.node);
        let text = serde_json::to_string(claim).map_err(|error| Error::Damaged {
            object: title(&name),
            reason: error.to_string(),
        })?;
        let object = ConfigMap {
            metadata: ObjectMeta {
                name: Some(name.clone()),
                labels: Some(system::labels([(LABEL, "true".to_owned())])),
                ..ObjectMeta::default()
            },
            data: Some(BTreeMap::from([
                (CLAIM.to_owned(), text),
                (REQUEST.to_owned(), request.to_owned()),
            ])),
            immutable: Some(true),
            ..ConfigMap::default()
        };
        let made = self
            .objects
            .create(&PostParams::default(), &object)
            .await
            .during("create", title(&name));
        match made {
            Err(error) if error.is_conflict() => Ok(()),
            Err(error)
                if error
                    .api_failure()
                    .is_some_and(|failure| failure.is_not_found()) =>
            {
                system::ensure_namespace(&self.client).await
            }
            made => made.map(drop),
        }
    }

    async fn clear(&self, stored: Option<&StoredClaim>) -> Result<(), Error> {
        let Some(stored) = stored else {
            return Ok(());
        };
        let name = name(&stored.claim.node);
        let unchanged = DeleteParams {
            preconditions: Some(Preconditions {
                resource_version: stored.resource_version.clone(),
                uid: stored.uid.clone(),
            }),
            ..DeleteParams::default()
        };
        let cleared = self
            .objects
            .delete(&name, &unchanged)
            .await
            .during("delete", title(&name));
        match cleared {
            Err(error) if error.is_conflict() => Ok(()),
            Err(error)
                if error
                    .api_failure()
                    .is_some_and(|failure| failure.is_not_found()) =>
            {
                Ok(())
            }
            cleared => cleared.map(drop),
        }
    }

    async fn facts(&self, stored: &StoredClaim) -> Result<ClaimFacts, Error> {
        let requests: Api<CertificateSigningRequest> = Api::all(self.client.clone());
        let request = requests
            .get_opt(&stored.request)
            .await
            .during(
                "read",
                format_args!("CertificateSigningRequest {}", stored.request),
            )?
            .filter(|request| request.metadata.uid.as_ref() == Some(&stored.claim.request_uid));
        let nodes: Api<Node> = Api::all(self.client.clone());
        let node = nodes
            .get_opt(stored.claim.node.as_str())
            .await
            .during("read", format_args!("Node {}", stored.claim.node))?;
        let token_revoked = match &stored.claim.token_uid {
            None => false,
            // Without its ledger nothing can be used through a token.
            Some(uid) => self
                .ledgers
                .get(uid)
                .await?
                .is_none_or(|stored| stored.ledger().revoked().is_some()),
        };
        Ok(ClaimFacts {
            request: request.map_or(ClaimedRequest::Gone, |request| standing(&request)),
            node_exists: node.is_some(),
            token_revoked,
        })
    }
}

impl StoredClaim {
    fn read(object: ConfigMap) -> Result<Self, Error> {
        let name = object.metadata.name.unwrap_or_default();
        let damaged = |reason: String| Error::Damaged {
            object: title(&name),
            reason,
        };
        let data = object.data.unwrap_or_default();
        let value = |key: &str| {
            data.get(key)
                .ok_or_else(|| damaged(format!("it has no key {key:?}")))
        };
        let claim: Claim =
            serde_json::from_str(value(CLAIM)?).map_err(|error| damaged(error.to_string()))?;
        if self::name(&claim.node) != name {
            return Err(damaged(format!("it is about the node {}", claim.node)));
        }
        Ok(Self {
            claim,
            request: value(REQUEST)?.clone(),
            resource_version: object.metadata.resource_version,
            uid: object.metadata.uid,
        })
    }
}

/// Where the request behind a claim stands. One that was refused by the signer is as good as denied.
fn standing(request: &CertificateSigningRequest) -> ClaimedRequest {
    match condition::standing(request) {
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

fn title(name: &str) -> String {
    format!("ConfigMap {NAMESPACE}/{name}")
}
