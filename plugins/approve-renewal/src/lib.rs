//! approve-renewal
