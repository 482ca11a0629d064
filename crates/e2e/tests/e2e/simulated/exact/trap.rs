//! One write of the operator, held where it is.

use axum::http::Method;
use sidecarset_e2e::{Asked, Fate, Moment};
use std::sync::{Mutex, PoisonError};
use tokio::sync::watch;

/// A write at which the operator is killed: the one of this number from when the trap is set.
#[derive(Debug, Clone, Copy)]
pub struct Write {
    pub what: &'static str,
    is_it: fn(&Asked) -> bool,
    number: usize,
    pub cause: Cause,
}

/// What has the operator send the write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cause {
    NewImage,
    NewSet,
}

/// One of each kind.
pub const WRITES: [Write; 5] = [
    Write { what: "the patch of a pod", is_it: is_pod, number: 4, cause: Cause::NewImage },
    Write { what: "the status of a set", is_it: is_status, number: 2, cause: Cause::NewImage },
    Write { what: "a revision", is_it: is_revision, number: 1, cause: Cause::NewImage },
    Write { what: "the lease", is_it: is_lease, number: 1, cause: Cause::NewImage },
    Write { what: "the registration", is_it: is_registration, number: 1, cause: Cause::NewSet },
];

fn is_pod(asked: &Asked) -> bool {
    asked.method == Method::PATCH && asked.path.contains("/pods/") && !asked.path.ends_with("/status")
}

fn is_status(asked: &Asked) -> bool {
    asked.method == Method::PATCH && asked.path.contains("/sidecarsets/") && asked.path.ends_with("/status")
}

fn is_revision(asked: &Asked) -> bool {
    asked.method == Method::POST && asked.path.ends_with("/controllerrevisions")
}

fn is_lease(asked: &Asked) -> bool {
    asked.method != Method::GET && asked.path.contains("/leases/")
}

fn is_registration(asked: &Asked) -> bool {
    asked.method != Method::GET && asked.path.contains("/mutatingwebhookconfigurations/")
}

/// Holds one write, once.
#[derive(Debug, Default)]
pub struct Trap(Mutex<Option<Set>>);

#[derive(Debug)]
struct Set {
    write: Write,
    moment: Moment,
    left: usize,
    sprung: watch::Sender<bool>,
}

impl Trap {
    /// Sets it, and returns what is told when it holds a write.
    pub fn set(&self, write: Write, moment: Moment) -> watch::Receiver<bool> {
        let (sprung, told) = watch::channel(false);
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) =
            Some(Set { write, moment, left: write.number, sprung });
        told
    }

    /// Holds the write for which it is set, and lets everything else pass.
    pub fn judge(&self, asked: &Asked) -> Fate {
        let mut trap = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(set) = trap.as_mut().filter(|set| (set.write.is_it)(asked)) {
            set.left -= 1;
        }
        match trap.take_if(|set| set.left == 0) {
            Some(set) => Fate::Hold(set.moment, set.sprung),
            None => Fate::Pass,
        }
    }
}
