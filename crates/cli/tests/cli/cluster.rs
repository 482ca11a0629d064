//! An API server that only lists the objects of a file.

use axum::Router;
use axum::extract::State;
use axum::http::Uri;
use axum::response::Response;
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::{env, fs, process};
use tokio::net::TcpListener;
use tokio::runtime::Runtime;

static SERVED: AtomicU32 = AtomicU32::new(0);

pub struct Cluster {
    kubeconfig: PathBuf,
    // It serves as long as this is there.
    _runtime: Runtime,
}

impl Cluster {
    pub fn serve(file: &Path) -> Self {
        let objects: Vec<Value> = serde_saphyr::from_multiple(&fs::read_to_string(file).unwrap()).unwrap();
        let runtime = Runtime::new().unwrap();
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
        let address = listener.local_addr().unwrap();
        let router = Router::new().fallback(list).with_state(Arc::new(objects));
        runtime.spawn(async { axum::serve(listener, router).await.unwrap() });
        Self { kubeconfig: kubeconfig(address), _runtime: runtime }
    }

    pub fn kubeconfig(&self) -> &Path {
        &self.kubeconfig
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.kubeconfig);
    }
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

fn kubeconfig(address: SocketAddr) -> PathBuf {
    let number = SERVED.fetch_add(1, Ordering::Relaxed);
    let path = env::temp_dir().join(format!("sidecarset-test-cases-{}-{number}.kubeconfig", process::id()));
    let config = json!({
        "apiVersion": "v1", "kind": "Config", "current-context": "a", "users": [],
        "clusters": [{"name": "a", "cluster": {"server": format!("http://{address}")}}],
        "contexts": [{"name": "a", "context": {"cluster": "a", "user": ""}}],
    });
    fs::write(&path, config.to_string()).unwrap();
    path
}
