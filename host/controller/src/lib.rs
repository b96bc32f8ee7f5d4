//! Bootstrap signer, token cleaner, approver, certificate signer and the decision log, over the Kubernetes API.
//!
//! Everything here is driven through a [`kube::Client`] and keeps no state of its own but caches: what is decided stands
//! in the API's objects, and in the decision log. The decisions themselves are pure and live in [`slipway_pki`]; this is
//! the thin shell around them. [`Controllers`] runs them; [`tokens`] and [`requests`] are what the command line does with
//! the same objects.

mod announcer;
mod approval_recorder;
mod approver;
mod bootstrap_signer;
pub mod chain;
mod claims;
pub mod cluster;
mod cluster_reader;
mod condition;
mod context;
mod controllers;
mod csr_cleaner;
mod csr_signer;
pub mod decision_log;
mod error;
mod examined;
pub mod foreign;
pub mod foreign_signer;
pub mod head_publisher;
pub mod leadership;
pub mod ledger;
pub mod measures;
mod nodes;
mod outlook;
pub mod permissions;
mod policy;
mod queue;
mod records;
pub mod replay;
pub mod requests;
mod sharing;
mod subject;
mod submitter;
pub mod system;
mod token_cleaner;
mod token_keeper;
mod token_mirror;
pub mod tokens;
mod trail;
mod watch;

pub use chain::Chain;
pub use cluster::ClusterSettings;
pub use cluster_reader::LiveReader;
pub use condition::{REVIEWED, Standing, standing};
pub use controllers::{Controllers, ControllersBuilder, Signing};
pub use decision_log::DecisionLog;
pub use error::{ApiFailure, Error};
pub use examined::Examined;
pub use outlook::Outlook;
pub use policy::{Policy, PolicyInForce};
pub use tokens::TokenAdmin;
