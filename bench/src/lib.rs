//! What the operator costs, measured: the load, the other side it is compared with, and the tables that are made of it.
//!
//! Ratios and counts are the result. Times are shown beside them, for they mean something on one machine only.

pub mod budgets;
pub mod cluster;
pub mod controller;
pub mod document;
pub mod injection;
pub mod machine;
pub mod paths;
pub mod process;
pub mod report;
pub mod results;
pub mod world;
