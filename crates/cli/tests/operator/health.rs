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
fn its_version_is_told_as_the_components_of_kubernetes_tell_theirs() {
    let (head, body) = Operator::start().get("/version");

    assert!(head.contains("content-type: application/json"), "{head}");
    let version: Value = serde_json::from_str(&body).unwrap();
    assert_eq!(version["gitVersion"], format!("v{}", env!("CARGO_PKG_VERSION")));
    assert_eq!(version["major"], env!("CARGO_PKG_VERSION_MAJOR"));
}
