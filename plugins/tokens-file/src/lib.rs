//! tokens-file
