use proptest::prelude::*;

use super::*;
use crate::kubeadm::DiscoverySource;

fn read(text: &str) -> Result<Documents, DocumentError> {
    Documents::read("cluster.yaml", text.as_bytes())
}

fn refused(text: &str) -> String {
    read(text).unwrap_err().to_string()
}

/// An entry of the chain of approvers, at line 4 of its file.
fn refused_entry(entry: &str) -> String {
    refused(&format!(
        "apiVersion: slipway.dev/v1alpha1\nkind: PluginConfiguration\ncsrApprovers:\n{entry}"
    ))
}

const WHOLE: &str = "\
# The harbour.
apiVersion: kubeadm.k8s.io/v1beta4
kind: InitConfiguration
bootstrapTokens:
- token: abcdef.0123456789abcdef
  ttl: 1h0m0s
localAPIEndpoint: {advertiseAddress: 10.0.0.1, bindPort: 7443}
---
# Nothing here.
---
kind: ClusterConfiguration
controlPlaneEndpoint: api.example
apiVersion: kubeadm.k8s.io/v1beta4
---
apiVersion: kubeadm.k8s.io/v1beta4
kind: JoinConfiguration
discovery: {file: {kubeConfigPath: /etc/slipway/cluster-info.conf}}
...
---
apiVersion: slipway.dev/v1alpha1
kind: PluginConfiguration
csrApprovers:
- name: approve-renewal
- name: inventory
  source: ./inventory.wasm
  digest: sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855
  mode: shadow
  settings: {strict: true, zones: [a, b], version: 0755}
  grants: {filesystem: [{name: inventory, path: /etc/inventory}]}
  limits: {deadline: 2s}
";

#[test]
fn a_file_of_all_kinds_is_read() {
    let documents = read(WHOLE).unwrap();
    assert_eq!(
        documents
            .init
            .unwrap()
            .local_api_endpoint
            .bind_port
            .unwrap()
            .get(),
        7443
    );
    assert!(documents.cluster.unwrap().control_plane_endpoint.is_some());
    assert!(matches!(
        documents.join.unwrap().discovery.source,
        DiscoverySource::Kubeconfig(_)
    ));
    let approvers = documents.plugins.unwrap().csr_approvers;
    assert_eq!(
        approvers[1].settings["zones"],
        serde_json::json!(["a", "b"])
    );
    assert_eq!(approvers[1].settings["version"], "0755");
}

#[test]
fn what_is_written_has_no_secret_and_is_read_again_where_there_was_none() {
    let documents = read(WHOLE).unwrap();
    let yaml = documents.to_yaml().unwrap();
    assert!(!yaml.contains("0123456789abcdef"), "{yaml}");
    let without_tokens = Documents {
        init: None,
        ..documents
    };
    assert_eq!(read(&without_tokens.to_yaml().unwrap()), Ok(without_tokens));
}

#[test]
fn json_and_a_byte_order_mark_are_read() {
    let json =
        "\u{feff}{\"apiVersion\": \"slipway.dev/v1alpha1\", \"kind\": \"PluginConfiguration\"}";
    assert_eq!(
        read(json).unwrap().plugins,
        Some(PluginConfiguration::default())
    );
}

