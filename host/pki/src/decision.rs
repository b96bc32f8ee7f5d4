//! The decisions of a bootstrap: pure state machines, values in, values out.
//!
//! | module | the decision |
//! |---|---|
//! | [`verdict`] | what becomes of a certificate signing request |
//! | [`claim`] | which key may have a node name |
//! | [`ledger`] | what a bootstrap token was used for, and whether it may be used again |
//! | [`log`] | what the log of decisions says, and whether it is as it was written |
//! | [`trust`] | whether a joining node believes what a trust source proposes |
//! | [`signing`] | how long a certificate holds |

pub mod claim;
pub mod ledger;
pub mod log;
pub mod signing;
pub mod trust;
pub mod verdict;
