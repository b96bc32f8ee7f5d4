//! PEM as RFC 7468 has it: blocks are found one by one, and what stands around them is the caller's to judge.

use der::pem::{self, LineEnding};

/// Why a text does not hold the PEM that was expected.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PemError {
    /// It is not text.
    #[error("it is not UTF-8 text")]
    NotText,
    /// It has no block at all.
    #[error("it has no PEM block; expected -----BEGIN {expected}-----")]
    Nothing {
        /// The label that was looked for.
        expected: &'static str,
    },
    /// A block has another label.
    #[error("it has a PEM block {found:?}; expected {expected:?}")]
    Label {
        /// The label found.
        found: String,
        /// The label that was looked for.
        expected: &'static str,
    },
    /// There is text before, between or after blocks where none may be.
    #[error("there is something other than white space around the PEM block")]
    Surroundings,
    /// There is more than one block where one was expected.
    #[error("it has more than one PEM block; expected one {expected:?}")]
    Several {
        /// The label that was looked for.
        expected: &'static str,
    },
    /// A block does not end.
    #[error("the PEM block {label:?} has no -----END {label}-----")]
    Unfinished {
        /// The block's label.
        label: String,
    },
    /// A block is not RFC 7468's form, or its base64 is broken.
    #[error("the PEM block {label:?} cannot be read: {source}")]
    Malformed {
        /// The block's label.
        label: String,
        /// What the decoder said; it never repeats the content.
        source: pem::Error,
    },
}

/// One block, not decoded yet, and the text before it.
#[derive(Debug)]
pub(crate) struct Block<'a> {
    pub(crate) label: &'a str,
    /// What stands between the block before (or the beginning) and this one.
    pub(crate) preamble: &'a str,
    text: &'a str,
}

impl Block<'_> {
    /// The bytes that the block holds.
    pub(crate) fn decode(&self) -> Result<Vec<u8>, PemError> {
        let malformed = |source| PemError::Malformed {
            label: self.label.to_owned(),
            source,
        };
        let mut decoder = pem::Decoder::new_detect_wrap(self.text.as_bytes()).map_err(malformed)?;
        let mut bytes = Vec::new();
        decoder.decode_to_end(&mut bytes).map_err(malformed)?;
        Ok(bytes)
    }
}

/// All blocks of `text` in their order, and what stands after the last one.
pub(crate) fn blocks(text: &str) -> Result<(Vec<Block<'_>>, &str), PemError> {
    const BEGIN: &str = "-----BEGIN ";
    let mut found = Vec::new();
    let mut rest = text;
    while let Some((preamble, after)) = rest.split_once(BEGIN) {
        let Some((label, _)) = after.split_once("-----") else {
            return Err(PemError::Unfinished {
                label: String::new(),
            });
        };
        let end = format!("-----END {label}-----");
        let unfinished = || PemError::Unfinished {
            label: label.to_owned(),
        };
        let (body, after) = after.split_once(end.as_str()).ok_or_else(unfinished)?;
        let length = BEGIN.len() + body.len() + end.len();
        let text = rest
            .get(preamble.len()..preamble.len() + length)
            .ok_or_else(unfinished)?;
        found.push(Block {
            label,
            preamble,
            text,
        });
        rest = after;
    }
    Ok((found, rest))
}

/// The bytes of the only block of `text`, which has the label `expected` and nothing but white space around it.
pub(crate) fn single(text: &[u8], expected: &'static str) -> Result<Vec<u8>, PemError> {
    let text = std::str::from_utf8(text).map_err(|_| PemError::NotText)?;
    let (blocks, rest) = blocks(text)?;
    let [block] = blocks.as_slice() else {
        return Err(if blocks.is_empty() {
            PemError::Nothing { expected }
        } else {
            PemError::Several { expected }
        });
    };
    if block.label != expected {
        return Err(PemError::Label {
            found: block.label.to_owned(),
            expected,
        });
    }
    if !block.preamble.trim().is_empty() || !rest.trim().is_empty() {
        return Err(PemError::Surroundings);
    }
    block.decode()
}

/// `der` as one block, ending with a line feed.
pub(crate) fn encode(label: &str, der: &[u8]) -> Result<String, PemError> {
    pem::encode_string(label, LineEnding::LF, der).map_err(|source| PemError::Malformed {
        label: label.to_owned(),
        source,
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const LABEL: &str = "CERTIFICATE REQUEST";

    #[test]
    fn one_block_with_the_right_label_and_nothing_around_it() {
        let block = encode(LABEL, b"abc").unwrap();
        assert_eq!(single(block.as_bytes(), LABEL).unwrap(), b"abc");
        assert_eq!(
            single(format!("\n{block}\r\n ").as_bytes(), LABEL).unwrap(),
            b"abc"
        );
        let refused = |text: String| single(text.as_bytes(), LABEL).unwrap_err();
        assert!(matches!(
            refused(format!("{block}{block}")),
            PemError::Several { .. }
        ));
        assert!(matches!(
            refused(format!("{block}x")),
            PemError::Surroundings
        ));
        assert!(matches!(
            refused(format!("x{block}")),
            PemError::Surroundings
        ));
        assert!(matches!(
            refused(block.replace("REQUEST", "PARADE")),
            PemError::Label { .. }
        ));
        assert!(matches!(
            refused(block.replace("END", "FIN")),
            PemError::Unfinished { .. }
        ));
        assert!(matches!(refused(String::new()), PemError::Nothing { .. }));
        assert!(matches!(
            refused(block.replace("YWJj", "Proc-Type: 4\n\nYWJj")),
            PemError::Malformed { .. }
        ));
        assert!(matches!(
            refused(block.replace("YWJj", "YW!j")),
            PemError::Malformed { .. }
        ));
    }

    proptest! {
        #[test]
        fn whatever_is_written_is_read(bytes: Vec<u8>) {
            let text = encode(LABEL, &bytes).unwrap();
            prop_assume!(!bytes.is_empty());
            prop_assert_eq!(single(text.as_bytes(), LABEL).unwrap(), bytes);
        }

        #[test]
        fn no_text_makes_the_reader_panic(text in "(-----(BEGIN|END) [A-Z]{0,3}-{0,5}|[ \nA=é]){0,12}") {
            let _ = single(text.as_bytes(), "A");
        }
    }
}
