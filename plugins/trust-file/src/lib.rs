//! trust-file
