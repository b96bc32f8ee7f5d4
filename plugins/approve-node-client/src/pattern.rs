//! Names with wildcards.

use std::fmt;

/// A node's name in which `*` stands for any characters, none included.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct NamePattern(String);

impl NamePattern {
    /// Reads a pattern; the error is a sentence.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let is_allowed =
            |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-.*".contains(&byte);
        if text.is_empty() || !text.bytes().all(is_allowed) {
            return Err(format!(
                "{text:?} can match no node's name; expected lower-case letters, digits, '-', '.' and '*'"
            ));
        }
        Ok(Self(text.to_owned()))
    }

    /// Whether a name is one of those that are meant.
    pub(crate) fn matches(&self, name: &str) -> bool {
        let Some((start, rest)) = self.0.split_once('*') else {
            return self.0 == name;
        };
        let Some(mut name) = name.strip_prefix(start) else {
            return false;
        };
        let mut pieces: Vec<&str> = rest.split('*').collect();
        let end = pieces.pop().unwrap_or_default();
        // The first place at which a piece fits leaves the most for the others.
        for piece in pieces {
            match name.split_once(piece) {
                Some((_, after)) => name = after,
                None => return false,
            }
        }
        name.ends_with(end)
    }
}

impl fmt::Display for NamePattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The definition: a star is nothing, or one character and a star.
    fn is_match(pattern: &str, name: &str) -> bool {
        match (pattern.split_at_checked(1), name.split_at_checked(1)) {
            (None, _) => name.is_empty(),
            (Some(("*", rest)), None) => is_match(rest, name),
            (Some(("*", rest)), Some((_, later))) => {
                is_match(rest, name) || is_match(pattern, later)
            }
            (Some((first, rest)), Some((character, later))) => {
                first == character && is_match(rest, later)
            }
            (Some(_), None) => false,
        }
    }

    proptest! {
        #[test]
        fn matching_is_as_defined(pattern in "[ab*]{1,6}", name in "[ab]{0,8}") {
            let matches = NamePattern::parse(&pattern).unwrap().matches(&name);
            prop_assert_eq!(matches, is_match(&pattern, &name));
        }
    }

    #[test]
    fn a_star_stands_for_any_characters() {
        for (pattern, name, expected) in [
            ("worker-1", "worker-1", true),
            ("worker-1", "worker-10", false),
            ("worker-*", "worker-", true),
            ("worker-*", "worker-10.rack", true),
            ("worker-*", "my-worker-1", false),
            ("*", "a", true),
            ("*.lab", "a.lab", true),
            ("*.lab", "a.lab.evil", false),
            ("a*b*c", "a-b-b-c", true),
            ("a*b*c", "a-c-b", false),
            ("ab*ba", "aba", false),
            ("a**b", "ab", true),
        ] {
            let matches = NamePattern::parse(pattern).unwrap().matches(name);
            assert_eq!(matches, expected, "{pattern} on {name}");
        }
    }

    #[test]
    fn what_matches_no_name_is_refused() {
        for text in ["", "Worker-*", "a b", "a?", "a_b"] {
            assert!(NamePattern::parse(text).is_err(), "{text:?}");
        }
    }
}
