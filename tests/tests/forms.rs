//! The forms of an answer: for people, for people who want everything, for programs; and nothing for who asked for quiet.

use std::time::{Duration, Instant};

use serde_json::Value;
use slipway_tests::{Cluster, Sandbox};

#[test]
fn json_and_yaml_say_the_same_and_text_says_it_for_people() {
    let cluster = Cluster::start(&[]);
    let node = Sandbox::new();
    let mut join = cluster.start_join(&node, "worker-1", &[]);
    let request = cluster.request_of("worker-1");
    until_reviewed(&cluster);
    for command in [
        &["csr", "list"][..],
        &["csr", "show", &request],
        &["token", "list"],
        &["plugin", "list"],
        &["plugin", "inspect", "approve-manual"],
        &["posture"],
        &["certs", "ca-hash"],
        &["config", "print"],
        &["config", "print", "cluster"],
        &["config", "schema", "join"],
        &["init", "phase"],
        &["join", "phase"],
        &["reset", "--dry-run"],
        &["version"],
    ] {
        let form = |form: &str| cluster.slipway(&[command, &["--output", form]].concat());
        let json = form("json").json();
        let yaml: Value = serde_saphyr::from_str(&form("yaml").success()).expect("YAML");
        assert_eq!(yaml, json, "{command:?}");
        assert!(json.is_array() || json.is_object(), "{command:?}: {json}");
        let (text, wide) = (form("text").success(), form("wide").success());
        assert!(wide.len() >= text.len(), "{command:?}:\n{text}\n{wide}");
    }
    join.kill().expect("join can be ended");
    let _ = join.wait();
}

