//! Certificate signing requests.

use k8s_openapi::api::certificates::v1::CertificateSigningRequest;

use crate::ownership::{Shape, Shapes};
use crate::resource::{Definition, NameRule, Subresource};
use crate::table;

pub(super) static CERTIFICATE_SIGNING_REQUESTS: Definition = Definition {
    short_names: &["csr"],
    name_rule: NameRule::Plain,
    subresources: &[Subresource::Approval, Subresource::Status],
    selectable_fields: &["spec.signerName"],
    shapes: Shapes(&[("status.conditions", Shape::Keyed("type"))]),
    ..Definition::stored::<CertificateSigningRequest>(&table::CERTIFICATE_SIGNING_REQUESTS)
};
