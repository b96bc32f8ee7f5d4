//! ConfigMaps: keys, size, and that an immutable one stays as it is.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::ConfigMap;

use super::{Violation, data, typed, valid};
use crate::resource::{Context, Object};
use crate::status::Status;

/// From the ConfigMap as the client wants it to the ConfigMap as it is stored.
pub(super) fn admit(
    old: Option<&Object>,
    new: Object,
    context: &Context,
) -> Result<Object, Status> {
    typed(old, &new, |old, new| {
        valid(&validate(old, new), new.metadata.name.as_deref(), context)
    })
}

/// Everything wrong with a ConfigMap.
fn validate(old: Option<&ConfigMap>, new: &ConfigMap) -> Vec<Violation> {
    let mut found = data::keys("data", new.data.iter().flat_map(BTreeMap::keys));
    found.extend(data::keys(
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
            format!("{key:?}: duplicate of key present in binaryData"),
        ));
    }
    let text = new.data.iter().flatten().map(|(_, value)| value.len());
    let binary = new
        .binary_data
        .iter()
        .flatten()
        .map(|(_, value)| value.0.len());
    found.extend(data::size("data", text.chain(binary)));
    if let Some(old) = old.filter(|old| old.immutable == Some(true)) {
        if new.immutable != Some(true) {
            found.push(Violation::forbidden("immutable", data::CONSTANT));
        }
        if (&old.data, &old.binary_data) != (&new.data, &new.binary_data) {
            found.push(Violation::forbidden("data", data::CONSTANT));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use k8s_openapi::ByteString;

    use super::*;

    fn map(value: &str) -> ConfigMap {
        ConfigMap {
            data: Some([("a".to_owned(), value.to_owned())].into()),
            ..ConfigMap::default()
        }
    }

    #[test]
    fn a_key_is_text_or_binary() {
        let mut both = map("1");
        both.binary_data = Some([("a".to_owned(), ByteString(vec![]))].into());
        assert_eq!(validate(None, &both)[0].field, "data[a]");
        assert_eq!(validate(None, &map("1")), []);
    }

    #[test]
    fn what_is_immutable_stays() {
        let mut old = map("1");
        old.immutable = Some(true);
        assert_eq!(validate(Some(&old), &old), []);
        let fields: Vec<_> = validate(Some(&old), &map("2"))
            .into_iter()
            .map(|violation| violation.field)
            .collect();
        assert_eq!(fields, ["immutable", "data"]);
        assert_eq!(validate(Some(&map("1")), &map("2")), []);
    }
}
