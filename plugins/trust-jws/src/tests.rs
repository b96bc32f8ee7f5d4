use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::json;
use slipway_sdk::testing::{MockHost, MockToken};
use slipway_sdk::unverified_https::{FetchError, Response};

use super::*;

const CLUSTER_INFO: &str =
    "https://10.0.0.1:6443/api/v1/namespaces/kube-public/configmaps/cluster-info";
const SECOND: &str = "https://10.0.0.2:6443/api/v1/namespaces/kube-public/configmaps/cluster-info";
const SERVICE: &str = "https://10.0.0.1:9898/cluster-info/v1/?token-id=abcdef";
const SIGNATURE: &str = "header..signature";
const PEM: &str = "-----BEGIN CERTIFICATE-----\nAA==\n-----END CERTIFICATE-----\n";

fn kubeconfig() -> String {
    let ca = base64::engine::general_purpose::STANDARD.encode(PEM);
    format!(
        "apiVersion: v1\nkind: Config\nclusters:\n- name: \"\"\n  cluster:\n    server: https://10.0.0.1:6443\n    \
         certificate-authority-data: {ca}\n    extensions:\n    - name: slipway.dev/endpoints\n      extension:\n        \
         endpoints:\n        - https://10.0.0.2:6443\n"
    )
}

fn config_map(kubeconfig: &str, token_id: &str) -> String {
    let signature = format!("jws-kubeconfig-{token_id}");
    json!({"kind": "ConfigMap", "metadata": {"name": "cluster-info"}, "data": {"kubeconfig": kubeconfig, signature: SIGNATURE}})
        .to_string()
}

fn token() -> MockToken {
    MockToken::new("abcdef").signed(SIGNATURE, kubeconfig())
}

fn status(status: u16) -> Result<Response, FetchError> {
    Ok(Response {
        status,
        content_type: String::new(),
        body: Vec::new(),
        peer_certificates: Vec::new(),
    })
}

fn discover(
    host: MockHost,
    token: &MockToken,
    locations: &[&str],
) -> Result<ClusterTrust, DiscoveryError> {
    let _host = host.install();
    let request = DiscoveryRequest {
        locations: locations.iter().map(|text| (*text).to_owned()).collect(),
        token: Some(token.token()),
        ..DiscoveryRequest::default()
    };
    TrustJws::configure(NoSettings {})
        .unwrap()
        .discover(&request)
}

fn discover_first(body: &str) -> Result<ClusterTrust, DiscoveryError> {
    let host = MockHost::new().unverified_json(CLUSTER_INFO, body);
    discover(host, &token(), &["10.0.0.1:6443"])
}

#[test]
fn signed_cluster_info_becomes_a_proposal() {
    let trust = discover_first(&config_map(&kubeconfig(), "abcdef")).unwrap();
    assert_eq!(
        trust.endpoints,
        ["https://10.0.0.1:6443", "https://10.0.0.2:6443"]
    );
    assert_eq!(trust.ca_bundle, PEM);
    let rules: Vec<_> = trust
        .evidence
        .iter()
        .map(|finding| finding.rule.as_str())
        .collect();
    assert_eq!(rules, ["cluster-info-signed", "ca-in-cluster-info"]);
}

#[test]
fn one_altered_byte_is_untrusted() {
    let altered = kubeconfig().replace("10.0.0.1", "10.0.0.9");
    let error = discover_first(&config_map(&altered, "abcdef")).unwrap_err();
    assert!(matches!(error, DiscoveryError::Untrusted(_)), "{error}");
    assert!(
        error.to_string().contains("the signature does not match"),
        "{error}"
    );
}

#[test]
fn a_signature_that_is_not_there_yet_is_worth_another_try() {
    let other = config_map(&kubeconfig(), "ghijkl");
    let empty = json!({"kind": "ConfigMap"}).to_string();
    for body in [other, empty] {
        let error = discover_first(&body).unwrap_err();
        assert!(matches!(error, DiscoveryError::NotSigned(_)), "{error}");
    }
    let host = MockHost::new().unverified(CLUSTER_INFO, status(404));
    let error = discover(host, &token(), &["10.0.0.1"]).unwrap_err();
    assert!(matches!(error, DiscoveryError::NotSigned(_)), "{error}");
}

#[test]
fn a_signed_document_must_still_be_a_kubeconfig_without_users() {
    let with_user = format!("{}users:\n- name: a\n  user: {{}}\n", kubeconfig());
    for document in [with_user.as_str(), "{}"] {
        let host = MockHost::new().unverified_json(CLUSTER_INFO, config_map(document, "abcdef"));
        let token = MockToken::new("abcdef").signed(SIGNATURE, document);
        let error = discover(host, &token, &["10.0.0.1"]).unwrap_err();
        assert!(matches!(error, DiscoveryError::Untrusted(_)), "{error}");
    }
}

