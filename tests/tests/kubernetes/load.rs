//! An API server that has too much to do, and says so.

use slipway_tests::kubernetes::{AUTOMATIC, Answered, Controller, Kubernetes};

use super::joins::Joins;

/// Who the controllers are.
const CONTROLLER: &str = "slipway-controller";

/// One request of the controllers and the nodes at a time; what else comes is told to come back later.
const ONE_AT_A_TIME: &str = "apiVersion: flowcontrol.apiserver.k8s.io/v1
kind: PriorityLevelConfiguration
metadata:
  name: scarce
spec:
  type: Limited
  limited:
    nominalConcurrencyShares: 1
    lendablePercent: 0
    borrowingLimitPercent: 0
    limitResponse:
      type: Reject
---
apiVersion: flowcontrol.apiserver.k8s.io/v1
kind: FlowSchema
metadata:
  name: scarce
spec:
  priorityLevelConfiguration:
    name: scarce
  matchingPrecedence: 10
  rules:
  - subjects:
    - kind: User
      user:
        name: slipway-controller
    - kind: Group
      group:
        name: system:bootstrappers
    resourceRules:
    - verbs: ['*']
      apiGroups: ['*']
      resources: ['*']
      namespaces: ['*']
      clusterScope: true
";

/// What `Retry-After` says at least, in seconds, less what the clocks are read apart.
const RETRY_AFTER: f64 = 0.99;

fn is_busy(answer: &Answered) -> bool {
    answer.code == 429
}

/// The shortest time from an answer that says to come back later to the next time that the same is asked.
fn shortest_pause(answered: &[Answered], is_meant: impl Fn(&Answered) -> bool) -> Option<f64> {
    let mut meant: Vec<_> = answered.iter().filter(|answer| is_meant(answer)).collect();
    meant.sort_by(|one, other| one.at.total_cmp(&other.at));
    let pauses = meant.iter().enumerate().filter_map(|(place, answer)| {
        let mut later = meant.iter().skip(place + 1);
        let next = later.find(|later| later.name == answer.name)?;
        is_busy(answer).then_some(next.at - answer.at)
    });
    pauses.min_by(f64::total_cmp)
}

#[test]
fn where_everybody_is_told_to_come_back_later_all_requests_are_decided_once() {
    let cluster = Kubernetes::start_with(&[
        "--max-requests-inflight=50",
        "--max-mutating-requests-inflight=50",
    ]);
    let invitation = cluster.initialise(&[]);
    let file = cluster.sandbox().write("scarce.yaml", ONE_AT_A_TIME);
    let file = file.to_str().expect("a path in UTF-8");
    let _ = cluster.kubectl(&["create", "--filename", file]).success();

    let kubeconfig = cluster.kubeconfig_of(CONTROLLER, "kubeadm:cluster-admins");
    let mut controller = Controller::signing(&cluster, &kubeconfig, AUTOMATIC, &[]);
    controller.wait_until("ok, leading");
    Joins::start(&invitation, "worker", 8).assert_all_joined(&cluster);
    assert!(controller.is_running());

    let answered = cluster.answered();
    let busy = |is_theirs: &dyn Fn(&Answered) -> bool| {
        let theirs = answered.iter().filter(|answer| is_theirs(answer));
        theirs.filter(|answer| is_busy(answer)).count()
    };
    let by_controller = |answer: &Answered| answer.user == CONTROLLER;
    let by_node = |answer: &Answered| answer.user.starts_with("system:bootstrap:");
    assert!(busy(&by_controller) > 3, "{} times", busy(&by_controller));
    assert!(busy(&by_node) > 3, "{} times", busy(&by_node));
    for (who, pause) in [
        (
            "a node that looks at its request",
            shortest_pause(&answered, |answer| by_node(answer) && answer.verb == "get"),
        ),
        (
            "the approver that writes its decision",
            shortest_pause(&answered, |answer| {
                answer.resource == "certificatesigningrequests/approval"
            }),
        ),
    ] {
        let pause = pause.unwrap_or(f64::INFINITY);
        assert!(pause >= RETRY_AFTER, "{who} came back after {pause} s");
    }
}
