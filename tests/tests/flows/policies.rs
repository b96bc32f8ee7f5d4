//! Policies of the bundled approvers: rules in CEL, serving certificates by an inventory, nodes that join again.

use serde_json::Value;
use slipway_tests::{Ability, Approval, Asked, Backend, Launched, Sandbox, on_both_backends};

on_both_backends!(
    rules_decide_and_their_words_reach_the_request,
    a_serving_certificate_is_for_what_the_inventory_knows,
    a_node_joins_again_where_the_operator_allows_it,
    a_changed_policy_is_in_force_as_a_whole_or_not_at_all,
    an_approver_that_looks_on_is_counted_where_it_disagrees,
);

fn policy(approvers: &str) -> String {
    format!("apiVersion: slipway.dev/v1alpha1\nkind: PluginConfiguration\n{approvers}")
}

fn rules_decide_and_their_words_reach_the_request(backend: Backend) {
    let cluster = backend.launch_by(&policy(
        "csrApprovers:
- name: approve-renewal
- name: approve-rules
  settings:
    rules:
    - name: own-token
      when: has(request.token.node) && request.token.node == request.nodeName
      then: approve
    - name: no-strangers
      when: \"!request.nodeName.matches('worker-[0-9]+')\"
      then: deny
      messageExpression: \"request.nodeName + ' is no worker'\"
    otherwise: defer
",
    ));
    let bound = cluster.invitation_with(&["--node=worker-1"]);
    let _ = bound.join(&Sandbox::new(), "worker-1", &[]).success();

    let refused = cluster.join(&Sandbox::new(), "stranger", &[]).failure(5);
    assert!(refused.contains("stranger is no worker"), "{refused}");
    let described = cluster.described_with("stranger is no worker");
    assert!(described.contains("DeniedByApprover"), "{described}");
    let conditions = cluster
        .kubectl(&[
            "get",
            "csr",
            "--output=jsonpath={.items[*].status.conditions[*].message}",
        ])
        .success();
    assert!(conditions.contains("stranger is no worker"), "{conditions}");

    let node = Sandbox::new();
    let waiting = cluster.start_join(&node, "worker-2", &[]);
    let request = cluster.request_of("worker-2");
    let shown = cluster.slipway(&["csr", "show", &request]).success();
    assert!(
        shown.contains("no rule of approve-rules applies"),
        "{shown}"
    );
    let _ = cluster.described_with("no rule of approve-rules applies");
    cluster.let_in(&node, &request, waiting);
}

fn a_serving_certificate_is_for_what_the_inventory_knows(backend: Backend) {
    let inventory = Sandbox::new();
    let file = inventory.write(
        "nodes.json",
        r#"{"worker-1": {"addresses": ["192.0.2.21"], "dnsNames": ["worker-1.example"]}}"#,
    );
    let cluster = backend.launch_by(&policy(&format!(
        "csrApprovers:
- name: approve-renewal
- name: approve-node-client
- name: approve-node-serving
  settings:
    nodeNames: worker-[0-9]+
    compareWith:
      inventory:
        file: nodes.json
  grants:
    filesystem:
    - name: inventory
      path: {}
",
        file.parent().expect("a folder").display()
    )));
    let node = Sandbox::new();
    let _ = cluster.join(&node, "worker-1", &[]).success();
    let kubeconfig = node.dir().join("kubernetes/kubelet.conf");
    let ask = |name: &str, names: &str| -> Value {
        let asked = Asked::serving(name, "worker-1", names);
        let _ = cluster.submit(&kubeconfig, &asked).success();
        cluster.decided(name)
    };
    let own = "DNS:worker-1,DNS:worker-1.example,IP:192.0.2.21";
    let got = ask("own", own);
    assert_eq!(got["standing"], "issued", "{got}");
    for (name, names, reason) in [
        (
            "address",
            "IP:192.0.2.22",
            "does not confirm the address 192.0.2.22",
        ),
        (
            "name",
            "DNS:worker-10",
            "the DNS name worker-10 is not one of the node worker-1",
        ),
    ] {
        let got = ask(name, names);
        assert_eq!(got["standing"], "denied", "{got}");
        let shown = cluster.slipway(&["csr", "show", name]).success();
        assert!(shown.contains(reason), "{shown}");
    }
}

fn a_node_joins_again_where_the_operator_allows_it(backend: Backend) {
    let again = |rejoin: &str| {
        backend.launch_by(&policy(&format!(
            "rejoinAllowed: [worker-1]
csrApprovers:
- name: approve-renewal
- name: approve-node-client
  settings:
    rejoin: {rejoin}
"
        )))
    };
    let with_node = |cluster: &Launched, name: &str| {
        let manifest = format!("apiVersion: v1\nkind: Node\nmetadata:\n  name: {name}\n");
        let file = cluster.sandbox().write("node.yaml", &manifest);
        let file = file.to_str().expect("a path in UTF-8");
        let _ = cluster.kubectl(&["create", "--filename", file]).success();
    };
    let cluster = again("approve");
    assert!(
        cluster.announced().contains("rejoin-allowed"),
        "{}",
        cluster.announced()
    );
    with_node(&cluster, "worker-1");
    let _ = cluster.join(&Sandbox::new(), "worker-1", &[]).success();
    with_node(&cluster, "worker-2");
    let refused = cluster.join(&Sandbox::new(), "worker-2", &[]).failure(5);
    assert!(
        refused.contains("a node named worker-2 exists"),
        "{refused}"
    );

    let cluster = again("defer");
    with_node(&cluster, "worker-1");
    let node = Sandbox::new();
    let mut waiting = cluster.start_join(&node, "worker-1", &[]);
    let request = cluster.request_of("worker-1");
    let shown = cluster.slipway(&["csr", "show", &request]).success();
    assert!(shown.contains("a machine asks for its place"), "{shown}");
    // An administrator elsewhere has to say which policy the cluster has.
    let policy = cluster
        .sandbox()
        .write("policy.yaml", &policy("rejoinAllowed: [worker-1]\n"));
    let policy = policy.to_str().expect("a path in UTF-8");
    let _ = cluster
        .slipway(&["csr", "approve", &request, "--config", policy])
        .success();
    assert!(waiting.wait().expect("join can be waited for").success());
}

