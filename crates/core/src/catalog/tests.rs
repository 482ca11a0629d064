//! Which sets select a Pod, and what is a change of that.

use super::*;
use serde_json::{Value, json};

fn catalog(sets: &[Value]) -> Catalog {
    let mut catalog = Catalog::default();
    for set in sets {
        catalog.put_set(&serde_json::from_value(set.clone()).unwrap());
    }
    catalog
}

fn set(name: &str, spec: Value) -> Value {
    let mut spec = spec;
    spec["selector"] = json!({"matchLabels": {"app": "nginx"}});
    json!({"apiVersion": "apps.kruise.io/v1beta1", "kind": "SidecarSet", "metadata": {"name": name}, "spec": spec})
}

fn names(selection: &Selection) -> Vec<&str> {
    selection.sets.iter().map(|set| &*set.name).collect()
}

fn nginx() -> NamespaceLabels {
    BTreeMap::from([("app".to_owned(), "nginx".to_owned())])
}

#[test]
fn sets_are_injected_in_the_order_of_their_names() {
    let containers = json!({"containers": [{"name": "a", "image": "i"}]});
    let catalog = catalog(&[set("zebra", containers.clone()), set("ant", containers.clone()), set("bee", containers)]);

    assert_eq!(names(&catalog.select(&nginx(), None)), ["ant", "bee", "zebra"]);
}

#[test]
fn a_namespace_that_is_not_known_is_asked_for_only_where_a_set_needs_it() {
    let everywhere = set("everywhere", json!({"containers": [{"name": "a", "image": "i"}]}));
    let somewhere = set("somewhere", json!({"containers": [{"name": "b", "image": "i"}], "namespace": "shop"}));
    let catalog = catalog(&[everywhere, somewhere]);
    let shop = BTreeMap::from([("kubernetes.io/metadata.name".to_owned(), "shop".to_owned())]);

    assert!(catalog.select(&nginx(), None).needs_namespace);
    assert!(!catalog.select(&NamespaceLabels::new(), None).needs_namespace);
    assert_eq!(names(&catalog.select(&nginx(), Some(&shop))), ["everywhere", "somewhere"]);
    assert_eq!(names(&catalog.select(&nginx(), Some(&NamespaceLabels::new()))), ["everywhere"]);
}

#[test]
fn a_set_whose_injection_is_paused_selects_no_new_pod() {
    let paused = json!({"containers": [{"name": "a", "image": "i"}], "injectionStrategy": {"paused": true}});

    assert_eq!(names(&catalog(&[set("paused", paused)]).select(&nginx(), None)), [""; 0]);
}

#[test]
fn a_set_gives_way_to_a_canary_of_it() {
    let containers = json!({"containers": [{"name": "a", "image": "i"}], "updateStrategy": {"type": "NotUpdate"}});
    let base = set("base", containers.clone());
    let mut canary = set("canary", containers);
    canary["metadata"]["annotations"] =
        json!({"apps.kruise.io/sidecarset-canary": "true", "apps.kruise.io/sidecarset-base": "base"});
    let mut paused = canary.clone();
    paused["spec"]["injectionStrategy"] = json!({"paused": true});
    let mut elsewhere = canary.clone();
    elsewhere["spec"]["selector"]["matchLabels"]["tier"] = json!("edge");

    let selected = |canary: &Value| {
        let selection = catalog(&[base.clone(), canary.clone()]).select(&nginx(), None);
        names(&selection).join(" ")
    };
    assert_eq!(selected(&canary), "canary");
    assert_eq!(selected(&paused), "base");
    assert_eq!(selected(&elsewhere), "base");
}

#[test]
fn a_set_that_cannot_be_acted_on_is_told_apart() {
    let selection = catalog(&[set("broken", json!({"containers": []}))]).select(&nginx(), None);

    assert_eq!(names(&selection), [""; 0]);
    assert_eq!(&*selection.invalid[0].name, "broken");
    assert_eq!(selection.invalid[0].violations.iter().next().unwrap().path, "spec.containers");
}

#[test]
fn the_pods_of_a_reserved_namespace_are_selected_only_by_name() {
    let everywhere = set("everywhere", json!({"containers": [{"name": "a", "image": "i"}]}));
    let system = set("system", json!({"containers": [{"name": "b", "image": "i"}], "namespace": "kube-system"}));
    let mut catalog = Catalog::reserving(["kube-system"]);
    for set in [everywhere, system] {
        catalog.put_set(&serde_json::from_value(set).unwrap());
    }
    let kube_system = BTreeMap::from([("kubernetes.io/metadata.name".to_owned(), "kube-system".to_owned())]);

    assert_eq!(names(&catalog.select(&nginx(), Some(&kube_system))), ["system"]);
    assert_eq!(names(&catalog.select(&nginx(), Some(&NamespaceLabels::new()))), ["everywhere"]);
    assert_eq!((catalog.reservation("kube-system"), catalog.reservation("default")), (Some(Reservation::ByName), None));
}

