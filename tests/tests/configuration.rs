//! What a configuration file says of a cluster, seen from outside: names, times, tokens, and what is not served.

use std::path::Path;

use slipway_tests::{Asked, Cluster, Finished, Sandbox, kubectl, openssl};

const HOUR: u64 = 3600;

const HARBOUR: &str = "
apiVersion: kubeadm.k8s.io/v1beta4
kind: ClusterConfiguration
clusterName: harbour
certificateValidityPeriod: 30h
caCertificateValidityPeriod: 300h
controllerManager:
  extraArgs:
  - name: cluster-signing-duration
    value: 2h
---
apiVersion: kubeadm.k8s.io/v1beta4
kind: InitConfiguration
bootstrapTokens:
- token: abcdef.0123456789abcdef
  description: for signing alone
  usages: [signing]
  ttl: 2h
- description: for the crew
  groups: [system:bootstrappers:crew]
";

/// A cluster that is made from a file.
fn cluster(yaml: &str, arguments: &[&str]) -> Cluster {
    let sandbox = Sandbox::new();
    let file = sandbox.write("cluster.yaml", yaml);
    let file = file.to_str().expect("UTF-8").to_owned();
    Cluster::start_in(sandbox, &[&["--config", &file], arguments].concat())
}

/// Whether a certificate ends about that many hours from now.
fn lasts(certificate: &Path, hours: u64) -> bool {
    let ends_within = |seconds: u64| {
        let mut command = openssl();
        command.args(["x509", "-noout", "-checkend", &seconds.to_string(), "-in"]);
        Finished::of(command.arg(certificate), "").code() == Some(1)
    };
    ends_within(hours * HOUR) && !ends_within(hours * HOUR - 300)
}

#[test]
fn names_and_times_of_a_cluster_are_those_of_its_file() {
    let cluster = cluster(HARBOUR, &["--auto-approve"]);
    let view = cluster.kubectl(&["config", "view", "--output=json"]).json();
    assert_eq!(view["clusters"][0]["name"], "harbour");
    assert_eq!(view["current-context"], "kubernetes-admin@harbour");
    let nodes = cluster.kubectl(&["--context=kubernetes-admin@harbour", "get", "nodes"]);
    let _ = nodes.success();

    let pki = cluster.sandbox().dir().join("kubernetes/pki");
    assert!(lasts(&pki.join("ca.crt"), 300));
    assert!(lasts(&pki.join("apiserver.crt"), 30));

    let node = Sandbox::new();
    let _ = cluster.join(&node, "worker-1", &[]).success();
    let certificate = node.dir().join("kubelet/kubelet-client-current.pem");
    assert!(
        lasts(&certificate, 2),
        "a node's certificate lasts as long as the signer is allowed to give"
    );
}

#[test]
fn a_nodes_certificate_lasts_as_long_as_all_others_unless_more_is_said() {
    let yaml = "
apiVersion: kubeadm.k8s.io/v1beta4
kind: ClusterConfiguration
certificateValidityPeriod: 30h
";
    let cluster = cluster(yaml, &["--auto-approve"]);
    let node = Sandbox::new();
    let _ = cluster.join(&node, "worker-1", &[]).success();
    let certificate = node.dir().join("kubelet/kubelet-client-current.pem");
    assert!(lasts(&certificate, 30));
}

#[test]
fn every_token_of_the_file_is_made_and_nodes_are_invited_with_one_that_lets_them_in() {
    let cluster = cluster(HARBOUR, &[]);
    let tokens = cluster.slipway(&["token", "list", "--output=json"]).json();
    let tokens = tokens.as_array().expect("a list");
    assert_eq!(tokens.len(), 2);
    let signing = tokens
        .iter()
        .find(|token| token["id"] == "abcdef")
        .expect("the one with an ID");
    assert_eq!(signing["description"], "for signing alone");
    assert_eq!(signing["usages"], serde_json::json!(["signing"]));
    let made = tokens
        .iter()
        .find(|token| token["id"] != "abcdef")
        .expect("the other");
    assert_eq!(made["description"], "for the crew");
    assert_eq!(
        made["groups"],
        serde_json::json!(["system:bootstrappers:crew"])
    );
    assert!(
        cluster
            .token()
            .starts_with(made["id"].as_str().expect("an ID"))
    );
}

#[test]
fn what_slipway_does_not_do_is_refused_before_anything_is_made() {
    let sandbox = Sandbox::new();
    let over = "
apiVersion: kubeadm.k8s.io/v1beta4
kind: InitConfiguration
bootstrapTokens:
- expires: 2020-01-01T00:00:00Z
";
    let file = sandbox.write("over.yaml", over);
    let init = |file: &Path| {
        sandbox.slipway(&[
            "init",
            "--apiserver-advertise-address=127.0.0.1",
            "--config",
            file.to_str().expect("UTF-8"),
        ])
    };
    let message = init(&file).failure(2);
    assert!(message.contains("2020-01-01T00:00:00Z"), "{message}");

    let foreign = HARBOUR.replace("cluster-signing-duration", "node-monitor-period");
    let message = init(&sandbox.write("foreign.yaml", &foreign)).failure(2);
    assert!(
        message.contains("foreign.yaml:9:5") && message.contains("node-monitor-period"),
        "{message}"
    );
    assert!(!sandbox.dir().exists());
}

