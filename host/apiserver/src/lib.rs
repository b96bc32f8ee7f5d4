//! The embedded bootstrap API: the subset of the Kubernetes API that a bootstrap needs, and its store
pub mod authentication;
pub mod authorization;
pub mod serve;
mod strategy;

pub use strategy::RequestLimits;
