//! Certificate signing requests.

use k8s_openapi::api::certificates::v1::CertificateSigningRequest;

use crate::resource::{Definition, Subresource};
use crate::table;

pub(super) static CERTIFICATE_SIGNING_REQUESTS: Definition = Definition {
    short_names: &["csr"],
    subresources: &[Subresource::Approval, Subresource::Status],
    selectable_fields: &["spec.signerName"],
    ..Definition::stored::<CertificateSigningRequest>(&table::CERTIFICATE_SIGNING_REQUESTS)
};
