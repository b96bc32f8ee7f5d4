//! The shapes of names, labels and annotations, and what people are told about them, in Kubernetes' words.
//!
//! Source: `k8s.io/apimachinery/pkg/api/validate/content`, RFC 1123.

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

/// How a text of some kind has to be.
pub(crate) struct Form {
    /// In words.
    pub(crate) words: &'static str,
    /// As a regular expression.
    pub(crate) pattern: &'static str,
    /// Texts that are so.
    pub(crate) examples: &'static [&'static str],
}

const SUBDOMAIN: Form = Form {
    words: "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character",
    pattern: r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*",
    examples: &["example.com"],
};

const LABEL: Form = Form {
    words: "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character",
    pattern: "[a-z0-9]([-a-z0-9]*[a-z0-9])?",
    examples: &["my-name", "123-abc"],
};

const PLAIN: Form = Form {
    words: "a name must consist of alphanumeric characters, '-', '_' or '.', and must start with an alphanumeric character",
    pattern: "[A-Za-z0-9][-A-Za-z0-9_.]*",
    examples: &["node-csr-3vHx_Q"],
};

const QUALIFIED_NAME: Form = Form {
    words: "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character",
    pattern: "([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]",
    examples: &["MyName", "my.name", "123-abc"],
};

const LABEL_VALUE: Form = Form {
    words: "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character",
    pattern: "(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?",
    examples: &["MyValue", "my_value", "12345"],
};

impl NameRule {
    /// Everything wrong with a name that is not empty.
    pub(crate) fn faults(self, name: &str) -> Vec<String> {
        match self {
            Self::Subdomain => subdomain_faults(name),
            Self::Label => {
                let mut faults = too_long(name, 63);
                if is_subdomain(name) && name.contains('.') {
                    faults.push("must not contain dots".to_owned());
                } else if !is_label(name) {
                    faults.push(LABEL.fault());
                }
                faults
            }
            Self::Plain => {
                let mut faults = too_long(name, 253);
                if !is_plain(name) {
                    faults.push(PLAIN.fault());
                }
                faults
            }
            Self::PathSegment if matches!(name, "." | "..") => vec![format!("may not be '{name}'")],
            Self::PathSegment => {
                let taken = ['/', '%'].into_iter().filter(|taken| name.contains(*taken));
                taken
                    .map(|taken| format!("may not contain '{taken}'"))
                    .collect()
            }
        }
    }
}

impl Form {
    /// What a text that is not so is told.
    pub(crate) fn fault(&self) -> String {
        let examples: Vec<_> = self
            .examples
            .iter()
            .map(|example| format!("'{example}', "))
            .collect();
        format!(
            "{} (e.g. {}regex used for validation is '{}')",
            self.words,
            examples.join(" or "),
            self.pattern
        )
    }
}

/// That a text is longer than `limit` characters, if it is.
pub(crate) fn too_long(text: &str, limit: usize) -> Vec<String> {
    let fault = format!("must be no more than {limit} characters");
    (text.len() > limit).then_some(fault).into_iter().collect()
}

/// Everything wrong with the key of a label or an annotation, or with a finalizer: `prefix/name` or `name`.
pub(crate) fn qualified_name_faults(text: &str) -> Vec<String> {
    let mut faults = Vec::new();
    let name = match text.split_once('/') {
        Some((_, name)) if name.contains('/') => {
            return vec![format!(
                "a valid label key {} with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')",
                QUALIFIED_NAME.fault()
            )];
        }
        Some(("", name)) => {
            faults.push("prefix part must be non-empty".to_owned());
            name
        }
        Some((prefix, name)) => {
            let of_prefix = subdomain_faults(prefix).into_iter();
            faults.extend(of_prefix.map(|fault| format!("prefix part {fault}")));
            name
        }
        None => text,
    };
    let mut of_name = too_long(name, 63);
    if name.is_empty() {
        of_name.push("must be non-empty".to_owned());
    }
    if name.is_empty() || !is_word(name) {
        of_name.push(QUALIFIED_NAME.fault());
    }
    faults.extend(of_name.iter().map(|fault| format!("name part {fault}")));
    faults
}

/// Everything wrong with the value of a label.
pub(crate) fn label_value_faults(text: &str) -> Vec<String> {
    let mut faults = too_long(text, 63);
    if !is_word(text) {
        faults.push(LABEL_VALUE.fault());
    }
    faults
}

/// Whether a text can be the key of a label.
pub(crate) fn is_qualified_name(text: &str) -> bool {
    qualified_name_faults(text).is_empty()
}

/// Whether a text can be the value of a label.
pub(crate) fn is_label_value(text: &str) -> bool {
    label_value_faults(text).is_empty()
}

fn subdomain_faults(text: &str) -> Vec<String> {
    let mut faults = too_long(text, 253);
    if !is_subdomain(text) {
        faults.push(SUBDOMAIN.fault());
    }
    faults
}

/// Letters, digits, `-`, `_` and `.`, the first and the last a letter or digit; or nothing.
fn is_word(text: &str) -> bool {
    text.is_empty()
        || (text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.'))
            && text.starts_with(|first: char| first.is_ascii_alphanumeric())
            && text.ends_with(|last: char| last.is_ascii_alphanumeric()))
}

fn is_plain(text: &str) -> bool {
    text.starts_with(|first: char| first.is_ascii_alphanumeric())
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.'))
}

fn is_subdomain(text: &str) -> bool {
    text.split('.').all(is_label)
}

fn is_label(text: &str) -> bool {
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
                assert_eq!(rule.faults(name), [""; 0], "{rule:?} {name:?}");
            }
            for name in bad {
                assert!(!rule.faults(name).is_empty(), "{rule:?} {name:?}");
            }
        }
    }

    #[test]
    fn faults_are_told_in_the_words_of_kubernetes() {
        assert_eq!(
            NameRule::Label.faults("a.b"),
            ["must not contain dots".to_owned()]
        );
        assert_eq!(
            NameRule::Subdomain.faults(&"a".repeat(254)),
            ["must be no more than 253 characters"]
        );
        assert_eq!(
            NameRule::Label.faults("A"),
            [
                "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')"
            ]
        );
        assert_eq!(
            NameRule::PathSegment.faults("a/%"),
            ["may not contain '/'", "may not contain '%'"]
        );
        let [prefix, empty, form] = qualified_name_faults("/").try_into().unwrap();
        assert_eq!(prefix, "prefix part must be non-empty");
        assert_eq!(empty, "name part must be non-empty");
        assert!(form.starts_with("name part must consist of"), "{form}");
        let [many] = qualified_name_faults("a/b/c").try_into().unwrap();
        assert!(
            many.starts_with("a valid label key must consist of"),
            "{many}"
        );
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
