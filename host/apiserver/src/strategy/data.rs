//! The data of Secrets and ConfigMaps: keys and size.

use super::Violation;

/// The most that one Secret or ConfigMap may hold, in bytes.
const MAX_BYTES: usize = 1024 * 1024;

/// What is wrong with a change of what does not change.
pub(super) const CONSTANT: &str = "field is immutable when `immutable` is set";

/// What is wrong with the keys of a map.
pub(super) fn keys<'a>(field: &str, keys: impl Iterator<Item = &'a String>) -> Vec<Violation> {
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
