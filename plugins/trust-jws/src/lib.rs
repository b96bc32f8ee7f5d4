//! trust-jws
