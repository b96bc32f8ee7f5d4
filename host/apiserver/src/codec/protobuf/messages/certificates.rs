//! `certificates.k8s.io/v1`.

use k8s_openapi::api::certificates::v1 as api;
use k8s_pb::api::certificates::v1 as pb;

use super::{extra_value, message};

message!(api::CertificateSigningRequest as pb::CertificateSigningRequest {
    metadata, spec, status
});

message!(api::CertificateSigningRequestSpec as pb::CertificateSigningRequestSpec {
    request, signer_name, usages, username, uid, groups, extra;
    pointers: expiration_seconds
});

message!(api::CertificateSigningRequestStatus as pb::CertificateSigningRequestStatus {
    conditions, certificate
});

message!(api::CertificateSigningRequestCondition as pb::CertificateSigningRequestCondition {
    status, reason, message, last_update_time, last_transition_time;
    renamed: type_ = r#type
});

extra_value!(pb::ExtraValue);
