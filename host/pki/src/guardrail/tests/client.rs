//! Client certificates: subject, usages, lifetime (attack cases 14 to 17).

use std::time::Duration;

use super::*;

fn subject(rdns: &[Vec<u8>]) -> String {
    Case::bootstrap()
        .forged(|forge| forge.subject(rdns))
        .broken()
}

fn common_name(text: &[u8]) -> String {
    subject(&[rdn(O, UTF8, b"system:nodes"), rdn(CN, UTF8, text)])
}

#[test]
fn the_organization_is_the_nodes_and_nothing_else() {
    let cn = || rdn(CN, UTF8, b"system:node:worker-1");
    insta::assert_snapshot!(subject(&[rdn(O, UTF8, b"system:masters"), cn()]), @r#"subject-of-a-node: O is ["system:masters"]; expected one, "system:nodes""#);
    insta::assert_snapshot!(subject(&[rdn(O, UTF8, b"system:nodes"), rdn(O, UTF8, b"system:masters"), cn()]), @r#"subject-of-a-node: O is ["system:nodes", "system:masters"]; expected one, "system:nodes""#);
    insta::assert_snapshot!(subject(&[rdn(O, UTF8, b"system:nodes"), rdn(O, UTF8, b"system:nodes"), cn()]), @r#"subject-of-a-node: O is ["system:nodes", "system:nodes"]; expected one, "system:nodes""#);
    insta::assert_snapshot!(subject(&[cn()]), @r#"subject-of-a-node: O is []; expected one, "system:nodes""#);
    insta::assert_snapshot!(subject(&[rdn(O, UTF8, b"system:nodes"), cn(), rdn(OU, UTF8, b"system:masters")]), @"subject-of-a-node: the subject has the attribute 2.5.4.11; expected O and CN only");
    assert!(subject(&[rdn(O, UTF8, b"System:Nodes"), cn()]).starts_with("subject-of-a-node"));
    assert!(subject(&[rdn(O, UTF8, b"system:nodes "), cn()]).starts_with("subject-of-a-node"));
}

#[test]
fn the_common_name_is_a_nodes_and_there_is_one() {
    insta::assert_snapshot!(common_name(b""), @r#"subject-of-a-node: CN is [""]; expected one, system:node:<name of a node>"#);
    insta::assert_snapshot!(common_name(b"system:node:"), @r#"subject-of-a-node: CN is ["system:node:"]; expected one, system:node:<name of a node>"#);
    insta::assert_snapshot!(common_name(b"kubernetes-admin"), @r#"subject-of-a-node: CN is ["kubernetes-admin"]; expected one, system:node:<name of a node>"#);
    insta::assert_snapshot!(common_name(b"system:node:a\0b"), @r#"subject-of-a-node: CN is ["system:node:a\0b"]; expected one, system:node:<name of a node>"#);
    insta::assert_snapshot!(common_name(b"system:node:a/b"), @r#"subject-of-a-node: CN is ["system:node:a/b"]; expected one, system:node:<name of a node>"#);
    insta::assert_snapshot!(common_name(b"system:node:Worker-1"), @r#"subject-of-a-node: CN is ["system:node:Worker-1"]; expected one, system:node:<name of a node>"#);
    let long = common_name(format!("system:node:{}", "a".repeat(300)).as_bytes());
    assert!(
        long.ends_with("(312 bytes)\"]; expected one, system:node:<name of a node>"),
        "{long}"
    );
    for other in [
        "system:node:..",
        "system:node:a b",
        "system:node:é",
        "system:node:-a",
        "system:node:a\n",
        " system:node:a",
        "System:node:a",
    ] {
        assert!(
            common_name(other.as_bytes()).starts_with("subject-of-a-node"),
            "{other:?}"
        );
    }
    insta::assert_snapshot!(subject(&[rdn(O, UTF8, b"system:nodes"), rdn(CN, UTF8, b"system:node:a"), rdn(CN, UTF8, b"system:node:b")]), @r#"subject-of-a-node: CN is ["system:node:a", "system:node:b"]; expected one, system:node:<name of a node>"#);
    insta::assert_snapshot!(subject(&[rdn(O, UTF8, b"system:nodes")]), @"subject-of-a-node: CN is []; expected one, system:node:<name of a node>");
}

#[test]
fn a_client_asks_for_no_extension() {
    let names = Case::bootstrap().names(&[(DNS, b"worker-1")]);
    insta::assert_snapshot!(names.broken(), @"client-without-extensions: subject alternative names are asked for; a client certificate has none");
    let ca = extension("2.5.29.19", &seq(&[tlv(0x01, &[0xff])]));
    let ca = Case::bootstrap().forged(|forge| forge.attributes(&[extension_request(&[ca])]));
    insta::assert_snapshot!(ca.broken(), @"client-without-extensions: the extension 2.5.29.19 is asked for; a client certificate has none from the request");
}

#[test]
fn usages_are_those_of_the_signer() {
    let with = |usages: &[&str]| Case::bootstrap().usages(usages);
    assert_eq!(
        with(&["digital signature", "key encipherment", "client auth"])
            .passes()
            .usages()
            .len(),
        3
    );
    assert_eq!(
        with(&["client auth", "digital signature"])
            .passes()
            .usages()
            .len(),
        2
    );
    insta::assert_snapshot!(with(&["digital signature", "server auth", "client auth"]).broken(), @r#"usages-of-the-signer: the usage "server auth" is not one that kubernetes.io/kube-apiserver-client-kubelet gives"#);
    insta::assert_snapshot!(with(&["client auth"]).broken(), @r#"usages-of-the-signer: the usage "digital signature" is missing, which kubernetes.io/kube-apiserver-client-kubelet requires"#);
    insta::assert_snapshot!(with(&["digital signature", "client auth", "cert sign"]).broken(), @r#"usages-of-the-signer: the usage "cert sign" is not one that kubernetes.io/kube-apiserver-client-kubelet gives"#);
    insta::assert_snapshot!(with(&["digital signature", "client auth", "client auth"]).broken(), @r#"usages-of-the-signer: the usage "client auth" is asked for twice"#);
    assert!(with(&[]).broken().starts_with("usages-of-the-signer"));
    assert!(with(&["any"]).broken().starts_with("usages-of-the-signer"));
    assert!(
        with(&["Digital Signature", "client auth"])
            .broken()
            .starts_with("usages-of-the-signer")
    );
}

#[test]
fn a_lifetime_is_ten_minutes_at_least() {
    let with = |seconds| Case {
        expiration_seconds: Some(seconds),
        ..Case::bootstrap()
    };
    assert_eq!(with(600).passes().expiration_seconds(), Some(600));
    assert_eq!(
        with(i32::MAX).passes().expiration_seconds(),
        Some(i32::MAX as u32)
    );
    assert_eq!(Case::bootstrap().passes().expiration_seconds(), None);
    insta::assert_snapshot!(with(599).broken(), @"lifetime: a lifetime of 599 s is asked for; expected at least 600");
    assert!(with(0).broken().starts_with("lifetime"));
    assert!(with(-1).broken().starts_with("lifetime"));
    assert!(with(i32::MIN).broken().starts_with("lifetime"));
}

#[test]
fn with_another_signer_behind_us_a_longer_lifetime_is_refused() {
    let mut case = Case {
        expiration_seconds: Some(86_401),
        ..Case::bootstrap()
    };
    case.passes();
    case.cluster.lifetime = LifetimePolicy::Refused {
        longest: Duration::from_secs(86_400),
    };
    insta::assert_snapshot!(case.broken(), @"lifetime: a lifetime of 86401 s is asked for, and at most 86400 s may be");
    case.expiration_seconds = Some(86_400);
    case.passes();
}

#[test]
fn a_node_renews_only_itself() {
    let other = Case::renewal().asked_by(
        "system:node:worker-2",
        &["system:nodes", "system:authenticated"],
    );
    insta::assert_snapshot!(other.broken(), @"renews-only-itself: the node worker-2 asks for the identity of worker-1");
}

#[test]
fn who_is_half_of_this_and_half_of_that_is_refused() {
    for (username, groups) in [
        ("system:node:worker-1", &["system:authenticated"][..]),
        (
            "system:node:worker-1",
            &["system:nodes", "system:bootstrappers"],
        ),
        (
            "system:node:worker-1",
            &["system:nodes", "system:bootstrappers:x"],
        ),
        ("system:node:", &["system:nodes"]),
        ("system:node:Worker", &["system:nodes"]),
        ("system:bootstrap:abcdef", &["system:authenticated"]),
        (
            "system:bootstrap:abcdef",
            &["system:bootstrappers", "system:nodes"],
        ),
        ("system:bootstrap:abcdef", &["system:bootstrappers:x"]),
        ("system:bootstrap:ABCDEF", &["system:bootstrappers"]),
        ("system:bootstrap:", &["system:bootstrappers"]),
        ("jane", &["system:nodes"]),
        ("jane", &["system:bootstrappers"]),
        ("system:anonymous", &["system:unauthenticated"]),
        ("", &["system:authenticated"]),
        ("jane", &["system:unauthenticated"]),
    ] {
        let broken = Case::bootstrap().asked_by(username, groups).broken();
        assert!(
            broken.starts_with("requester-identity: "),
            "{username} {groups:?}: {broken}"
        );
    }
}

#[test]
fn a_request_on_behalf_of_a_machine_is_left_to_a_person() {
    let request = Case::bootstrap()
        .asked_by("jane", &["system:authenticated", "system:masters"])
        .passes();
    assert_eq!(request.requester(), &RequesterIdentity::Other);
    assert_eq!(
        request.deferral(),
        Some("jane is neither a bootstrap token nor the node itself")
    );
}
