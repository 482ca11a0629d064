//! The decisions of the SidecarSet operator. No input or output, no clock, no chance, no log: everything here
//! is a function of what it is handed, and each decision returns its reason.

pub mod amount;
pub mod amounts;
pub mod annotations;
pub mod catalog;
pub mod chain;
pub mod event;
pub mod expression;
pub mod image;
pub mod injection;
pub mod json;
pub mod merge;
pub mod normalize;
pub mod os;
mod path;
pub mod pattern;
pub mod quantity;
pub mod reconcile;
pub mod record;
pub mod registration;
pub mod revision;
pub mod rollout;
mod schema;
pub mod selection;
pub mod sorted;
pub mod status;
pub mod upgradable;
pub mod validation;
