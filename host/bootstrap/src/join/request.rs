//! The certificate signing request in the cluster: found again or submitted, then waited for.

use std::time::Duration;

use k8s_openapi::ByteString;
use k8s_openapi::api::certificates::v1::{
    CertificateSigningRequest, CertificateSigningRequestCondition, CertificateSigningRequestSpec,
};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::Api;
use kube::api::PostParams;
use slipway_config::name::NodeName;
use slipway_pki::key::{KeyFingerprint, PublicKey};
use slipway_pki::signer::NodeSigner;
use tokio::time::Instant;

use super::patience::Patience;
use super::pauses::Pauses;
use super::state::Pending;
use super::{CertificateRefusal, JoinError};
use crate::connect::RequestFailure;
use crate::files::Files;
use crate::progress::{Event, Progress, Waiting};

/// Condition that the approver writes while it has not decided.
const REVIEWED: &str = "slipway.dev/Reviewed";

/// The reason of that condition where another key has the node's name.
const NAME_CLAIMED: &str = "NameClaimed";

/// How long the approvers have until it is worth saying that they said nothing.
const A_MOMENT: Duration = Duration::from_secs(1);

/// A request that is in the cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Submitted {
    /// The request's name.
    pub name: String,
    /// Whether an earlier run submitted it.
    pub kept: bool,
}

/// The cluster as a bootstrap identity sees it.
pub(super) struct Cluster<'a> {
    pub(super) client: &'a kube::Client,
    /// How long to try and to wait; none: as long as it takes.
    pub(super) timeout: Option<Duration>,
    pub(super) progress: &'a dyn Progress,
}

