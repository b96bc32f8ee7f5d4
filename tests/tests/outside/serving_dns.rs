//! `approve-node-serving` and a name server: what the DNS says of a node.

use serde_json::{Value, json};
use slipway_tests::Network;

use crate::serving;
use crate::site::Site;

fn launch() -> Site<Network> {
    let policy = serving("{dnsNames: ['{node}.north.example']}", "{dns: true}");
    let site = Site::launch_by(Network::new(&zone()), &policy);
    site.join();
    site
}

fn zone() -> Value {
    json!({"worker-1.north.example": {"A": ["192.0.2.21"], "AAAA": ["2001:db8::21"]}})
}

#[test]
fn the_dns_confirms_names_and_addresses() {
    let site = launch();
    let own = "DNS:worker-1.north.example,IP:192.0.2.21,IP:2001:db8::21";
    site.ask("own", own);
    site.expect("own", "issued", "");
    site.ask("addresses", "IP:192.0.2.21");
    site.expect("addresses", "issued", "");
    site.ask("other", "DNS:worker-1.north.example,IP:192.0.2.22");
    let reason = "the DNS does not confirm the address 192.0.2.22";
    site.expect("other", "denied", reason);
}

#[test]
fn a_node_that_the_dns_does_not_know_gets_nothing() {
    let site = launch();
    site.surroundings.serve(&json!({}));
    site.ask("name", "DNS:worker-1.north.example");
    let reason = "the DNS name worker-1.north.example does not exist";
    site.expect("name", "denied", reason);
    site.ask("address", "IP:192.0.2.21");
    let reason = "the DNS knows no address of the node worker-1";
    site.expect("address", "pending", reason);
}

#[test]
fn an_outage_of_the_name_server_denies_nobody() {
    let site = launch();
    site.surroundings.serve(&json!(false));
    site.ask("name", "DNS:worker-1.north.example,IP:192.0.2.21");
    site.ask("address", "IP:192.0.2.21");
    let reason = "worker-1.north.example cannot be resolved now";
    site.expect("name", "pending", reason);
    site.expect("address", "pending", reason);
    site.surroundings.serve(&Value::Null);
    site.ask("late", "DNS:worker-1.north.example");
    site.expect("late", "pending", "did not answer within");
    site.surroundings.serve(&zone());
    site.expect("late", "issued", "");
    site.expect("name", "issued", "");
    site.expect("address", "issued", "");
}
