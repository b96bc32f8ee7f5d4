use std::net::IpAddr;

use proptest::prelude::*;
use serde_json::{Value, json};
use slipway_sdk::settings;
use slipway_sdk::testing::{bootstrap_request, renewal_request, serving_request};

use super::*;

fn plugin(settings: Value) -> Result<ApproveRules, SettingErrors> {
    ApproveRules::configure(settings::parse(settings)?)
}

fn rule(when: &str) -> Value {
    json!({"rules": [{"name": "r", "when": when, "then": "approve"}]})
}

fn holds(when: &str, request: &CertificateRequest) -> Result<bool, ReviewError> {
    let review = plugin(rule(when)).unwrap().review(request)?;
    Ok(review.verdict == Verdict::Approve)
}

fn refusal(when: &str) -> String {
    plugin(rule(when)).unwrap_err().to_string()
}

#[test]
fn conditions_see_the_request() {
    let request = {
        let mut request = bootstrap_request("worker-1", "abcdef");
        request.token.as_mut().unwrap().uses_left = Some(2);
        request.requester.extra = vec![("example.com/rack".to_owned(), vec!["7".to_owned()])];
        request
    };
    for (when, expected) in [
        ("true", true),
        ("request.nodeName == 'worker-1'", true),
        ("request.nodeName.matches('^worker-[0-9]+$')", true),
        ("request.nodeName.matches('^worker$')", false),
        (
            "request.nodeName.startsWith('worker-') && size(request.nodeName) < 20",
            true,
        ),
        ("has(request.token)", true),
        ("has(request.token.node)", false),
        ("request.token.usesLeft >= 2", true),
        ("request.token.expires - request.created == 86400", true),
        ("has(request.expirationSeconds)", false),
        ("'system:bootstrappers' in request.requester.groups", true),
        (
            "request.requester.groups.exists(g, g.startsWith('system:bootstrappers:'))",
            false,
        ),
        ("request.requester.extra['example.com/rack'] == ['7']", true),
        (
            "request.usages.all(u, u in ['digital signature', 'client auth'])",
            true,
        ),
        ("request.dnsNames.size() == 0", true),
        (
            "request.signerName == 'kubernetes.io/kubelet-serving'",
            false,
        ),
        ("request.keyAlgorithm == 'ECDSA P-256' ? true : false", true),
    ] {
        assert_eq!(holds(when, &request), Ok(expected), "{when}");
    }
    let address: IpAddr = "10.1.2.3".parse().unwrap();
    let serving = serving_request("worker-1", &["worker-1"], &[address]);
    for (when, expected) in [
        (
            "request.ipAddresses.all(a, cidr('10.0.0.0/8').containsIP(a))",
            true,
        ),
        (
            "request.ipAddresses.all(a, cidr('10.2.0.0/16').containsIP(a))",
            false,
        ),
        ("has(request.token)", false),
        ("request.dnsNames.all(n, n == request.nodeName)", true),
    ] {
        assert_eq!(holds(when, &serving), Ok(expected), "{when}");
    }
}

#[test]
fn the_first_rule_that_applies_decides() {
    let rules = json!({
        "rules": [
            {"name": "not-edge", "when": "request.nodeName.startsWith('edge-')", "then": "deny",
             "messageExpression": "request.nodeName + ' is an edge'"},
            {"name": "two", "when": "request.nodeName == 'worker-2'", "then": "defer", "message": "look at it"},
            {"name": "workers", "when": "request.nodeName.startsWith('worker-')", "then": "approve"},
        ],
        "otherwise": "defer",
    });
    let plugin = plugin(rules).unwrap();
    let verdict = |node: &str| {
        plugin
            .review(&bootstrap_request(node, "abcdef"))
            .unwrap()
            .verdict
    };
    assert_eq!(
        verdict("edge-1"),
        Verdict::Deny("edge-1 is an edge".to_owned())
    );
    assert_eq!(verdict("worker-2"), Verdict::Defer("look at it".to_owned()));
    assert_eq!(verdict("worker-3"), Verdict::Approve);
    assert_eq!(
        verdict("x"),
        Verdict::Defer("no rule of approve-rules applies".to_owned())
    );

    let review = plugin
        .review(&bootstrap_request("worker-3", "abcdef"))
        .unwrap();
    let findings: Vec<_> = review
        .findings
        .iter()
        .map(|finding| (finding.rule.as_str(), finding.outcome))
        .collect();
    assert_eq!(
        findings,
        [
            ("not-edge", Outcome::Skipped),
            ("two", Outcome::Skipped),
            ("workers", Outcome::Passed)
        ]
    );
    let default = json!({"rules": [{"name": "r", "when": "false", "then": "deny"}]});
    let review = super::tests::plugin(default)
        .unwrap()
        .review(&renewal_request("worker-1"));
    assert_eq!(review.unwrap().verdict, Verdict::Abstain);
}

