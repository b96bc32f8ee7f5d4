//! What components return: texts of their choice where URLs, certificates, names and reasons are expected.

#![no_main]

use libfuzzer_sys::fuzz_target;
use slipway_config::endpoint::Host;
use slipway_config::finding::{Finding, Verdict};
use slipway_config::redact;
use slipway_pki::decision::trust::{Proofs, Proposed, establish};
use slipway_pki::decision::verdict::{Decision, Opinion, outcome};

fuzz_target!(|data: &[u8]| {
    let text = String::from_utf8_lossy(data);
    let texts: Vec<String> = text.split('\u{0}').map(str::to_owned).collect();
    let (last, first) = texts.split_last().expect("a text has a part");

    // A proposal is no proof.
    let evidence = vec![Finding::passed(last.clone(), last.clone())];
    if let Ok(proposed) = Proposed::parse(first, last, evidence) {
        assert!(
            establish(&proposed, &Proofs::default()).is_err(),
            "a plugin's word was believed"
        );
    }

    // What it says reaches logs, conditions and terminals.
    for text in &texts {
        let shown = redact::text(text);
        assert!(!shown.chars().any(char::is_control), "{shown:?}");
        // What is longer than may be kept is cut, and can be taken for something else then.
        if shown.len() < 4096 {
            assert_eq!(redact::text(&shown), shown, "what is clean stays");
        }
        if let Ok(host) = text.parse::<Host>() {
            assert_eq!(host.to_string().parse(), Ok(host));
        }
    }

    // Whatever reason it gives, one denial denies, and an error approves nothing.
    let opinions = texts.iter().enumerate().map(|(index, text)| Opinion {
        approver: index.to_string(),
        answer: match data.get(index).map(|byte| byte % 5) {
            Some(0) => Ok(Verdict::Deny(text.clone())),
            Some(1) => Ok(Verdict::Defer(text.clone())),
            Some(2) => Ok(Verdict::Abstain),
            Some(3) => Err(text.clone()),
            _ => Ok(Verdict::Approve),
        },
    });
    let opinions: Vec<_> = opinions.collect();
    let denies = |one: &Opinion| matches!(one.answer, Ok(Verdict::Deny(_)));
    let approves = |one: &Opinion| matches!(one.answer, Ok(Verdict::Approve | Verdict::Abstain));
    let decision = outcome(&opinions, None);
    assert_eq!(
        matches!(decision, Decision::Denied(_)),
        opinions.iter().any(denies)
    );
    if matches!(decision, Decision::Approved { .. }) {
        assert!(opinions.iter().all(approves));
    }
});
