use jiff::SignedDuration;
use k8s_openapi::ByteString;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use slipway_pki::ca::{CertificateAuthority, ServerCertificate};
use slipway_pki::decision::signing::Validity;
use slipway_pki::key::KeyAlgorithm;

use super::*;

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

/// Created at 0, with these conditions at these times.
fn request(conditions: &[(&str, i64)]) -> CertificateSigningRequest {
    let mut request = CertificateSigningRequest::default();
    request.metadata.creation_timestamp = Some(Time(at(0)));
    for (type_, second) in conditions {
        condition::put(&mut request, type_, "True", "R", "", at(*second));
    }
    request
}

/// The last second at which a request stays, as long as it goes in the next one.
fn stays_until(request: &CertificateSigningRequest) -> Option<i64> {
    let over = (0..=100_000).find(|second| is_over(request, at(*second)))?;
    Some(over - 1)
}

#[test]
fn what_is_decided_goes_an_hour_later_and_what_is_not_a_day_later() {
    let day = 24 * 3600;
    assert_eq!(stays_until(&request(&[])), Some(day - 1));
    assert_eq!(
        stays_until(&request(&[("slipway.dev/Reviewed", 80_000)])),
        Some(day - 1)
    );
    for decided in [DENIED, APPROVED] {
        assert_eq!(
            stays_until(&request(&[(decided, 100)])),
            Some(3699),
            "{decided}"
        );
    }
    assert_eq!(
        stays_until(&request(&[(APPROVED, 100), (FAILED, 200)])),
        Some(3799)
    );
}

#[test]
fn what_is_issued_goes_when_its_certificate_has_expired() {
    let now = Timestamp::now();
    let hour = SignedDuration::from_hours(1);
    let ca =
        CertificateAuthority::generate("ca", KeyAlgorithm::EcdsaP256, DECIDED * 24, now).unwrap();
    let certificate = |not_after| {
        let server = ServerCertificate {
            common_name: "x",
            dns_names: &[],
            addresses: &[],
        };
        let validity = Validity {
            not_before: now - hour,
            not_after,
        };
        ca.issue_server(&server, ca.certificate().public_key(), validity)
            .unwrap()
    };
    let issued = |not_after| {
        let mut request = request(&[(APPROVED, now.as_second())]);
        let pem = certificate(not_after).to_pem().unwrap();
        request.status.get_or_insert_default().certificate = Some(ByteString(pem.into_bytes()));
        request
    };
    let minute = SignedDuration::from_mins(1);
    assert!(is_over(&issued(now - minute), now));
    assert!(!is_over(&issued(now + minute), now));
    assert!(is_over(&issued(now + hour * 20), now + hour));
}
