//! Failures in the words and codes that Kubernetes' clients know: `Status` objects.
//!
//! Source of the wording: `k8s.io/apimachinery/pkg/api/errors`.

mod reason;

pub(crate) use reason::Reason;

use std::fmt;

use k8s_openapi::apimachinery::pkg::apis::meta::v1 as meta;

use crate::authentication::UserInfo;
use crate::authorization::Attributes;
use crate::resource::{GroupKind, GroupResource};
use crate::strategy::Violation;

/// A refused or failed request, as it is answered.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Status(Box<meta::Status>);

impl Status {
    /// 404: there is no object of that name.
    pub(crate) fn not_found(resource: &GroupResource, name: &str) -> Self {
        Self::new(Reason::NotFound, format!("{resource} {name:?} not found")).about(resource, name)
    }

    /// 404: no such path is served.
    pub(crate) fn path_not_found() -> Self {
        Self::new(
            Reason::NotFound,
            "the server could not find the requested resource",
        )
        .about_nothing()
    }

    /// 409: a create met an object of that name.
    pub(crate) fn already_exists(resource: &GroupResource, name: &str) -> Self {
        Self::new(
            Reason::AlreadyExists,
            format!("{resource} {name:?} already exists"),
        )
        .about(resource, name)
    }

    /// 409: the object is not, or is no longer, as the client believes it to be.
    pub(crate) fn conflict(resource: &GroupResource, name: &str, why: &str) -> Self {
        Self::new(
            Reason::Conflict,
            format!("Operation cannot be fulfilled on {resource} {name:?}: {why}"),
        )
        .about(resource, name)
    }

    /// 409: somebody else wrote the object since the client read it.
    pub(crate) fn modified(resource: &GroupResource, name: &str) -> Self {
        Self::conflict(
            resource,
            name,
            "the object has been modified; please apply your changes to the latest version and try again",
        )
    }

    /// 409: a configuration would change what others own. Each field is still to be named as a cause.
    pub(crate) fn apply_conflict(why: &str) -> Self {
        Self::new(Reason::Conflict, why)
    }

    /// 422: fields of the object are wrong; each violation becomes a cause.
    pub(crate) fn invalid(kind: &GroupKind, name: &str, violations: &[Violation]) -> Self {
        let words: Vec<String> = violations.iter().map(ToString::to_string).collect();
        let words = match words.as_slice() {
            [only] => only.clone(),
            several => format!("[{}]", several.join(", ")),
        };
        let mut status = Self::new(
            Reason::Invalid,
            format!("{kind} {name:?} is invalid: {words}"),
        );
        status.0.details = Some(meta::StatusDetails {
            name: Some(name.to_owned()).filter(|name| !name.is_empty()),
            group: Some(kind.group.to_owned()).filter(|group| !group.is_empty()),
            kind: Some(kind.kind.to_owned()),
            causes: Some(violations.iter().map(cause).collect()),
            ..meta::StatusDetails::default()
        });
        status
    }

    /// 422: a patch does not fit the object that it is for.
    pub(crate) fn unprocessable(why: &str) -> Self {
        Self::new(
            Reason::Invalid,
            "the server rejected our request due to an error in our request",
        )
        .with_cause("", "", why)
    }

    /// 422: a patch makes of the object what is not of its kind.
    pub(crate) fn invalid_patch(why: &str) -> Self {
        let message = format!("the patched object is invalid: {why}");
        Self::new(Reason::Invalid, message).with_cause("FieldValueInvalid", "patch", why)
    }

    /// 403: the server refuses, for a reason that is not the identity's permissions.
    pub(crate) fn forbidden(resource: &GroupResource, name: &str, why: &str) -> Self {
        let subject = if name.is_empty() {
            resource.to_string()
        } else {
            format!("{resource} {name:?}")
        };
        Self::new(Reason::Forbidden, format!("{subject} is forbidden: {why}")).about(resource, name)
    }

    /// 403: the identity has no permission to do this. `reason` is an authorizer's, and may be empty.
    pub(crate) fn access_denied(user: &UserInfo, attributes: &Attributes, reason: &str) -> Self {
        use crate::authorization::Target;
        let mut why = format!("User {:?} {attributes}", user.username);
        if !reason.is_empty() {
            why = format!("{why}: {reason}");
        }
        match &attributes.target {
            Target::Path(_) => Self::new(Reason::Forbidden, format!("forbidden: {why}")),
            Target::Resource(target) => {
                let resource = GroupResource::new(&target.group, &target.resource);
                Self::forbidden(&resource, &target.name, &why)
            }
        }
    }

    /// 401: a credential was presented that proves nothing.
    pub(crate) fn unauthorized() -> Self {
        Self::new(Reason::Unauthorized, "Unauthorized")
    }

    /// 400: the request cannot be understood.
    pub(crate) fn bad_request(why: impl Into<String>) -> Self {
        Self::new(Reason::BadRequest, why)
    }

    /// 405: the resource is served, but not with this verb.
    pub(crate) fn method_not_allowed() -> Self {
        Self::new(
            Reason::MethodNotAllowed,
            "the server does not allow this method on the requested resource",
        )
        .about_nothing()
    }

    /// 406: none of the media types that the client accepts is served here.
    pub(crate) fn not_acceptable(served: &[&str]) -> Self {
        Self::new(
            Reason::NotAcceptable,
            format!(
                "only the following media types are accepted: {}",
                served.join(", ")
            ),
        )
    }

    /// 415: the body's media type is not read here.
    pub(crate) fn unsupported_media_type(served: &[&str]) -> Self {
        Self::new(
            Reason::UnsupportedMediaType,
            format!(
                "the body of the request was in an unknown format - accepted media types include: {}",
                served.join(", ")
            ),
        )
    }

