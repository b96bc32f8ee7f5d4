//! What a Secret of one of Kubernetes' types has to hold.
//!
//! Source: `ValidateSecret` in `pkg/apis/core/validation`.

use k8s_openapi::api::core::v1::Secret;
use serde_json::Value;

use crate::strategy::Violation;

/// A type and the keys that it is for.
struct Type {
    name: &'static str,
    keys: &'static [&'static str],
    needs: Needs,
}

/// How many of the keys have to be there.
enum Needs {
    All,
    One,
    /// All, and they hold JSON.
    Json,
}

const TYPES: [Type; 5] = [
    Type {
        name: "kubernetes.io/tls",
        keys: &["tls.crt", "tls.key"],
        needs: Needs::All,
    },
    Type {
        name: "kubernetes.io/basic-auth",
        keys: &["username", "password"],
        needs: Needs::One,
    },
    Type {
        name: "kubernetes.io/ssh-auth",
        keys: &["ssh-privatekey"],
        needs: Needs::All,
    },
    Type {
        name: "kubernetes.io/dockercfg",
        keys: &[".dockercfg"],
        needs: Needs::Json,
    },
    Type {
        name: "kubernetes.io/dockerconfigjson",
        keys: &[".dockerconfigjson"],
        needs: Needs::Json,
    },
];

/// What a Secret lacks of what its type promises. Values are never repeated.
pub(super) fn violations(secret: &Secret) -> Vec<Violation> {
    let Some(type_) = TYPES
        .iter()
        .find(|type_| secret.type_.as_deref() == Some(type_.name))
    else {
        return Vec::new();
    };
    let value = |key: &str| secret.data.as_ref().and_then(|data| data.get(key));
    let missing: Vec<_> = type_
        .keys
        .iter()
        .filter(|key| value(key).is_none())
        .map(|key| Violation::missing(field(key)))
        .collect();
    match type_.needs {
        Needs::One if missing.len() < type_.keys.len() => Vec::new(),
        Needs::Json if missing.is_empty() => type_
            .keys
            .iter()
            .filter(|key| !value(key).is_some_and(|value| is_json(&value.0)))
            .map(|key| Violation::invalid(field(key), "holds no JSON"))
            .collect(),
        _ => missing,
    }
}

fn field(key: &str) -> String {
    format!("data[{key}]")
}

fn is_json(value: &[u8]) -> bool {
    serde_json::from_slice::<Value>(value).is_ok()
}

#[cfg(test)]
mod tests {
    use k8s_openapi::ByteString;

    use super::*;

    fn fields(type_: &str, data: &[(&str, &str)]) -> Vec<String> {
        let secret = Secret {
            type_: Some(type_.to_owned()),
            data: Some(
                data.iter()
                    .map(|&(key, value)| (key.to_owned(), ByteString(value.into())))
                    .collect(),
            ),
            ..Secret::default()
        };
        let found = violations(&secret);
        found.into_iter().map(|violation| violation.field).collect()
    }

    #[test]
    fn a_type_is_a_promise() {
        let tls = "kubernetes.io/tls";
        assert_eq!(fields(tls, &[]), ["data[tls.crt]", "data[tls.key]"]);
        assert_eq!(fields(tls, &[("tls.crt", "")]), ["data[tls.key]"]);
        assert!(fields(tls, &[("tls.crt", ""), ("tls.key", "")]).is_empty());
        assert_eq!(
            fields("kubernetes.io/ssh-auth", &[("a", "b")]),
            ["data[ssh-privatekey]"]
        );
        assert!(fields("Opaque", &[]).is_empty() && fields("example.com/x", &[]).is_empty());
    }

    #[test]
    fn one_of_two_is_enough_to_log_in() {
        let basic = "kubernetes.io/basic-auth";
        assert_eq!(fields(basic, &[]), ["data[username]", "data[password]"]);
        assert!(fields(basic, &[("password", "x")]).is_empty());
    }

    #[test]
    fn a_registrys_configuration_is_json() {
        let registry = "kubernetes.io/dockerconfigjson";
        let key = ".dockerconfigjson";
        assert_eq!(fields(registry, &[]), ["data[.dockerconfigjson]"]);
        assert_eq!(fields(registry, &[(key, "{")]), ["data[.dockerconfigjson]"]);
        assert!(fields(registry, &[(key, "{}")]).is_empty());
    }
}
