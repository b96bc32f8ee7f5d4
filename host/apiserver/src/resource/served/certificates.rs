//! Certificate signing requests.

use k8s_openapi::api::certificates::v1::CertificateSigningRequest;

use crate::resource::definition::{STORED, normalise};
use crate::resource::{Definition, NameRule, Scope, Subresource};
use crate::table;

pub(super) static CERTIFICATE_SIGNING_REQUESTS: Definition = Definition {
    group: "certificates.k8s.io",
    version: "v1",
    kind: "CertificateSigningRequest",
    plural: "certificatesigningrequests",
    singular: "certificatesigningrequest",
    short_names: &["csr"],
    scope: Scope::Cluster,
    verbs: STORED,
    subresources: &[Subresource::Approval, Subresource::Status],
    name_rule: NameRule::Subdomain,
    needs_version: false,
    confidential: false,
    selectable_fields: &["spec.signerName"],
    merge: &[],
    columns: &table::CERTIFICATE_SIGNING_REQUESTS,
    normalise: normalise::<CertificateSigningRequest>,
};
