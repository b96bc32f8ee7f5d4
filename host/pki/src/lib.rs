//! Certificates, signing requests, guardrails, signatures and the decisions of a bootstrap; no I/O
