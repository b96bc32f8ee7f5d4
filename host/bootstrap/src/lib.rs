//! The flows of a bootstrap: [`init`] makes a cluster's trust, [`join`] lets a node in, [`reset`] takes back what either
//! wrote on this machine; [`discovery`] and [`connect`] are what a node needs before it may believe anybody.
//!
//! Nothing here prints and nothing here asks: events go to a [`progress::Progress`], errors carry the facts, and
//! the command line says what to do next. Which backend answers at the other end of a `kube::Client` is not known here.

pub mod connect;
pub mod discovery;
pub mod discovery_service;
pub mod files;
pub mod init;
pub mod join;
pub mod layout;
pub mod posture;
pub mod progress;
pub mod reset;

#[cfg(test)]
mod testing;