#[test]
fn a_condition_that_fails_decides_nothing() {
    let request = renewal_request("worker-1");
    for (when, reason) in [
        ("request.token.id == 'abcdef'", "token"),
        ("request.requester.extra['x'] == ['y']", "x"),
        ("request.usages[9] == 'x'", "9"),
        (
            "request.nodeName.matches(request.nodeName + '[')",
            "regular expression",
        ),
        (
            "cidr(request.nodeName).containsIP('10.0.0.1')",
            "no network",
        ),
        ("request.requester.extra", "neither true nor false"),
    ] {
        // What is known to be no condition is refused before.
        let Ok(plugin) = plugin(rule(when)) else {
            assert_eq!(when, "request.requester.extra");
            continue;
        };
        match plugin.review(&request) {
            Err(ReviewError::Other(error)) => assert!(error.contains(reason), "{when}: {error}"),
            other => panic!("{when}: {other:?}"),
        }
    }
}

#[test]
fn a_mistake_is_named_with_its_place_and_what_was_meant() {
    for (when, expected) in [
        (
            "request.nodname == 'a'",
            "there is no field \"nodname\"; expected name, uid",
        ),
        ("request.nodname == 'a'", "did you mean \"nodeName\"?"),
        ("nodeName == 'a'", "did you mean \"request.nodeName\"?"),
        ("request.token.used > 1", "did you mean \"uses\"?"),
        (
            "request.nodeName.startWith('a')",
            "did you mean \"startsWith\"?",
        ),
        (
            "request.nodeName == 5",
            "a text and a number do not fit on both sides of ==",
        ),
        ("request.nodeName", "it is a text; expected a condition"),
        (
            "size(request.usages)",
            "it is a number; expected a condition",
        ),
        (
            "request.usages && true",
            "a list and a condition do not fit",
        ),
        ("request.nodeName.matches('[')", "is no regular expression"),
        (
            "cidr('10.0.0.0/40').containsIP('10.0.0.1')",
            "is no network",
        ),
        (
            "request.nodeName.exists(c, true)",
            "a text cannot be gone through",
        ),
        ("request.nodeName.x == 1", "a text has no field \"x\""),
        ("request.usages.exists(u, v == 'x')", "there is no \"v\""),
        ("request.nodeName == ", "line 1, column"),
        ("", "line 1, column"),
    ] {
        let error = refusal(when);
        assert!(error.contains("rules[0].when: "), "{when}: {error}");
        assert!(error.contains(expected), "{when}: {error}");
    }
    let error = refusal("true &&\n  request.nodeName ==== 'a'");
    assert!(error.contains("line 2, column"), "{error}");
}

#[test]
fn what_costs_too_much_is_refused() {
    let nested = |depth: usize| {
        (0..depth).fold("true".to_owned(), |inner, level| {
            format!("request.usages.all(v{level}, {inner})")
        })
    };
    assert!(plugin(rule(&nested(2))).is_ok());
    let error = refusal(&nested(4));
    assert!(error.contains("steps"), "{error}");
    let error = refusal(&format!(
        "{}true{}",
        "(true && ".repeat(400),
        ")".repeat(400)
    ));
    assert!(error.contains("rules[0].when"), "{error}");
    let error = refusal(&"!".repeat(10_000));
    assert!(error.contains("bytes"), "{error}");
}

#[test]
fn rules_are_named_once() {
    let settings = json!({"rules": [
        {"name": "a", "when": "true", "then": "deny"},
        {"name": "a", "when": "true", "then": "deny"},
        {"name": "B", "when": "true", "then": "deny"},
        {"name": "c", "when": "true", "then": "deny", "message": "x", "messageExpression": "1"},
    ]});
    let error = plugin(settings).unwrap_err();
    let paths: Vec<_> = error
        .as_slice()
        .iter()
        .map(|error| error.path.as_str())
        .collect();
    assert_eq!(
        paths,
        [
            "rules[1].name",
            "rules[2].name",
            "rules[3].messageExpression",
            "rules[3].messageExpression"
        ]
    );
    let error = plugin(json!({"rules": []})).unwrap_err();
    assert_eq!(error.as_slice()[0].path, "rules");
    let error =
        plugin(json!({"rules": [{"name": "a", "when": "true", "then": "aprove"}]})).unwrap_err();
    assert!(
        error.to_string().contains("did you mean \"approve\"?"),
        "{error}"
    );
}

proptest! {
    #[test]
    fn no_text_makes_the_parser_panic(text in "\\PC{0,60}") {
        let _ = plugin(rule(&text));
    }

    #[test]
    fn no_expression_makes_the_evaluation_panic(
        words in proptest::collection::vec(
            proptest::sample::select(vec![
                "request", ".nodeName", ".usages", ".token", ".uses", "&&", "||", "!", "==", "+", "-", "/", "%", "in",
                "(", ")", "[", "]", "0", "9223372036854775807", "'a'", "size", ".exists(x, x == 'a')", "?", ":", "has",
            ]),
            0..8,
        ),
    ) {
        if let Ok(plugin) = plugin(rule(&words.concat())) {
            let _ = plugin.review(&bootstrap_request("worker-1", "abcdef"));
        }
    }
}
