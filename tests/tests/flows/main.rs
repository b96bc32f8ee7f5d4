//! The main job, through the real binary, on either API server: a cluster is launched, nodes join it, people and policies
//! decide. Each flow is written once and run on both.

mod anchoring;
mod attacks;
mod deciding;
mod decisions;
mod discovery;
mod hostile;
mod http;
mod interrupted_init;
mod joining;
mod lying_server;
mod many;
mod messages;
mod names;
mod policies;
mod replaying;
mod resuming;
mod tls;
mod tokens;
mod trade_offs;
mod web_discovery;
