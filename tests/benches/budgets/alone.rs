//! A decision without a cluster around it: a request in DER, its signature and the guardrails, three plugins, and the record
//! on disk, one after the other.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use k8s_openapi::api::certificates::v1::CertificateSigningRequest;
use slipway_config::token::TokenBounds;
use slipway_controller::chain::Sight;
use slipway_controller::cluster::GuardedCsr;
use slipway_controller::{Chain, DecisionLog, Examined};
use slipway_pki::csr::NodeCsr;
use slipway_pki::decision::ledger::TokenLedger;
use slipway_pki::decision::verdict::Decision;
use slipway_pki::guardrail::{
    self, ApiServerIdentity, ClusterFacts, CsrFacts, LifetimePolicy, TokenFacts,
};
use slipway_pki::key::{KeyAlgorithm, PrivateKey};
use slipway_pki::signer::NodeSigner;
use tempfile::TempDir;

use crate::chain::{chain, native_chain};
use crate::embedded::{block_on, folder_on_disk, log, object};
use crate::figure::{Quantity, middle};

/// Decisions that are measured.
const DECISIONS: usize = 1000;
/// Decisions before, which fill caches.
const FIRST: usize = 100;

/// What one decision takes.
pub(crate) struct Alone {
    /// With its record on a disk.
    pub(crate) on_disk: Quantity,
    /// With its record on a file system where syncing costs nothing.
    pub(crate) in_memory: Quantity,
}

/// With the plugins in their sandbox.
pub(crate) fn sandboxed() -> Alone {
    block_on(async { alone(&chain().await).await })
}

/// With the same plugins as native code.
pub(crate) fn native() -> Alone {
    block_on(async { alone(&native_chain()).await })
}

async fn alone(chain: &Chain) -> Alone {
    let disk = folder_on_disk();
    let memory = TempDir::new_in("/dev/shm").expect("a folder in memory");
    Alone {
        on_disk: decisions(chain.clone(), disk.path()).await,
        in_memory: decisions(chain.clone(), memory.path()).await,
    }
}

/// In a task, as controllers decide.
async fn decisions(chain: Chain, folder: &Path) -> Quantity {
    let log = log(folder);
    let decided = tokio::spawn(async move {
        let mut taken = Vec::new();
        for number in 0..FIRST + DECISIONS {
            taken.push(decide(&chain, &log, request(number)).await);
        }
        taken
    });
    middle(decided.await.expect("decisions").split_off(FIRST))
}

async fn decide(chain: &Chain, log: &DecisionLog, request: CertificateSigningRequest) -> Duration {
    let now = Timestamp::now();
    let cluster = cluster(now);
    let begun = Instant::now();
    let spec = &request.spec;
    let asked = CsrFacts {
        request: &spec.request.0,
        signer_name: &spec.signer_name,
        usages: spec.usages.as_deref().unwrap_or_default(),
        expiration_seconds: spec.expiration_seconds,
        username: spec.username.as_deref().unwrap_or_default(),
        groups: spec.groups.as_deref().unwrap_or_default(),
        created: now,
    };
    let checked = GuardedCsr {
        guarded: guardrail::check(&asked, &cluster),
        token: cluster.token,
    };
    let (reviewed, decision) = chain.judge(&request, &checked, now, Sight::Noted).await;
    let decision = decision.expect("it is served");
    assert!(
        matches!(decision, Decision::Approved { .. }),
        "{decision:?}"
    );
    let examined = Examined {
        request,
        checked,
        reviewed,
    };
    let entry = examined.entry(&decision, None);
    let written = log.record_with(entry, examined.reviewed.case()).await;
    written.expect("it is written down");
    begun.elapsed()
}

/// What a new node asks for, as the API server hands it on.
fn request(number: usize) -> CertificateSigningRequest {
    let key = PrivateKey::generate(KeyAlgorithm::EcdsaP256).expect("a key");
    let node = format!("worker-{number}").parse().expect("a name");
    let csr = NodeCsr::client(&node, &key).expect("a request");
    let mut request = object(node.as_str(), &csr);
    request.metadata.uid = Some(format!("uid-{number}"));
    request.spec.username = Some("system:bootstrap:abcdef".to_owned());
    let groups = [
        "system:bootstrappers",
        "system:bootstrappers:kubeadm:default-node-token",
        "system:authenticated",
    ];
    request.spec.groups = Some(groups.map(str::to_owned).to_vec());
    request
}

fn cluster(now: Timestamp) -> ClusterFacts {
    let token = "abcdef".parse().expect("an ID");
    ClusterFacts {
        now,
        signers: NodeSigner::ALL.to_vec(),
        lifetime: LifetimePolicy::Clamped,
        nodes: Vec::new(),
        control_plane: BTreeSet::new(),
        api_server: ApiServerIdentity::default(),
        rejoin_allowed: BTreeSet::new(),
        token: Some(TokenFacts {
            ledger: TokenLedger::new(token, "uid".to_owned(), TokenBounds::default(), None),
            source_address: None,
        }),
    }
}
