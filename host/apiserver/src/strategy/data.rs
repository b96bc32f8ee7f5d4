//! The data of Secrets and ConfigMaps: keys and size.

use super::Violation;
use crate::resource::{Form, too_long};

/// The most that one Secret or ConfigMap may hold, in bytes.
const MAX_BYTES: usize = 1024 * 1024;

/// What is wrong with a change of what does not change.
pub(super) const CONSTANT: &str = "field is immutable when `immutable` is set";

/// A key.
const KEY: Form = Form {
    words: "a valid config key must consist of alphanumeric characters, '-', '_' or '.'",
    pattern: "[-._a-zA-Z0-9]+",
    examples: &["key.name", "KEY_NAME", "key-name"],
};

/// What is wrong with the keys of a map.
pub(super) fn keys<'a>(field: &str, keys: impl Iterator<Item = &'a String>) -> Vec<Violation> {
    keys.flat_map(|key| {
        let field = format!("{field}[{key}]");
        let found: Vec<_> = Violation::each(&field, key, faults(key)).collect();
        found
    })
    .collect()
}

fn faults(key: &str) -> Vec<String> {
    let holds = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    let mut faults = too_long(key, 253);
    if key.is_empty() || !key.bytes().all(holds) {
        faults.push(KEY.fault());
    }
    match key {
        "." | ".." => faults.push(format!("must not be '{key}'")),
        _ if key.starts_with("..") => faults.push("must not start with '..'".to_owned()),
        _ => {}
    }
    faults
}

/// What is wrong with the length of all values together.
pub(super) fn size(field: &str, lengths: impl Iterator<Item = usize>) -> Option<Violation> {
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

    #[test]
    fn keys_are_plain_names() {
        for key in ["a", "A-b_c.d", ".hidden", "kubeconfig", &"k".repeat(253)] {
            assert_eq!(keys("data", [key.to_owned()].iter()), [], "{key}");
        }
        for key in ["", "a/b", ".", "..", "..a", "ä", &"k".repeat(254)] {
            assert_eq!(keys("data", [key.to_owned()].iter()).len(), 1, "{key}");
        }
    }

    #[test]
    fn a_mebibyte_is_the_most() {
        assert_eq!(size("data", [MAX_BYTES - 1, 1].into_iter()), None);
        assert!(size("data", [MAX_BYTES, 1].into_iter()).is_some());
    }
}