/// Waits until the approvers looked at everything.
fn until_reviewed(cluster: &Cluster) {
    let end = Instant::now() + Duration::from_secs(30);
    loop {
        let requests = cluster.slipway(&["csr", "list", "-o", "json"]).json();
        let is_reviewed = |request: &Value| !request["message"].is_null();
        if requests
            .as_array()
            .is_some_and(|requests| requests.iter().all(is_reviewed))
        {
            return;
        }
        assert!(Instant::now() < end, "nobody looks at {requests}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn a_list_fits_on_a_screen_and_wide_says_everything() {
    let cluster = Cluster::start(&[]);
    let node = Sandbox::new();
    let mut join = cluster.start_join(&node, "worker-1", &[]);
    let request = cluster.request_of("worker-1");
    until_reviewed(&cluster);
    let list = cluster.slipway(&["csr", "list"]).success();
    let lines: Vec<_> = list.lines().collect();
    assert_eq!(lines.len(), 2, "{list}");
    assert!(
        lines[0].starts_with("NAME") && lines[0].ends_with("WHY"),
        "{list}"
    );
    assert!(
        lines[1].ends_with("approve-manual: new nodes are approved by a person on this cluster"),
        "{list}"
    );
    let wide = cluster.slipway(&["csr", "list", "-o", "wide"]).success();
    assert!(
        wide.contains("SIGNER")
            && wide.contains("kubernetes.io/kube-apiserver-client-kubelet")
            && wide.contains("decided-by-a-person: "),
        "{wide}"
    );
    let _ = cluster.slipway(&["csr", "approve", &request]).success();
    assert!(join.wait().expect("a join").success());
    let wide = cluster.slipway(&["csr", "list", "-o", "wide"]).success();
    assert!(
        wide.contains("   kubernetes-admin   approved by kubernetes-admin"),
        "{wide}"
    );

    let tokens = cluster.slipway(&["token", "list", "-o", "wide"]).success();
    assert!(
        tokens.contains("EXPIRES") && tokens.contains("system:bootstrappers:"),
        "{tokens}"
    );
}

#[test]
fn quiet_says_nothing_where_all_went_well() {
    let cluster = Cluster::start(&[]);
    let node = Sandbox::new();
    let mut joins = ["worker-1", "worker-2"].map(|name| {
        let node = Sandbox::new();
        let join = cluster.start_join(&node, name, &[]);
        (node, join)
    });
    let (one, two) = (
        cluster.request_of("worker-1"),
        cluster.request_of("worker-2"),
    );
    let id = cluster
        .token()
        .split_once('.')
        .expect("a token")
        .0
        .to_owned();
    let joined = cluster.join(&node, "worker-3", &["--timeout=1s", "--quiet"]);
    assert_eq!(
        joined.stderr().lines().count(),
        2,
        "an error and what to do:\n{}",
        joined.stderr()
    );
    let quietly = |command: &[&str]| {
        let run = cluster.slipway(&[command, &["--quiet"]].concat());
        assert_eq!(run.success(), "", "{command:?}");
        assert_eq!(run.stderr(), "", "{command:?}");
    };
    quietly(&["csr", "approve", &one]);
    quietly(&["csr", "deny", &two]);
    for (_, join) in &mut joins {
        let _ = join.wait();
    }
    quietly(&["token", "delete", &id]);
    quietly(&["reset", "--force"]);
}

/// What was done is an answer for programs, whatever is said to people.
#[test]
fn programs_are_told_what_was_done() {
    let cluster = Cluster::start(&[]);
    let id = cluster
        .token()
        .split_once('.')
        .expect("a token")
        .0
        .to_owned();
    let deleted = cluster
        .slipway(&["token", "delete", &id, "-o", "json", "--quiet"])
        .json();
    assert_eq!(deleted["id"], id.as_str());
    assert_eq!(deleted["revoked"], true);
    let removed = cluster
        .slipway(&["reset", "--force", "-o", "json", "--quiet"])
        .json();
    assert!(
        removed["removed"]
            .as_array()
            .is_some_and(|removed| !removed.is_empty())
    );
}

#[test]
fn a_command_says_which_cluster_is_meant_wherever_the_flag_stands() {
    let (one, two) = (Cluster::start(&[]), Cluster::start(&[]));
    let tokens = |run: slipway_tests::Finished| run.json()[0]["id"].as_str().map(str::to_owned);
    let id = |cluster: &Cluster| cluster.token().split_once('.').map(|(id, _)| id.to_owned());
    let kubeconfig = two.kubeconfig();
    let kubeconfig = kubeconfig.to_str().expect("a path in UTF-8");
    for command in [
        ["token", "list", "--kubeconfig", kubeconfig],
        ["token", "--kubeconfig", kubeconfig, "list"],
    ] {
        let command = [&command[..], &["-o", "json"]].concat();
        assert_eq!(tokens(one.slipway(&command)), id(&two));
    }
    // A folder that is named counts before what the environment says for every client of Kubernetes.
    let list = ["token", "list", "-o", "json"];
    let with_variable = one
        .sandbox()
        .slipway_with(("KUBECONFIG", kubeconfig), &list);
    assert_eq!(tokens(with_variable), id(&one));
    let several = format!("{kubeconfig}:{}", one.kubeconfig().display());
    let elsewhere = Sandbox::new();
    let with_several = elsewhere.slipway_with(("KUBECONFIG", &several), &list);
    assert_eq!(tokens(with_several), id(&two));
}

/// What `csr show` offers can be pasted as it stands.
#[test]
fn what_is_offered_can_be_pasted() {
    let cluster = Cluster::start(&[]);
    let node = Sandbox::new();
    let mut join = cluster.start_join(&node, "worker-1", &[]);
    let request = cluster.request_of("worker-1");
    let dir = cluster.sandbox().dir();
    let dir = dir.to_str().expect("a path in UTF-8");
    let shown = Sandbox::new()
        .slipway(&["csr", "show", &request, "--dir", dir])
        .success();
    let offered = shown
        .lines()
        .find_map(|line| line.strip_prefix("to let it in:"))
        .unwrap_or_else(|| panic!("nothing is offered:\n{shown}"));
    let words: Vec<_> = offered.split_whitespace().skip(1).collect();
    let _ = Sandbox::new().slipway(&words).success();
    assert!(join.wait().expect("a join").success());
}

/// A node says what it accepted when it joined.
#[test]
fn a_node_knows_its_trade_offs() {
    let cluster = Cluster::start(&["--auto-approve"]);
    let node = Sandbox::new();
    let server = cluster.server();
    let arguments = [
        "join",
        &server,
        "--discovery-token-unsafe-skip-ca-verification",
        "--node-name=worker-1",
    ];
    let _ = node
        .slipway_with(("SLIPWAY_TOKEN", &cluster.token()), &arguments)
        .success();
    let posture = node.slipway(&["posture", "-o", "json"]).json();
    assert_eq!(posture[0]["id"], "token-without-pin", "{posture}");
    assert_eq!(posture.as_array().map(Vec::len), Some(1));
    let _ = node.slipway(&["posture", "--fail-on", "high"]).failure(10);
    let nobody = Sandbox::new().slipway(&["posture"]).failure(9);
    assert!(nobody.contains("there is no cluster here"), "{nobody}");
}

/// Every kind's defaults are a configuration, and init with them is init without.
#[test]
fn the_defaults_that_are_printed_can_be_used() {
    let sandbox = Sandbox::new();
    let mut all = String::new();
    for kind in ["init", "cluster", "plugin"] {
        let printed = sandbox.slipway(&["config", "print", kind]).success();
        assert!(printed.lines().count() > 3, "{printed}");
        all.push_str(&format!("---\n{printed}"));
    }
    let join = sandbox.slipway(&["config", "print", "join"]).success();
    let file = sandbox.write("all.yaml", &format!("{all}---\n{join}"));
    let file = file.to_str().expect("a path in UTF-8");
    let checked = sandbox.slipway(&["config", "validate", file]).success();
    assert_eq!(
        checked.trim(),
        format!(
            "{file}: InitConfiguration, ClusterConfiguration, JoinConfiguration, PluginConfiguration can be used"
        )
    );
    let plan = |more: &[&str]| {
        let init = [
            "init",
            "--dry-run",
            "-o",
            "json",
            "--apiserver-advertise-address=127.0.0.1",
        ];
        sandbox.slipway(&[&init[..], more].concat()).json()
    };
    let (with, without) = (plan(&["--config", file]), plan(&[]));
    assert_eq!(with["files"], without["files"]);
    let kinds = |plan: &Value| {
        let objects = plan["objects"].as_array().expect("objects").iter();
        objects
            .map(|object| object["kind"].clone())
            .collect::<Vec<_>>()
    };
    assert_eq!(kinds(&with), kinds(&without));
}

/// Shells read what `completion` prints.
#[test]
fn a_completion_is_a_script() {
    let sandbox = Sandbox::new();
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = sandbox.slipway(&["completion", shell]).success();
        assert!(
            script.contains("slipway") && script.contains("approve"),
            "{shell}"
        );
    }
    let script = sandbox.slipway(&["completion", "bash"]).success();
    let file = sandbox.write("slipway.bash", &script);
    let mut bash = std::process::Command::new("bash");
    let completed = slipway_tests::Finished::of(
        bash.arg("-c").arg(format!(
            "source {} && COMP_WORDS=(slipway csr a) COMP_CWORD=2 && _slipway slipway a csr && echo ${{COMPREPLY[@]}}",
            file.display()
        )),
        "",
    );
    assert_eq!(completed.success().trim(), "approve");
}
