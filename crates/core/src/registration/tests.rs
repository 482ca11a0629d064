use super::*;
use crate::catalog::{Catalog, Entry};
use serde_json::{Value, json};

/// A set with one sidecar.
fn scope(spec: Value) -> WebhookScope {
    let mut spec = spec;
    spec["containers"] = json!([{"name": "a", "image": "i"}]);
    let set =
        json!({"apiVersion": "apps.kruise.io/v1beta1", "kind": "SidecarSet", "metadata": {"name": "s"}, "spec": spec});
    Entry::new(&serde_json::from_value(set).unwrap()).scope().unwrap()
}

fn app(name: &str) -> Value {
    json!({"matchLabels": {"app": name}})
}

fn in_namespace(name: &str, namespace: &str) -> WebhookScope {
    scope(json!({"selector": app(name), "namespace": namespace}))
}

/// What is reserved: `kube-system` but for sets that name it, and the namespace of the operator.
fn catalog() -> Catalog {
    Catalog::reserving(["kube-system"]).without_operator("own")
}

fn scopes(stored: &[WebhookScope]) -> WebhookScopes {
    WebhookScopes { stored: stored.iter().cloned().collect(), ..WebhookScopes::default() }
}

fn register_all(scopes: &WebhookScopes) -> Registration {
    register(scopes, catalog().surroundings(FailurePolicy::Fail))
}

fn registered(stored: &[WebhookScope]) -> Registration {
    register_all(&scopes(stored))
}

/// The webhooks: the call, and what its condition is.
fn webhooks(registration: &Registration) -> Vec<(String, &str)> {
    let webhooks = registration.webhooks.iter();
    webhooks.map(|it| (it.call().to_string(), it.condition.as_deref().unwrap_or("every pod"))).collect()
}

/// The conditions of the webhooks for this call.
fn conditions<'a>(registration: &'a Registration, call: &str) -> Vec<&'a str> {
    webhooks(registration).into_iter().filter(|(of, _)| of == call).map(|(_, condition)| condition).collect()
}

fn names<'a>(names: impl IntoIterator<Item = &'a str>) -> BTreeSet<Arc<str>> {
    names.into_iter().map(Arc::from).collect()
}

fn of_team(team: &str) -> WebhookScope {
    scope(json!({"selector": app("web"), "namespaceSelector": {"matchLabels": {"team": team}}}))
}

fn name_of(scope: &WebhookScope) -> String {
    scope.namespaces.label_requirements().unwrap().digest().to_string()
}

const WEB: &str = "object.metadata.?labels['app'].orValue('') == 'web'";

#[test]
fn without_a_set_nothing_is_registered() {
    assert_eq!(registered(&[]).webhooks, []);
}

#[test]
fn pods_are_called_for_by_their_labels() {
    let registration = registered(&[scope(json!({"selector": app("web")}))]);

    assert_eq!(webhooks(&registration), [("fail/named".to_owned(), WEB)]);
    assert_eq!(registration.webhooks[0].exempt, names(["kube-system", "own"]));
    assert!(!registration.needs_labels);
}

#[test]
fn a_namespace_that_is_given_by_name_is_called_for_by_name() {
    let several = json!({"matchExpressions": [
        {"key": "kubernetes.io/metadata.name", "operator": "In", "values": ["shop", "mill"]},
    ]});
    let sets = [
        in_namespace("web", "shop"),
        in_namespace("db", "shop"),
        scope(json!({"selector": app("web"), "namespaceSelector": several})),
    ];

    assert_eq!(
        conditions(&registered(&sets), "fail/named"),
        ["request.namespace == 'shop' && (object.metadata.?labels['app'].orValue('') in ['db', 'web']) || \
          request.namespace in ['mill', 'shop'] && (object.metadata.?labels['app'].orValue('') == 'web')"]
    );
}

#[test]
fn the_api_server_judges_labels_of_namespaces_itself() {
    let (red, blue) = (of_team("red"), of_team("blue"));

    let registration = registered(&[red.clone(), blue.clone(), scope(json!({"selector": app("db")}))]);

    let mut judged = [(format!("fail/{}", name_of(&red)), WEB), (format!("fail/{}", name_of(&blue)), WEB)];
    judged.sort();
    let [first, second] = judged;
    // Those that know of labels come first.
    let rest = ("fail/named".to_owned(), "object.metadata.?labels['app'].orValue('') == 'db'");
    assert_eq!(webhooks(&registration), [first, second, rest]);
    let required: BTreeSet<String> =
        registration.webhooks.iter().filter_map(|webhook| Some(webhook.required.as_ref()?.to_string())).collect();
    assert_eq!(required, BTreeSet::from(["team=blue".to_owned(), "team=red".to_owned()]));
    assert!(registration.needs_labels);
}

