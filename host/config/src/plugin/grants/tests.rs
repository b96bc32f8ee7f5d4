use super::*;

fn read(yaml: &str) -> Result<Grants, String> {
    serde_saphyr::from_str(yaml).map_err(|error| error.without_snippet().to_string())
}

#[test]
fn nothing_is_granted_by_default() {
    let grants = read("{}").unwrap();
    assert!(grants.is_empty() && !grants.reach_network() && !grants.reach_files());
    assert!(grants.summary().is_empty());
}

#[test]
fn grants_are_read_written_and_summed_up() {
    let yaml = "
http:
- {host: Inventory.Example, port: 8443, credentialFile: /etc/slipway/token, header: X-Api-Key}
- {scheme: http, host: '[::1]', methods: [POST]}
filesystem:
- {name: inventory, path: /etc/inventory}
cluster:
- {version: v1, kind: Node}
- {group: cluster.x-k8s.io, version: v1beta1, kind: Machine, namespace: fleet, names: [a, b]}
clocks: true
dns: true
";
    let grants = read(yaml).unwrap();
    insta::assert_snapshot!(grants.summary().join("\n"), @r"
    http GET,HEAD https://inventory.example:8443 with a credential
    http POST http://[::1]:80
    filesystem inventory = /etc/inventory read-only
    cluster v1 Node
    cluster cluster.x-k8s.io/v1beta1 Machine in fleet named a,b
    clocks
    dns
    ");
    assert!(grants.reach_network() && grants.reach_files());
    assert_eq!(read(&serde_saphyr::to_string(&grants).unwrap()), Ok(grants));
}

#[test]
fn grants_that_cannot_be_given_are_refused() {
    let refused = |yaml: &str| read(yaml).unwrap_err();
    insta::assert_snapshot!(refused("cluster: [{version: v1, kind: Secret}]"), @"Secrets cannot be granted to a plugin at line 1, column 11");
    insta::assert_snapshot!(refused("cluster: [{version: '', kind: Node}]"), @"a cluster grant needs version and kind; expected, for instance, version: v1 and kind: Node at line 1, column 11");
    insta::assert_snapshot!(refused("filesystem: [{name: a, path: etc}]"), @r#"the path "etc" is neither absolute nor relative; expected one that begins with /, ./ or ../ at line 1, column 14"#);
    insta::assert_snapshot!(refused("filesystem: [{name: ../a, path: /etc}]"), @r#""../a" is no name for a folder; expected a to z, 0 to 9, '-' and '_' at line 1, column 14"#);
    insta::assert_snapshot!(refused("http: [{host: a, port: 0}]"), @"port 0 cannot be granted; expected a number from 1 to 65535 at line 1, column 8");
    insta::assert_snapshot!(refused("http: [{host: a, header: x}]"), @r#"the header "x" has no credential; expected credentialFile beside it at line 1, column 8"#);
    insta::assert_snapshot!(refused("http: [{host: a, credentialFile: /x, header: Host}]"), @r#"the header "Host" cannot carry a credential; expected a header's name, such as authorization at line 1, column 8"#);
    insta::assert_snapshot!(refused("http: [{host: a, credentialFile: /x, header: 'a b'}]"), @r#"the header "a b" cannot carry a credential; expected a header's name, such as authorization at line 1, column 8"#);
    insta::assert_snapshot!(refused("http: [{host: a, credentialFile: x}]"), @r#"the path "x" is neither absolute nor relative; expected one that begins with /, ./ or ../ at line 1, column 8"#);
    insta::assert_snapshot!(refused("http: [{host: a, scheme: http, credentialFile: /x}]"), @"a credential for a would travel in clear; expected scheme: https at line 1, column 8");
    insta::assert_snapshot!(refused("network: true"), @"unknown field `network`, expected one of http, filesystem, cluster, clocks, random, dns, unverifiedHttps at line 1, column 1");
}
