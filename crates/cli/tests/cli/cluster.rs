//! An API server that only lists the objects of a file.

use crate::served::Served;
use axum::Router;
use axum::extract::State;
use axum::http::Uri;
use axum::response::Response;
use serde_json::{Value, json};
use std::fs;
use std::path::Path;
use std::sync::Arc;

/// Serves the objects of a file.
pub fn serve(file: &Path) -> Served {
    let objects: Vec<Value> = serde_saphyr::from_multiple(&fs::read_to_string(file).unwrap()).unwrap();
    Served::start(Router::new().fallback(list).with_state(Arc::new(objects)), "default")
}

async fn list(State(objects): State<Arc<Vec<Value>>>, uri: Uri) -> Response<String> {
    let path: Vec<&str> = uri.path().trim_matches('/').split('/').collect();
    let (group, rest) = match path.as_slice() {
        ["api", version, rest @ ..] => ((*version).to_owned(), rest),
        ["apis", group, version, rest @ ..] => (format!("{group}/{version}"), rest),
        _ => (String::new(), &[][..]),
    };
    let (namespace, plural) = match rest {
        ["namespaces", namespace, plural] => (Some(*namespace), *plural),
        [plural] => (None, *plural),
        _ => (None, ""),
    };
    let is_asked = |object: &&Value| {
        let kind = object["kind"].as_str().unwrap().to_lowercase() + "s";
        object["apiVersion"] == *group
            && kind == plural
            && namespace.is_none_or(|it| object["metadata"]["namespace"] == it)
    };
    let items: Vec<&Value> = objects.iter().filter(is_asked).collect();
    let answer = json!({"kind": "List", "apiVersion": group, "metadata": {"resourceVersion": "9"}, "items": items});
    Response::builder().header("content-type", "application/json").body(answer.to_string()).unwrap()
}
