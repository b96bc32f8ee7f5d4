use k8s_openapi::ByteString;
use k8s_openapi::api::certificates::v1::CertificateSigningRequestSpec;
use rcgen::{CertificateParams, KeyPair};

use super::conditions::DECIDED;
use super::*;
use crate::authentication::{BOOTSTRAPPERS, MASTERS};

fn condition(type_: &str) -> CertificateSigningRequestCondition {
    CertificateSigningRequestCondition {
        type_: type_.into(),
        status: "True".into(),
        ..CertificateSigningRequestCondition::default()
    }
}

fn with_status(certificate: Option<&str>, conditions: &[&str]) -> CertificateSigningRequest {
    CertificateSigningRequest {
        spec: CertificateSigningRequestSpec {
            signer_name: KUBELET_CLIENT_SIGNER.into(),
            username: Some("system:bootstrap:abcdef".into()),
            ..CertificateSigningRequestSpec::default()
        },
        status: Some(CertificateSigningRequestStatus {
            certificate: certificate.map(|text| ByteString(text.as_bytes().to_vec())),
            conditions: Some(conditions.iter().map(|&type_| condition(type_)).collect()),
        }),
        ..CertificateSigningRequest::default()
    }
}

fn pem() -> String {
    let key = KeyPair::generate().unwrap();
    CertificateParams::default()
        .self_signed(&key)
        .unwrap()
        .pem()
}

fn written(
    old: &CertificateSigningRequest,
    new: CertificateSigningRequest,
    door: impl Fn(&CertificateSigningRequest, &mut CertificateSigningRequest, Timestamp),
) -> (CertificateSigningRequest, Vec<Violation>) {
    let mut new = new;
    door(old, &mut new, Timestamp::UNIX_EPOCH);
    let violations = validate_status(old, &new);
    (new, violations)
}

#[test]
fn the_requester_is_who_was_authenticated() {
    let mut request = with_status(Some("x"), &[APPROVED]);
    request.spec.groups = Some(vec![MASTERS.into()]);
    request.spec.uid = Some("forged".into());
    request.spec.extra = Some([("forged".to_owned(), vec![])].into());
    let requester = UserInfo::authenticated("system:bootstrap:uvwxyz", [BOOTSTRAPPERS]);
    prepare_create(&mut request, &requester);
    assert_eq!(
        request.spec.username.as_deref(),
        Some("system:bootstrap:uvwxyz")
    );
    assert_eq!(request.spec.groups, Some(requester.groups.clone()));
    assert_eq!((request.spec.uid, request.spec.extra), (None, None));
    assert_eq!(
        request.status,
        Some(CertificateSigningRequestStatus::default())
    );
}

#[test]
fn a_token_asks_for_a_client_certificate_only() {
    let token = UserInfo::authenticated("system:bootstrap:abcdef", [BOOTSTRAPPERS]);
    let node = UserInfo::authenticated("system:node:n1", ["system:nodes"]);
    let mut request = with_status(None, &[]);
    assert_eq!(refusal(&request, &token), None);
    request.spec.signer_name = "kubernetes.io/kubelet-serving".into();
    let refused = refusal(&request, &token).unwrap();
    assert!(refused.contains("kubelet-serving"), "{refused}");
    assert_eq!(refusal(&request, &node), None);
}

#[test]
fn the_spec_and_the_status_stand_fast_under_an_update() {
    let old = with_status(None, &[]);
    let mut new = with_status(Some("x"), &[APPROVED]);
    new.spec.username = Some("system:node:n1".into());
    prepare_update(&old, &mut new);
    assert_eq!((new.spec, new.status), (old.spec, old.status));
}

#[test]
fn approval_neither_signs_nor_touches_the_spec() {
    let old = with_status(None, &["slipway.dev/Reviewed"]);
    let mut new = with_status(Some(&pem()), &[APPROVED, FAILED]);
    new.spec.username = Some("system:node:n1".into());
    let user = UserInfo::authenticated("kubernetes-admin", [MASTERS]);
    let (new, violations) = written(&old, new, |old, new, now| {
        prepare_approval(old, new, &user, now);
    });
    assert_eq!(violations, []);
    assert_eq!(new.spec, old.spec);
    assert_eq!(status_of(&new).certificate, None);
    let types: Vec<_> = conditions_of(&new)
        .iter()
        .map(|c| c.type_.as_str())
        .collect();
    assert_eq!(types, ["slipway.dev/Reviewed", APPROVED, DECIDED]);
    assert!(!is_pending(&new) && is_pending(&old));
}

#[test]
fn signing_does_not_approve_and_happens_once() {
    let old = with_status(None, &[APPROVED]);
    let (signed, violations) = written(&old, with_status(Some(&pem()), &[DENIED]), prepare_status);
    assert_eq!(violations, []);
    assert!(is_signing(&old, &signed));
    assert_eq!(conditions_of(&signed)[0].type_, APPROVED);
    for second in [Some(pem()), None] {
        let (_, violations) = written(&signed, with_status(second.as_deref(), &[]), prepare_status);
        assert_eq!(violations.len(), 1, "{violations:?}");
    }
    let (_, violations) = written(
        &old,
        with_status(Some("no certificate"), &[]),
        prepare_status,
    );
    assert_eq!(violations[0].field, "status.certificate");
}

#[test]
fn a_review_is_no_signing_and_a_failure_is() {
    let old = with_status(None, &[APPROVED]);
    let (reviewed, _) = written(
        &old,
        with_status(None, &["slipway.dev/Reviewed"]),
        prepare_status,
    );
    assert!(!is_signing(&old, &reviewed));
    let (failed, _) = written(&old, with_status(None, &[FAILED]), prepare_status);
    assert!(is_signing(&old, &failed));
}