/// The name of a node's request: derived from the key, the node and who asks, so that a second run by the same
/// identity finds what the first submitted, and so that nobody else's request can have it by accident.
///
/// Who asks is part of it because a bootstrap identity reads its own requests only: with another token the request is
/// another one.
pub fn request_name(key: &PublicKey, node: &NodeName, requester: &str) -> String {
    let mut context = ring::digest::Context::new(&ring::digest::SHA256);
    for part in [
        key.pin().as_bytes().as_slice(),
        node.as_str().as_bytes(),
        requester.as_bytes(),
    ] {
        // Lengths first, so that no two lists of parts are hashed alike.
        context.update(&u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
        context.update(part);
    }
    let digest = context.finish();
    let hex: String = digest
        .as_ref()
        .iter()
        .take(20)
        .map(|byte| format!("{byte:02x}"))
        .collect();
    format!("node-csr-{hex}")
}

impl Cluster<'_> {
    /// Finds the request of an earlier run, or submits one. What is transient is tried again.
    pub(super) async fn submit(
        &self,
        files: &mut Files,
        pending: &mut Pending,
        requester: &str,
    ) -> Result<Submitted, JoinError> {
        let api: Api<CertificateSigningRequest> = Api::all(self.client.clone());
        for name in pending.submitted_as.iter().rev() {
            if is_ours(&api, name, pending).await {
                return Ok(Submitted {
                    name: name.clone(),
                    kept: true,
                });
            }
        }
        let name = request_name(pending.key.public_key(), &pending.node, requester);
        pending.note_request(files, &name)?;
        let mut pauses = Pauses::new(self.timeout, Instant::now());
        let mut patience = Patience::default();
        loop {
            let failure = match create(&api, &name, pending).await {
                Ok(kept) => return Ok(Submitted { name, kept }),
                Err(Attempt::NotOurs(error)) => return Err(*error),
                Err(Attempt::Failed(failure)) if patience.bears(&failure, Instant::now()) => {
                    failure
                }
                Err(Attempt::Failed(failure)) => return Err(refused(&name, failure)),
            };
            let Some(retry_in) = pauses.next(Instant::now()) else {
                return Err(JoinError::Request {
                    request: name,
                    source: failure,
                });
            };
            let reason = failure.to_string();
            self.progress.event(Event::Waiting(Waiting::Server {
                request: name.clone(),
                reason,
                retry_in,
            }));
            tokio::time::sleep(retry_in).await;
        }
    }

    /// Waits until the request is decided and signed; the certificate in PEM, as the signer delivered it.
    pub(super) async fn wait(
        &self,
        submitted: &Submitted,
        pending: &Pending,
    ) -> Result<String, JoinError> {
        let api: Api<CertificateSigningRequest> = Api::all(self.client.clone());
        let name = &submitted.name;
        let began = Instant::now();
        let mut pauses = Pauses::new(self.timeout, began);
        // The request was accepted a moment ago.
        let mut patience = Patience::since(began);
        let mut shown = None;
        loop {
            let looked = self.look(&api, name, pending, pauses.current, &mut patience);
            let waiting = match looked.await? {
                Decided::Certificate(pem) => return Ok(pem),
                Decided::Waiting(waiting) => waiting,
            };
            let Some(pause) = pauses.next(Instant::now()) else {
                let after = self.timeout.unwrap_or_default();
                return Err(JoinError::NotDecided {
                    request: name.clone(),
                    after,
                    waiting: Box::new(waiting),
                });
            };
            let is_early = began.elapsed() < A_MOMENT
                && matches!(waiting, Waiting::Approval { findings: None, .. });
            if shown.as_ref() != Some(&waiting) && !is_early {
                self.progress.event(Event::Waiting(waiting.clone()));
                shown = Some(waiting);
            }
            tokio::time::sleep(pause).await;
        }
    }

    async fn look(
        &self,
        api: &Api<CertificateSigningRequest>,
        name: &str,
        pending: &Pending,
        retry_in: Duration,
        patience: &mut Patience,
    ) -> Result<Decided, JoinError> {
        let key = pending.key.public_key().fingerprint();
        let failure = match api.get(name).await.map_err(RequestFailure::from) {
            Ok(request) => {
                patience.renew(Instant::now());
                check_ours(name, &request, pending)?;
                return decided(name, &request, key);
            }
            // Old requests are cleaned up. Ours is still wanted.
            Err(RequestFailure::NotFound(_)) => match create(api, name, pending).await {
                Ok(_) => {
                    let text = format!(
                        "the request {name} was removed in the cluster; it was submitted again"
                    );
                    self.progress.event(Event::Note(text));
                    return Ok(Decided::Waiting(approval(name, key, None)));
                }
                Err(Attempt::NotOurs(error)) => return Err(*error),
                Err(Attempt::Failed(failure)) => failure,
            },
            Err(failure) => failure,
        };
        if !patience.bears(&failure, Instant::now()) {
            return Err(refused(name, failure));
        }
        Ok(Decided::Waiting(Waiting::Server {
            request: name.to_owned(),
            reason: failure.to_string(),
            retry_in,
        }))
    }
}

enum Decided {
    Certificate(String),
    Waiting(Waiting),
}

enum Attempt {
    Failed(RequestFailure),
    NotOurs(Box<JoinError>),
}

async fn is_ours(api: &Api<CertificateSigningRequest>, name: &str, pending: &Pending) -> bool {
    // Whatever keeps an old request from being read (another token, its removal), a new one can be submitted.
    api.get_opt(name)
        .await
        .ok()
        .flatten()
        .is_some_and(|found| found.spec.request.0 == pending.request.as_bytes())
}

/// Whether it was there already.
async fn create(
    api: &Api<CertificateSigningRequest>,
    name: &str,
    pending: &Pending,
) -> Result<bool, Attempt> {
    let failure = match api
        .create(&PostParams::default(), &object(name, pending))
        .await
    {
        Ok(_) => return Ok(false),
        Err(error) => RequestFailure::from(error),
    };
    if !matches!(failure, RequestFailure::Conflict(_)) {
        return Err(Attempt::Failed(failure));
    }
    // An earlier attempt of ours may have arrived although its answer did not.
    let found = api
        .get(name)
        .await
        .map_err(|error| Attempt::Failed(error.into()))?;
    check_ours(name, &found, pending).map_err(|error| Attempt::NotOurs(Box::new(error)))?;
    Ok(true)
}

