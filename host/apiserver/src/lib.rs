//! The embedded bootstrap API: the subset of the Kubernetes API that a bootstrap needs, and its store
pub mod authentication;
pub mod authorization;
mod codec;
mod discovery;
mod handler;
mod ownership;
mod patch;
mod request;
mod resource;
mod selector;
pub mod serve;
mod server;
mod status;
mod store;
mod strategy;
mod table;

pub use codec::{Unreadable, protobuf_to_json, protobuf_watch_to_json};
pub use discovery::Metrics;
pub use server::{ApiServer, ApiServerBuilder, Clock, DefaultsError, StartError};
pub use store::{HistoryLimits, OpenError, Store};
pub use strategy::RequestLimits;