fn a_changed_policy_is_in_force_as_a_whole_or_not_at_all(backend: Backend) {
    let manual = policy("csrApprovers:\n- name: approve-manual\n");
    let cluster = backend.launch_by(&manual);
    let node = Sandbox::new();
    let mut waiting = cluster.start_join(&node, "worker-1", &[]);
    let request = cluster.request_of("worker-1");

    let file = cluster.policy_file();
    let write = |text: &str| std::fs::write(&file, text).expect("the policy");
    for (mistake, message) in [
        (
            "csrApprovers:\n- name: approve-node-client\n  settigns: {}\n",
            "settigns",
        ),
        (
            "csrApprovers:\n- name: approve-rules\n  settings: {rules: [{name: a, when: 'request.nodname == 1', then: approve}]}\n",
            ":5:38: rules[0].when: there is no field",
        ),
        (
            "csrApprovers:\n- name: approve-node-client\n- name: approve-nobody\n",
            ":5:3: there is no bundled plugin",
        ),
    ] {
        write(&policy(mistake));
        cluster.wait_for_log(message);
        assert_eq!(
            cluster.standing(&request),
            "pending",
            "the policy before it stays in force"
        );
        if backend.obstacle(Ability::ShowThePolicy).is_none() {
            // What the file says is not what decides, and nobody is told that it is.
            let refused = cluster.slipway(&["posture", "--fail-on=high"]).failure(2);
            assert!(refused.contains("keeps the one before it"), "{refused}");
            assert!(refused.contains(message), "{refused}");
        }
    }

    write(&policy("csrApprovers:\n- name: approve-node-client\n"));
    assert!(waiting.wait().expect("join can be waited for").success());
    cluster.wait_for_log("another policy is in force");
    cluster.wait_for_log("automatic-approval");
}

fn an_approver_that_looks_on_is_counted_where_it_disagrees(backend: Backend) {
    let cluster = backend.launch_by(&policy(
        "csrApprovers:
- name: approve-node-client
- name: approve-rules
  mode: shadow
  settings:
    rules:
    - name: no-strangers
      when: request.nodeName == 'stranger'
      then: deny
      message: a stranger
    - name: others
      when: 'true'
      then: approve
",
    ));
    let disagreements = || -> Vec<Value> {
        let log = cluster.decision_log();
        let log = log.to_str().expect("a path in UTF-8");
        let show = ["audit", "show", "--disagreements", "--output=json"];
        let shown = cluster
            .sandbox()
            .slipway(&[&show[..], &["--log", log]].concat());
        shown.json().as_array().expect("a list").clone()
    };
    // What was not counted yet is not told.
    let counted = |times: Option<usize>| {
        let measure = "slipway_shadow_disagreements_total{plugin=\"approve-rules\"} ";
        let metrics = cluster.metrics();
        let counted = metrics.lines().find_map(|line| line.strip_prefix(measure));
        assert_eq!(counted, times.map(|times| times.to_string()).as_deref());
    };
    let _ = cluster.join(&Sandbox::new(), "worker-1", &[]).success();
    counted(None);
    assert_eq!(disagreements(), [Value::Null; 0]);
    let _ = cluster.join(&Sandbox::new(), "stranger", &[]).success();
    // Once, unless the decision had to be written twice.
    let logged = disagreements();
    counted(Some(logged.len()));
    assert_eq!(logged[0]["subject"]["node"], "stranger");
}

/// On the embedded API nobody else approves, and a token needs no such right.
#[test]
fn the_posture_shows_what_bindings_let_others_do() {
    let cluster = Backend::Kubernetes.launch_with(Approval::Manual, &["--kubelet-compatible"]);
    let posture = || cluster.slipway(&["posture"]).success();
    let before = posture();
    assert!(before.contains("kubelet-compatible-bootstrap"), "{before}");
    assert!(!before.contains("foreign-approver"), "{before}");

    // As kubeadm binds it for kube-controller-manager's approver.
    let _ = cluster
        .kubectl(&[
            "create",
            "clusterrolebinding",
            "kubeadm:node-autoapprove-bootstrap",
            "--clusterrole=system:certificates.k8s.io:certificatesigningrequests:nodeclient",
            "--group=system:bootstrappers:kubeadm:default-node-token",
        ])
        .success();
    let after = posture();
    assert!(after.contains("high foreign-approver"), "{after}");
    let _ = cluster.slipway(&["posture", "--fail-on=high"]).failure(10);
}
