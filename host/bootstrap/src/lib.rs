//! The flows: init, discovery, TLS bootstrap, join and reset
