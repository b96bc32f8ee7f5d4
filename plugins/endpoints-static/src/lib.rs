//! endpoints-static
