//! By which name this replica is known to others.

use std::env;
use std::fs;
use std::hash::{BuildHasher, DefaultHasher, Hash, Hasher, RandomState};

/// Returns a name that no other process has that runs at the same time: that of the Pod with its uid, because a container
/// that is started again in it takes the place of the one before. Outside of a cluster it is that of the machine and chance.
pub fn of_this_process() -> String {
    let pod = env::var("POD_NAME").ok().zip(env::var("POD_UID").ok());
    pod.filter(|(name, uid)| !name.is_empty() && !uid.is_empty())
        .map_or_else(by_chance, |(name, uid)| named(&name, &uid))
}

/// Returns a name made of letters and digits for an identity.
pub fn short(identity: &str) -> String {
    let mut hasher = DefaultHasher::new();
    identity.hash(&mut hasher);
    format!("{:016x}", hasher.finish())
}

fn by_chance() -> String {
    let machine = fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let machine = if machine.trim().is_empty() { "sidecarset" } else { machine.trim() };
    named(machine, &format!("{:016x}", RandomState::new().build_hasher().finish()))
}

fn named(name: &str, which: &str) -> String {
    format!("{name}_{which}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_by_chance_differ() {
        assert_ne!(by_chance(), by_chance());
    }
}
