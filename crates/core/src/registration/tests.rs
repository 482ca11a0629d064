use super::*;
use crate::catalog::{Catalog, Entry};
use serde_json::{Value, json};

/// A set with one sidecar.
fn interest(spec: Value) -> Interest {
    let mut spec = spec;
    spec["containers"] = json!([{"name": "a", "image": "i"}]);
    let set =
        json!({"apiVersion": "apps.kruise.io/v1beta1", "kind": "SidecarSet", "metadata": {"name": "s"}, "spec": spec});
    Entry::new(&serde_json::from_value(set).unwrap()).interest().unwrap()
}

fn app(name: &str) -> Value {
    json!({"matchLabels": {"app": name}})
}

fn in_namespace(name: &str, namespace: &str) -> Interest {
    interest(json!({"selector": app(name), "namespace": namespace}))
}

/// A cluster of which `kube-system` and `own` are reserved, with the namespaces `red-1`, `red-2` and `blue`.
fn registered(interests: &[Interest]) -> Registration {
    let mut catalog = Catalog::reserving(["kube-system", "own"]);
    for (name, team) in [("red-1", "red"), ("red-2", "red"), ("blue", "blue")] {
        let labels =
            [("team".to_owned(), team.to_owned()), ("kubernetes.io/metadata.name".to_owned(), name.to_owned())];
        catalog.put_namespace(name, labels.into_iter().collect());
    }
    register(interests, catalog.surroundings(FailurePolicy::Fail))
}

fn texts(asked: &Asked) -> Vec<&str> {
    match asked {
        Asked::Nothing => vec!["nothing"],
        Asked::Where(conditions) => conditions.iter().map(|condition| condition.expression.as_str()).collect(),
    }
}

#[test]
fn without_a_set_nothing_is_asked() {
    let registration = registered(&[]);

    assert_eq!((registration.fail, registration.ignore), (Asked::Nothing, Asked::Nothing));
    assert_eq!(registration.exempt, BTreeSet::from(["kube-system".into(), "own".into()]));
}

#[test]
fn pods_are_asked_about_by_their_labels() {
    let registration = registered(&[interest(json!({"selector": app("web")}))]);

    assert_eq!(texts(&registration.fail), ["object.metadata.?labels['app'].orValue('') == 'web'"]);
    assert_eq!(registration.ignore, Asked::Nothing);
}

#[test]
fn a_namespace_that_is_given_by_name_is_asked_about_by_name() {
    let several = json!({"matchExpressions": [
        {"key": "kubernetes.io/metadata.name", "operator": "In", "values": ["shop", "mill"]},
    ]});
    let sets = [
        in_namespace("web", "shop"),
        in_namespace("db", "shop"),
        interest(json!({"selector": app("web"), "namespaceSelector": several})),
    ];

    assert_eq!(
        texts(&registered(&sets).fail),
        ["request.namespace == 'shop' && (object.metadata.?labels['app'].orValue('') in ['db', 'web']) || \
          request.namespace in ['mill', 'shop'] && (object.metadata.?labels['app'].orValue('') == 'web')"]
    );
}

#[test]
fn a_namespace_that_nobody_has_seen_yet_is_asked_about() {
    let set = interest(json!({"selector": app("web"), "namespaceSelector": {"matchLabels": {"team": "red"}}}));

    assert_eq!(
        texts(&registered(&[set]).fail),
        ["!(request.namespace == 'blue') && (object.metadata.?labels['app'].orValue('') == 'web')"]
    );
}

#[test]
fn names_and_labels_of_namespaces_both_narrow() {
    let selector = json!({"matchLabels": {"team": "red"}, "matchExpressions": [
        {"key": "kubernetes.io/metadata.name", "operator": "NotIn", "values": ["red-2"]},
    ]});
    let set = interest(json!({"selector": app("web"), "namespaceSelector": selector}));

    assert_eq!(
        texts(&registered(&[set]).fail),
        ["!(request.namespace == 'red-2') && !(request.namespace in ['blue', 'red-2']) && \
          (object.metadata.?labels['app'].orValue('') == 'web')"]
    );
}

