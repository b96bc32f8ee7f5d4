//! Text from elsewhere on its way into a log, a condition or a message: what looks like a secret is taken out, and so is
//! what would disturb a terminal.

use std::borrow::Cow;

use crate::finding::{Finding, Verdict};
use crate::token::{TokenId, TokenSecret};

/// Longest text that is kept, in bytes.
const LONGEST: usize = 4096;
/// What stands in the place of a secret.
const REDACTED: &str = "[redacted]";

/// The text without bootstrap tokens, PEM blocks of private keys, bearer credentials and control characters.
pub fn text(text: &str) -> String {
    let end = text.floor_char_boundary(LONGEST.min(text.len()));
    // First, so that what reads as words afterwards is taken for words.
    let kept = without_controls(text.get(..end).unwrap_or_default());
    let mut clean = String::with_capacity(kept.len());
    let mut after_bearer = false;
    for word in without_keys(&kept).split_inclusive(|c: char| c.is_whitespace()) {
        let bare = word.trim_end();
        if after_bearer && !bare.is_empty() {
            clean.push_str(REDACTED);
            clean.push_str(word.get(bare.len()..).unwrap_or_default());
        } else {
            push_without_tokens(&mut clean, word);
        }
        after_bearer = bare.eq_ignore_ascii_case("bearer");
    }
    clean
}

/// A finding with clean texts.
pub fn finding(finding: &Finding) -> Finding {
    Finding {
        rule: text(&finding.rule),
        outcome: finding.outcome,
        seen: text(&finding.seen),
        fix: finding.fix.as_deref().map(text),
    }
}

/// A verdict with a clean reason.
pub fn verdict(verdict: &Verdict) -> Verdict {
    match verdict {
        Verdict::Deny(reason) => Verdict::Deny(text(reason)),
        Verdict::Defer(reason) => Verdict::Defer(text(reason)),
        Verdict::Approve => Verdict::Approve,
        Verdict::Abstain => Verdict::Abstain,
    }
}

/// Whether a character can be part of a token or of a name around it.
fn is_word(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_')
}

/// The text without the secrets of bootstrap tokens, `<id>.<secret>`, standing alone: a longer name that has such a part
/// stays.
pub fn tokens(text: &str) -> String {
    let mut clean = String::with_capacity(text.len());
    push_without_tokens(&mut clean, text);
    clean
}

fn push_without_tokens(clean: &mut String, text: &str) {
    // Most words are none, and this is in the way of every decision.
    if !text.contains('.') {
        return clean.push_str(text);
    }
    for piece in text.split_inclusive(|c: char| !is_word(c)) {
        let bare = piece.trim_end_matches(|c: char| !is_word(c));
        let sentence = bare.trim_end_matches('.');
        let is_token = sentence.split_once('.').is_some_and(|(id, secret)| {
            id.parse::<TokenId>().is_ok() && secret.parse::<TokenSecret>().is_ok()
        });
        match (is_token, sentence.split_once('.')) {
            (true, Some((id, _))) => {
                clean.push_str(id);
                clean.push('.');
                clean.push_str(REDACTED);
                clean.push_str(piece.get(sentence.len()..).unwrap_or_default());
            }
            _ => clean.push_str(piece),
        }
    }
}

fn without_controls(text: &str) -> Cow<'_, str> {
    if !text.contains(char::is_control) {
        return Cow::Borrowed(text);
    }
    let shown = text.chars().map(|c| if c.is_control() { ' ' } else { c });
    Cow::Owned(shown.collect())
}

fn without_keys(text: &str) -> Cow<'_, str> {
    const BEGIN: &str = "-----BEGIN ";
    const END: &str = "-----END ";
    if !text.contains(BEGIN) {
        return Cow::Borrowed(text);
    }
    let mut clean = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, block)) = rest.split_once(BEGIN) {
        clean.push_str(before);
        let label = block.split("-----").next().unwrap_or_default();
        if !label.contains("PRIVATE KEY") {
            clean.push_str(BEGIN);
            rest = block;
            continue;
        }
        clean.push_str(REDACTED);
        // A block that does not end takes the rest of the text with it.
        rest = block
            .split_once(END)
            .and_then(|(_, after)| after.split_once("-----"))
            .map_or("", |(_, after)| after);
    }
    clean.push_str(rest);
    Cow::Owned(clean)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn secrets_are_taken_out_and_the_rest_stays() {
        insta::assert_snapshot!(text("the token abcdef.0123456789abcdef is old."), @"the token abcdef.[redacted] is old.");
        insta::assert_snapshot!(text("it was abcdef.0123456789abcdef."), @"it was abcdef.[redacted].");
        insta::assert_snapshot!(text("token=\"abcdef.0123456789abcdef\","), @r#"token="abcdef.[redacted]","#);
        insta::assert_snapshot!(text("Authorization: Bearer xyz and more"), @"Authorization: Bearer [redacted] and more");
        insta::assert_snapshot!(text("Authorization: Bearer\u{6}xyz"), @"Authorization: Bearer [redacted]");
        insta::assert_snapshot!(text("-----BEGIN\u{6}PRIVATE KEY-----\nAA=="), @"[redacted]");
        insta::assert_snapshot!(text("a -----BEGIN EC PRIVATE KEY-----\nAA==\n-----END EC PRIVATE KEY----- b"), @"a [redacted] b");
        insta::assert_snapshot!(text("-----BEGIN PRIVATE KEY-----\nAA=="), @"[redacted]");
        insta::assert_snapshot!(text("the node worker.abcdefghij012345.example is new"), @"the node worker.abcdefghij012345.example is new");
        insta::assert_snapshot!(text("red \u{1b}[31m\nline"), @"red  [31m line");
    }

    proptest! {
        #[test]
        fn no_token_survives(before in "[ ,\"=(]{0,3}", id in "[a-z0-9]{6}", secret in "[a-z0-9]{16}", after in "[ ,\")]{0,3}") {
            let clean = text(&format!("{before}{id}.{secret}{after}"));
            prop_assert!(!clean.contains(&secret), "{}", clean);
        }

        #[test]
        fn any_text_is_taken(raw in ".{0,200}") {
            let clean = text(&raw);
            prop_assert!(!clean.chars().any(char::is_control));
        }
    }
}
