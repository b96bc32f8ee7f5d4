//! Secrets and ConfigMaps: keys, size, what is immutable.

use std::collections::BTreeMap;

use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::{ConfigMap, Secret};

use super::Violation;

/// The most that one Secret or ConfigMap may hold, in bytes.
const MAX_BYTES: usize = 1024 * 1024;
/// The type of a Secret that names none.
const OPAQUE: &str = "Opaque";
/// The type of a Secret that holds a service account's token.
const SERVICE_ACCOUNT_TOKEN: &str = "kubernetes.io/service-account-token";

/// Moves `stringData` into `data` and fills in the type.
pub(crate) fn prepare_secret(old: Option<&Secret>, new: &mut Secret) {
    if let Some(text) = new.string_data.take() {
        new.data.get_or_insert_default().extend(
            text.into_iter()
                .map(|(key, value)| (key, ByteString(value.into_bytes()))),
        );
    }
    if new.type_.as_ref().is_none_or(String::is_empty) {
        new.type_ = old
            .and_then(|old| old.type_.clone())
            .or_else(|| Some(OPAQUE.to_owned()));
    }
}

/// Everything wrong with a prepared Secret. Values are never repeated.
pub(crate) fn validate_secret(old: Option<&Secret>, new: &Secret) -> Vec<Violation> {
    let mut found = keys("data", new.data.iter().flat_map(BTreeMap::keys));
    found.extend(size(
        "data",
        new.data.iter().flatten().map(|(_, value)| value.0.len()),
    ));
    if new.type_.as_deref() == Some(SERVICE_ACCOUNT_TOKEN) {
        found.push(Violation::forbidden(
            "type",
            "service account tokens are not served by the embedded API",
        ));
    }
    let Some(old) = old else {
        return found;
    };
    if old.type_ != new.type_ {
        found.push(Violation::invalid("type", "cannot be changed"));
    }
    if old.immutable == Some(true) {
        if new.immutable != Some(true) {
            found.push(Violation::forbidden(
                "immutable",
                "cannot be unset once it is set",
            ));
        }
        if old.data != new.data {
            found.push(Violation::forbidden("data", "this Secret is immutable"));
        }
    }
    found
}

/// Everything wrong with a ConfigMap.
pub(crate) fn validate_config_map(old: Option<&ConfigMap>, new: &ConfigMap) -> Vec<Violation> {
    let mut found = keys("data", new.data.iter().flat_map(BTreeMap::keys));
    found.extend(keys(
        "binaryData",
        new.binary_data.iter().flat_map(BTreeMap::keys),
    ));
    let both = new.data.iter().flat_map(BTreeMap::keys).find(|key| {
        new.binary_data
            .as_ref()
            .is_some_and(|binary| binary.contains_key(*key))
    });
    if let Some(key) = both {
        found.push(Violation::invalid(
            format!("data[{key}]"),
            "the same key is in binaryData",
        ));
    }
    let text = new.data.iter().flatten().map(|(_, value)| value.len());
    let binary = new
        .binary_data
        .iter()
        .flatten()
        .map(|(_, value)| value.0.len());
    found.extend(size("data", text.chain(binary)));
    if let Some(old) = old.filter(|old| old.immutable == Some(true)) {
        if new.immutable != Some(true) {
            found.push(Violation::forbidden(
                "immutable",
                "cannot be unset once it is set",
            ));
        }
        if (&old.data, &old.binary_data) != (&new.data, &new.binary_data) {
            found.push(Violation::forbidden("data", "this ConfigMap is immutable"));
        }
    }
    found
}

fn keys<'a>(field: &str, keys: impl Iterator<Item = &'a String>) -> Vec<Violation> {
    keys.filter(|key| !is_key(key))
        .map(|key| {
            Violation::invalid(
                format!("{field}[{key}]"),
                "a key is at most 253 of the characters a-z, A-Z, 0-9, '-', '_' and '.', and neither '.' nor '..'",
            )
        })
        .collect()
}

fn is_key(key: &str) -> bool {
    let holds = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    !key.is_empty()
        && key.len() <= 253
        && key.bytes().all(holds)
        && key != "."
        && !key.starts_with("..")
}

fn size(field: &str, lengths: impl Iterator<Item = usize>) -> Option<Violation> {
    let total: usize = lengths.sum();
    (total > MAX_BYTES).then(|| {
        Violation::invalid(
            field,
            format!("holds {total} bytes; at most {MAX_BYTES} are allowed"),
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secret(type_: &str, data: &[(&str, &str)]) -> Secret {
        Secret {
            type_: Some(type_.into()).filter(|type_: &String| !type_.is_empty()),
            data: Some(
                data.iter()
                    .map(|&(key, value)| (key.to_owned(), ByteString(value.into())))
                    .collect(),
            ),
            ..Secret::default()
        }
    }

    #[test]
    fn text_becomes_data_and_wins() {
        let mut new = secret("", &[("a", "1"), ("b", "2")]);
        new.string_data = Some([("b".to_owned(), "3".to_owned())].into());
        prepare_secret(None, &mut new);
        assert_eq!(new, secret("Opaque", &[("a", "1"), ("b", "3")]));
    }

    #[test]
    fn the_type_stays() {
        let old = secret("bootstrap.kubernetes.io/token", &[]);
        let mut unnamed = secret("", &[]);
        prepare_secret(Some(&old), &mut unnamed);
        assert_eq!(validate_secret(Some(&old), &unnamed), []);
        let changed = validate_secret(Some(&old), &secret("Opaque", &[]));
        assert_eq!(changed[0].field, "type");
        assert_eq!(
            validate_secret(None, &secret(SERVICE_ACCOUNT_TOKEN, &[])).len(),
            1
        );
    }

    #[test]
    fn what_is_immutable_stays() {
        let mut old = secret("Opaque", &[("a", "1")]);
        old.immutable = Some(true);
        assert_eq!(validate_secret(Some(&old), &old), []);
        let fields: Vec<_> = validate_secret(Some(&old), &secret("Opaque", &[("a", "2")]))
            .into_iter()
            .map(|violation| violation.field)
            .collect();
        assert_eq!(fields, ["immutable", "data"]);
    }

    #[test]
    fn keys_and_size_are_bounded_and_values_are_not_told() {
        for key in ["", "a/b", "..", "..a", "ä", &"k".repeat(254)] {
            let found = validate_secret(None, &secret("Opaque", &[(key, "hidden")]));
            assert_eq!(found.len(), 1, "{key}");
            assert!(!found[0].to_string().contains("hidden"));
        }
        let big = secret("Opaque", &[("a", &"x".repeat(MAX_BYTES + 1))]);
        assert_eq!(validate_secret(None, &big).len(), 1);
        let map = ConfigMap {
            data: Some([("a".to_owned(), "1".to_owned())].into()),
            binary_data: Some([("a".to_owned(), ByteString(vec![]))].into()),
            ..ConfigMap::default()
        };
        assert_eq!(validate_config_map(None, &map)[0].field, "data[a]");
    }
}
