//! What somebody with a token, or with a node's credentials, asks for and does not get (security.md, cases 8 to 21).

use std::collections::BTreeSet;

use slipway_tests::{
    Approval, Asked, Backend, Finished, Flaw, Launched, Sandbox, on_both_backends,
};

on_both_backends!(
    a_token_gets_a_node_client_certificate_and_nothing_else,
    a_request_has_to_be_signed_with_its_own_key,
    a_node_gets_what_is_its_own_and_nothing_else,
    a_node_that_exists_is_nobodys_to_take_ready_or_not,
    a_name_of_the_control_plane_is_kept_before_its_node_exists,
    a_token_says_what_it_may_be_used_for,
    a_secret_that_is_almost_a_token_lets_nobody_in,
);

/// A request with its name, and what the denial says of it.
type Case = (&'static str, Asked, &'static str);

/// Each is denied with its rule, and nothing is signed.
fn all_are_denied(cluster: &Launched, kubeconfig: &std::path::Path, cases: Vec<Case>) {
    let mut names = Vec::new();
    for (name, asked, rule) in cases {
        let asked = Asked {
            name: name.to_owned(),
            ..asked
        };
        let submitted = cluster.submit(kubeconfig, &asked);
        match submitted.code() {
            Some(0) => names.push((name, rule)),
            // A kube-apiserver has an admission of its own for what nodes ask.
            _ => assert!(
                submitted.stderr().contains("orbidden"),
                "{name}: {}",
                submitted.stderr()
            ),
        }
    }
    for (name, rule) in names {
        let decided = cluster.decided(name);
        assert_eq!(decided["standing"], "denied", "{name}: {decided}");
        let message = decided["message"].as_str().unwrap_or_default();
        assert!(
            message.contains(rule),
            "{name} is denied for {message:?}, not by {rule}"
        );
        let certificate = cluster
            .kubectl(&[
                "get",
                "csr",
                name,
                "--output=jsonpath={.status.certificate}",
            ])
            .success();
        assert_eq!(certificate, "", "{name}");
    }
}

fn client() -> Asked {
    Asked::client("", "worker-1")
}

fn subject(subject: &str) -> Asked {
    Asked {
        subject: subject.to_owned(),
        ..client()
    }
}

/// A common name of 300 characters. openssl makes none that is longer than 64, but descriptions of up to 1,024.
fn long_name() -> Asked {
    const DESCRIPTION: &[u8] = &[0x06, 0x03, 0x55, 0x04, 0x0d];
    const COMMON_NAME: &[u8] = &[0x06, 0x03, 0x55, 0x04, 0x03];
    let name = "a".repeat(300 - "system:node:".len());
    Asked {
        flaw: Some(Flaw::Replaced(DESCRIPTION, COMMON_NAME)),
        ..subject(&format!("/O=system:nodes/description=system:node:{name}"))
    }
}

fn a_token_gets_a_node_client_certificate_and_nothing_else(backend: Backend) {
    let cluster = backend.launch(Approval::Automatic);
    let kubeconfig = cluster.kubeconfig_with_token(&cluster.invitation().token);
    let cases = vec![
        (
            "masters",
            subject("/O=system:masters/CN=system:node:worker-1"),
            "subject",
        ),
        (
            "two-groups",
            subject("/O=system:nodes/O=system:masters/CN=system:node:worker-1"),
            "subject",
        ),
        (
            "two-names",
            subject("/O=system:nodes/CN=system:node:worker-1/CN=system:node:worker-2"),
            "subject",
        ),
        ("no-node", subject("/O=system:nodes/CN=worker-1"), "subject"),
        (
            "nobody",
            subject("/O=system:nodes/CN=system:node:"),
            "subject",
        ),
        (
            "upper-case",
            subject("/O=system:nodes/CN=system:node:Worker-1"),
            "subject",
        ),
        (
            "slash",
            subject("/O=system:nodes/CN=system:node:a\\/b"),
            "subject",
        ),
        (
            "nul",
            Asked {
                flaw: Some(Flaw::Replaced(b"worker~a", b"worker\0a")),
                ..subject("/O=system:nodes/CN=system:node:worker~a")
            },
            r#"CN is ["system:node:worker\0a"]"#,
        ),
        ("long", long_name(), "(300 bytes)"),
        (
            "more",
            subject("/O=system:nodes/OU=x/CN=system:node:worker-1"),
            "subject",
        ),
        (
            "together",
            subject("/O=system:nodes+CN=system:node:worker-1"),
            "subject",
        ),
        (
            "client-with-names",
            Asked {
                alternative_names: "DNS:worker-1".to_owned(),
                ..client()
            },
            "client-without-extensions",
        ),
        (
            "weak",
            Asked {
                key: &["rsa:1024"],
                ..client()
            },
            "key",
        ),
    ];
    all_are_denied(&cluster, &kubeconfig, cases);

    // What the API server itself does not take.
    let usages = Asked {
        name: "usages".to_owned(),
        usages: &["digital signature", "client auth", "server auth"],
        ..client()
    };
    let taken = cluster.submit(&kubeconfig, &usages);
    if taken.code() == Some(0) {
        assert_eq!(cluster.decided("usages")["standing"], "denied");
    }
    for (name, signer) in [
        ("legacy", "kubernetes.io/legacy-unknown"),
        ("any-client", "kubernetes.io/kube-apiserver-client"),
    ] {
        let asked = Asked {
            name: name.to_owned(),
            signer,
            ..client()
        };
        if cluster.submit(&kubeconfig, &asked).code() != Some(0) {
            continue;
        }
        // Others' business: neither decided nor touched.
        std::thread::sleep(std::time::Duration::from_secs(1));
        let status = cluster
            .kubectl(&["get", "csr", name, "--output=jsonpath={.status}"])
            .success();
        assert_eq!(status, "{}", "{name}");
    }
    let serving = Asked::serving("serving", "worker-1", "DNS:worker-1");
    if cluster.submit(&kubeconfig, &serving).code() == Some(0) {
        assert_eq!(cluster.decided("serving")["standing"], "denied");
    }
}

