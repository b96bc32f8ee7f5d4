//! Parts a text into its documents, so that each can be read as its own kind.

/// One document of a text.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Chunk<'a> {
    /// The document, its markers included.
    pub(super) text: &'a str,
    /// Lines of the whole text before the document.
    pub(super) lines_before: u64,
}

/// Parts a text before each `---` and after each `...`. YAML 1.2 forbids both at the beginning of a line within a
/// document, within a block of text, too. Directives stay with the document that follows them.
pub(super) fn split(text: &str) -> Vec<Chunk<'_>> {
    let mut chunks = Vec::new();
    let (mut start, mut start_line) = (0, 0);
    let mut has_content = false;
    let mut position = 0;
    for (index, line) in (0..).zip(text.split_inclusive('\n')) {
        let after_line = position + line.len();
        if is_marker(line, "---") {
            if has_content {
                chunks.push((start..position, start_line));
                (start, start_line) = (position, index);
            }
            has_content = true;
        } else if is_marker(line, "...") {
            chunks.push((start..after_line, start_line));
            (start, start_line) = (after_line, index + 1);
            has_content = false;
        } else {
            has_content |= !line.trim().is_empty() && !line.starts_with(['#', '%']);
        }
        position = after_line;
    }
    if start < text.len() {
        chunks.push((start..text.len(), start_line));
    }
    chunks
        .into_iter()
        .filter_map(|(range, lines_before)| {
            Some(Chunk {
                text: text.get(range)?,
                lines_before,
            })
        })
        .collect()
}

/// Whether a line begins with a marker that stands alone or before a blank.
fn is_marker(line: &str, marker: &str) -> bool {
    line.strip_prefix(marker)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with([' ', '\t', '\r', '\n']))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn parts(text: &str) -> Vec<(u64, &str)> {
        split(text)
            .into_iter()
            .map(|chunk| (chunk.lines_before, chunk.text))
            .collect()
    }

    #[test]
    fn documents_are_parted_at_their_markers() {
        assert_eq!(
            parts("a: 1\n---\nb: 1\n"),
            [(0, "a: 1\n"), (1, "---\nb: 1\n")]
        );
        assert_eq!(
            parts("# c\n%YAML 1.2\n---\na: 1"),
            [(0, "# c\n%YAML 1.2\n---\na: 1")]
        );
        assert_eq!(parts("a: 1\n...\nb: 1"), [(0, "a: 1\n...\n"), (2, "b: 1")]);
        assert_eq!(
            parts("---\r\na: 1\r\n--- \r\nb"),
            [(0, "---\r\na: 1\r\n"), (2, "--- \r\nb")]
        );
        assert_eq!(parts("---x: 1\n ---\n"), [(0, "---x: 1\n ---\n")]);
    }

    proptest! {
        #[test]
        fn nothing_is_lost(text in "((---|\\.\\.\\.|#|%|a: 1|é)[ \r]?\n?){0,8}") {
            let chunks = split(&text);
            prop_assert_eq!(chunks.iter().map(|chunk| chunk.text).collect::<String>(), text.clone());
            let mut before = 0;
            for chunk in &chunks {
                prop_assert_eq!(chunk.lines_before, before);
                before += chunk.text.matches('\n').count() as u64;
            }
        }
    }
}
