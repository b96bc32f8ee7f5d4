//! The conditions of a certificate signing request, and where it stands by them.

use jiff::Timestamp;
use k8s_openapi::api::certificates::v1::{
    CertificateSigningRequest, CertificateSigningRequestCondition as Condition,
};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

/// The condition that lets a signer sign.
pub(crate) const APPROVED: &str = "Approved";
/// The condition that ends a request.
pub(crate) const DENIED: &str = "Denied";
/// The condition of an approved request that gets no certificate.
pub(crate) const FAILED: &str = "Failed";
/// Our own condition: what the approvers found so far about a request that is not decided yet.
pub const REVIEWED: &str = "slipway.dev/Reviewed";

/// Who took the decision: written by the embedded API itself beside [`APPROVED`] or [`DENIED`], and by nobody else. Other
/// API servers do not say.
pub(crate) const DECIDED: &str = "slipway.dev/Decided";

/// Longest message that is written into a condition, in bytes.
const LONGEST_MESSAGE: usize = 1024;

/// Where a request stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It is not decided.
    Open,
    /// It is approved and has no certificate yet.
    Approved,
    /// It is denied.
    Denied,
    /// It is approved, and gets no certificate.
    Failed,
    /// Its certificate is there.
    Issued,
}

/// Where a request stands by its conditions and its certificate.
pub fn standing(request: &CertificateSigningRequest) -> Standing {
    let issued = request
        .status
        .as_ref()
        .and_then(|status| status.certificate.as_ref())
        .is_some_and(|certificate| !certificate.0.is_empty());
    if find(request, DENIED).is_some() {
        Standing::Denied
    } else if issued {
        Standing::Issued
    } else if find(request, FAILED).is_some() {
        Standing::Failed
    } else if find(request, APPROVED).is_some() {
        Standing::Approved
    } else {
        Standing::Open
    }
}

/// The condition of a type, if the request has it.
pub(crate) fn find<'a>(
    request: &'a CertificateSigningRequest,
    type_: &str,
) -> Option<&'a Condition> {
    let conditions = request.status.as_ref()?.conditions.as_ref()?;
    conditions.iter().find(|condition| condition.type_ == type_)
}

/// The last moment at which a condition was changed.
pub(crate) fn time_of(condition: &Condition) -> Option<Timestamp> {
    let time = condition
        .last_update_time
        .as_ref()
        .or(condition.last_transition_time.as_ref());
    time.map(|time| time.0)
}

/// The request with a condition put in, in the place of one of the same type.
pub(crate) fn put(
    request: &mut CertificateSigningRequest,
    type_: &str,
    status: &str,
    reason: &str,
    message: &str,
    now: Timestamp,
) {
    let conditions = request
        .status
        .get_or_insert_default()
        .conditions
        .get_or_insert_default();
    let transition = conditions
        .iter()
        .find(|condition| condition.type_ == type_ && condition.status == status)
        .and_then(|condition| condition.last_transition_time.clone())
        .unwrap_or(Time(now));
    conditions.retain(|condition| condition.type_ != type_);
    conditions.push(Condition {
        type_: type_.to_owned(),
        status: status.to_owned(),
        reason: Some(reason.to_owned()),
        message: Some(shortened(message)),
        last_update_time: Some(Time(now)),
        last_transition_time: Some(transition),
    });
}

/// A message that fits into a condition.
pub(crate) fn shortened(message: &str) -> String {
    if message.len() <= LONGEST_MESSAGE {
        return message.to_owned();
    }
    let end = message.floor_char_boundary(LONGEST_MESSAGE.saturating_sub("…".len()));
    let (kept, _) = message.split_at_checked(end).unwrap_or((message, ""));
    format!("{kept}…")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    #[test]
    fn a_request_stands_by_its_conditions_and_its_certificate() {
        let mut request = CertificateSigningRequest::default();
        assert_eq!(standing(&request), Standing::Open);
        put(
            &mut request,
            REVIEWED,
            "False",
            "Deferred",
            "a person must decide",
            at(1),
        );
        assert_eq!(standing(&request), Standing::Open);
        put(&mut request, APPROVED, "True", "R", "", at(1));
        assert_eq!(standing(&request), Standing::Approved);
        put(&mut request, FAILED, "True", "R", "", at(1));
        assert_eq!(standing(&request), Standing::Failed);
        let mut issued = request.clone();
        issued.status.as_mut().unwrap().certificate = Some(k8s_openapi::ByteString(b"x".to_vec()));
        assert_eq!(standing(&issued), Standing::Issued);
        put(&mut issued, DENIED, "True", "R", "", at(1));
        assert_eq!(standing(&issued), Standing::Denied);
    }

    #[test]
    fn a_condition_is_replaced_and_keeps_the_time_of_its_transition() {
        let mut request = CertificateSigningRequest::default();
        put(&mut request, REVIEWED, "False", "Deferred", "one", at(1));
        put(&mut request, REVIEWED, "False", "Retrying", "two", at(2));
        let conditions = request
            .status
            .as_ref()
            .unwrap()
            .conditions
            .as_ref()
            .unwrap();
        assert_eq!(conditions.len(), 1);
        assert_eq!(conditions[0].message.as_deref(), Some("two"));
        assert_eq!(conditions[0].last_transition_time, Some(Time(at(1))));
        assert_eq!(time_of(&conditions[0]), Some(at(2)));
    }

    #[test]
    fn a_long_message_is_cut_between_characters() {
        let long = "ä".repeat(2000);
        let short = shortened(&long);
        assert!(
            short.len() <= LONGEST_MESSAGE && short.ends_with('…'),
            "{}",
            short.len()
        );
        assert_eq!(shortened("short"), "short");
    }
}
