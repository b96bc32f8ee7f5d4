//! The controllers against the embedded API, in-process: real objects, real watches, in-memory approvers.

mod approvers;
mod cluster;
mod crash;
mod decisions;
mod racing;
mod requests;
mod signing;
mod tokens;
