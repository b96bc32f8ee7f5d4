//! Configuration documents, tokens, names and pins: types that cannot hold an invalid value