fn object(name: &str, pending: &Pending) -> CertificateSigningRequest {
    let signer = NodeSigner::KubeletClient;
    CertificateSigningRequest {
        metadata: ObjectMeta {
            name: Some(name.to_owned()),
            ..ObjectMeta::default()
        },
        spec: CertificateSigningRequestSpec {
            request: ByteString(pending.request.as_bytes().to_vec()),
            signer_name: signer.name().to_owned(),
            usages: Some(
                signer
                    .required_usages()
                    .iter()
                    .map(ToString::to_string)
                    .collect(),
            ),
            ..CertificateSigningRequestSpec::default()
        },
        status: None,
    }
}

fn check_ours(
    name: &str,
    found: &CertificateSigningRequest,
    pending: &Pending,
) -> Result<(), JoinError> {
    if found.spec.request.0 == pending.request.as_bytes() {
        return Ok(());
    }
    Err(JoinError::NotOurRequest {
        request: name.to_owned(),
    })
}

fn refused(name: &str, failure: RequestFailure) -> JoinError {
    match failure {
        RequestFailure::Unauthorized(message) => JoinError::TokenRefused {
            request: name.to_owned(),
            message,
        },
        source => JoinError::Request {
            request: name.to_owned(),
            source,
        },
    }
}

fn decided(
    name: &str,
    request: &CertificateSigningRequest,
    key: KeyFingerprint,
) -> Result<Decided, JoinError> {
    let status = request.status.clone().unwrap_or_default();
    let conditions = status.conditions.unwrap_or_default();
    let condition = |kind: &str| conditions.iter().find(|condition| condition.type_ == kind);
    let text = |condition: &CertificateSigningRequestCondition| {
        let reason = condition.reason.clone().unwrap_or_default();
        let message = condition.message.clone().unwrap_or_default();
        (reason, message)
    };
    if let Some((reason, message)) = condition("Denied").map(text) {
        return Err(JoinError::Denied {
            request: name.to_owned(),
            reason,
            message,
        });
    }
    if let Some((reason, message)) = condition("Failed").map(text) {
        return Err(JoinError::NotSigned {
            request: name.to_owned(),
            reason,
            message,
        });
    }
    if let Some(certificate) = status
        .certificate
        .filter(|certificate| !certificate.0.is_empty())
    {
        return String::from_utf8(certificate.0)
            .map(Decided::Certificate)
            .map_err(|_| JoinError::BadCertificate {
                request: name.to_owned(),
                source: CertificateRefusal::Other("it is not PEM".to_owned()),
            });
    }
    if condition("Approved").is_some() {
        return Ok(Decided::Waiting(Waiting::Signature {
            request: name.to_owned(),
            signer: request.spec.signer_name.clone(),
        }));
    }
    let reviewed = condition(REVIEWED).map(text);
    Ok(Decided::Waiting(match reviewed {
        Some((reason, findings)) if reason == NAME_CLAIMED => Waiting::Name {
            request: name.to_owned(),
            key,
            findings,
        },
        Some((reason, findings)) if findings.is_empty() => approval(name, key, Some(reason)),
        Some((_, findings)) => approval(name, key, Some(findings)),
        None => approval(name, key, None),
    }))
}

fn approval(name: &str, key: KeyFingerprint, findings: Option<String>) -> Waiting {
    Waiting::Approval {
        request: name.to_owned(),
        key,
        findings,
        command: format!("slipway csr approve {name}"),
    }
}

#[cfg(test)]
mod tests {
    use slipway_pki::key::{KeyAlgorithm, PrivateKey};

