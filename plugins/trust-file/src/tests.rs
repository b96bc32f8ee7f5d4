use super::*;

const DOCUMENT: &str = "apiVersion: v1
kind: Config
clusters:
- name: a
  cluster:
    server: https://10.0.0.1:6443
";

fn discover(location: &str) -> Result<ClusterTrust, DiscoveryError> {
    let request = DiscoveryRequest {
        locations: vec![location.to_owned()],
        document: Some(DOCUMENT.as_bytes().to_vec()),
        ..DiscoveryRequest::default()
    };
    TrustFile::configure(NoSettings {})
        .unwrap()
        .discover(&request)
}

#[test]
fn a_kubeconfig_becomes_a_proposal() {
    let trust = discover("/etc/slipway/discovery.conf").unwrap();
    assert_eq!(trust.endpoints, ["https://10.0.0.1:6443"]);
    assert_eq!(trust.ca_bundle, "");
    assert_eq!(
        trust.evidence[0],
        Finding::passed(
            "kubeconfig-file",
            "/etc/slipway/discovery.conf names https://10.0.0.1:6443"
        )
    );
}
