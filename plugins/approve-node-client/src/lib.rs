//! approve-node-client
