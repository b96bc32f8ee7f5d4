//! Text that comes from plugins, made fit for logs and terminals.

/// Bytes of one text; the rest is cut.
const TEXT_BYTES: usize = 2048;

/// A text that is one line, of bounded length, without anything that a terminal acts on: control characters, and
/// what turns the direction of writing or is not seen.
pub(crate) fn one_line(text: &str) -> String {
    let mut line = String::with_capacity(text.len().min(TEXT_BYTES));
    for character in text.chars() {
        if line.len() + character.len_utf8() > TEXT_BYTES {
            line.push('…');
            break;
        }
        match character {
            '\n' | '\t' => line.push(' '),
            character if is_unprintable(character) => {}
            character => line.push(character),
        }
    }
    line
}

fn is_unprintable(character: char) -> bool {
    character.is_control()
        || matches!(
            character,
            '\u{ad}'
                | '\u{61c}'
                | '\u{200b}'..='\u{200f}'
                | '\u{2028}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}'
                | '\u{feff}'
                | '\u{fff9}'..='\u{fffb}'
                | '\u{e0000}'..='\u{e007f}'
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_becomes_one_printable_line() {
        assert_eq!(
            one_line("a\nb\x1b[31m\u{202e}c\r\u{0}d\u{9b}\u{200b}é"),
            "a b[31mcdé"
        );
    }

    #[test]
    fn a_long_text_is_cut_at_a_character() {
        let line = one_line(&"é".repeat(TEXT_BYTES));
        assert!(line.len() <= TEXT_BYTES + '…'.len_utf8());
        assert!(line.ends_with("é…"));
    }
}
