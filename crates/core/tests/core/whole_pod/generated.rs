//! Pods and sets that are made from a number, out of few names, ports, paths and amounts: so they often clash.

use serde_json::{Map, Value, json};

/// A Pod and a set that are made from a number. Either may be refused by itself.
pub struct Generated {
    pub pod: Value,
    pub set: Value,
}

/// A source of numbers that is the same everywhere: SplitMix64.
struct Dice(u64);

impl Generated {
    pub fn of(seed: u64) -> Self {
        let mut dice = Dice(seed);
        Self { pod: pod(&mut dice), set: set(&mut dice) }
    }
}

impl Dice {
    fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// Says yes in so many of a hundred times.
    fn chance(&mut self, percent: u64) -> bool {
        self.roll() % 100 < percent
    }

    fn below(&mut self, most: usize) -> usize {
        usize::try_from(self.roll() % u64::try_from(most).unwrap()).unwrap()
    }

    fn pick<T: Clone>(&mut self, among: &[T]) -> T {
        among[self.below(among.len())].clone()
    }

    /// Adds a member now and then.
    fn maybe(
        &mut self,
        percent: u64,
        object: &mut Map<String, Value>,
        name: &str,
        make: impl FnOnce(&mut Self) -> Value,
    ) {
        if self.chance(percent) {
            let value = make(self);
            object.insert(name.to_owned(), value);
        }
    }
}

/// Requests and limits of each resource: what is requested is seldom more than the limit.
const AMOUNTS: [(&str, [&str; 3], [&str; 3]); 2] = [
    ("cpu", ["100m", "0.1", "200m"], ["0.2", "1", "1500m"]),
    ("memory", ["64Mi", "65536Ki", "128Mi"], ["128Mi", "1Gi", "1024Mi"]),
];

