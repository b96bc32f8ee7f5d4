use std::net::IpAddr;
use std::time::Duration;

use serde_json::{Value, json};
use slipway_sdk::cluster::Kind;
use slipway_sdk::dns::DnsError;
use slipway_sdk::http::HttpError;
use slipway_sdk::settings;
use slipway_sdk::testing::{MockHost, bootstrap_request, renewal_request, serving_request};

use super::*;

const MACHINE: Kind<'static> = Kind {
    group: "cluster.x-k8s.io",
    version: "v1beta1",
    kind: "Machine",
};

fn plugin(settings: Value) -> Result<ApproveNodeServing, SettingErrors> {
    ApproveNodeServing::configure(settings::parse(settings)?)
}

fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

/// The verdict, and the rules that are broken.
fn review(
    host: MockHost,
    settings: Value,
    request: &CertificateRequest,
) -> Result<(Verdict, Vec<String>), ReviewError> {
    let _host = host.install();
    let review = plugin(settings).unwrap().review(request)?;
    let broken = review
        .findings
        .into_iter()
        .filter(|finding| finding.outcome == Outcome::Failed)
        .map(|finding| finding.rule)
        .collect();
    Ok((review.verdict, broken))
}

fn dns() -> MockHost {
    MockHost::new()
        .name("worker-1", [ip("10.0.0.5"), ip("2001:db8::5")])
        .name("worker-1.corp", [ip("10.0.0.5")])
        .name("worker-2", [ip("10.0.0.6")])
        .name("auth.corp", [ip("10.0.0.99")])
}

fn approved() -> Result<(Verdict, Vec<String>), ReviewError> {
    Ok((Verdict::Approve, Vec::new()))
}

fn denied(reason: &str, rule: &str) -> Result<(Verdict, Vec<String>), ReviewError> {
    Ok((Verdict::Deny(reason.to_owned()), vec![rule.to_owned()]))
}

#[test]
fn names_and_addresses_that_the_dns_confirms_are_approved() {
    let both = [ip("10.0.0.5"), ip("2001:db8::5")];
    for request in [
        serving_request("worker-1", &["worker-1"], &both),
        serving_request("worker-1", &["worker-1"], &[]),
        serving_request("worker-1", &[], &both),
    ] {
        assert_eq!(
            review(dns(), json!({}), &request),
            approved(),
            "{request:?}"
        );
    }
}

#[test]
fn an_address_of_another_is_not_the_nodes() {
    for names in [&["worker-1"][..], &[]] {
        let request = serving_request("worker-1", names, &[ip("10.0.0.6")]);
        let (verdict, broken) = review(dns(), json!({}), &request).unwrap();
        assert!(
            matches!(&verdict, Verdict::Deny(reason) if reason.contains("10.0.0.6")),
            "{verdict:?}"
        );
        assert_eq!(broken, ["addresses-of-the-node"]);
    }
}

/// What begins like the node's name, or is the name of another, is not the node's.
#[test]
fn a_dns_name_is_the_nodes_as_a_whole() {
    let forms = json!({"dnsNames": ["{node}", "{node}.corp"]});
    let own = serving_request("worker-1", &["worker-1.corp"], &[ip("10.0.0.5")]);
    assert_eq!(review(dns(), forms.clone(), &own), approved());
    for (node, name) in [
        ("a", "auth.corp"),
        ("worker-1", "worker-10"),
        ("worker-1", "worker-1.corp.evil"),
        ("worker-1", "worker-2"),
    ] {
        let host = dns().name(node, [ip("10.0.0.5")]);
        let request = serving_request(node, &[name], &[]);
        let reason = format!("the DNS name {name} is not one of the node {node}");
        assert_eq!(
            review(host, forms.clone(), &request),
            denied(&reason, "dns-names-of-the-node")
        );
    }
}

#[test]
fn a_pattern_matches_the_whole_name() {
    for (pattern, matches) in [
        ("worker-[0-9]+", true),
        ("worker", false),
        ("orker-1", false),
        ("x|worker-1", true),
        ("x|worker", false),
        ("worker-1$|x", true),
    ] {
        let request = serving_request("worker-1", &["worker-1"], &[]);
        let (verdict, broken) = review(dns(), json!({"nodeNames": pattern}), &request).unwrap();
        assert_eq!(
            verdict == Verdict::Approve,
            matches,
            "{pattern}: {verdict:?}"
        );
        assert_eq!(broken.is_empty(), matches);
    }
}