    /// 413: the body is longer than `limit` bytes.
    pub(crate) fn too_large(limit: usize) -> Self {
        Self::new(
            Reason::RequestEntityTooLarge,
            format!("Request entity too large: limit is {limit}"),
        )
    }

    /// 410: the requested moment is no longer in the history.
    pub(crate) fn expired(why: impl Into<String>) -> Self {
        Self::new(Reason::Expired, why)
    }

    /// 429: come back after `seconds`.
    pub(crate) fn too_many_requests(why: impl Into<String>, seconds: u32) -> Self {
        Self::new(Reason::TooManyRequests, why).retry_after(seconds)
    }

    /// 504: the requested moment has not come yet; try again after a second.
    pub(crate) fn too_large_resource_version(wanted: u64, current: u64) -> Self {
        let mut status = Self::new(
            Reason::Timeout,
            format!("Too large resource version: {wanted}, current: {current}"),
        )
        .retry_after(1);
        if let Some(details) = &mut status.0.details {
            details.causes = Some(vec![meta::StatusCause {
                reason: Some("ResourceVersionTooLarge".to_owned()),
                message: Some("Too large resource version".to_owned()),
                field: None,
            }]);
        }
        status
    }

    /// 503: a part that the answer depends on is out of reach for now.
    pub(crate) fn unavailable(why: impl Into<String>) -> Self {
        Self::new(Reason::ServiceUnavailable, why)
    }

    /// 500: something that should not happen. `why` reaches the client: no secrets.
    pub(crate) fn internal(why: impl fmt::Display) -> Self {
        let why = why.to_string();
        let mut status = Self::new(
            Reason::InternalError,
            format!("Internal error occurred: {why}"),
        );
        status.0.details = Some(meta::StatusDetails {
            causes: Some(vec![meta::StatusCause {
                message: Some(why),
                ..meta::StatusCause::default()
            }]),
            ..meta::StatusDetails::default()
        });
        status
    }

    /// 507: the disk has no room for it.
    pub(crate) fn insufficient_storage(why: impl fmt::Display) -> Self {
        Self::new(Reason::InsufficientStorage, why.to_string())
    }

    /// What a delete answers when the object is gone.
    pub(crate) fn deleted(resource: &GroupResource, name: &str, uid: &str) -> Self {
        let mut status = Self(Box::new(meta::Status {
            status: Some("Success".to_owned()),
            ..meta::Status::default()
        }))
        .about(resource, name);
        if let Some(details) = &mut status.0.details {
            details.uid = Some(uid.to_owned()).filter(|uid| !uid.is_empty());
        }
        status
    }

    /// The HTTP status code.
    pub(crate) fn code(&self) -> http::StatusCode {
        self.0
            .code
            .and_then(|code| u16::try_from(code).ok())
            .and_then(|code| http::StatusCode::from_u16(code).ok())
            .unwrap_or(http::StatusCode::OK)
    }

    /// The machine-readable reason; empty for a success.
    #[cfg(test)]
    pub(crate) fn reason(&self) -> &str {
        self.0.reason.as_deref().unwrap_or_default()
    }

    /// The sentence for a person.
    pub(crate) fn message(&self) -> &str {
        self.0.message.as_deref().unwrap_or_default()
    }

    /// After how many seconds the client may try again, where the answer says so.
    pub(crate) fn retry_after_seconds(&self) -> Option<u32> {
        let details = self.0.details.as_ref()?;
        u32::try_from(details.retry_after_seconds?).ok()
    }

    /// The `Status` object of the API.
    pub(crate) fn to_api(&self) -> &meta::Status {
        &self.0
    }

    /// The same answer with one more cause.
    #[must_use]
    pub(crate) fn with_cause(mut self, reason: &str, field: &str, message: &str) -> Self {
        let some = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
        self.0
            .details
            .get_or_insert_default()
            .causes
            .get_or_insert_default()
            .push(meta::StatusCause {
                reason: some(reason),
                message: some(message),
                field: some(field),
            });
        self
    }

    fn new(reason: Reason, message: impl Into<String>) -> Self {
        Self(Box::new(meta::Status {
            status: Some("Failure".to_owned()),
            message: Some(message.into()),
            reason: Some(reason.as_str().to_owned()),
            code: Some(i32::from(reason.code())),
            ..meta::Status::default()
        }))
    }

    fn about(mut self, resource: &GroupResource, name: &str) -> Self {
        self.0.details = Some(meta::StatusDetails {
            name: Some(name.to_owned()).filter(|name| !name.is_empty()),
            group: Some(resource.group.clone()).filter(|group| !group.is_empty()),
            kind: Some(resource.resource.clone()),
            ..meta::StatusDetails::default()
        });
        self
    }

    /// With the details that Kubernetes writes where it has none.
    fn about_nothing(mut self) -> Self {
        self.0.details = Some(meta::StatusDetails::default());
        self
    }

    fn retry_after(mut self, seconds: u32) -> Self {
        let details = self.0.details.get_or_insert_default();
        details.retry_after_seconds = i32::try_from(seconds).ok();
        self
    }
}

fn cause(violation: &Violation) -> meta::StatusCause {
    let prefix = format!("{}: ", violation.field);
    let words = violation.to_string();
    meta::StatusCause {
        reason: Some(violation.problem.reason().to_owned()),
        message: Some(words.strip_prefix(&prefix).unwrap_or(&words).to_owned()),
        field: Some(violation.field.clone()),
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.message())
    }
}

impl std::error::Error for Status {}

#[cfg(test)]
mod tests;
