//! Configuration documents, tokens, names and pins: types that cannot hold an invalid value.
//!
//! Everything here is a value: no input or output, no clock. A text is parsed once, where it enters the program, into
//! a type that needs no further checks; every error names the input, what is wrong with it and what was expected.
//! Parsers take `&str` or `&[u8]` and never panic.

pub mod digest;
pub mod document;
pub mod duration;
pub mod endpoint;
pub mod finding;
pub mod join_url;
pub mod kubeadm;
pub mod location;
pub mod name;
pub mod pin;
pub mod plugin;
pub mod posture;
pub mod redact;
pub mod size;
pub mod system;
mod text;
pub mod token;

pub use text::nearest;
