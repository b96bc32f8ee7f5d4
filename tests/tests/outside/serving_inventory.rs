//! `approve-node-serving` and an inventory behind a URL, on a web server with a private CA.

use slipway_tests::WebServer;

use crate::serving;
use crate::site::Site;

const INVENTORY: &str = "nodes.json";
const NODES: &str =
    r#"{"worker-1": {"addresses": ["192.0.2.21"], "dnsNames": ["worker-1.example"]}}"#;
const OWN: &str = "DNS:worker-1,DNS:worker-1.example,IP:192.0.2.21";

fn launch() -> Site<WebServer> {
    let web = WebServer::start();
    web.show(INVENTORY, "200 OK", NODES);
    let settings = format!(
        "{{compareWith: {{inventory: {{url: '{}'}}}}}}",
        web.url(INVENTORY)
    );
    let grants = format!("{{http: [{{host: localhost, port: {}}}]}}", web.port());
    let site = Site::launch_by(web, &serving(&settings, &grants));
    site.join();
    site
}

#[test]
fn the_inventory_confirms_names_and_addresses() {
    let site = launch();
    site.ask("own", OWN);
    site.expect("own", "issued", "");
    site.ask("address", "IP:192.0.2.22");
    let reason = "does not confirm the address 192.0.2.22";
    site.expect("address", "denied", reason);
    site.ask("name", "DNS:worker-10");
    let reason = "the DNS name worker-10 is not one of the node worker-1";
    site.expect("name", "denied", reason);
}

#[test]
fn a_node_that_the_inventory_does_not_know_waits_for_a_person() {
    let site = launch();
    let reason = "the node worker-1 is not in the inventory";
    site.surroundings.show(INVENTORY, "200 OK", "{}");
    site.ask("unlisted", OWN);
    site.expect("unlisted", "pending", reason);
}

#[test]
fn an_inventory_that_is_being_written_anew_is_waited_for() {
    let site = launch();
    site.surroundings.show(INVENTORY, "404 Not Found", "");
    site.ask("early", OWN);
    site.expect("early", "pending", "is not there");
    site.surroundings.show(INVENTORY, "200 OK", NODES);
    site.expect("early", "issued", "");
}

#[test]
fn an_outage_of_the_web_server_denies_nobody() {
    let mut site = launch();
    site.surroundings
        .show(INVENTORY, "503 Service Unavailable", "");
    site.ask("busy", OWN);
    site.expect("busy", "pending", "answers with status 503");
    site.surroundings.stop();
    site.ask("away", OWN);
    let reason = format!("no connection to localhost:{}", site.surroundings.port());
    site.expect("away", "pending", &reason);
    site.surroundings.show(INVENTORY, "200 OK", NODES);
    site.surroundings.restart();
    site.expect("busy", "issued", "");
    site.expect("away", "issued", "");
}