#[test]
fn sets_that_require_the_same_of_namespaces_share_a_webhook() {
    let selector = |expressions| json!({"selector": app("db"), "namespaceSelector": {"matchExpressions": expressions}});
    let (team, name) = (
        json!({"key": "team", "operator": "In", "values": ["red"]}),
        json!({"key": "kubernetes.io/metadata.name", "operator": "NotIn", "values": ["red-2"]}),
    );

    let registration = registered(&[of_team("red"), scope(selector(json!([name, team])))]);

    assert_eq!(
        webhooks(&registration),
        [(
            format!("fail/{}", name_of(&of_team("red"))),
            "object.metadata.?labels['app'].orValue('') == 'web' || \
             !(request.namespace == 'red-2') && (object.metadata.?labels['app'].orValue('') == 'db')"
        )]
    );
}

#[test]
fn too_many_labels_of_namespaces_are_not_looked_at_by_the_api_server() {
    let sets: Vec<WebhookScope> = (0..102).map(|number| of_team(&number.to_string())).collect();

    let registration = registered(&sets);

    assert_eq!(conditions(&registration, "fail/unjudged"), [WEB]);
    assert_eq!(registration.webhooks.len(), 101);
    let coverage = registration.coverage(&scopes(&sets));
    let wide = coverage.values().filter(|coverage| **coverage == Coverage::Wide).count();
    assert_eq!((wide, coverage.len()), (2, 102));
}

#[test]
fn a_namespace_whose_labels_are_being_written_is_called_for_by_name() {
    let relabeled = BTreeMap::from([(of_team("red"), names(["mill", "shop"]))]);

    let scopes = WebhookScopes { relabeled, ..scopes(&[of_team("red")]) };
    let registration = register_all(&scopes);

    assert_eq!(
        webhooks(&registration)[0],
        (
            "fail/unjudged".to_owned(),
            "request.namespace in ['mill', 'shop'] && (object.metadata.?labels['app'].orValue('') == 'web')"
        )
    );
    assert_eq!(registration.coverage(&scopes), BTreeMap::from([(of_team("red"), Coverage::Exact)]));
}

#[test]
fn a_reserved_namespace_is_called_for_only_for_a_set_that_names_it() {
    let registration = registered(&[in_namespace("dns", "kube-system"), scope(json!({"selector": app("web")}))]);

    assert_eq!(registration.webhooks[0].exempt, names(["own"]));
    assert_eq!(
        conditions(&registration, "fail/named"),
        ["!(request.namespace == 'kube-system') && (object.metadata.?labels['app'].orValue('') == 'web') || \
          request.namespace == 'kube-system' && (object.metadata.?labels['app'].orValue('') == 'dns')"]
    );
}

#[test]
fn a_set_that_is_not_written_yet_takes_no_reserved_namespace_out_of_its_exemption() {
    let pending = BTreeSet::from([in_namespace("dns", "kube-system"), scope(json!({"selector": app("web")}))]);

    let alone = register_all(&WebhookScopes { pending: pending.clone(), ..WebhookScopes::default() });
    let beside = register_all(&WebhookScopes { pending, ..scopes(&[in_namespace("proxy", "kube-system")]) });

    assert_eq!(alone.webhooks[0].exempt, names(["kube-system", "own"]));
    let [condition] = conditions(&beside, "fail/named")[..] else { panic!("{beside:?}") };
    assert!(
        condition
            .contains("request.namespace == 'kube-system' && (object.metadata.?labels['app'].orValue('') == 'proxy')")
    );
    assert!(condition.contains(
        "!(request.namespace == 'kube-system') && request.namespace == 'kube-system' && \
         (object.metadata.?labels['app'].orValue('') == 'dns')"
    ));
}

#[test]
fn the_namespace_of_the_operator_is_called_for_by_no_set() {
    let registration = registered(&[in_namespace("web", "own")]);

    assert_eq!(registration.webhooks, []);
    assert_eq!(registration.exceptions, BTreeMap::from([(in_namespace("web", "own"), Coverage::OperatorNamespace)]));
}