#[test]
fn no_set_selects_the_pods_of_the_operator() {
    let named = |name: &str| set(name, json!({"containers": [{"name": "a", "image": "i"}], "namespace": name}));
    let everywhere = set("everywhere", json!({"containers": [{"name": "b", "image": "i"}]}));
    // It may run in a namespace that is reserved for another reason.
    for own in ["sidecarset-system", "kube-system"] {
        let mut catalog = Catalog::reserving(["kube-system"]).without_operator(own);
        for set in [named(own), everywhere.clone()] {
            catalog.put_set(&serde_json::from_value(set).unwrap());
        }
        let labels = BTreeMap::from([("kubernetes.io/metadata.name".to_owned(), own.to_owned())]);
        let unknown = NamespaceFacts { name: Some(own), ..NamespaceFacts::default() };

        assert_eq!(names(&catalog.select(&nginx(), Some(&labels))), [""; 0]);
        assert_eq!(names(&catalog.select(&nginx(), unknown)), [""; 0]);
        assert_eq!(catalog.reservation(own), Some(Reservation::Operator));
    }
}

#[test]
fn a_set_that_cannot_be_acted_on_is_asked_about_like_a_valid_one() {
    let broken = set("a", json!({"containers": [], "injectionStrategy": {"failurePolicy": "Ignore"}}));
    let valid = set(
        "a",
        json!({"containers": [{"name": "a", "image": "i"}], "injectionStrategy": {"failurePolicy": "Ignore"}}),
    );

    assert_eq!(catalog(&[broken]).scopes().collect::<Vec<_>>(), catalog(&[valid]).scopes().collect::<Vec<_>>());
}

#[test]
fn only_what_may_select_other_pods_is_a_change_of_the_selection() {
    let mut versions = Vec::new();
    let mut catalog = Catalog::default();
    let container = |image| json!([{"name": "a", "image": image}]);
    let mut put = |catalog: &mut Catalog, spec| {
        catalog.put_set(&serde_json::from_value(set("s", spec)).unwrap());
        catalog.put_namespace("shop", NamespaceLabels::new());
        versions.push(catalog.selection_version());
    };

    put(&mut catalog, json!({"containers": container("i:1")}));
    put(&mut catalog, json!({"containers": container("i:2")}));
    put(&mut catalog, json!({"containers": container("i:2"), "injectionStrategy": {"paused": true}}));
    let teams = json!({"matchLabels": {"team": "red"}});
    put(&mut catalog, json!({"containers": container("i:2"), "namespaceSelector": teams}));
    catalog.remove_set("s");
    versions.push(catalog.selection_version());

    // The labels of a namespace count once a set asks for them.
    assert_eq!(versions, [1, 1, 2, 4, 5]);
}

fn lacking(catalog: &Catalog, namespace: &str, injected: &[&str]) -> Vec<String> {
    let lacking = catalog.lacking((&nginx(), OperatingSystem::Linux), namespace, |set| injected.contains(&set));
    lacking.iter().map(ToString::to_string).collect()
}

#[test]
fn a_pod_lacks_the_sets_that_select_it_and_are_not_in_it() {
    let containers = json!({"containers": [{"name": "a", "image": "i"}]});
    let paused = json!({"containers": [{"name": "p", "image": "i"}], "injectionStrategy": {"paused": true}});
    let catalog = catalog(&[set("one", containers.clone()), set("two", containers), set("paused", paused)]);

    assert_eq!(lacking(&catalog, "shop", &[]), ["one", "two"]);
    assert_eq!(lacking(&catalog, "shop", &["one"]), ["two"]);
    assert_eq!(catalog.lacking((&NamespaceLabels::new(), OperatingSystem::Linux), "shop", |_| false), []);
}

#[test]
fn a_pod_of_a_reserved_namespace_lacks_only_what_is_given_by_its_name() {
    let mut catalog = Catalog::reserving(["kube-system"]);
    for set in [
        set("all", json!({"containers": [{"name": "a", "image": "i"}]})),
        set("named", json!({"containers": [{"name": "b", "image": "i"}], "namespace": "kube-system"})),
    ] {
        catalog.put_set(&serde_json::from_value(set).unwrap());
    }

    assert_eq!(lacking(&catalog, "kube-system", &[]), ["named"]);
    assert_eq!(lacking(&catalog, "shop", &[]), ["all"]);
}

