//! An approver that misbehaves, in controllers that go on (security.md, case 25).

use slipway_tests::{Asked, Backend, Plugin, Sandbox, on_both_backends};

on_both_backends!(an_approver_that_misbehaves_decides_nothing_and_stops_nobody);

/// What the guest does, by the name of the request, and what is said of it.
const MISDEEDS: [(&str, &str); 6] = [
    ("loop", "did not answer within"),
    ("allocate", "wanted more than its"),
    ("recurse", "its calls nest too deeply"),
    ("trap", "it gave up"),
    ("panic", "the sky fell"),
    ("huge-answer", "handed over more than"),
];

fn an_approver_that_misbehaves_decides_nothing_and_stops_nobody(backend: Backend) {
    let Plugin { path, digest } = Plugin::build(".", "test-guest-hostile");
    let cluster = backend.launch_by(&format!(
        "apiVersion: slipway.dev/v1alpha1
kind: PluginConfiguration
csrApprovers:
- name: approve-renewal
- name: hostile
  source: {path}
  digest: {digest}
  limits:
    deadline: 5s
"
    ));
    let kubeconfig = cluster.kubeconfig_with_token(&cluster.invitation().token);
    for (name, _) in MISDEEDS {
        let asked = Asked::client(name, &format!("node-{name}"));
        let _ = cluster.submit(&kubeconfig, &asked).success();
    }
    // While those are asked about again and again, whom the guest approves gets in, with the same token.
    let _ = cluster
        .join(&Sandbox::new(), "worker-1", &["--timeout=60s"])
        .success();

    let policy = cluster.policy_file();
    let policy = policy.to_str().expect("a path in UTF-8");
    for (name, reason) in MISDEEDS {
        assert_eq!(cluster.request_of(&format!("node-{name}")), name);
        let explain = ["csr", "explain", name, "--config", policy];
        let explained = cluster
            .slipway(&[&explain[..], &["--output=json"]].concat())
            .json();
        assert_eq!(explained["standing"], "pending", "{explained}");
        assert_eq!(explained["outlook"]["action"], "retry", "{explained}");
        let said = |text: &serde_json::Value| text.as_str().unwrap_or_default().contains(reason);
        assert!(
            said(&explained["message"]) && said(&explained["outlook"]["reason"]),
            "no {reason:?} in {explained}"
        );
    }
    let _ = cluster
        .join(&Sandbox::new(), "worker-2", &["--timeout=60s"])
        .success();
    assert_eq!(cluster.kubectl(&["get", "--raw=/readyz"]).success(), "ok");
}
