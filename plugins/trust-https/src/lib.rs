//! trust-https
