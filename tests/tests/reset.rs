//! `slipway reset` undoes what `slipway init` did on a machine, and nothing else.

use slipway_tests::Cluster;

#[test]
fn a_second_init_refuses_and_reset_makes_room() {
    let cluster = Cluster::start(&[]);
    let again = cluster
        .slipway(&[
            "init",
            "--apiserver-advertise-address=127.0.0.1",
            "--apiserver-bind-port=0",
        ])
        .failure(8);
    assert!(again.contains("slipway reset"), "{again}");
    let plan = cluster.slipway(&["reset", "--dry-run"]).success();
    assert!(plan.contains("admin.conf"), "{plan}");
    let mine = cluster.sandbox().dir().join("kubernetes/mine.txt");
    std::fs::write(&mine, "mine").expect("a file beside Slipway's");
    let _ = cluster.slipway(&["reset", "--force"]).success();
    assert!(!cluster.kubeconfig().exists());
    assert!(mine.exists(), "what Slipway did not write stays");
}