#[test]
fn a_pod_with_a_canary_does_not_lack_its_base() {
    let containers = json!({"containers": [{"name": "a", "image": "i"}], "updateStrategy": {"type": "NotUpdate"}});
    let base = set("base", containers.clone());
    let mut canary = set("canary", containers);
    canary["metadata"]["annotations"] =
        json!({"apps.kruise.io/sidecarset-canary": "true", "apps.kruise.io/sidecarset-base": "base"});
    let catalog = catalog(&[base, canary]);

    assert_eq!(lacking(&catalog, "shop", &["canary"]), [""; 0]);
    assert_eq!(lacking(&catalog, "shop", &["base"]), ["canary"]);
}

#[test]
fn a_set_that_becomes_a_canary_is_another_selection() {
    let containers = json!({"containers": [{"name": "a", "image": "i"}], "updateStrategy": {"type": "NotUpdate"}});
    let mut changed = set("canary", containers.clone());
    let mut catalog = catalog(&[set("base", containers.clone()), changed.clone()]);
    let before = catalog.selection_version();

    changed["metadata"]["annotations"] =
        json!({"apps.kruise.io/sidecarset-canary": "true", "apps.kruise.io/sidecarset-base": "base"});
    catalog.put_set(&serde_json::from_value(changed).unwrap());

    assert_eq!(catalog.selection_version(), before + 1);
}

#[test]
fn a_set_is_current_as_long_as_no_newer_one_is_known_of() {
    let containers = json!({"containers": [{"name": "a", "image": "i"}]});
    for definition in [containers, json!({"containers": []})] {
        let mut set = set("s", definition);
        set["metadata"]["uid"] = json!("one");
        set["metadata"]["generation"] = json!(4);
        let catalog = catalog(&[set]);

        let is_current = |name: &str, uid: &str, generation| {
            catalog.is_current(&SetIdentity { name: name.to_owned(), uid: Some(uid.to_owned()), generation })
        };
        assert!(is_current("s", "one", 4) && is_current("s", "one", 3));
        assert!(!is_current("s", "one", 5) && !is_current("s", "two", 1) && !is_current("t", "one", 4));
    }
}

/// A set with one container, and these members of its spec.
fn with_container(name: &str, members: &Value) -> Value {
    let mut set = set(name, json!({"containers": [{"name": name, "image": "i"}]}));
    set["spec"].as_object_mut().unwrap().extend(members.as_object().unwrap().clone());
    set
}

fn for_systems(systems: &[&str]) -> Value {
    json!({"injectionStrategy": {"operatingSystems": systems}})
}

#[test]
fn a_pod_for_another_operating_system_lacks_nothing() {
    let both = with_container("both", &for_systems(&["linux", "windows"]));
    let catalog = catalog(&[both, with_container("default", &json!({}))]);
    let lacking = |os| catalog.lacking((&nginx(), os), "shop", |_| false);

    assert_eq!(lacking(OperatingSystem::Windows), [Arc::from("both")]);
    assert_eq!(lacking(OperatingSystem::Linux), [Arc::from("both"), Arc::from("default")]);
}

#[test]
fn which_operating_systems_a_set_is_for_is_part_of_its_selection() {
    let mut catalog = catalog(&[with_container("one", &json!({}))]);
    let before = catalog.selection_version();

    catalog.put_set(&serde_json::from_value(with_container("one", &for_systems(&["windows"]))).unwrap());

    assert!(catalog.selection_version() > before);
}

#[test]
fn a_set_that_is_not_written_yet_selects_pods_as_it_would_afterwards() {
    let mut catalog = Catalog::reserving(["kube-system"]);
    catalog.put_namespace("shop", NamespaceLabels::from([("team".to_owned(), "a".to_owned())]));
    let canonical = |members| normalize(&serde_json::from_value(with_container("new", &members)).unwrap()).unwrap();
    let everywhere = canonical(json!({}));
    let of_team = canonical(json!({"namespaceSelector": {"matchLabels": {"team": "a"}}}));
    let selected = |set: &CanonicalSet, namespace| catalog.is_selected_by(set, &nginx(), namespace);

    assert!(selected(&everywhere, "shop") && selected(&everywhere, "new") && selected(&of_team, "shop"));
    assert!(!selected(&of_team, "new") && !selected(&everywhere, "kube-system"));
    assert!(!catalog.is_selected_by(&everywhere, &NamespaceLabels::new(), "shop"));
}
