//! CertificateSigningRequests: what the server writes itself, and what may change through which door.

mod conditions;
mod rules;
mod validation;

pub(crate) use rules::CertificateRequests;

use self::conditions::{APPROVED, DENIED, FAILED};

use jiff::Timestamp;
use k8s_openapi::api::certificates::v1::{
    CertificateSigningRequest, CertificateSigningRequestCondition, CertificateSigningRequestStatus,
};

use super::Violation;
use crate::authentication::UserInfo;

/// The signer of a node's client certificate, the only one that a bootstrap token may ask.
pub(crate) const KUBELET_CLIENT_SIGNER: &str = "kubernetes.io/kube-apiserver-client-kubelet";

/// Why a requester may not make this request at all.
pub(crate) fn refusal(request: &CertificateSigningRequest, requester: &UserInfo) -> Option<String> {
    let signer = &request.spec.signer_name;
    (requester.is_bootstrap() && signer != KUBELET_CLIENT_SIGNER).then(|| {
        format!(
            "a bootstrap token may ask for a certificate of signer {KUBELET_CLIENT_SIGNER:?} only, not of {signer:?}"
        )
    })
}

/// A new request: the requester is who was authenticated, whatever the body claims, and nothing is
/// decided yet.
pub(crate) fn prepare_create(request: &mut CertificateSigningRequest, requester: &UserInfo) {
    let user = requester.to_api();
    request.spec.username = user.username;
    request.spec.uid = user.uid;
    request.spec.groups = user.groups;
    request.spec.extra = user.extra;
    request.status = Some(CertificateSigningRequestStatus::default());
}

/// Everything wrong with a new request.
pub(crate) fn validate_create(request: &CertificateSigningRequest) -> Vec<Violation> {
    validation::spec(&request.spec)
}

/// A write to the object itself changes its metadata only.
pub(crate) fn prepare_update(old: &CertificateSigningRequest, new: &mut CertificateSigningRequest) {
    new.spec = old.spec.clone();
    new.status = old.status.clone();
}

/// A write through `/approval` by `user` changes the decision only, and says who took it.
pub(crate) fn prepare_approval(
    old: &CertificateSigningRequest,
    new: &mut CertificateSigningRequest,
    user: &UserInfo,
    now: Timestamp,
) {
    let written =
        conditions::after_approval(conditions_of(old), conditions_of(new), &user.username, now);
    new.spec = old.spec.clone();
    new.status = Some(CertificateSigningRequestStatus {
        certificate: status_of(old).certificate,
        conditions: Some(written).filter(|written| !written.is_empty()),
    });
}

/// A write through `/status` changes the certificate and whatever is no decision.
pub(crate) fn prepare_status(
    old: &CertificateSigningRequest,
    new: &mut CertificateSigningRequest,
    now: Timestamp,
) {
    let written = conditions::after_status(conditions_of(old), conditions_of(new), now);
    new.spec = old.spec.clone();
    new.status = Some(CertificateSigningRequestStatus {
        certificate: status_of(new).certificate,
        conditions: Some(written).filter(|written| !written.is_empty()),
    });
}

/// Everything wrong with the status after a prepared write through either door.
pub(crate) fn validate_status(
    old: &CertificateSigningRequest,
    new: &CertificateSigningRequest,
) -> Vec<Violation> {
    let mut found = conditions::violations(conditions_of(old), conditions_of(new));
    let (before, after) = (status_of(old).certificate, status_of(new).certificate);
    match (&before, &after) {
        (before, after) if before == after => {}
        (Some(_), _) => found.push(Violation::forbidden(
            "status.certificate",
            "a certificate is set once and cannot be changed",
        )),
        (None, Some(certificate)) => {
            if let Err(detail) = validation::certificate(&certificate.0) {
                found.push(Violation::invalid("status.certificate", detail));
            }
        }
        (None, None) => {}
    }
    found
}

/// Whether a prepared write through `/status` is a signer's: it sets the certificate, or says that
/// signing failed.
pub(crate) fn is_signing(old: &CertificateSigningRequest, new: &CertificateSigningRequest) -> bool {
    let failed = |request| {
        conditions_of(request)
            .iter()
            .any(|condition| condition.type_ == FAILED)
    };
    status_of(old).certificate != status_of(new).certificate || (failed(new) && !failed(old))
}

/// Whether nothing has been decided about the request yet.
pub(crate) fn is_pending(request: &CertificateSigningRequest) -> bool {
    !conditions_of(request)
        .iter()
        .any(|condition| matches!(condition.type_.as_str(), APPROVED | DENIED | FAILED))
}

fn conditions_of(request: &CertificateSigningRequest) -> &[CertificateSigningRequestCondition] {
    request
        .status
        .as_ref()
        .and_then(|status| status.conditions.as_deref())
        .unwrap_or_default()
}

/// The status with an empty certificate counted as none.
fn status_of(request: &CertificateSigningRequest) -> CertificateSigningRequestStatus {
    let mut status = request.status.clone().unwrap_or_default();
    status.certificate = status.certificate.filter(|bytes| !bytes.0.is_empty());
    status
}

#[cfg(test)]
mod tests;