#[test]
fn a_file_that_is_no_configuration_is_refused() {
    insta::assert_snapshot!(refused(""), @"cluster.yaml:1:1: there is no document; expected YAML with apiVersion and kind");
    insta::assert_snapshot!(refused("# only a comment\n---\n"), @"cluster.yaml:1:1: there is no document; expected YAML with apiVersion and kind");
    insta::assert_snapshot!(Documents::read("x", b"a: 1\nb: \xff").unwrap_err(), @"x:2:1: the line is not UTF-8");
    insta::assert_snapshot!(refused(&"#".repeat(MAX_SIZE + 1)), @"cluster.yaml:1:1: the file is larger than 1024 KiB; expected configuration");
    insta::assert_snapshot!(refused("just text"), @"cluster.yaml:1:1: expected a mapping");
    insta::assert_snapshot!(refused("a: b: c"), @"cluster.yaml:1:5: this cannot be read as YAML: mapping values are not allowed in this context");
    insta::assert_snapshot!(refused("a: ["), @"cluster.yaml:1:4: this cannot be read as YAML: unclosed bracket '['");
    insta::assert_snapshot!(refused("a: *b"), @"cluster.yaml:1:4: this cannot be read as YAML: reference to unknown value");
    insta::assert_snapshot!(refused("a: 1\n...\nb"), @"cluster.yaml:1:1: the document has no kind; expected, for instance, apiVersion: slipway.dev/v1alpha1 and kind: PluginConfiguration");
}

