//! What only a current kubectl does: it asks for more documents, and merges on the server.

use slipway_tests::kubernetes::kubectl;
use slipway_tests::{Cluster, Finished, Sandbox};

fn run(cluster: &Cluster, arguments: &[&str], input: &str) -> Finished {
    Finished::of(kubectl(&cluster.kubeconfig()).args(arguments), input)
}

#[test]
fn applies_on_the_server_and_respects_other_owners() {
    let cluster = Cluster::start(&[]);
    let manifest = |data: &str| {
        format!(
            "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: colours\n  namespace: kube-public\ndata: {data}\n"
        )
    };
    let apply = |owner: &str, data: &str, more: &[&str]| {
        let owner = format!("--field-manager={owner}");
        let arguments = ["apply", "--server-side", &owner, "-f", "-"];
        run(&cluster, &[&arguments, more].concat(), &manifest(data))
    };
    let colours = |path: &str| {
        let output = format!("--output=jsonpath={path}");
        let arguments = [
            "get",
            "configmap",
            "colours",
            "-n",
            "kube-public",
            "--show-managed-fields",
        ];
        run(&cluster, &[&arguments[..], &[&output]].concat(), "").success()
    };
    let applied = apply("painter", "{sky: blue, sea: green}", &[]).success();
    assert!(applied.contains("serverside-applied"), "{applied}");
    let refused = apply("poet", "{sky: wine-dark}", &[]).failure(1);
    assert!(
        refused.contains("conflict with \"painter\"") && refused.contains(".data.sky"),
        "{refused}"
    );
    let _ = apply("poet", "{sky: wine-dark}", &["--force-conflicts"]).success();
    assert_eq!(colours("{.data}"), r#"{"sea":"green","sky":"wine-dark"}"#);
    let _ = apply("painter", "{}", &[]).success();
    assert_eq!(colours("{.data}"), r#"{"sky":"wine-dark"}"#);
    let owners = colours("{.metadata.managedFields[*].manager}");
    assert!(
        owners.contains("poet") && owners.contains("painter"),
        "{owners}"
    );
}

#[test]
fn explains_describes_and_lists_what_is_served() {
    let cluster = Cluster::start(&["--auto-approve"]);
    let node = Sandbox::new();
    let _ = cluster.join(&node, "worker-1", &[]).success();
    let explained = run(
        &cluster,
        &["explain", "certificatesigningrequests.spec"],
        "",
    )
    .success();
    for field in ["signerName", "expirationSeconds", "<integer>", "-required-"] {
        assert!(explained.contains(field), "{explained}");
    }
    let resources = run(
        &cluster,
        &["api-resources", "--verbs=list", "--output=name"],
        "",
    )
    .success();
    for resource in [
        "configmaps",
        "secrets",
        "nodes",
        "certificatesigningrequests.certificates.k8s.io",
        "leases.coordination.k8s.io",
        "clusterroles.rbac.authorization.k8s.io",
    ] {
        assert!(
            resources.lines().any(|line| line == resource),
            "{resources}"
        );
    }
    let described = run(&cluster, &["describe", "csr"], "").success();
    for line in [
        "system:bootstrap:",
        "Approved,Issued",
        "system:node:worker-1",
    ] {
        assert!(described.contains(line), "{described}");
    }
    let described = run(
        &cluster,
        &["describe", "configmap", "cluster-info", "-n", "kube-public"],
        "",
    );
    assert!(described.success().contains("jws-kubeconfig-"));
}

#[test]
fn patches_in_each_way() {
    let cluster = Cluster::start(&[]);
    let create = [
        "create",
        "configmap",
        "colours",
        "-n",
        "kube-public",
        "--from-literal=sky=blue",
    ];
    let _ = run(&cluster, &create, "").success();
    let patch = |kind: &str, patch: &str| {
        let kind = format!("--type={kind}");
        let arguments = [
            "patch",
            "configmap",
            "colours",
            "-n",
            "kube-public",
            &kind,
            "-p",
            patch,
        ];
        run(&cluster, &arguments, "").success()
    };
    let data = || {
        let arguments = [
            "get",
            "configmap",
            "colours",
            "-n",
            "kube-public",
            "--output=jsonpath={.data}",
        ];
        run(&cluster, &arguments, "").success()
    };
    patch(
        "json",
        r#"[{"op":"add","path":"/data/sea","value":"green"}]"#,
    );
    assert_eq!(data(), r#"{"sea":"green","sky":"blue"}"#);
    patch("merge", r#"{"data":{"sky":null}}"#);
    assert_eq!(data(), r#"{"sea":"green"}"#);
    patch("strategic", r#"{"data":{"$patch":"replace","sun":"red"}}"#);
    assert_eq!(data(), r#"{"sun":"red"}"#);
}
