//! What the operator costs, measured: the load, the other side it is compared with, and the tables that are made of it.
//!
//! Ratios and counts are the result. Times are shown beside them, for they mean something on one machine only.

pub mod cluster;
pub mod injection;
pub mod process;
pub mod report;
pub mod world;