#[test]
fn an_outage_is_waited_for_and_a_name_that_is_not_there_is_an_answer() {
    let request = serving_request("worker-1", &["worker-1"], &[]);
    let timeout = DnsError::Unavailable("worker-1".to_owned());
    let host = MockHost::new().name_error("worker-1", timeout);
    let error = review(host, json!({}), &request).unwrap_err();
    assert_eq!(
        error,
        ReviewError::Unavailable("worker-1 cannot be resolved now".to_owned())
    );

    assert_eq!(
        review(MockHost::new().dns(), json!({}), &request),
        denied("the DNS name worker-1 does not exist", "dns-names-resolve")
    );
    let by_address = serving_request("worker-1", &[], &[ip("10.0.0.5")]);
    let (verdict, broken) = review(MockHost::new().dns(), json!({}), &by_address).unwrap();
    assert!(matches!(verdict, Verdict::Defer(_)), "{verdict:?}");
    assert_eq!(broken, ["node-known-to-the-source"]);
}

#[test]
fn addresses_are_in_the_networks() {
    let networks = json!({"networks": ["10.0.0.0/16", "2001:db8::/32"]});
    let request = serving_request("worker-1", &["worker-1"], &[ip("10.0.0.5")]);
    assert_eq!(review(dns(), networks.clone(), &request), approved());

    // The name alone brings its address.
    let host = MockHost::new().name("worker-1", [ip("192.0.2.1")]);
    let request = serving_request("worker-1", &["worker-1"], &[]);
    assert_eq!(
        review(host, networks, &request),
        denied(
            "the address 192.0.2.1 is in none of the allowed networks",
            "addresses-in-the-networks"
        )
    );
}

#[test]
fn a_lifetime_is_bounded() {
    let mut request = serving_request("worker-1", &["worker-1"], &[]);
    let bound = json!({"maxExpirationSeconds": 3600});
    assert_eq!(review(dns(), bound.clone(), &request), approved());
    request.expiration = Some(Duration::from_secs(3600));
    assert_eq!(review(dns(), bound.clone(), &request), approved());
    request.expiration = Some(Duration::from_secs(3601));
    let reason = "a lifetime of 3601 s is asked for; at most 3600 s are allowed";
    assert_eq!(
        review(dns(), bound, &request),
        denied(reason, "lifetime-allowed")
    );
    let deferring = json!({"maxExpirationSeconds": 3600, "otherwise": "defer"});
    let (verdict, _) = review(dns(), deferring, &request).unwrap();
    assert_eq!(verdict, Verdict::Defer(reason.to_owned()));
}

#[test]
fn an_inventory_confirms_names_and_addresses() {
    let file = json!({"compareWith": {"inventory": {"file": "nodes.json"}}});
    let url = "https://inventory.example/nodes/worker-1.json";
    let by_url = json!({"compareWith": {"inventory": {"url": "https://inventory.example/nodes/{node}.json"}}});
    let text = r#"{"worker-1": {"addresses": ["10.0.0.5"], "dnsNames": ["w1.rack7.example"]}}"#;
    let from_file = || MockHost::new().file("inventory", "nodes.json", text);
    let from_url = || MockHost::new().http(url, 200, text);

    let request = serving_request(
        "worker-1",
        &["worker-1", "w1.rack7.example"],
        &[ip("::ffff:10.0.0.5")],
    );
    assert_eq!(review(from_file(), file.clone(), &request), approved());
    let other = serving_request("worker-1", &["worker-1"], &[ip("10.0.0.6")]);
    let (verdict, broken) = review(from_file(), file.clone(), &other).unwrap();
    assert!(matches!(verdict, Verdict::Deny(_)), "{verdict:?}");
    assert_eq!(broken, ["addresses-of-the-node"]);

    let unknown = serving_request("worker-2", &["worker-2"], &[]);
    let (verdict, _) = review(from_file(), file.clone(), &unknown).unwrap();
    assert_eq!(
        verdict,
        Verdict::Defer("the node worker-2 is not in the inventory inventory/nodes.json".to_owned())
    );
    let elsewhere = MockHost::new().file("inventory", "other.json", "{}");
    let error = review(elsewhere, file.clone(), &request).unwrap_err();
    assert!(matches!(error, ReviewError::Unavailable(_)), "{error}");
    let broken = MockHost::new().file(
        "inventory",
        "nodes.json",
        r#"{"worker-1": {"adresses": []}}"#,
    );
    let error = review(broken, file, &request).unwrap_err();
    assert!(
        matches!(&error, ReviewError::Other(text) if text.contains("adresses")),
        "{error}"
    );

    // The mock host grants the URLs that it answers; each of these is of the same server.
    let with_grant = |host: MockHost| host.http("https://inventory.example/", 200, "");
    assert_eq!(
        review(with_grant(from_url()), by_url.clone(), &request),
        approved()
    );
    for (host, is_waited_for) in [
        (MockHost::new().http(url, 503, ""), true),
        (
            MockHost::new().http_error(url, HttpError::Timeout(String::new())),
            true,
        ),
        (MockHost::new().http(url, 200, "<html>"), false),
    ] {
        let error = review(with_grant(host), by_url.clone(), &request).unwrap_err();
        assert_eq!(
            matches!(error, ReviewError::Unavailable(_)),
            is_waited_for,
            "{error}"
        );
    }
    let (verdict, _) = review(
        with_grant(MockHost::new().http(url, 404, "")),
        by_url,
        &request,
    )
    .unwrap();
    assert!(matches!(verdict, Verdict::Defer(_)), "{verdict:?}");
}

