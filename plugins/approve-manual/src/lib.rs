//! approve-manual
