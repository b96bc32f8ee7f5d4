//! Which trust sources are asked, and how many have to agree.

use std::ffi::OsString;
use std::num::NonZeroUsize;
use std::str::FromStr;

use slipway_config::plugin::PluginName;

/// The end of a quorum: `2-of`.
const OF: &str = "-of";

/// `NAME,NAME`: in this order, until one leads to trust. `2-of NAME,NAME,NAME`: all of them, of which two have to agree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TrustChoice {
    /// How many have to agree; none where the first that leads to trust is enough.
    pub(crate) quorum: Option<NonZeroUsize>,
    /// The trust sources; at least one.
    pub(crate) names: Vec<PluginName>,
}

impl FromStr for TrustChoice {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (quorum, names) = match text.split_once([' ', ':']) {
            Some((quorum, names)) => (Some(needed(quorum)?), names.trim_start()),
            None if is_quorum(text) => {
                return Err(format!(
                    "{text} of which? expected, for instance, {text} jws,https,file"
                ));
            }
            None => (None, text),
        };
        let names = names
            .split(',')
            .map(|name| name.trim().parse().map_err(|error| format!("{error}")))
            .collect::<Result<Vec<PluginName>, _>>()?;
        match quorum {
            Some(needed) if needed.get() > names.len() => Err(format!(
                "{needed} trust sources cannot agree where {} are named",
                names.len()
            )),
            _ => Ok(Self { quorum, names }),
        }
    }
}

fn needed(quorum: &str) -> Result<NonZeroUsize, String> {
    let digits = quorum.strip_suffix(OF).unwrap_or_default();
    digits.parse().map_err(|_| {
        format!("{quorum:?} is no quorum; expected a number and {OF:?}, as in 2-of jws,https,file")
    })
}

fn is_quorum(word: &str) -> bool {
    needed(word).is_ok()
}

/// `--trust 2-of jws,https,file` is two words to the shell, and one value.
pub(super) fn joined(words: impl IntoIterator<Item = OsString>) -> Vec<OsString> {
    let mut joined: Vec<OsString> = Vec::new();
    let mut words = words.into_iter();
    while let Some(word) = words.next() {
        let is_bare = word.to_str().is_some_and(|word| {
            let after_flag = joined.last().is_some_and(|flag| flag == "--trust");
            let value = word.strip_prefix("--trust=");
            value.or(after_flag.then_some(word)).is_some_and(is_quorum)
        });
        joined.push(word);
        if is_bare && let (Some(quorum), Some(names)) = (joined.last_mut(), words.next()) {
            quorum.push(" ");
            quorum.push(names);
        }
    }
    joined
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(text: &str) -> Result<(Option<usize>, Vec<String>), String> {
        let choice: TrustChoice = text.parse()?;
        Ok((
            choice.quorum.map(NonZeroUsize::get),
            choice.names.iter().map(ToString::to_string).collect(),
        ))
    }

    #[test]
    fn names_stand_alone_or_after_a_quorum() {
        let names = || vec!["jws".to_owned(), "file".to_owned()];
        assert_eq!(read("jws,file"), Ok((None, names())));
        assert_eq!(read("2-of jws,file"), Ok((Some(2), names())));
        assert_eq!(read("2-of:jws,file"), Ok((Some(2), names())));
    }

    #[test]
    fn a_quorum_that_cannot_be_is_refused() {
        for (text, reason) in [
            ("2-of", "2-of of which?"),
            ("2-of jws", "cannot agree where 1 are named"),
            ("0-of jws", "is no quorum"),
            ("x-of jws", "is no quorum"),
            ("jws file", "is no quorum"),
            ("", "is no name of a plugin"),
            ("jws,,file", "is no name of a plugin"),
        ] {
            let error = read(text).unwrap_err();
            assert!(error.contains(reason), "{text:?}: {error}");
        }
    }

    #[test]
    fn two_words_of_the_shell_become_one_value() {
        let words = |text: &str| joined(text.split(' ').map(OsString::from));
        assert_eq!(words("slipway join --trust 2-of a,b h:1")[3], "2-of a,b");
        assert_eq!(
            words("slipway join --trust=2-of a,b h:1")[2],
            "--trust=2-of a,b"
        );
        for untouched in [
            "slipway join --trust a,b h:1",
            "slipway join 2-of a",
            "slipway join --trust 2-of",
        ] {
            assert_eq!(words(untouched).len(), untouched.split(' ').count());
        }
    }

    proptest! {
        #[test]
        fn no_text_makes_the_parser_panic(text in ".{0,40}") {
            let _ = text.parse::<TrustChoice>();
        }
    }
}
