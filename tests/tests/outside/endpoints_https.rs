//! `endpoints-https` and a web server with a private CA: where a node finds the API server.

use slipway_tests::{Finished, WebServer};

use crate::site::Site;

/// What the operator tells the node: nobody listens there.
const LOCATION: &str = "127.0.0.1:1";

const LIST: &str = "endpoints.json";

/// A cluster, and a web server that lists its API server.
fn launch() -> Site<WebServer> {
    let site = Site::launch(WebServer::start(), &["--auto-approve"]);
    let server = site.cluster.server();
    let list = format!(r#"{{"endpoints": [{{"address": "{server}"}}]}}"#);
    site.surroundings.show(LIST, "200 OK", &list);
    site
}

fn provider(web: &WebServer) -> String {
    format!(
        "- {{name: endpoints-https, settings: {{url: '{}'}}, grants: {{http: [{{host: localhost, port: {}}}]}}}}\n",
        web.url(LIST),
        web.port()
    )
}

#[test]
fn a_list_leads_to_the_api_server() {
    let site = launch();
    let provider = provider(&site.surroundings);
    let joined = Finished::of(&mut site.join_by(&provider, LOCATION, "10s"), "");
    let _ = joined.success();
    site.assert_joined();
}

#[test]
fn a_dead_web_server_is_told_and_waited_for() {
    let mut site = launch();
    let provider = provider(&site.surroundings);
    site.surroundings.stop();
    let told = Finished::of(&mut site.join_by(&provider, LOCATION, "2s"), "").failure(7);
    assert!(
        told.contains("the endpoint provider names no API server")
            && told.contains(&format!(
                "no connection to localhost:{}",
                site.surroundings.port()
            )),
        "{told}"
    );
    site.assert_not_joined();

    let mut join = site.spawn(site.join_by(&provider, LOCATION, "60s"));
    let _ = site
        .node
        .wait_for_text("join.log", "waiting for the cluster: ");
    site.surroundings.restart();
    let status = join.wait().expect("join can be waited for");
    let log = std::fs::read_to_string(site.node.file("join.log")).expect("join's output");
    assert!(status.success(), "{log}");
    site.assert_joined();
}

#[test]
fn a_web_server_that_nobody_vouches_for_lists_nothing() {
    let site = launch();
    let provider = provider(&site.surroundings);
    let mut join = site.join_by(&provider, LOCATION, "2s");
    let told = Finished::of(join.env_remove("SSL_CERT_FILE"), "").failure(7);
    assert!(
        told.contains(
            ": the server's certificate is refused: no CA that this machine trusts issued it"
        ) && told.contains("name that CA in SSL_CERT_FILE"),
        "{told}"
    );
    site.assert_not_joined();
}