    use super::*;

    fn request(status: serde_json::Value) -> CertificateSigningRequest {
        serde_json::from_value(serde_json::json!({
            "apiVersion": "certificates.k8s.io/v1",
            "kind": "CertificateSigningRequest",
            "metadata": {"name": "node-csr-1"},
            "spec": {"request": "", "signerName": "kubernetes.io/kube-apiserver-client-kubelet"},
            "status": status
        }))
        .unwrap()
    }

    fn key() -> KeyFingerprint {
        let key = PrivateKey::generate(KeyAlgorithm::EcdsaP256).unwrap();
        key.public_key().fingerprint()
    }

    #[test]
    fn a_name_depends_on_key_node_and_requester() {
        let key = |_| PrivateKey::generate(KeyAlgorithm::EcdsaP256).unwrap();
        let (one, other) = (key(1), key(2));
        let node = |text: &str| text.parse::<NodeName>().unwrap();
        let name = request_name(one.public_key(), &node("a"), "system:bootstrap:abcdef");
        assert_eq!(
            name,
            request_name(one.public_key(), &node("a"), "system:bootstrap:abcdef")
        );
        assert_ne!(
            name,
            request_name(other.public_key(), &node("a"), "system:bootstrap:abcdef")
        );
        assert_ne!(
            name,
            request_name(one.public_key(), &node("b"), "system:bootstrap:abcdef")
        );
        assert_ne!(
            name,
            request_name(one.public_key(), &node("a"), "system:bootstrap:123456")
        );
        assert!(
            name.parse::<NodeName>().is_ok(),
            "{name} is no valid object name"
        );
    }

    #[test]
    fn a_denial_ends_the_wait_with_its_reason_even_beside_a_certificate() {
        let denied = request(serde_json::json!({
            "certificate": "LS0=",
            "conditions": [{"type": "Denied", "status": "True", "reason": "Guardrail", "message": "no such node"}]
        }));
        let Err(JoinError::Denied {
            reason, message, ..
        }) = decided("node-csr-1", &denied, key())
        else {
            panic!("not denied")
        };
        assert_eq!(
            (reason.as_str(), message.as_str()),
            ("Guardrail", "no such node")
        );
    }

    #[test]
    fn what_the_approvers_found_is_shown_while_nothing_is_decided() {
        let reviewed = request(serde_json::json!({"conditions": [{
            "type": "slipway.dev/Reviewed", "status": "False", "reason": "Deferred", "message": "a person must decide"
        }]}));
        let Ok(Decided::Waiting(Waiting::Approval {
            findings, command, ..
        })) = decided("node-csr-1", &reviewed, key())
        else {
            panic!("not waiting")
        };
        assert_eq!(findings.as_deref(), Some("a person must decide"));
        assert_eq!(command, "slipway csr approve node-csr-1");
    }

    #[test]
    fn approving_is_not_offered_where_another_key_has_the_name() {
        let claimed = request(serde_json::json!({"conditions": [{
            "type": "slipway.dev/Reviewed", "status": "False", "reason": "NameClaimed", "message": "worker-1 is another's"
        }]}));
        let Ok(Decided::Waiting(Waiting::Name { findings, .. })) =
            decided("node-csr-1", &claimed, key())
        else {
            panic!("not waiting for the name")
        };
        assert_eq!(findings, "worker-1 is another's");
    }

    #[test]
    fn approved_without_a_certificate_waits_for_the_signer() {
        let approved =
            request(serde_json::json!({"conditions": [{"type": "Approved", "status": "True"}]}));
        assert!(matches!(
            decided("x", &approved, key()),
            Ok(Decided::Waiting(Waiting::Signature { .. }))
        ));
        assert!(matches!(
            decided("x", &request(serde_json::json!({})), key()),
            Ok(Decided::Waiting(Waiting::Approval { findings: None, .. }))
        ));
    }
}
