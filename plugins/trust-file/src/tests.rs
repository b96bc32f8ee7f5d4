use super::*;

const LOCATION: &str = "/etc/slipway/discovery.conf";

fn discover(locations: &[&str], document: Option<&str>) -> Result<ClusterTrust, DiscoveryError> {
    let request = DiscoveryRequest {
        locations: locations.iter().map(|text| (*text).to_owned()).collect(),
        document: document.map(|text| text.as_bytes().to_vec()),
        ..DiscoveryRequest::default()
    };
    TrustFile::configure(NoSettings {})
        .unwrap()
        .discover(&request)
}

fn kubeconfig(cluster: &str) -> String {
    format!(
        "apiVersion: v1\nkind: Config\nclusters:\n- name: a\n  cluster:\n    server: https://10.0.0.1:6443\n{cluster}"
    )
}

#[test]
fn a_kubeconfig_becomes_a_proposal() {
    // base64 of a PEM header and nothing more: the host reads certificates, not the plugin.
    let ca = "    certificate-authority-data: LS0tLS1CRUdJTiBDRVJUSUZJQ0FURS0tLS0tCg==\n";
    let trust = discover(&[LOCATION], Some(&kubeconfig(ca))).unwrap();
    assert_eq!(trust.endpoints, ["https://10.0.0.1:6443"]);
    assert_eq!(trust.ca_bundle, "-----BEGIN CERTIFICATE-----\n");
    let outcomes: Vec<_> = trust
        .evidence
        .iter()
        .map(|finding| finding.outcome)
        .collect();
    assert_eq!(outcomes, [Outcome::Passed, Outcome::Passed]);
}

#[test]
fn the_ca_may_come_from_elsewhere() {
    let trust = discover(&[LOCATION], Some(&kubeconfig(""))).unwrap();
    assert_eq!(trust.ca_bundle, "");
    assert_eq!(trust.evidence.last().unwrap().outcome, Outcome::Skipped);
}

#[test]
fn a_document_that_is_unsafe_is_untrusted() {
    let document = kubeconfig("    insecure-skip-tls-verify: true\n");
    let error = discover(&[LOCATION], Some(&document)).unwrap_err();
    assert!(matches!(error, DiscoveryError::Untrusted(_)), "{error}");
    assert!(
        error
            .to_string()
            .contains("insecure-skip-tls-verify is refused"),
        "{error}"
    );
}

#[test]
fn one_location_with_its_document_is_needed() {
    let document = kubeconfig("");
    for error in [
        discover(&[], Some(&document)).unwrap_err(),
        discover(&[LOCATION, LOCATION], Some(&document)).unwrap_err(),
        discover(&[LOCATION], None).unwrap_err(),
    ] {
        assert!(
            matches!(error, DiscoveryError::InvalidRequest(_)),
            "{error}"
        );
    }
}
