//! What the operator may do: the rules of the ServiceAccount that `deploy/operator.yaml` installs it with. The API server of
//! these tests asks here about each request, as a real one would, so that no request is made that is not allowed.

use http::{Method, Uri};
use serde_json::Value;
use std::fmt::{self, Display};
use std::path::Path;
use std::sync::LazyLock;

/// The operator's own namespace there.
const NAMESPACE: &str = "sidecarset-system";

static RULES: LazyLock<Rules> = LazyLock::new(Rules::read);

/// What a request asks for, as the API server's authorizer sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Asked {
    verb: &'static str,
    group: String,
    /// With its subresource, if any.
    resource: String,
    namespace: Option<String>,
    name: Option<String>,
}

/// The rules of the ClusterRole, and those of the Role in the operator's namespace.
struct Rules {
    cluster: Vec<Value>,
    namespace: Vec<Value>,
}

/// Ends the test where the operator may not ask this. The namespace of the operator in the test is `own`.
///
/// # Panics
/// The rules have to be widened, or the request must not be made.
pub fn assert_allowed(method: &Method, uri: &Uri, content_type: &str, own: &str) {
    let asked = Asked::read(method, uri);
    // Server-side apply creates what is not there, and has to be allowed both.
    let creates = (content_type == "application/apply-patch+yaml").then(|| Asked { verb: "create", ..asked.clone() });
    for asked in [Some(asked), creates].into_iter().flatten() {
        assert!(RULES.allow(&asked, own), "deploy/operator.yaml does not allow the operator to {asked}");
    }
}

impl Asked {
    fn read(method: &Method, uri: &Uri) -> Self {
        let mut segments = uri.path().trim_matches('/').split('/').map(str::to_owned);
        let group = if segments.next().as_deref() == Some("api") { String::new() } else { segments.next().unwrap() };
        let _version = segments.next();
        let mut rest: Vec<String> = segments.collect();
        // A namespace by itself is a resource, what is below it is in it.
        let is_in_namespace = rest.len() > 2 && rest[0] == "namespaces";
        let namespace = is_in_namespace.then(|| rest.drain(..2).nth(1).unwrap());
        let mut rest = rest.into_iter();
        let mut resource = rest.next().unwrap();
        let named = rest.next();
        if let Some(subresource) = rest.next() {
            resource = format!("{resource}/{subresource}");
        }
        let query = uri.query().unwrap_or_default();
        let verb = verb(method, named.is_some(), query);
        let name = named.or_else(|| selected_name(query));
        Self { verb, group, resource, namespace, name }
    }
}

fn verb(method: &Method, is_named: bool, query: &str) -> &'static str {
    match (method.as_str(), is_named) {
        ("GET", _) if query.contains("watch=true") => "watch",
        ("GET", true) => "get",
        ("GET", false) => "list",
        ("POST", _) => "create",
        ("PUT", _) => "update",
        ("PATCH", _) => "patch",
        ("DELETE", true) => "delete",
        ("DELETE", false) => "deletecollection",
        _ => panic!("nobody asks with {method}"),
    }
}

/// A list of the objects of one name is allowed to whoever may list that one.
fn selected_name(query: &str) -> Option<String> {
    let selector = query.split('&').find_map(|pair| pair.strip_prefix("fieldSelector="))?;
    Some(selector.strip_prefix("metadata.name%3D")?.to_owned())
}

impl Display for Asked {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { verb, group, resource, namespace, name } = self;
        write!(out, "{verb} {resource} of the group {group:?}, namespace {namespace:?}, name {name:?}")
    }
}

impl Rules {
    fn read() -> Self {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../deploy/operator.yaml");
        let text = std::fs::read_to_string(path).unwrap();
        let objects: Vec<Value> = serde_saphyr::from_multiple(&text).unwrap();
        let rules = |kind: &str| {
            let of_kind = objects.iter().filter(|object| object["kind"] == kind);
            let rules: Vec<Value> = of_kind.flat_map(|object| object["rules"].as_array().unwrap()).cloned().collect();
            assert!(!rules.is_empty(), "there is no {kind}");
            rules
        };
        Self { cluster: rules("ClusterRole"), namespace: rules("Role") }
    }

    fn allow(&self, asked: &Asked, own: &str) -> bool {
        let is_own = asked.namespace.as_deref() == Some(own);
        let mut rules = self.cluster.iter().chain(self.namespace.iter().filter(|_| is_own));
        rules.any(|rule| allows(rule, asked))
    }
}

fn allows(rule: &Value, asked: &Asked) -> bool {
    let lists = |member: &str, value: &str| {
        let mut values = rule[member].as_array().into_iter().flatten();
        values.any(|listed| listed == value || listed == "*")
    };
    let is_named = match &asked.name {
        _ if rule.get("resourceNames").is_none() => true,
        Some(name) => lists("resourceNames", name),
        None => false,
    };
    lists("apiGroups", &asked.group) && lists("resources", &asked.resource) && lists("verbs", asked.verb) && is_named
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_allowed(method: &Method, uri: &str) -> bool {
        RULES.allow(&Asked::read(method, &uri.parse().unwrap()), NAMESPACE)
    }

    #[test]
    fn requests_are_read_as_the_api_server_reads_them() {
        let asked = |method, uri: &str| Asked::read(&method, &uri.parse().unwrap()).to_string();

        assert_eq!(
            asked(Method::PATCH, "/api/v1/namespaces/web/pods/a/resize?"),
            r#"patch pods/resize of the group "", namespace Some("web"), name Some("a")"#
        );
        assert_eq!(
            asked(Method::GET, "/api/v1/namespaces/web"),
            r#"get namespaces of the group "", namespace None, name Some("web")"#
        );
        assert_eq!(
            asked(
                Method::GET,
                "/apis/apps/v1/namespaces/a/controllerrevisions?&watch=true&fieldSelector=metadata.name%3Db"
            ),
            r#"watch controllerrevisions of the group "apps", namespace Some("a"), name Some("b")"#
        );
    }

    #[test]
    fn what_the_operator_does_not_need_is_not_allowed() {
        let pods = "/api/v1/namespaces/web/pods";
        assert!(is_allowed(&Method::PATCH, &format!("{pods}/a")));

        assert!(!is_allowed(&Method::POST, pods));
        assert!(!is_allowed(&Method::DELETE, &format!("{pods}/a")));
        assert!(!is_allowed(&Method::PUT, &format!("{pods}/a/ephemeralcontainers")));
        assert!(!is_allowed(&Method::GET, &format!("/api/v1/namespaces/{NAMESPACE}/secrets")));
        assert!(!is_allowed(&Method::GET, &format!("/api/v1/namespaces/{NAMESPACE}/secrets/another")));
        assert!(!is_allowed(&Method::GET, "/api/v1/namespaces/web/secrets/sidecarset-webhook-certificate"));
        assert!(!is_allowed(&Method::PATCH, "/apis/apps.kruise.io/v1beta1/sidecarsets/logs"));
        assert!(!is_allowed(
            &Method::PATCH,
            "/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations/another"
        ));
    }
}
