//! A host that lives in the thread that runs a native test.

mod answers;
mod files;
mod mock_host;
mod requests;
mod token;

use std::cell::RefCell;

pub(crate) use answers::{
    Race, cluster_get, cluster_list, grants, http_get, log, monotonic_clock, random_bytes,
    report_panics, resolve, services, settings, unverified_get, wall_clock,
};
pub(crate) use files::Directory;
pub use mock_host::{Entry, Installed, MockHost};
pub use requests::{bootstrap_request, renewal_request, serving_request};
pub use token::MockToken;
pub(crate) use token::Token;

thread_local! {
    static HOST: RefCell<Option<MockHost>> = const { RefCell::new(None) };
}

/// Asks the host of this thread; none is like one that granted nothing.
fn ask<T>(question: impl FnOnce(&mut MockHost) -> T) -> T {
    HOST.with_borrow_mut(|host| match host {
        Some(host) => question(host),
        None => question(&mut MockHost::new()),
    })
}