fn a_request_has_to_be_signed_with_its_own_key(backend: Backend) {
    let cluster = backend.launch(Approval::Automatic);
    let kubeconfig = cluster.kubeconfig_with_token(&cluster.invitation().token);
    let asked = |name: &str, flaw: Option<Flaw>| Asked {
        name: name.to_owned(),
        flaw,
        ..client()
    };
    let broken = asked("broken", Some(Flaw::BrokenSignature));
    let refused = cluster.submit(&kubeconfig, &broken).failure(1);
    // In the words of Slipway and of Go.
    assert!(
        refused.contains("spec.request")
            && (refused.contains("signature") || refused.contains("verification failure")),
        "{refused}"
    );
    assert!(cluster.requests().is_empty(), "{:?}", cluster.requests());
    // It was the bit.
    let whole = cluster.submit(&kubeconfig, &asked("whole", None));
    let _ = whole.success();
    assert_eq!(cluster.decided("whole")["standing"], "issued");
}

fn a_node_gets_what_is_its_own_and_nothing_else(backend: Backend) {
    let cluster = backend.launch(Approval::Automatic);
    let node = Sandbox::new();
    let _ = cluster.join(&node, "worker-1", &[]).success();
    let manifest = "apiVersion: v1\nkind: Node\nmetadata:\n  name: worker-2\n";
    let file = cluster.sandbox().write("node.yaml", manifest);
    let file = file.to_str().expect("a path in UTF-8");
    let _ = cluster.kubectl(&["create", "--filename", file]).success();
    let serving = |names: &str| Asked::serving("", "worker-1", names);
    let mut cases = vec![
        (
            "as-another",
            Asked::client("", "worker-2"),
            "renews-only-itself",
        ),
        (
            "for-another",
            Asked::serving("", "worker-2", "DNS:worker-2"),
            "serving-for-itself",
        ),
        ("another-name", serving("DNS:worker-2"), "not-another-node"),
        (
            "api-server",
            serving("DNS:kubernetes.default.svc"),
            "not-the-api-server",
        ),
        ("loopback", serving("IP:127.0.0.1"), "serving-names"),
        ("link-local", serving("IP:169.254.169.254"), "serving-names"),
        ("any", serving("IP:0.0.0.0"), "serving-names"),
        ("mapped", serving("IP:::ffff:192.0.2.1"), "serving-names"),
        ("wildcard", serving("DNS:*.example"), "serving-names"),
        ("localhost", serving("DNS:localhost"), "serving-names"),
        ("number", serving("DNS:10.0.0.1"), "serving-names"),
        (
            "uri",
            serving("URI:spiffe://cluster/worker-1"),
            "serving-names",
        ),
        ("mail", serving("email:root@worker-1"), "serving-names"),
    ];
    if backend == Backend::Kubernetes {
        // The embedded API has no Services.
        cases.push(("service", serving("IP:10.96.0.1"), "not-the-api-server"));
    }
    let kubeconfig = node.dir().join("kubernetes/kubelet.conf");
    all_are_denied(&cluster, &kubeconfig, cases);
}

