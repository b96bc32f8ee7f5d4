use super::*;
use crate::Outcome;

/// base64 of `-----BEGIN CERTIFICATE-----\nAA==\n-----END CERTIFICATE-----\n`.
const CA: &str = "LS0tLS1CRUdJTiBDRVJUSUZJQ0FURS0tLS0tCkFBPT0KLS0tLS1FTkQgQ0VSVElGSUNBVEUtLS0tLQo=";

fn kubeconfig(cluster: &str, rest: &str) -> String {
    format!(
        "apiVersion: v1\nkind: Config\nclusters:\n- name: \"\"\n  cluster:\n    server: https://10.0.0.1:6443\n{cluster}{rest}"
    )
}

fn refusal(document: &str) -> String {
    ClusterEntry::parse(document.as_bytes())
        .unwrap_err()
        .to_string()
}

#[test]
fn a_cluster_is_read_with_its_further_endpoints() {
    let document = kubeconfig(
        &format!(
            "    certificate-authority-data: {CA}\n    extensions:\n    - name: other\n      extension: 7\n    \
             - name: slipway.dev/endpoints\n      extension:\n        endpoints: [\"https://10.0.0.2:6443\", \"https://10.0.0.1:6443\"]\n"
        ),
        "contexts: null\ncurrent-context: \"\"\npreferences: {}\nusers: null\n",
    );
    let entry = ClusterEntry::parse(document.as_bytes()).unwrap();
    assert_eq!(
        entry,
        ClusterEntry {
            endpoints: vec![
                "https://10.0.0.1:6443".into(),
                "https://10.0.0.2:6443".into()
            ],
            ca_bundle: Some(
                "-----BEGIN CERTIFICATE-----\nAA==\n-----END CERTIFICATE-----\n".into()
            ),
            users: 0,
        }
    );
}

#[test]
fn a_cluster_may_leave_its_ca_out() {
    let entry = ClusterEntry::parse(kubeconfig("", "users:\n- name: a\n  user: {}\n").as_bytes());
    let entry = entry.unwrap();
    assert_eq!((entry.ca_bundle, entry.users), (None, 1));
}

#[test]
fn json_is_read_too() {
    let document = r#"{"apiVersion":"v1","kind":"Config","clusters":[{"name":"x","cluster":{"server":"https://a:6443"}}]}"#;
    let entry = ClusterEntry::parse(document.as_bytes()).unwrap();
    assert_eq!(entry.endpoints, ["https://a:6443"]);
}

#[test]
fn one_cluster_is_expected() {
    let none = "apiVersion: v1\nkind: Config\n";
    assert_eq!(refusal(none), "expected one cluster, found 0");
    let two = kubeconfig("", "- name: b\n  cluster: {server: \"https://b:6443\"}\n");
    assert_eq!(refusal(&two), "expected one cluster, found 2");
}

#[test]
fn what_makes_a_document_unsafe_is_refused_by_name() {
    for (cluster, rest, what) in [
        (
            "    insecure-skip-tls-verify: true\n",
            "",
            "insecure-skip-tls-verify",
        ),
        (
            "    certificate-authority: /etc/ca.crt\n",
            "",
            "certificate-authority",
        ),
        ("    proxy-url: http://proxy\n", "", "proxy-url"),
        (
            "",
            "users: [{name: a, user: {exec: {command: sh}}}]\n",
            "exec",
        ),
        (
            "",
            "users: [{name: a, user: {auth-provider: {name: oidc}}}]\n",
            "auth-provider",
        ),
    ] {
        let refusal = refusal(&kubeconfig(cluster, rest));
        assert!(
            refusal.starts_with(&format!("{what} is refused: ")),
            "{refusal}"
        );
    }
}

#[test]
fn malformed_documents_are_refused() {
    assert!(refusal("a: [").starts_with("it is not a kubeconfig: "));
    assert!(refusal(&kubeconfig("    server: https://b\n", "")).contains("duplicate"));
    assert_eq!(
        refusal("apiVersion: v2\nkind: Pod\n"),
        "expected apiVersion v1 and kind Config, found \"v2\" and \"Pod\""
    );
    assert_eq!(
        refusal(&kubeconfig("    certificate-authority-data: AAAA\n", "")),
        "certificate-authority-data is not base64 over PEM certificates"
    );
    let plain = kubeconfig("", "").replace("https://", "http://");
    assert_eq!(
        refusal(&plain),
        "the server \"http://10.0.0.1:6443\" is not an https URL"
    );
    let extension = "    extensions: [{name: slipway.dev/endpoints, extension: {endpoint: []}}]\n";
    assert!(refusal(&kubeconfig(extension, "")).contains("slipway.dev/endpoints"));
}

fn request<'a>(locations: &[&str], document: Option<&str>) -> DiscoveryRequest<'a> {
    DiscoveryRequest {
        locations: locations.iter().map(|text| (*text).to_owned()).collect(),
        document: document.map(|text| text.as_bytes().to_vec()),
        ..DiscoveryRequest::default()
    }
}

#[test]
fn the_document_of_a_request_is_read() {
    let document = kubeconfig("", "");
    let entry = ClusterEntry::of_request(&request(&["/a.conf"], Some(&document))).unwrap();
    let outcomes = |entry: &ClusterEntry| {
        let evidence = entry.evidence("a-file", "/a.conf");
        assert_eq!(
            evidence[0],
            Finding::passed("a-file", "/a.conf names https://10.0.0.1:6443")
        );
        evidence.last().unwrap().outcome
    };
    assert_eq!(outcomes(&entry), Outcome::Skipped);
    let with_ca = kubeconfig(&format!("    certificate-authority-data: {CA}\n"), "");
    let entry = ClusterEntry::of_request(&request(&["/a.conf"], Some(&with_ca))).unwrap();
    assert_eq!(outcomes(&entry), Outcome::Passed);
}

#[test]
fn one_location_with_its_document_is_needed() {
    let document = kubeconfig("", "");
    for request in [
        request(&[], Some(&document)),
        request(&["/a.conf", "/b.conf"], Some(&document)),
        request(&["/a.conf"], None),
    ] {
        let error = ClusterEntry::of_request(&request).unwrap_err();
        assert!(
            matches!(error, DiscoveryError::InvalidRequest(_)),
            "{error}"
        );
    }
    let unsafe_document = kubeconfig("    insecure-skip-tls-verify: true\n", "");
    let error =
        ClusterEntry::of_request(&request(&["/a.conf"], Some(&unsafe_document))).unwrap_err();
    assert!(matches!(error, DiscoveryError::Untrusted(_)), "{error}");
}
