//! `endpoints-dns` and a name server: where a node finds the API server.

use serde_json::{Value, json};
use slipway_tests::{Finished, Network};

use crate::site::Site;

/// What the operator tells the node: it names no server by itself.
const SERVICE: &str = "_kubernetes._tcp.north.example";

const BY_SERVICE: &str = "- {name: endpoints-dns, settings: {services: [_kubernetes._tcp.north.example]}, grants: {dns: true}}\n";

/// A port on which nobody listens.
const DEAD: u16 = 1;

fn launch() -> Site<Network> {
    Site::launch(Network::new(&json!({})), &["--auto-approve"])
}

/// Where the API server listens.
fn port(site: &Site<Network>) -> u16 {
    let server = site.cluster.server();
    let (_, port) = server.rsplit_once(':').expect("a port");
    port.parse().expect("a number")
}

/// A zone with these servers, by priority: the port of each on loopback.
fn zone(ports: &[u16]) -> Value {
    let target = |at: usize| format!("api-{at}.north.example");
    let services: Vec<_> = ports
        .iter()
        .enumerate()
        .map(|(at, port)| json!([at, 1, port, target(at)]))
        .collect();
    let mut zone = json!({SERVICE: {"SRV": services}});
    for at in 0..ports.len() {
        zone[target(at)] = json!({"A": ["127.0.0.1"], "AAAA": ["::1"]});
    }
    zone
}

#[test]
fn a_service_record_leads_to_the_api_server() {
    let site = launch();
    site.surroundings.serve(&zone(&[port(&site)]));
    let joined = Finished::of(&mut site.join_by(BY_SERVICE, SERVICE, "10s"), "");
    let _ = joined.success();
    site.assert_joined();
}

#[test]
fn a_host_leads_to_the_api_server() {
    let site = launch();
    let hosts = format!(
        "- {{name: endpoints-dns, settings: {{hosts: ['api.north.example:{}']}}, grants: {{dns: true}}}}\n",
        port(&site)
    );
    site.surroundings
        .serve(&json!({"api.north.example": {"A": ["127.0.0.1"]}}));
    let joined = Finished::of(&mut site.join_by(&hosts, SERVICE, "10s"), "");
    let _ = joined.success();
    site.assert_joined();
}

#[test]
fn a_dead_server_gives_way_to_the_next_record() {
    let site = launch();
    site.surroundings.serve(&zone(&[DEAD]));
    let alone = Finished::of(&mut site.join_by(BY_SERVICE, SERVICE, "2s"), "").failure(7);
    assert!(alone.contains("api-0.north.example:1"), "{alone}");
    site.assert_not_joined();

    site.surroundings.serve(&zone(&[DEAD, port(&site)]));
    let joined = Finished::of(&mut site.join_by(BY_SERVICE, SERVICE, "10s"), "");
    let _ = joined.success();
    site.assert_joined();
}

#[test]
fn an_outage_of_the_name_server_is_told_and_waited_for() {
    let site = launch();
    for (outage, says) in [
        (json!(false), "cannot be resolved now"),
        (json!(null), "did not answer within"),
    ] {
        site.surroundings.serve(&outage);
        let told = Finished::of(&mut site.join_by(BY_SERVICE, SERVICE, "2s"), "").failure(7);
        assert!(
            told.contains("the endpoint provider names no API server") && told.contains(says),
            "{told}"
        );
        site.assert_not_joined();
    }

    let mut join = site.spawn(site.join_by(BY_SERVICE, SERVICE, "60s"));
    let _ = site
        .node
        .wait_for_text("join.log", "waiting for the cluster: ");
    site.surroundings.serve(&zone(&[port(&site)]));
    let status = join.wait().expect("join can be waited for");
    let log = std::fs::read_to_string(site.node.file("join.log")).expect("join's output");
    assert!(status.success(), "{log}");
    site.assert_joined();
}
