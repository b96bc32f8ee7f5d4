//! The main job, through the real binary, on either API server: a cluster is launched, nodes join it, people and policies
//! decide. Each flow is written once and run on both.

mod deciding;
mod joining;
mod names;
mod resuming;
mod tokens;