#[test]
fn a_person_who_approves_is_told_what_the_cluster_itself_would_object_to() {
    let cluster = Cluster::start(&[
        "--auto-approve",
        "--apiserver-cert-extra-sans=bastion.example",
    ]);
    let node = Sandbox::new();
    let _ = cluster.join(&node, "worker-1", &[]).success();
    let kubeconfig = node.dir().join("kubernetes/kubelet.conf");
    let asked = Asked::serving("serving", "worker-1", "DNS:bastion.example").manifest();
    let mut create = kubectl(&kubeconfig);
    let _ = Finished::of(create.args(["create", "--filename=-"]), &asked.to_string()).success();
    let shown = cluster.slipway(&["csr", "show", "serving"]).success();
    assert!(
        shown.contains("bastion.example") && shown.contains('✗'),
        "{shown}"
    );
}

#[test]
fn a_phase_that_is_run_again_keeps_what_the_cluster_is() {
    let cluster = Cluster::start(&[
        "--apiserver-cert-extra-sans=bastion.example",
        "--skip-token-print",
    ]);
    let machine = cluster.sandbox();
    let read = |name: &str| std::fs::read_to_string(machine.dir().join(name)).expect("a file");
    let plugins = machine.dir().join("kubernetes/slipway.yaml");
    let edited = format!("# Ours.\n{}", read("kubernetes/slipway.yaml"));
    std::fs::write(&plugins, &edited).expect("a file");
    let (settings, certificate) = (
        read("state/server.json"),
        read("kubernetes/pki/apiserver.crt"),
    );
    for phase in ["certs", "kubeconfig", "cluster-info", "rbac"] {
        let _ = cluster.slipway(&["init", "phase", phase]).success();
    }
    assert_eq!(read("kubernetes/slipway.yaml"), edited);
    assert_eq!(read("state/server.json"), settings);
    assert_eq!(read("kubernetes/pki/apiserver.crt"), certificate);

    let more = [
        "init",
        "phase",
        "certs",
        "--apiserver-cert-extra-sans=more.example",
    ];
    let _ = cluster.slipway(&more).success();
    let certificate = machine.dir().join("kubernetes/pki/apiserver.crt");
    let text = Finished::of(
        openssl()
            .args(["x509", "-noout", "-ext", "subjectAltName", "-in"])
            .arg(&certificate),
        "",
    );
    let text = text.success();
    assert!(
        text.contains("DNS:bastion.example") && text.contains("DNS:more.example"),
        "{text}"
    );

    let elsewhere = [
        "init",
        "phase",
        "kubeconfig",
        "--apiserver-advertise-address=127.0.0.2",
    ];
    let message = cluster.slipway(&elsewhere).failure(8);
    assert!(message.contains("127.0.0.2"), "{message}");
    let automatic = ["init", "phase", "rbac", "--auto-approve"];
    let message = cluster.slipway(&automatic).failure(2);
    assert!(message.contains("slipway.yaml"), "{message}");
}

/// The plugin says what is wrong, and the file's place stands before it.
#[test]
fn a_mistake_in_a_policy_is_shown_where_it_stands() {
    let policy = |rule: &str| {
        format!(
            "apiVersion: slipway.dev/v1alpha1
kind: PluginConfiguration
csrApprovers:
- name: approve-renewal
- name: rules
  source: approve-rules
  settings:
    rules:
    - name: workers
      {rule}
"
        )
    };
    let sandbox = Sandbox::new();
    for (rule, place, told) in [
        (
            "when: request.nodName == 'a'\n      then: approve",
            "10:13",
            "rules[0].when: there is no field \"nodName\"",
        ),
        (
            "when: 'true'\n      then: aprove",
            "11:13",
            "rules[0].then: there is no choice \"aprove\"; expected approve, deny, defer (did you mean \"approve\"?)",
        ),
        ("{when: 'true'", "10:7", "this cannot be read as YAML"),
        (
            "when: request.nodeName ==\n      then: deny",
            "10:13",
            "rules[0].when: line 1, column 20 of the expression: ",
        ),
        (
            "wen: 'true'\n      then: deny",
            "10:12",
            "(did you mean \"when\"?)",
        ),
    ] {
        let file = sandbox.write("policy.yaml", &policy(rule));
        let file = file.to_str().expect("a path in UTF-8");
        let told_by_validate = sandbox.slipway(&["config", "validate", file]).failure(2);
        for part in [format!("{file}:{place}: "), told.to_owned()] {
            assert!(told_by_validate.contains(&part), "{told_by_validate}");
        }
        let told_by_init = sandbox.slipway(&["init", "--config", file]).failure(2);
        assert!(
            told_by_init.contains(&format!("{file}:{place}: ")),
            "{told_by_init}"
        );
    }
}
