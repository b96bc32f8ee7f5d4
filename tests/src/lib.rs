//! What crosses crates: the command line, the embedded API, attacks and faults
