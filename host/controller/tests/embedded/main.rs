//! The controllers against the embedded API, in-process: real objects, real watches, in-memory approvers.

#[cfg(test)]
mod approvers;
#[cfg(test)]
mod cluster;
#[cfg(test)]
mod cluster_info;
#[cfg(test)]
mod crash;
#[cfg(test)]
mod decisions;
#[cfg(test)]
mod heads;
#[cfg(test)]
mod many_nodes;
#[cfg(test)]
mod racing;
#[cfg(test)]
mod reading;
#[cfg(test)]
mod requests;
#[cfg(test)]
mod serving;
#[cfg(test)]
mod signing;
#[cfg(test)]
mod tokens;