fn a_node_that_exists_is_nobodys_to_take_ready_or_not(backend: Backend) {
    let cluster = backend.launch(Approval::Automatic);
    for (name, ready) in [("ready", "True"), ("not-ready", "False")] {
        // As kubelet registers: with its status.
        let manifest = format!(
            "apiVersion: v1\nkind: Node\nmetadata:\n  name: {name}\nstatus:\n  conditions:\n  \
             - {{type: Ready, status: \"{ready}\", reason: Kubelet, message: kubelet}}\n"
        );
        let file = cluster.sandbox().write("node.yaml", &manifest);
        let file = file.to_str().expect("a path in UTF-8");
        let _ = cluster.kubectl(&["create", "--filename", file]).success();
        let node = format!("nodes/{name}");
        let status = "--output=jsonpath={.status.conditions[?(@.type==\"Ready\")].status}";
        assert_eq!(cluster.kubectl(&["get", &node, status]).success(), ready);
        let machine = Sandbox::new();
        let refused = cluster.join(&machine, name, &[]).failure(5);
        assert!(
            refused.contains(&format!("a node named {name} exists")),
            "{refused}"
        );
        assert!(!machine.dir().join("kubernetes/kubelet.conf").exists());
    }
}

fn a_name_of_the_control_plane_is_kept_before_its_node_exists(backend: Backend) {
    let cluster = backend.launch_by(
        "apiVersion: slipway.dev/v1alpha1
kind: PluginConfiguration
controlPlaneNodes: [control-1]
csrApprovers:
- name: approve-node-client
",
    );
    let refused = cluster.join(&Sandbox::new(), "control-1", &[]).failure(5);
    assert!(
        refused.contains("control-1 is a node of the control plane"),
        "{refused}"
    );
}

fn a_token_says_what_it_may_be_used_for(backend: Backend) {
    let cluster = backend.launch(Approval::Automatic);
    let signing = cluster.invitation_with(&["--usages=signing"]);
    let _ = signing.join(&Sandbox::new(), "worker-1", &[]).failure(4);
    let authentication = cluster.invitation_with(&["--usages=authentication"]);
    let machine = Sandbox::new();
    let refused = authentication.join(&machine, "worker-1", &["--timeout=3s"]);
    assert_ne!(refused.code(), Some(0), "{}", refused.stderr());
    assert!(!machine.dir().join("kubernetes").exists());
    assert!(cluster.requests().is_empty(), "{:?}", cluster.requests());
}

/// Creates a Secret as kubeadm keeps tokens, with these keys besides those that every token has.
fn create_token_secret(cluster: &Launched, name: &str, token: &str, more: &[&str]) -> Finished {
    let (id, secret) = token.split_once('.').expect("a token");
    let name = format!("bootstrap-token-{name}");
    let literals = [
        format!("--from-literal=token-id={id}"),
        format!("--from-literal=token-secret={secret}"),
    ];
    let mut create = vec![
        "create",
        "secret",
        "generic",
        &name,
        "--namespace=kube-system",
        "--type=bootstrap.kubernetes.io/token",
        "--from-literal=usage-bootstrap-signing=true",
        "--from-literal=usage-bootstrap-authentication=true",
    ];
    create.extend(literals.iter().map(String::as_str));
    create.extend(more);
    cluster.kubectl(&create)
}

fn a_secret_that_is_almost_a_token_lets_nobody_in(backend: Backend) {
    const GROUP: &str =
        "--from-literal=auth-extra-groups=system:bootstrappers:kubeadm:default-node-token";
    let cluster = backend.launch(Approval::Automatic);
    let token = |id: &str| format!("{id}.fedcba9876543210");
    let join = |id: &str, name: &str, timeout: &str| {
        let invitation = cluster.invitation().clone().with_token(&token(id));
        invitation.join(&Sandbox::new(), name, &[timeout])
    };
    let whole = create_token_secret(&cluster, "wholly", &token("wholly"), &[GROUP]);
    let _ = whole.success();
    let _ = join("wholly", "worker-1", "--timeout=30s").success();

    let garbage = [GROUP, "--from-literal=expiration=tomorrow"];
    let group = ["--from-literal=auth-extra-groups=system:bootstrappers:a,system:masters"];
    for (name, id, more, is_stored) in [
        ("garbag", "garbag", &garbage[..], true),
        // A kube-apiserver stores what it will not accept.
        (
            "master",
            "master",
            &group[..],
            backend == Backend::Kubernetes,
        ),
        (
            "visibl",
            "hidden",
            &[GROUP][..],
            backend == Backend::Kubernetes,
        ),
    ] {
        let created = create_token_secret(&cluster, name, &token(id), more);
        assert_eq!(created.code() == Some(0), is_stored, "{}", created.stderr());
        for id in BTreeSet::from([name, id]) {
            let kubeconfig = cluster.kubeconfig_with_token(&token(id));
            let refused = cluster.submit(&kubeconfig, &Asked::client(id, "worker-2"));
            assert!(
                refused.stderr().contains("must be logged in"),
                "{id}: {}{}",
                refused.stdout(),
                refused.stderr()
            );
            let _ = join(id, "worker-2", "--timeout=3s").failure(4);
        }
    }
    let nodes: Vec<_> = cluster
        .requests()
        .iter()
        .map(|request| request["node"].clone())
        .collect();
    assert_eq!(nodes, ["worker-1"]);
}