#[test]
fn a_machine_confirms_names_and_addresses() {
    let settings =
        json!({"compareWith": {"machines": {"version": "v1beta1", "namespace": "default"}}});
    let machine = |name: &str, node: Option<&str>| {
        json!({
            "metadata": {"name": name},
            "status": {
                "nodeRef": node.map(|node| json!({"name": node})),
                "addresses": [
                    {"type": "InternalIP", "address": "10.0.0.5"},
                    {"type": "InternalDNS", "address": "Worker-1.Internal"},
                ],
            },
        })
    };
    let host = || {
        MockHost::new()
            .object(&MACHINE, "default", "m-0", machine("m-0", None))
            .object(&MACHINE, "default", "m-1", machine("m-1", Some("worker-1")))
    };
    let request = serving_request("worker-1", &["worker-1.internal"], &[ip("10.0.0.5")]);
    assert_eq!(review(host(), settings.clone(), &request), approved());
    let unknown = serving_request("worker-2", &["worker-2"], &[]);
    let (verdict, _) = review(host(), settings.clone(), &unknown).unwrap();
    assert!(matches!(verdict, Verdict::Defer(_)), "{verdict:?}");
    let twice = host().object(&MACHINE, "default", "m-2", machine("m-2", Some("worker-1")));
    let error = review(twice, settings, &request).unwrap_err();
    assert!(matches!(error, ReviewError::Other(_)), "{error}");
}

#[test]
fn other_requests_are_left_to_others() {
    for request in [
        bootstrap_request("worker-1", "abcdef"),
        renewal_request("worker-1"),
        CertificateRequest {
            node_name: "worker-2".to_owned(),
            ..serving_request("worker-1", &["worker-1"], &[])
        },
    ] {
        assert_eq!(
            review(dns(), json!({}), &request),
            Ok((Verdict::Abstain, Vec::new())),
            "{request:?}"
        );
    }
}

#[test]
fn settings_that_make_no_sense_are_named() {
    let _host = MockHost::new().install();
    let paths = |settings: Value| -> Vec<String> {
        let errors = plugin(settings).unwrap_err();
        errors
            .as_slice()
            .iter()
            .map(|error| error.path.clone())
            .collect()
    };
    assert_eq!(
        paths(json!({
            "nodeNames": "worker-[",
            "dnsNames": ["{node}", "fixed.example", "{node}.Corp"],
            "networks": ["10.0.0.0/33"],
            "maxExpirationSeconds": 0,
        })),
        [
            "nodeNames",
            "dnsNames[1]",
            "dnsNames[2]",
            "networks[0]",
            "maxExpirationSeconds",
            "compareWith"
        ]
    );
    // The parentheses of the anchors are not the operator's to close.
    assert_eq!(
        paths(json!({"nodeNames": "a)|(?:b"})),
        ["nodeNames", "compareWith"]
    );
    let file = json!({"compareWith": {"inventory": {"file": "/etc/nodes.json"}}});
    assert_eq!(paths(file), ["compareWith.inventory.file"]);
    let server =
        json!({"compareWith": {"inventory": {"url": "https://{node}.example/nodes.json"}}});
    assert_eq!(paths(server), ["compareWith.inventory.url"]);
}
