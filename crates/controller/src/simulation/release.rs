//! What a person writes into the set, and what the images in it are.

use super::chance::Chance;
use serde_json::{Value, json};
use sidecarset_api::v1beta1::SidecarSet;

pub(super) const SET: &str = "log-sc";
pub(super) const EMPTY: &str = "empty:1";

/// The forms in which images are given: by tag, two tags of one image, with the registry, by digest.
const GOOD: [&str; 6] =
    ["R:1", "R:2", "R:2-again", "docker.io/library/R:3", "R@sha256:D", "docker.io/library/R:5@sha256:E"];

/// One that is not there, and one that never becomes ready.
const BAD: [&str; 2] = ["R:missing", "R:crash"];

/// Which sidecars a set has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    Cold,
    ColdAndNative,
    Hot,
    ColdAndHot,
}

/// A spec of the set.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Release {
    pub(super) shape: Shape,
    /// Of the cold, the native and the hot sidecar.
    pub(super) images: [&'static str; 3],
    /// Something that only new Pods can take.
    pub(super) variable: bool,
    pub(super) is_paused: bool,
    pub(super) partition: u32,
    pub(super) max_unavailable: &'static str,
    /// Whether only the Pods of the tier a are upgraded.
    pub(super) is_selective: bool,
}

impl Release {
    pub(super) fn first(chance: &mut Chance) -> Self {
        let shape = chance.pick(&[Shape::Cold, Shape::Cold, Shape::ColdAndNative, Shape::Hot, Shape::ColdAndHot]);
        let max_unavailable = chance.pick(&["1", "1", "2", "3", "30%", "100%"]);
        Self {
            shape,
            images: [GOOD[0]; 3],
            variable: false,
            is_paused: false,
            partition: 0,
            max_unavailable,
            is_selective: false,
        }
    }

    /// Something else is written.
    pub(super) fn next(&self, chance: &mut Chance) -> Self {
        let mut next = self.clone();
        match chance.below(12) {
            0 => next.is_paused = !self.is_paused,
            1 => (next.partition, next.is_selective) = (u32::try_from(chance.below(4)).unwrap_or(0), false),
            2 => (next.partition, next.is_selective) = (0, !self.is_selective),
            3 => next.max_unavailable = chance.pick(&["1", "2", "50%"]),
            4 => next.variable = !self.variable,
            5 => next.images[chance.below(3)] = chance.pick(&BAD),
            6 => next.images = [GOOD[0]; 3],
            _ => next.images[chance.below(3)] = chance.pick(&GOOD),
        }
        next
    }

    /// The same with an image that never starts.
    pub(super) fn broken(&self, chance: &mut Chance) -> Self {
        Self { images: [chance.pick(&BAD); 3], ..self.unhindered() }
    }

    /// The same with good images that are not those of `self`.
    pub(super) fn mended(&self, chance: &mut Chance) -> Self {
        let mut mended = self.unhindered();
        while mended.images == self.images || mended.is_bad() {
            mended.images = [chance.pick(&GOOD), chance.pick(&GOOD), chance.pick(&GOOD)];
        }
        mended
    }

    pub(super) fn is_bad(&self) -> bool {
        self.images.iter().any(|image| BAD.contains(image))
    }

    pub(super) fn object(&self, generation: u64, version: u64) -> SidecarSet {
        let container = |name: &str, at: usize| json!({"name": name, "image": image(self.images[at], name)});
        let (mut containers, mut natives) = (Vec::new(), Vec::new());
        if self.shape != Shape::Hot {
            containers.push(container("agent", 0));
        }
        if self.shape == Shape::ColdAndNative {
            let mut native = container("mesh", 1);
            native["restartPolicy"] = "Always".into();
            natives.push(native);
        }
        if matches!(self.shape, Shape::Hot | Shape::ColdAndHot) {
            let mut hot = container("envoy", 2);
            hot["upgradeStrategy"] = json!({"upgradeType": "HotUpgrade", "hotUpgradeEmptyImage": EMPTY});
            containers.push(hot);
        }
        if self.variable {
            containers[0]["env"] = json!([{"name": "LEVEL", "value": "debug"}]);
        }
        let set = json!({
            "apiVersion": "apps.kruise.io/v1beta1", "kind": "SidecarSet",
            "metadata": {
                "name": SET, "uid": "uid-of-the-set", "generation": generation, "resourceVersion": version.to_string(),
            },
            "spec": {
                "selector": {"matchLabels": {"app": "web"}}, "containers": containers, "initContainers": natives,
                "updateStrategy": self.strategy(),
            },
        });
        serde_json::from_value(set).unwrap()
    }

    fn strategy(&self) -> Value {
        let max_unavailable: Value =
            self.max_unavailable.parse::<u32>().map_or(self.max_unavailable.into(), Value::from);
        let mut strategy =
            json!({"maxUnavailable": max_unavailable, "paused": self.is_paused, "partition": self.partition});
        if self.is_selective {
            strategy["selector"] = json!({"matchLabels": {"tier": "a"}});
        }
        strategy
    }

    fn unhindered(&self) -> Self {
        Self { is_paused: false, partition: 0, is_selective: false, ..self.clone() }
    }
}

fn image(form: &str, repository: &str) -> String {
    form.replace('R', repository).replace('D', &"4".repeat(64)).replace('E', &"5".repeat(64))
}

/// What the runtime says of a container with this image: the name of the image, and its identity.
pub(super) fn reported(image: &str) -> (String, String) {
    let image = image.strip_prefix("docker.io/library/").unwrap_or(image);
    let (name, digest) = image.split_once("@sha256:").map_or((image, None), |(name, digest)| (name, Some(digest)));
    let (repository, tag) = name.split_once(':').unwrap_or((name, ""));
    let digest = digest.map_or_else(|| format!("{:0>64}", tag.trim_end_matches("-again")), str::to_owned);
    let id = format!("docker.io/library/{repository}@sha256:{digest}");
    // Of an image with several tags the runtime tells any, whichever was asked for. Here it is a third one: where it tells
    // that of the next upgrade already, nobody can see from outside that the container has not been restarted yet.
    let tag = if tag.starts_with('2') { "2-first" } else { tag };
    (if tag.is_empty() { id.clone() } else { format!("docker.io/library/{repository}:{tag}") }, id)
}