#[test]
fn each_policy_calls_for_its_own_pods_whatever_the_other_does() {
    let ignoring = json!({"selector": app("web"), "injectionStrategy": {"failurePolicy": "Ignore"}});

    let registration = registered(&[scope(ignoring), scope(json!({"selector": app("db")}))]);

    assert_eq!(conditions(&registration, "fail/named"), ["object.metadata.?labels['app'].orValue('') == 'db'"]);
    assert_eq!(conditions(&registration, "ignore/named"), [WEB]);
}

/// Sets that share no expression.
fn different(sets: usize) -> Vec<WebhookScope> {
    let set = |number| scope(json!({"selector": {"matchLabels": {format!("app-{number}"): "web"}}}));
    (0..sets).map(set).collect()
}

#[test]
fn no_condition_has_more_expressions_than_the_api_server_compiles_in_some_milliseconds() {
    let registration = registered(&different(200));

    let alternatives = conditions(&registration, "fail/named").into_iter().map(|text| text.matches(" || ").count() + 1);
    assert_eq!(alternatives.collect::<Vec<_>>(), [47, 47, 47, 47, 12]);
    assert_eq!(registration.webhooks.iter().map(|webhook| webhook.part).collect::<Vec<_>>(), [0, 1, 2, 3, 4]);
    assert_eq!(registration.exceptions, BTreeMap::new());
}

#[test]
fn more_expressions_than_the_api_server_can_bear_call_for_every_pod() {
    let registration = registered(&different(953));

    assert_eq!(webhooks(&registration), [("fail/any".to_owned(), "every pod")]);
    assert_eq!(registration.exceptions.len(), 953);
    assert!(registration.exceptions.values().all(|coverage| *coverage == Coverage::Wide));
    assert_eq!(webhooks(&registered(&different(952))).len(), 21);
}

#[test]
fn many_sets_make_only_their_own_webhook_call_for_every_pod() {
    let mut sets = different(953);
    sets.push(of_team("red"));
    sets.push(in_namespace("dns", "kube-system"));

    let registration = registered(&sets);

    assert_eq!(
        webhooks(&registration),
        [
            (format!("fail/{}", name_of(&of_team("red"))), WEB),
            ("fail/any".to_owned(), "every pod"),
            (
                "fail/named".to_owned(),
                "request.namespace == 'kube-system' && (object.metadata.?labels['app'].orValue('') == 'dns')"
            ),
        ]
    );
    let exempt: Vec<_> = registration.webhooks.iter().map(|webhook| &webhook.exempt).collect();
    assert_eq!(exempt, [&names(["kube-system", "own"]), &names(["kube-system", "own"]), &names(["own"])]);
    assert_eq!(registration.coverage(&scopes(&sets))[&of_team("red")], Coverage::Exact);
}

#[test]
fn a_thousand_sets_for_one_label_are_one_list() {
    let sets: Vec<WebhookScope> =
        (0..900).map(|number| scope(json!({"selector": app(&format!("app-{number}"))}))).collect();

    let registration = registered(&sets);

    let [text] = conditions(&registration, "fail/named")[..] else { panic!("{registration:?}") };
    assert!(text.starts_with("object.metadata.?labels['app'].orValue('') in ['app-0', 'app-1', 'app-10', "), "{text}");
}

/// A set that asks for so many labels, each of which must not have a value.
fn requiring(requirements: usize) -> WebhookScope {
    let requirement = |at| json!({"key": format!("key-{at}"), "operator": "NotIn", "values": ["v"]});
    let requirements: Vec<Value> = (0..requirements).map(requirement).collect();
    scope(json!({"selector": {"matchExpressions": requirements}}))
}

#[test]
fn a_set_that_costs_the_api_server_too_much_is_left_out_alone() {
    let (dear, web) = (requiring(48), scope(json!({"selector": app("web")})));

    let registration = registered(&[dear.clone(), web.clone()]);

    assert_eq!(webhooks(&registration), [("fail/named".to_owned(), WEB)]);
    let coverage = registration.coverage(&scopes(&[dear.clone(), web.clone()]));
    assert_eq!(coverage, BTreeMap::from([(dear, Coverage::TooManyRequirements), (web, Coverage::Exact)]));
    assert_eq!(registered(&[requiring(47)]).exceptions, BTreeMap::new());
}