#[test]
fn a_document_has_to_say_what_it_is() {
    insta::assert_snapshot!(refused("apiVersion: slipway.dev/v1alpha1\n"), @"cluster.yaml:1:1: the document has no kind; expected, for instance, apiVersion: slipway.dev/v1alpha1 and kind: PluginConfiguration");
    insta::assert_snapshot!(refused("kind: PluginConfiguration\n"), @"cluster.yaml:1:1: the document has no apiVersion; expected, for instance, apiVersion: slipway.dev/v1alpha1 and kind: PluginConfiguration");
    insta::assert_snapshot!(refused("apiVersion: slipway.dev/v1alpha1\nkind: PluginConfig\n"), @r#"cluster.yaml:2:7: unknown kind "PluginConfig"; did you mean PluginConfiguration?"#);
    insta::assert_snapshot!(refused("apiVersion: v1\nkind: Pod\n"), @r#"cluster.yaml:2:7: unknown kind "Pod"; expected InitConfiguration, ClusterConfiguration, JoinConfiguration or PluginConfiguration"#);
    insta::assert_snapshot!(refused("apiVersion: kubeadm.k8s.io/v1beta3\nkind: JoinConfiguration\n"), @r#"cluster.yaml:1:13: JoinConfiguration is not served in the version "kubeadm.k8s.io/v1beta3"; expected apiVersion: kubeadm.k8s.io/v1beta4"#);
    insta::assert_snapshot!(refused("apiVersion: kubelet.config.k8s.io/v1beta1\nkind: KubeletConfiguration\n"), @"cluster.yaml:2:7: the kind KubeletConfiguration is not served: Slipway leaves the kubelet's configuration to the machine; take the document out");
    let twice = "apiVersion: slipway.dev/v1alpha1\nkind: PluginConfiguration\n---\n";
    insta::assert_snapshot!(refused(&twice.repeat(2)), @"cluster.yaml:5:7: this is the second PluginConfiguration of the file; expected one");
    insta::assert_snapshot!(refused("apiVersion: [1]\nkind: Pod\n"), @"cluster.yaml:1:13: expected a text");
}

#[test]
fn the_line_counts_from_the_beginning_of_the_file() {
    insta::assert_snapshot!(refused(&WHOLE.replace("mode: shadow", "mode: shade")), @r#"cluster.yaml:27:9: unknown value "shade"; did you mean shadow?"#);
    insta::assert_snapshot!(refused(&WHOLE.replace("  mode: shadow", "\tmode: shadow")), @"cluster.yaml:26:11: this cannot be read as YAML: while scanning a plain scalar, found a tab");
}

#[test]
fn fields_and_values_that_are_not_known_are_refused_with_the_nearest_ones() {
    insta::assert_snapshot!(refused("apiVersion: slipway.dev/v1alpha1\nkind: PluginConfiguration\ncsrApprover: []\n"), @r#"cluster.yaml:3:1: unknown field "csrApprover"; did you mean csrApprovers?"#);
    insta::assert_snapshot!(refused_entry("- name: a\n  grant: {}\n"), @r#"cluster.yaml:5:3: unknown field "grant"; did you mean grants?"#);
    insta::assert_snapshot!(refused_entry("- name: a\n  colour: red\n"), @r#"cluster.yaml:5:3: unknown field "colour"; expected name, source, digest, mode, settings, grants or limits"#);
    insta::assert_snapshot!(refused_entry("- name: a\n  mode: enforced\n"), @r#"cluster.yaml:5:9: unknown value "enforced"; did you mean enforce?"#);
    insta::assert_snapshot!(refused_entry("- name: a\n  mode: [enforce]\n"), @"cluster.yaml:5:9: expected a text");
    insta::assert_snapshot!(refused_entry("- name: a\n  name: b\n"), @r#"cluster.yaml:5:3: the field "name" stands here twice; expected it once"#);
    insta::assert_snapshot!(refused_entry("- mode: enforce\n"), @"cluster.yaml:4:3: the field name is missing");
    insta::assert_snapshot!(refused_entry("  name: a\n"), @"cluster.yaml:4:3: expected a list");
    insta::assert_snapshot!(refused_entry("- name: a\n  grants: {clocks: yes}\n"), @"cluster.yaml:5:20: expected true or false");
    insta::assert_snapshot!(refused_entry("- name:\n"), @"cluster.yaml:4:7: expected a text, found nothing");
    insta::assert_snapshot!(refused_entry("- name: a\n  limits: {resources: many}\n"), @"cluster.yaml:5:23: expected a whole number up to 4294967295");
    insta::assert_snapshot!(refused_entry("- name: a\n  limits: {resources: 5000000000}\n"), @"cluster.yaml:5:23: expected a whole number up to 4294967295");
    insta::assert_snapshot!(refused_entry("- name: a\n  settings: [1]\n"), @"cluster.yaml:5:13: expected a mapping");
    insta::assert_snapshot!(refused_entry("- name: a\n- name: b\n  grants: {cluster: [{version: v1, kind: Secret}]}\n"), @"cluster.yaml:6:22: Secrets cannot be granted to a plugin");
    insta::assert_snapshot!(refused_entry("- name: a\n  settings: {x: .nan}\n"), @"cluster.yaml:5:17: this cannot be read as YAML: value `.nan` is not a finite number");
    insta::assert_snapshot!(refused_entry("- &a {name: a}\n- <<: *a\n"), @"cluster.yaml:5:3: this cannot be read as YAML: merge key not allowed here");
    insta::assert_snapshot!(refused_entry("- name: a\n- !include b\n"), @"cluster.yaml:5:12: this cannot be read as YAML: unsupported tag `!include`");
}

#[test]
fn fields_of_kubeadm_that_are_not_served_are_named_as_such() {
    let join = |text: &str| {
        refused(&format!(
            "apiVersion: kubeadm.k8s.io/v1beta4\nkind: JoinConfiguration\ndiscovery: {{file: {{kubeConfigPath: /x}}}}\n{text}"
        ))
    };
    insta::assert_snapshot!(join("controlPlane: {}\n"), @r#"cluster.yaml:4:1: kubeadm's field "controlPlane" is not served: Slipway joins no control-plane nodes; take it out"#);
    insta::assert_snapshot!(join("nodeRegistration:\n  name: a\n  taints: []\n"), @r#"cluster.yaml:6:3: kubeadm's field "taints" is not served: the kubelet registers its taints itself; take it out"#);
    insta::assert_snapshot!(join("nodeRegistration:\n  taint: []\n"), @r#"cluster.yaml:5:3: unknown field "taint"; expected name"#);
    insta::assert_snapshot!(join("taints: []\n"), @r#"cluster.yaml:4:1: unknown field "taints"; expected discovery, dryRun, nodeRegistration, skipPhases or timeouts"#);
    insta::assert_snapshot!(join("nodeRegistration: {name: Node_1}\n"), @r#"cluster.yaml:4:26: the name "Node_1" has 'N' in it; expected lower-case letters, digits, '-' and '.'"#);
    let cluster = |text: &str| {
        refused(&format!(
            "apiVersion: kubeadm.k8s.io/v1beta4\nkind: ClusterConfiguration\n{text}"
        ))
    };
    insta::assert_snapshot!(cluster("networking: {podSubnet: 10.1.0.0/16}\n"), @r#"cluster.yaml:3:1: kubeadm's field "networking" is not served: Slipway configures no network of pods and services; take it out"#);
    insta::assert_snapshot!(cluster("apiServer:\n  extraArgs: []\n"), @r#"cluster.yaml:4:3: kubeadm's field "extraArgs" is not served: Slipway's embedded API is no static pod; take it out"#);
    insta::assert_snapshot!(cluster("apiServer:\n  certSANs: ['*.example']\n"), @r#"cluster.yaml:4:14: "*.example" is neither an IP address nor a host name: the name "*.example" has '*' in it; expected lower-case letters, digits, '-' and '.'"#);
}

#[test]
fn no_message_repeats_the_secret_of_a_token() {
    for text in [
        "apiVersion: abcdef.0123456789abcdef\nkind: JoinConfiguration\n",
        "apiVersion: v1\nkind: abcdef.0123456789abcdef\n",
        "abcdef.0123456789abcdef",
        "abcdef.0123456789abcdef: [",
        "apiVersion: slipway.dev/v1alpha1\nkind: PluginConfiguration\nabcdef.0123456789abcdef: 1\n",
        "apiVersion: slipway.dev/v1alpha1\nkind: PluginConfiguration\ncsrApprovers: [{name: abcdef.0123456789abcdef}]\n",
        "apiVersion: slipway.dev/v1alpha1\nkind: PluginConfiguration\ncsrApprovers: [{name: a, mode: abcdef.0123456789abcdef}]\n",
        "apiVersion: slipway.dev/v1alpha1\nkind: PluginConfiguration\ncsrApprovers: [{name: a, source: &abcdef.0123456789abcdef *abcdef.0123456789abcdefg}]\n",
        "apiVersion: kubeadm.k8s.io/v1beta4\nkind: InitConfiguration\nbootstrapTokens: [abcdef.0123456789abcdef]\n",
        "apiVersion: kubeadm.k8s.io/v1beta4\nkind: InitConfiguration\ndryRun: abcdef.0123456789abcdef\n",
        "apiVersion: kubeadm.k8s.io/v1beta4\nkind: InitConfiguration\nbootstrapTokens: [{token: abcdef.0123456789abcde!}]\n",
        "apiVersion: kubeadm.k8s.io/v1beta4\nkind: InitConfiguration\nbootstrapTokens: [{ttl: abcdef.0123456789abcdef}]\n",
        "apiVersion: kubeadm.k8s.io/v1beta4\nkind: InitConfiguration\nbootstrapTokens: [{expires: abcdef.0123456789abcdef}]\n",
    ] {
        let error = read(text).unwrap_err();
        assert!(
            !format!("{error} {error:?}").contains("0123456789abcde"),
            "{error}"
        );
    }
}

proptest! {
    #[test]
    fn no_bytes_make_the_reader_panic(bytes: Vec<u8>) {
        let _ = Documents::read("x", &bytes);
    }

    #[test]
    fn no_damage_to_a_file_makes_the_reader_panic(
        position in 0..WHOLE.len(), length in 0usize..20, insert in r"[-:\[\]{}&*!|>'#%\n\t a\x{feff}]{0,6}"
    ) {
        let mut text = WHOLE.as_bytes().to_vec();
        let end = (position + length).min(text.len());
        text.splice(position..end, insert.bytes());
        if let Err(error) = Documents::read("x", &text) {
            let lines = text.iter().filter(|byte| **byte == b'\n').count() as u64 + 1;
            prop_assert!((1..=lines).contains(&error.line), "{error}");
            prop_assert!(error.column >= 1);
        }
    }
}
