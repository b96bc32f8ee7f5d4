//! SHA-256 digests as `sha256:<64 hex digits>`.

use std::fmt;
use std::str::FromStr;

use crate::text::{quoted, written_as_string};

/// A SHA-256 digest, written `sha256:<64 hex digits>`. Prefix and digits are read in either case and written in lower
/// case.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Sha256Digest([u8; 32]);

/// Why a text is no `sha256:` digest.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DigestError {
    /// It does not begin with `sha256:`.
    #[error("{text} does not begin with \"sha256:\"; expected sha256:<64 hex digits>")]
    Prefix {
        /// The text, quoted and cut.
        text: String,
    },
    /// It has a character that is no hex digit.
    #[error(
        "{text} has {character:?} in it, which is no hex digit; expected sha256:<64 hex digits>"
    )]
    Character {
        /// The text, quoted and cut.
        text: String,
        /// The first such character.
        character: char,
    },
    /// It has too few or too many digits.
    #[error("{text} has {length} hex digits; expected sha256:<64 hex digits>")]
    Length {
        /// The text, quoted and cut.
        text: String,
        /// The number of digits found.
        length: usize,
    },
}

impl Sha256Digest {
    /// The digest of `bytes`.
    pub fn of(bytes: &[u8]) -> Self {
        let mut digest = [0; 32];
        digest.copy_from_slice(ring::digest::digest(&ring::digest::SHA256, bytes).as_ref());
        Self(digest)
    }

    /// The digest's bytes.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// The digest in lower-case hex, without the prefix.
    pub fn to_hex(&self) -> String {
        self.0.iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

impl From<[u8; 32]> for Sha256Digest {
    fn from(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }
}

impl FromStr for Sha256Digest {
    type Err = DigestError;

    fn from_str(text: &str) -> Result<Self, DigestError> {
        let hex = match text.split_once(':') {
            Some((prefix, hex)) if prefix.eq_ignore_ascii_case("sha256") => hex,
            _ => return Err(DigestError::Prefix { text: quoted(text) }),
        };
        let digits: Vec<u8> = hex
            .chars()
            .map(|character| {
                match character
                    .to_digit(16)
                    .and_then(|digit| u8::try_from(digit).ok())
                {
                    Some(digit) => Ok(digit),
                    None => Err(DigestError::Character {
                        text: quoted(text),
                        character,
                    }),
                }
            })
            .collect::<Result<_, _>>()?;
        let (pairs, odd) = digits.as_chunks::<2>();
        let bytes: Vec<u8> = pairs.iter().map(|[high, low]| high << 4 | low).collect();
        match <[u8; 32]>::try_from(bytes) {
            Ok(bytes) if odd.is_empty() => Ok(Self(bytes)),
            _ => Err(DigestError::Length {
                text: quoted(text),
                length: digits.len(),
            }),
        }
    }
}

impl fmt::Display for Sha256Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("sha256:")?;
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Sha256Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Sha256Digest({self})")
    }
}

written_as_string!(
    Sha256Digest,
    "^[sS][hH][aA]256:[0-9a-fA-F]{64}$",
    "a digest, sha256:<64 hex digits>"
);

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_digest_of_nothing_is_the_known_one() {
        assert_eq!(
            Sha256Digest::of(b"").to_string(),
            "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
        );
    }

    #[test]
    fn what_is_no_digest_is_refused_with_its_reason() {
        let refused = |text: &str| text.parse::<Sha256Digest>().unwrap_err().to_string();
        insta::assert_snapshot!(refused("md5:00"), @r#""md5:00" does not begin with "sha256:"; expected sha256:<64 hex digits>"#);
        insta::assert_snapshot!(refused("sha256:0g"), @r#""sha256:0g" has 'g' in it, which is no hex digit; expected sha256:<64 hex digits>"#);
        insta::assert_snapshot!(refused("sha256:00"), @r#""sha256:00" has 2 hex digits; expected sha256:<64 hex digits>"#);
        assert!(
            format!("sha256:{}", "0".repeat(65))
                .parse::<Sha256Digest>()
                .is_err()
        );
        assert!(
            format!("sha256:{}", "0".repeat(66))
                .parse::<Sha256Digest>()
                .is_err()
        );
        assert!(
            format!("sha256:+{}", "0".repeat(63))
                .parse::<Sha256Digest>()
                .is_err()
        );
    }

    proptest! {
        #[test]
        fn digests_are_read_in_any_case_and_written_in_lower_case(bytes: [u8; 32]) {
            let digest = Sha256Digest::from(bytes);
            prop_assert_eq!(digest.to_string().parse::<Sha256Digest>().unwrap(), digest);
            prop_assert_eq!(digest.to_string().to_uppercase().parse::<Sha256Digest>().unwrap(), digest);
        }

        #[test]
        fn no_text_makes_the_parser_panic(text in "(sha256:)?.{0,80}") {
            let _ = text.parse::<Sha256Digest>();
        }
    }
}