#[test]
fn too_many_namespaces_are_not_listed() {
    let mut catalog = Catalog::default();
    for number in 0..201 {
        catalog.put_namespace(&format!("n-{number}"), NamespaceLabels::new());
    }
    let set = interest(json!({"selector": app("web"), "namespaceSelector": {"matchLabels": {"team": "red"}}}));

    let registration = register(&[set], catalog.surroundings(FailurePolicy::Fail));

    assert_eq!(texts(&registration.fail), ["object.metadata.?labels['app'].orValue('') == 'web'"]);
}

#[test]
fn a_reserved_namespace_is_asked_about_only_for_a_set_that_names_it() {
    let registration = registered(&[in_namespace("dns", "kube-system"), interest(json!({"selector": app("web")}))]);

    assert_eq!(registration.exempt, BTreeSet::from(["own".into()]));
    assert_eq!(
        texts(&registration.fail),
        ["!(request.namespace == 'kube-system') && (object.metadata.?labels['app'].orValue('') == 'web') || \
          request.namespace == 'kube-system' && (object.metadata.?labels['app'].orValue('') == 'dns')"]
    );
}

#[test]
fn each_policy_asks_about_its_own_pods_whatever_the_other_does() {
    let ignoring = json!({"selector": app("web"), "injectionStrategy": {"failurePolicy": "Ignore"}});

    let registration = registered(&[interest(ignoring), interest(json!({"selector": app("db")}))]);

    assert_eq!(texts(&registration.fail), ["object.metadata.?labels['app'].orValue('') == 'db'"]);
    assert_eq!(texts(&registration.ignore), ["object.metadata.?labels['app'].orValue('') == 'web'"]);
}

fn many(policy: &str) -> Vec<Interest> {
    let set = |number| {
        let selector = json!({"matchLabels": {format!("app-{number}"): "web"}});
        interest(json!({"selector": selector, "injectionStrategy": {"failurePolicy": policy}}))
    };
    (0..201).map(set).collect()
}

#[test]
fn more_expressions_than_the_api_server_can_bear_ask_about_every_pod() {
    let registration = registered(&many("Fail"));

    assert_eq!(registration.fail, Asked::Where(Vec::new()));
}

#[test]
fn two_hundred_expressions_are_not_too_many() {
    let registration = registered(&many("Fail")[1..]);

    let [text] = texts(&registration.fail)[..] else { panic!("{registration:?}") };
    assert_eq!(text.matches(" || ").count(), 199);
}

#[test]
fn what_is_asked_about_every_pod_is_not_asked_twice() {
    let mut sets = many("Ignore");
    assert_eq!(registered(&sets).ignore, Asked::Where(Vec::new()));

    sets.extend(many("Fail"));
    assert_eq!(registered(&sets).fail, Asked::Where(Vec::new()));
    assert_eq!(registered(&sets).ignore, Asked::Nothing);
}

#[test]
fn a_reserved_namespace_stays_out_of_what_is_too_large_to_say() {
    let mut sets = many("Fail");
    sets.push(in_namespace("dns", "kube-system"));

    assert_eq!(
        texts(&registered(&sets).fail),
        ["!(request.namespace == 'kube-system') || \
          request.namespace == 'kube-system' && (object.metadata.?labels['app'].orValue('') == 'dns')"]
    );
}

#[test]
fn a_thousand_sets_for_one_label_are_one_list() {
    let sets: Vec<Interest> =
        (0..1000).map(|number| interest(json!({"selector": app(&format!("app-{number}"))}))).collect();

    let registration = registered(&sets);

    let [text] = texts(&registration.fail)[..] else { panic!("{registration:?}") };
    assert!(text.starts_with("object.metadata.?labels['app'].orValue('') in ['app-0', 'app-1', 'app-10', "), "{text}");
}
