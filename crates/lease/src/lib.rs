#![doc = include_str!("../README.md")]

mod candidate;
mod election;
mod leadership;
mod lease_api;
mod term;

pub use candidate::{Candidate, Decision, Loss, Moment, Now};
pub use election::{Election, campaign};
pub use leadership::{Leadership, NotLeading};
pub use term::{Term, TermError};
