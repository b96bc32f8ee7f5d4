use serde_json::{Value, json};

use super::*;
use crate::authorization::ResourceTarget;

fn requests() -> GroupResource {
    GroupResource::new("certificates.k8s.io", "certificatesigningrequests")
}

fn json_of(status: &Status) -> Value {
    serde_json::to_value(status.to_api()).unwrap()
}

#[test]
fn a_failure_is_the_object_that_clients_know() {
    assert_eq!(
        json_of(&Status::not_found(&requests(), "n1")),
        json!({
            "apiVersion": "v1", "kind": "Status", "metadata": {}, "status": "Failure",
            "message": "certificatesigningrequests.certificates.k8s.io \"n1\" not found",
            "reason": "NotFound", "code": 404,
            "details": {
                "name": "n1", "group": "certificates.k8s.io", "kind": "certificatesigningrequests"
            }
        })
    );
}

#[test]
fn every_violation_is_a_cause() {
    let kind = GroupKind {
        group: "",
        kind: "Secret",
    };
    let one = Violation::required("metadata.name", "a name is needed");
    let two = Violation::invalid("type", "\"x\"");
    let status = Status::invalid(&kind, "s", std::slice::from_ref(&one));
    assert_eq!(
        status.message(),
        "Secret \"s\" is invalid: metadata.name: Required value: a name is needed"
    );
    let status = Status::invalid(&kind, "s", &[one, two]);
    assert_eq!((status.code().as_u16(), status.reason()), (422, "Invalid"));
    assert_eq!(
        status.message(),
        "Secret \"s\" is invalid: [metadata.name: Required value: a name is needed, type: Invalid value: \"x\"]"
    );
    assert_eq!(
        json_of(&status).pointer("/details/causes").unwrap(),
        &json!([
            {"field": "metadata.name", "message": "Required value: a name is needed", "reason": "FieldValueRequired"},
            {"field": "type", "message": "Invalid value: \"x\"", "reason": "FieldValueInvalid"}
        ])
    );
}

#[test]
fn a_denied_permission_says_who_cannot_do_what() {
    let user = UserInfo::anonymous();
    let secret = ResourceTarget::new("", "secrets")
        .within("default")
        .named("s");
    assert_eq!(
        Status::access_denied(&user, &Attributes::resource("get", secret), "").message(),
        "secrets \"s\" is forbidden: User \"system:anonymous\" cannot get resource \"secrets\" in API group \"\" in the namespace \"default\""
    );
    assert_eq!(
        Status::access_denied(&user, &Attributes::path("get", "/metrics"), "why").message(),
        "forbidden: User \"system:anonymous\" cannot get path \"/metrics\": why"
    );
}

#[test]
fn codes_and_reasons() {
    for (status, code, reason) in [
        (Status::path_not_found(), 404, "NotFound"),
        (
            Status::already_exists(&requests(), "a"),
            409,
            "AlreadyExists",
        ),
        (Status::modified(&requests(), "a"), 409, "Conflict"),
        (Status::unprocessable("a"), 422, "Invalid"),
        (Status::forbidden(&requests(), "", "a"), 403, "Forbidden"),
        (Status::unauthorized(), 401, "Unauthorized"),
        (Status::bad_request("a"), 400, "BadRequest"),
        (Status::method_not_allowed(), 405, "MethodNotAllowed"),
        (Status::not_acceptable(&["a"]), 406, "NotAcceptable"),
        (
            Status::unsupported_media_type(&["a"]),
            415,
            "UnsupportedMediaType",
        ),
        (Status::too_large(1), 413, "RequestEntityTooLarge"),
        (Status::expired("a"), 410, "Expired"),
        (Status::too_many_requests("a", 2), 429, "TooManyRequests"),
        (Status::too_large_resource_version(2, 1), 504, "Timeout"),
        (Status::unavailable("a"), 503, "ServiceUnavailable"),
        (Status::internal("a"), 500, "InternalError"),
    ] {
        assert_eq!((status.code().as_u16(), status.reason()), (code, reason));
        assert!(!status.message().is_empty());
    }
    assert_eq!(
        Status::too_many_requests("a", 2).retry_after_seconds(),
        Some(2)
    );
    let deleted = Status::deleted(&requests(), "a", "u");
    assert_eq!(deleted.code(), 200);
    assert_eq!(json_of(&deleted).pointer("/details/uid"), Some(&json!("u")));
}
