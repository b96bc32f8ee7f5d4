//! The shapes of names, labels and annotations.
//!
//! Source: `k8s.io/apimachinery/pkg/util/validation`, RFC 1123.

/// What a kind demands of its objects' names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NameRule {
    /// Labels of letters, digits and hyphens, joined by dots; at most 253 characters.
    Subdomain,
    /// One label; at most 63 characters.
    Label,
    /// Letters of both cases, digits, `-`, `_` and `.`, as kubelets name their requests (`node-csr-` and a digest in base64);
    /// at most 253 characters, so plain that a name can be pasted into a command.
    Plain,
    /// Anything that can stand in a path.
    PathSegment,
}

impl NameRule {
    /// What is wrong with a name.
    pub(crate) fn check(self, name: &str) -> Result<(), &'static str> {
        match self {
            Self::Subdomain if is_subdomain(name) => Ok(()),
            Self::Subdomain => Err(
                "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character, in at most 253 characters",
            ),
            Self::Label if is_label(name) => Ok(()),
            Self::Label => Err(
                "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character, in at most 63 characters",
            ),
            Self::Plain if is_plain(name) => Ok(()),
            Self::Plain => Err(
                "a name must consist of alphanumeric characters, '-', '_' or '.', and must start with an alphanumeric character, in at most 253 characters",
            ),
            Self::PathSegment if matches!(name, "." | "..") => Err("may not be '.' or '..'"),
            Self::PathSegment if name.contains(['/', '%']) => Err("may not contain '/' or '%'"),
            Self::PathSegment => Ok(()),
        }
    }
}

/// `prefix/name` or `name`: the key of a label or an annotation, or a finalizer.
pub(crate) fn is_qualified_name(text: &str) -> bool {
    let name = match text.split_once('/') {
        Some((prefix, name)) if is_subdomain(prefix) => name,
        Some(_) => return false,
        None => text,
    };
    !name.is_empty() && is_label_value(name)
}

/// At most 63 letters, digits, `-`, `_` and `.`, the first and the last a letter or digit; or nothing.
pub(crate) fn is_label_value(text: &str) -> bool {
    text.is_empty()
        || (text.len() <= 63
            && text
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.'))
            && text.starts_with(|first: char| first.is_ascii_alphanumeric())
            && text.ends_with(|last: char| last.is_ascii_alphanumeric()))
}

fn is_plain(text: &str) -> bool {
    text.len() <= 253
        && text.starts_with(|first: char| first.is_ascii_alphanumeric())
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.'))
}

fn is_subdomain(text: &str) -> bool {
    text.len() <= 253 && text.split('.').all(is_label_of_any_length)
}

fn is_label(text: &str) -> bool {
    text.len() <= 63 && is_label_of_any_length(text)
}

fn is_label_of_any_length(text: &str) -> bool {
    !text.is_empty()
        && !text.starts_with('-')
        && !text.ends_with('-')
        && text
            .bytes()
            .all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        let long = "a".repeat(64);
        for (rule, good, bad) in [
            (
                NameRule::Subdomain,
                vec!["a", "a.b-c", long.as_str()],
                vec!["", "A", "a_b", "-a", "a-", "a..b", ".a", "system:node"],
            ),
            (NameRule::Label, vec!["a-b"], vec!["a.b", long.as_str(), ""]),
            (
                NameRule::Plain,
                vec![
                    "node-csr-M3UqNrf5OiGaC2uOwykFX-qY0_RHHVcIZy3RiPvnTH_",
                    "a.b",
                ],
                vec!["", "-a", "a b", "a;b", "$(a)", "a/b", ".."],
            ),
            (
                NameRule::PathSegment,
                vec!["system:node", "A.b"],
                vec![".", "..", "a/b", "a%b"],
            ),
        ] {
            for name in good {
                assert_eq!(rule.check(name), Ok(()), "{rule:?} {name:?}");
            }
            for name in bad {
                assert!(rule.check(name).is_err(), "{rule:?} {name:?}");
            }
        }
    }

    #[test]
    fn label_keys_and_values() {
        for key in ["app", "a.b/c", "A_b.C-d"] {
            assert!(is_qualified_name(key), "{key:?}");
        }
        for key in ["", "/a", "a/", "a/b/c", "-a", "A.b/c", "a b"] {
            assert!(!is_qualified_name(key), "{key:?}");
        }
        assert!(is_label_value(""));
        assert!(!is_label_value(&"a".repeat(64)));
    }
}