#[test]
fn a_namespace_being_labelled_for_a_set_that_costs_too_much_calls_for_nothing() {
    let relabeled = BTreeMap::from([(requiring(48), names(["shop"]))]);

    assert_eq!(register_all(&WebhookScopes { relabeled, ..WebhookScopes::default() }).webhooks, []);
}

/// A value of a label that is as long as it may be.
fn long(number: usize) -> String {
    format!("{number:063}")
}

/// The most characters that the API server takes in a condition, and in all that it stores of an object.
const MOST_CHARACTERS: [usize; 2] = [100_000, 1_400_000];

/// How long the longest condition is, and all of them together.
fn characters(registration: &Registration) -> [usize; 2] {
    let lengths = || registration.webhooks.iter().filter_map(|webhook| Some(webhook.condition.as_ref()?.len()));
    [lengths().max().unwrap_or_default(), lengths().sum()]
}

fn fits(registration: &Registration) -> bool {
    characters(registration).iter().zip(MOST_CHARACTERS).all(|(length, most)| *length < most)
}

#[test]
fn values_of_many_labels_fit_into_the_conditions() {
    let set = |number| {
        let labels: BTreeMap<String, String> = (0..10).map(|label| (format!("label-{label}"), long(number))).collect();
        scope(json!({"selector": {"matchLabels": labels}}))
    };
    let sets: Vec<WebhookScope> = (0..1000).map(set).collect();
    let together = |values: usize| {
        let labels = |label| {
            json!({"key": format!("label-{label}"), "operator": "In",
            "values": (0..if label < 9 { values } else { 1 }).map(long).collect::<Vec<_>>()})
        };
        let labels: Vec<Value> = (0..40).map(labels).collect();
        scope(json!({"selector": {"matchExpressions": labels}}))
    };

    let registration = registered(&sets);

    assert!(fits(&registration), "{:?}", characters(&registration));
    assert_eq!(registration.exceptions, BTreeMap::new());
    assert!(fits(&registered(&[together(2)])));
}

#[test]
fn however_many_namespaces_are_being_labelled_their_names_fit_into_the_conditions() {
    let values: Vec<String> = (0..930).map(long).collect();
    let dear = scope(json!({
        "selector": {"matchExpressions": [{"key": "app", "operator": "In", "values": values}]},
        "namespaceSelector": {"matchLabels": {"team": "red"}},
    }));
    let namespaces: BTreeSet<Arc<str>> = (0..2000).map(|number| Arc::from(long(number))).collect();
    let relabeled = BTreeMap::from([(dear.clone(), namespaces)]);

    let registration = register_all(&WebhookScopes { relabeled, ..scopes(&[dear]) });

    assert!(fits(&registration), "{:?}", characters(&registration));
    assert_eq!(registration.exceptions, BTreeMap::new());
    let conditions = conditions(&registration, "fail/unjudged");
    for number in [0, 399, 400, 1999] {
        let of_namespace = conditions.iter().filter(|text| text.contains(&format!("'{}'", long(number))));
        assert!(of_namespace.count() >= 2, "{number}");
    }
}

#[test]
fn names_of_namespaces_are_paid_for_in_every_condition_that_repeats_them() {
    let names: Vec<String> = (0..950).map(long).collect();
    let namespaces = json!({"matchExpressions": [
        {"key": "kubernetes.io/metadata.name", "operator": "In", "values": names},
    ]});
    let set = |number| {
        let selector = json!({"matchLabels": {"app": long(number)}});
        scope(json!({"selector": selector, "namespaceSelector": namespaces}))
    };

    let some: Vec<WebhookScope> = (0..100).map(set).collect();
    let more: Vec<WebhookScope> = (0..250).map(set).collect();

    let registration = registered(&some);
    assert_eq!(registration.exceptions, BTreeMap::new());
    assert!(fits(&registration), "{:?}", characters(&registration));
    assert_eq!(webhooks(&registered(&more)), [("fail/any".to_owned(), "every pod")]);
}

#[test]
fn conditions_that_the_api_server_could_not_store_call_for_every_pod() {
    let set = |number: usize| {
        let values: Vec<String> = (0..900).map(|value| long(number * 900 + value)).collect();
        scope(json!({"selector": {"matchExpressions": [{"key": "app", "operator": "In", "values": values}]}}))
    };
    let sets: Vec<WebhookScope> = (0..20).map(set).collect();

    assert_eq!(registered(&sets[..10]).exceptions, BTreeMap::new());
    assert_eq!(webhooks(&registered(&sets)), [("fail/any".to_owned(), "every pod")]);
}
