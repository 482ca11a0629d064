//! An API server for a test, and the command line run against it.

use axum::Router;
use serde_json::json;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::atomic::{AtomicU32, Ordering};
use std::{env, fs, process};
use tokio::net::TcpListener;
use tokio::runtime::Runtime;

static PATHS: AtomicU32 = AtomicU32::new(0);

/// Returns a path of the temporary folder that no other test has.
pub fn own_path(name: &str) -> PathBuf {
    let number = PATHS.fetch_add(1, Ordering::Relaxed);
    env::temp_dir().join(format!("sidecarset-test-{}-{number}-{name}", process::id()))
}

/// What serves as long as it is there.
pub struct Served {
    kubeconfig: PathBuf,
    _runtime: Runtime,
}

/// What ended, and what it said.
pub struct Ended {
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
}

impl Served {
    /// Serves, and means a namespace where nobody names one.
    pub fn start(router: Router, namespace: &str) -> Self {
        let runtime = Runtime::new().unwrap();
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
        let address = listener.local_addr().unwrap();
        runtime.spawn(async { axum::serve(listener, router).await.unwrap() });
        let kubeconfig = own_path("kubeconfig");
        let config = json!({
            "apiVersion": "v1", "kind": "Config", "current-context": "a", "users": [],
            "clusters": [{"name": "a", "cluster": {"server": format!("http://{address}")}}],
            "contexts": [{"name": "a", "context": {"cluster": "a", "user": "", "namespace": namespace}}],
        });
        fs::write(&kubeconfig, config.to_string()).unwrap();
        Self { kubeconfig, _runtime: runtime }
    }

    pub fn kubeconfig(&self) -> &Path {
        &self.kubeconfig
    }

    /// Runs the command line against it.
    pub fn run(&self, arguments: &[&str]) -> Ended {
        self.run_as(Path::new(env!("CARGO_BIN_EXE_sidecarset")), arguments)
    }

    /// Runs it under another name.
    pub fn run_as(&self, program: &Path, arguments: &[&str]) -> Ended {
        let mut command = Command::new(program);
        command.args(arguments).env_clear().env("KUBECONFIG", &self.kubeconfig);
        Ended::of(&command.output().unwrap())
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        // It is in a folder that goes anyway.
        let _ = fs::remove_file(&self.kubeconfig);
    }
}

impl Ended {
    pub fn of(output: &Output) -> Self {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Self { code: output.status.code().unwrap(), stdout: text(&output.stdout), stderr: text(&output.stderr) }
    }

    /// Returns the lines of a table, as their words.
    pub fn words(&self) -> Vec<Vec<&str>> {
        self.stdout.lines().map(|line| line.split_whitespace().collect()).collect()
    }
}