#[test]
fn the_next_location_is_tried() {
    let host = MockHost::new()
        .unverified(CLUSTER_INFO, Err(FetchError::Connect("refused".to_owned())))
        .unverified_json(SECOND, config_map(&kubeconfig(), "abcdef"));
    let trust = discover(host, &token(), &["10.0.0.1", "10.0.0.2"]).unwrap();
    assert_eq!(trust.endpoints.len(), 2);
}

#[test]
fn the_most_hopeful_failure_counts_and_all_are_told() {
    let host = MockHost::new()
        .unverified(CLUSTER_INFO, status(500))
        .unverified_json(SECOND, "not JSON");
    let error = discover(host, &token(), &["10.0.0.2", "10.0.0.1"]).unwrap_err();
    let DiscoveryError::Unavailable(text) = error else {
        panic!("{error}");
    };
    assert!(
        text.starts_with("10.0.0.2:6443: the answer is not a ConfigMap"),
        "{text}"
    );
    assert!(
        text.ends_with("10.0.0.1:6443: the server answers with status 500"),
        "{text}"
    );
}

#[test]
fn a_server_without_anonymous_access_is_explained() {
    let host = MockHost::new().unverified(CLUSTER_INFO, status(403));
    let error = discover(host, &token(), &["10.0.0.1"]).unwrap_err();
    assert!(matches!(error, DiscoveryError::Other(_)), "{error}");
    assert!(
        error.to_string().contains("discovery://host:9898"),
        "{error}"
    );
}

#[test]
fn failures_of_the_connection_are_told_apart() {
    for (failure, is_transient) in [
        (FetchError::Timeout, true),
        (FetchError::Dns("no such name".to_owned()), true),
        (FetchError::NotTls("plain HTTP".to_owned()), false),
        (FetchError::TooLarge, false),
        (FetchError::NotAllowed("port".to_owned()), false),
    ] {
        let host = MockHost::new().unverified(CLUSTER_INFO, Err(failure));
        let error = discover(host, &token(), &["10.0.0.1"]).unwrap_err();
        assert_eq!(
            matches!(error, DiscoveryError::Unavailable(_)),
            is_transient,
            "{error}"
        );
    }
}

#[test]
fn a_discovery_service_answers_a_signed_payload() {
    let payload = json!({"certificateAuthorities": [PEM], "endpoints": ["https://10.0.0.1:6443"]})
        .to_string();
    let jws = format!("header.{}.signature", URL_SAFE_NO_PAD.encode(&payload));
    let host = || MockHost::new().unverified_json(SERVICE, format!("{jws}\n"));
    let token = MockToken::new("abcdef").signed(&jws, payload.clone());
    let trust = discover(host(), &token, &["discovery://10.0.0.1:9898"]).unwrap();
    assert_eq!((trust.endpoints.len(), trust.ca_bundle.as_str()), (1, PEM));

    let unsigned = MockToken::new("abcdef");
    let error = discover(host(), &unsigned, &["discovery://10.0.0.1"]).unwrap_err();
    assert!(matches!(error, DiscoveryError::Untrusted(_)), "{error}");
}

#[test]
fn a_signed_payload_of_another_form_is_untrusted() {
    for payload in [
        json!({"certificateAuthorities": [], "endpoints": ["https://a"]}),
        json!({"certificateAuthorities": [PEM], "endpoints": []}),
        json!({"certificateAuthorities": ["x"], "endpoints": ["https://a"]}),
        json!({"certificateAuthorities": [PEM], "endpoints": ["https://a"], "more": 1}),
        json!([]),
    ] {
        let payload = payload.to_string();
        let jws = format!("header.{}.signature", URL_SAFE_NO_PAD.encode(&payload));
        let host = MockHost::new().unverified_json(SERVICE, jws.clone());
        let token = MockToken::new("abcdef").signed(&jws, payload.clone());
        let error = discover(host, &token, &["discovery://10.0.0.1"]).unwrap_err();
        assert!(
            matches!(error, DiscoveryError::Untrusted(_)),
            "{payload}: {error}"
        );
    }
    for body in ["", "a..b", "a.*.b", "no dots"] {
        let host = MockHost::new().unverified_json(SERVICE, body);
        let error = discover(host, &token(), &["discovery://10.0.0.1"]).unwrap_err();
        assert!(
            matches!(error, DiscoveryError::Untrusted(_)),
            "{body}: {error}"
        );
    }
}

#[test]
fn a_token_and_a_location_are_needed() {
    let request = DiscoveryRequest {
        locations: vec!["10.0.0.1".to_owned()],
        ..DiscoveryRequest::default()
    };
    let error = TrustJws.discover(&request).unwrap_err();
    assert!(
        matches!(error, DiscoveryError::InvalidRequest(_)),
        "{error}"
    );
    let error = discover(MockHost::new(), &token(), &[]).unwrap_err();
    assert!(
        matches!(error, DiscoveryError::InvalidRequest(_)),
        "{error}"
    );
}