fn pod(dice: &mut Dice) -> Value {
    let mut spec = Map::new();
    let names = ["web", "agent", "agent-1", "helper"];
    let first = dice.below(names.len());
    let mut containers = vec![container(dice, names[first], Kind::Own)];
    if dice.chance(50) {
        containers.push(container(dice, names[(first + 1) % names.len()], Kind::Own));
    }
    spec.insert("containers".to_owned(), containers.into());
    dice.maybe(40, &mut spec, "initContainers", |dice| {
        let count = 1 + dice.below(2);
        let list: Vec<Value> =
            (0..count).map(|_| init_container(dice, &["setup", "native", "shipper"], Kind::Own)).collect();
        list.into()
    });
    dice.maybe(35, &mut spec, "hostNetwork", |_| true.into());
    dice.maybe(15, &mut spec, "hostUsers", |dice| dice.chance(50).into());
    dice.maybe(20, &mut spec, "os", |dice| json!({"name": dice.pick(&["linux", "windows"])}));
    dice.maybe(25, &mut spec, "restartPolicy", |dice| dice.pick(&["Never", "OnFailure", "Always"]).into());
    dice.maybe(25, &mut spec, "terminationGracePeriodSeconds", |dice| dice.pick(&[0, 5, 60]).into());
    dice.maybe(30, &mut spec, "resources", resources);
    dice.maybe(15, &mut spec, "resourceClaims", |_| json!([{"name": "gpu", "resourceClaimName": "gpu"}]));
    dice.maybe(5, &mut spec, "securityContext", |dice| json!({"windowsOptions": {"hostProcess": dice.chance(70)}}));
    spec.insert("volumes".to_owned(), volumes(dice));
    let mut annotations = Map::new();
    for key in
        ["container.seccomp.security.alpha.kubernetes.io/agent", "container.apparmor.security.beta.kubernetes.io/agent"]
    {
        dice.maybe(6, &mut annotations, key, |dice| {
            dice.pick(&["unconfined", "runtime/default", "localhost/p"]).into()
        });
    }
    let mut metadata = json!({"labels": {"app": "nginx"}, "annotations": annotations});
    let name = if dice.chance(50) { ("name", "web-0") } else { ("generateName", "web-") };
    metadata[name.0] = name.1.into();
    json!({"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec})
}

fn set(dice: &mut Dice) -> Value {
    let mut spec = Map::new();
    spec.insert("selector".to_owned(), json!({"matchLabels": {"app": "nginx"}}));
    let has_regular = dice.chance(75);
    if has_regular {
        let name = dice.pick(&["agent", "setup", "web"]);
        let mut container = container(dice, name, Kind::Sidecar);
        let members = container.as_object_mut().unwrap();
        dice.maybe(
            25,
            members,
            "upgradeStrategy",
            |_| json!({"upgradeType": "HotUpgrade", "hotUpgradeEmptyImage": "busybox:1.37"}),
        );
        dice.maybe(50, members, "podInjectPolicy", |dice| {
            dice.pick(&["BeforeAppContainer", "AfterAppContainer"]).into()
        });
        dice.maybe(35, members, "shareVolumePolicy", |_| json!({"type": "enabled"}));
        dice.maybe(35, members, "shareVolumeDevicePolicy", |_| json!({"type": "enabled"}));
        spec.insert("containers".to_owned(), vec![container].into());
    }
    if !has_regular || dice.chance(40) {
        let mut container = init_container(dice, &["agent", "native", "web", "shipper"], Kind::Sidecar);
        let members = container.as_object_mut().unwrap();
        dice.maybe(50, members, "podInjectPolicy", |dice| {
            dice.pick(&["BeforeAppContainer", "AfterAppContainer"]).into()
        });
        spec.insert("initContainers".to_owned(), vec![container].into());
    }
    spec.insert("volumes".to_owned(), volumes(dice));
    dice.maybe(15, &mut spec, "patchPodMetadata", |dice| {
        let name = dice.pick(&["agent", "web", "nobody"]);
        let key = format!("container.apparmor.security.beta.kubernetes.io/{name}");
        json!([{"annotations": {key: dice.pick(&["unconfined", "runtime/default"])}, "patchPolicy": dice.pick(&["Retain", "Overwrite"])}])
    });
    json!({"apiVersion": "apps.kruise.io/v1beta1", "kind": "SidecarSet", "metadata": {"name": "generated"}, "spec": spec})
}

#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Own,
    Sidecar,
}

fn container(dice: &mut Dice, name: &str, kind: Kind) -> Value {
    let mut container = bare(dice, name, kind);
    dice.maybe(
        12,
        &mut container,
        "lifecycle",
        |dice| json!({dice.pick(&["preStop", "postStart"]): {"sleep": {"seconds": dice.pick(&[1, 20, 40])}}}),
    );
    dice.maybe(10, &mut container, "resizePolicy", resize_policy);
    container.into()
}

fn init_container(dice: &mut Dice, names: &[&str], kind: Kind) -> Value {
    let name = dice.pick(names);
    let mut container = bare(dice, name, kind);
    if dice.chance(60) {
        container.insert("restartPolicy".to_owned(), "Always".into());
        dice.maybe(10, &mut container, "resizePolicy", resize_policy);
    }
    container.into()
}

fn resize_policy(dice: &mut Dice) -> Value {
    json!([{"resourceName": "cpu", "restartPolicy": dice.pick(&["NotRequired", "RestartContainer"])}])
}

fn bare(dice: &mut Dice, name: &str, kind: Kind) -> Map<String, Value> {
    let mut container = Map::new();
    container.insert("name".to_owned(), name.into());
    container.insert("image".to_owned(), "busybox:1.36".into());
    dice.maybe(60, &mut container, "ports", ports);
    dice.maybe(50, &mut container, "resources", |dice| {
        let mut resources = resources(dice);
        if dice.chance(10) {
            resources["claims"] = json!([{"name": "gpu"}]);
        }
        resources
    });
    dice.maybe(60, &mut container, "volumeMounts", mounts);
    // An application seldom has what a sidecar often has.
    let often = if kind == Kind::Sidecar { 30 } else { 8 };
    dice.maybe(often, &mut container, "volumeDevices", |dice| {
        json!([{"name": dice.pick(&["disk", "disk", "disk", "data"]), "devicePath": dice.pick(&["/dev/x", "/dev/y", "/data"])}])
    });
    dice.maybe(often, &mut container, "securityContext", security_context);
    container
}

fn ports(dice: &mut Dice) -> Value {
    let count = 1 + dice.below(2);
    let ports = (0..count).map(|_| {
        let mut port = Map::new();
        port.insert("containerPort".to_owned(), dice.pick(&[80, 8080, 9090]).into());
        dice.maybe(15, &mut port, "hostPort", |dice| dice.pick(&[80, 8080, 9090]).into());
        dice.maybe(20, &mut port, "protocol", |dice| dice.pick(&["TCP", "UDP"]).into());
        dice.maybe(10, &mut port, "hostIP", |_| "10.0.0.1".into());
        dice.maybe(30, &mut port, "name", |dice| dice.pick(&["http", "metrics"]).into());
        Value::Object(port)
    });
    ports.collect()
}

fn resources(dice: &mut Dice) -> Value {
    let mut lists = Map::new();
    for list in ["requests", "limits"] {
        dice.maybe(65, &mut lists, list, |dice| {
            let mut amounts = Map::new();
            for (resource, requests, limits) in &AMOUNTS {
                let among = if list == "requests" { requests } else { limits };
                dice.maybe(65, &mut amounts, resource, |dice| dice.pick(among).into());
            }
            amounts.into()
        });
    }
    if dice.chance(10) {
        let pages = dice.pick(&["2Mi", "4Mi"]);
        for list in ["requests", "limits"] {
            lists.entry(list).or_insert_with(|| json!({"cpu": "100m"}))["hugepages-2Mi"] = pages.into();
        }
    }
    lists.into()
}

fn mounts(dice: &mut Dice) -> Value {
    let paths = [["/data", "/logs"], ["/data", "/data/"], ["/logs", "/data"], ["/dev/x", "/logs"]];
    let (count, paths) = (1 + dice.below(2), dice.pick(&paths));
    let mounts = paths.into_iter().take(count).map(|path| {
        let mut mount = Map::new();
        mount.insert("name".to_owned(), dice.pick(&["data", "logs"]).into());
        mount.insert("mountPath".to_owned(), path.into());
        dice.maybe(10, &mut mount, "mountPropagation", |dice| dice.pick(&["Bidirectional", "HostToContainer"]).into());
        Value::Object(mount)
    });
    mounts.collect()
}

fn security_context(dice: &mut Dice) -> Value {
    let mut context = Map::new();
    dice.maybe(25, &mut context, "privileged", |_| true.into());
    dice.maybe(25, &mut context, "runAsUser", |_| 1000.into());
    dice.maybe(15, &mut context, "procMount", |dice| dice.pick(&["Unmasked", "Default"]).into());
    dice.maybe(20, &mut context, "windowsOptions", |dice| {
        let name = json!({"runAsUserName": "User"});
        if dice.chance(60) { json!({"hostProcess": dice.chance(70)}) } else { name }
    });
    for profile in ["seccompProfile", "appArmorProfile"] {
        dice.maybe(20, &mut context, profile, |dice| match dice.below(3) {
            0 => json!({"type": "Unconfined"}),
            1 => json!({"type": "RuntimeDefault"}),
            _ => json!({"type": "Localhost", "localhostProfile": "p"}),
        });
    }
    context.into()
}

fn volumes(dice: &mut Dice) -> Value {
    let template = json!({"spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}});
    let sources = [
        json!({"emptyDir": {}}),
        json!({"emptyDir": {"sizeLimit": "1Gi"}}),
        json!({"persistentVolumeClaim": {"claimName": "web-0-data"}}),
        json!({"persistentVolumeClaim": {"claimName": "web-0-disk"}}),
        json!({"ephemeral": {"volumeClaimTemplate": template}}),
        json!({"configMap": {"name": "c"}}),
    ];
    let all = ["data", "logs", "disk"];
    let volumes = all.iter().filter_map(|name| {
        // A disk is most often one that can be a device.
        let among = if *name == "disk" && dice.chance(90) { &sources[2..5] } else { &sources };
        let mut volume = dice.pick(among);
        // Most have all that the containers mount.
        dice.chance(95).then(|| {
            volume["name"] = (*name).into();
            volume
        })
    });
    volumes.collect()
}
