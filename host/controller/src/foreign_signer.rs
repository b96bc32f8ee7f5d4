//! Others who sign what is approved, beside the signer of Slipway: kube-controller-manager does on every cluster on which
//! its controller for that was not switched off. They sign whatever anybody approved, without the guardrails.
//!
//! Who may sign says nothing, since the roles are there whether or not they are used, and an API server need not tell who
//! wrote a field. A certificate does: one that comes to stand in a request and is not what this process put there.

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use k8s_openapi::api::certificates::v1::CertificateSigningRequest;
use kube::ResourceExt as _;
use slipway_config::digest::Sha256Digest;
use slipway_pki::signer::NodeSigner;

use crate::condition::{self, Standing};
use crate::measures;
use crate::sharing::lock;
use crate::watch::Seen;

/// How long a certificate of another signer stands for one that is at work.
const RECENT: Duration = Duration::from_secs(3600);

/// How long what another replica has begun may still come to its end after it lost the lead.
const SETTLING: Duration = Duration::from_secs(20);

/// What was seen of other signers. Clones share it.
#[derive(Clone, Debug, Default)]
pub struct ForeignSigners(Arc<Mutex<Observed>>);

/// A certificate that another signer put into a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ForeignCertificate {
    /// The request's name.
    pub request: String,
    seen: Instant,
}

#[derive(Debug, Default)]
struct Observed {
    /// Since when the signer is at work.
    began: Option<Instant>,
    /// By UID: requests that were seen without a certificate.
    unsigned: HashSet<String>,
    /// By UID: what this process puts into a request.
    ours: HashMap<String, Sha256Digest>,
    last: Option<ForeignCertificate>,
}

impl ForeignSigners {
    /// The last certificate of another signer, unless that is long ago.
    pub fn recent(&self) -> Option<ForeignCertificate> {
        let last = lock(&self.0).last.clone()?;
        (last.seen.elapsed() < RECENT).then_some(last)
    }

    /// A term of the signer begins, of which everything is seen.
    pub(crate) fn begin(&self) {
        let mut observed = lock(&self.0);
        observed.began = Some(Instant::now());
        observed.unsigned.clear();
        observed.ours.clear();
    }

    /// This process is about to put a certificate into a request.
    pub(crate) fn expect(&self, request: &CertificateSigningRequest, certificate: &[u8]) {
        if let Some(uid) = request.uid() {
            let digest = Sha256Digest::of(certificate);
            lock(&self.0).ours.insert(uid, digest);
        }
    }

    /// Follows what becomes of requests.
    pub(crate) fn see(&self, seen: &Seen<'_, CertificateSigningRequest>) {
        let mut observed = lock(&self.0);
        match seen {
            Seen::Changed(request) => observed.see(request),
            Seen::Gone(request) => {
                let uid = request.uid().unwrap_or_default();
                observed.unsigned.remove(&uid);
                observed.ours.remove(&uid);
            }
            Seen::Listed => {}
        }
    }
}

impl Observed {
    fn see(&mut self, request: &CertificateSigningRequest) {
        let (Some(uid), Some(_)) = (
            request.uid(),
            NodeSigner::from_name(&request.spec.signer_name),
        ) else {
            return;
        };
        if condition::standing(request) != Standing::Issued {
            self.unsigned.insert(uid);
            return;
        }
        let was_unsigned = self.unsigned.remove(&uid);
        let ours = self.ours.remove(&uid);
        let has_settled = self.began.is_some_and(|began| began.elapsed() > SETTLING);
        let certificate = request
            .status
            .as_ref()
            .and_then(|status| status.certificate.as_ref());
        let is_ours = certificate.map(|bytes| Sha256Digest::of(&bytes.0)) == ours;
        if !was_unsigned || !has_settled || is_ours {
            return;
        }
        let found = ForeignCertificate {
            request: request.name_any(),
            seen: Instant::now(),
        };
        tracing::error!(
            request = found.request,
            "somebody else signed a request, without the guardrails"
        );
        measures::signed_by_another();
        self.last = Some(found);
    }
}

impl fmt::Display for ForeignCertificate {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "somebody signed {}", self.request)
    }
}

#[cfg(test)]
mod tests {
    use k8s_openapi::ByteString;
    use k8s_openapi::api::certificates::v1::{
        CertificateSigningRequestCondition, CertificateSigningRequestStatus,
    };

    use super::*;

    fn request(certificate: Option<&str>) -> CertificateSigningRequest {
        let mut request = CertificateSigningRequest::default();
        request.metadata.name = Some("r".to_owned());
        request.metadata.uid = Some("u".to_owned());
        request.spec.signer_name = NodeSigner::ALL[0].name().to_owned();
        request.status = Some(CertificateSigningRequestStatus {
            certificate: certificate.map(|text| ByteString(text.into())),
            conditions: Some(vec![CertificateSigningRequestCondition {
                type_: "Approved".to_owned(),
                status: "True".to_owned(),
                ..CertificateSigningRequestCondition::default()
            }]),
        });
        request
    }

    /// What is seen of a signer that has been at work for a while.
    fn seen(ours: Option<&str>, course: &[Option<&str>]) -> Option<String> {
        let signers = ForeignSigners::default();
        signers.begin();
        let long_ago = Instant::now().checked_sub(SETTLING * 2).unwrap();
        lock(&signers.0).began = Some(long_ago);
        if let Some(certificate) = ours {
            signers.expect(&request(None), certificate.as_bytes());
        }
        for certificate in course {
            signers.see(&Seen::Changed(&request(*certificate)));
        }
        signers.recent().map(|found| found.request)
    }

    #[test]
    fn a_certificate_that_is_not_ours_is_somebody_elses() {
        let foreign = Some("r".to_owned());
        assert_eq!(seen(Some("ours"), &[None, Some("ours")]), None);
        assert_eq!(
            seen(Some("ours"), &[None, Some("ours"), Some("ours")]),
            None
        );
        assert_eq!(seen(Some("ours"), &[None, Some("theirs")]), foreign);
        assert_eq!(seen(None, &[None, Some("theirs")]), foreign);
        // Whoever signed before this process began.
        assert_eq!(seen(None, &[Some("theirs")]), None);
    }

    #[test]
    fn what_the_leader_before_has_begun_is_not_somebody_elses() {
        let signers = ForeignSigners::default();
        signers.begin();
        signers.see(&Seen::Changed(&request(None)));
        signers.see(&Seen::Changed(&request(Some("of the leader before"))));
        assert_eq!(signers.recent(), None);
    }
}
