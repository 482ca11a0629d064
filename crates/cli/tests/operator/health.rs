//! What a kubelet asks.

use crate::process::Operator;
use serde_json::Value;

#[test]
fn it_is_alive() {
    let (head, body) = Operator::start().get("/healthz");

    assert!(head.starts_with("HTTP/1.0 200"), "{head}");
    assert_eq!(body, "ok");
}

#[test]
fn it_becomes_ready_and_tells_each_check_to_who_asks_for_it() {
    let operator = Operator::start();
    operator.until_ready();

    let (head, body) = operator.get("/readyz?verbose");

    assert!(head.starts_with("HTTP/1.0 200"), "{head}");
    assert_eq!(
        body,
        "[+]objects ok\n[+]contact ok\n[+]certificate ok\n[+]registration ok\n[+]shutdown ok\nreadyz check passed\n"
    );
    assert_eq!(operator.get("/readyz").1, "ok");
}

#[test]
fn an_operator_that_is_not_allowed_to_register_says_what_it_lacks() {
    let operator = Operator::start_without("mutatingwebhookconfigurations");

    let (head, body) = operator.get("/readyz");

    assert!(head.starts_with("HTTP/1.0 503"), "{head}");
    let missing = "[-]registration failed: the webhooks are not registered\n[+]shutdown ok\nreadyz check failed\n";
    assert_eq!(body, format!("[+]objects ok\n[+]contact ok\n[+]certificate ok\n{missing}"));
    assert!(operator.get("/healthz").0.starts_with("HTTP/1.0 200"));
}

#[test]
fn its_version_is_told_as_the_components_of_kubernetes_tell_theirs() {
    let (head, body) = Operator::start().get("/version");

    assert!(head.contains("content-type: application/json"), "{head}");
    let version: Value = serde_json::from_str(&body).unwrap();
    assert_eq!(version["gitVersion"], format!("v{}", env!("CARGO_PKG_VERSION")));
    assert_eq!(version["major"], env!("CARGO_PKG_VERSION_MAJOR"));
}
