//! An init that is killed while it puts the cluster's objects there (security.md, case 30).

mod interceptor;
mod site;
mod state;

use serde_json::Value;
use slipway_tests::{Backend, Sandbox, assert_identity, on_both_backends};

use self::interceptor::{Side, Stop};
use self::site::Site;

on_both_backends!(an_init_that_is_killed_at_any_write_is_made_good_by_the_next);

fn an_init_that_is_killed_at_any_write_is_made_good_by_the_next(backend: Backend) {
    let mut site = Site::new(backend);
    site.interceptor.watch(None);
    let mut init = site.init().json();
    let writes = site.interceptor.look_away();
    assert!(writes >= 12, "only {writes} writes: this proves little");
    let whole = site.state(&init);
    site.remember(&init);
    for side in [Side::Request, Side::Answer] {
        for write in 1..=writes {
            site.clear();
            let stop = Stop { write, side };
            let said = killed(&site, stop);
            init = site.init().json();
            assert_eq!(site.state(&init), whole, "{stop:?}:\n{said}");
            site.expect_complete(&init);
        }
    }
    site.let_nodes_in();
    join(&site, &init);
}

/// Kills an init there. Returns what it had said.
fn killed(site: &Site, stop: Stop) -> String {
    site.interceptor.watch(Some(stop));
    let mut init = site.start_init();
    let held = site.interceptor.stopped();
    init.kill().expect("init can be killed");
    let status = init.wait().expect("init can be waited for");
    assert_eq!(status.code(), None, "{stop:?}: it ended by itself");
    drop(held);
    site.interceptor.look_away();
    site.said()
}

/// A node joins with the command that init printed.
fn join(site: &Site, init: &Value) {
    let printed = init["joinCommand"].as_str().expect("a command");
    let mut arguments: Vec<_> = printed.split(' ').skip(1).collect();
    arguments.push("--node-name=worker-1");
    let node = Sandbox::new();
    let _ = node.slipway(&arguments).success();
    assert_identity(&node, &site.ca(), "worker-1");
}
