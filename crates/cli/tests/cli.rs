//! The command line, as a shell sees it.
#![expect(clippy::unwrap_used, reason = "a test ends at the first surprise")]

#[path = "cli/acting.rs"]
mod acting;
#[path = "cli/cases.rs"]
mod cases;
#[path = "cli/cluster.rs"]
mod cluster;
#[path = "cli/documentation.rs"]
mod documentation;
#[path = "cli/looking.rs"]
mod looking;
#[path = "cli/served.rs"]
mod served;

use std::path::Path;
use std::process::{Command, Output};

fn sidecarset(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_sidecarset")).args(arguments).env_clear().output().unwrap()
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn the_committed_definition_is_the_one_that_is_generated() {
    let committed = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../deploy/crd.yaml");

    let generated = sidecarset(&["crd"]);

    let is_equal = std::fs::read(committed).unwrap() == generated.stdout;
    assert!(is_equal, "deploy/crd.yaml is stale: run `make generate`");
}

#[test]
fn the_committed_reference_is_the_one_that_is_generated() {
    let committed = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/cli.md");

    let generated = sidecarset(&["reference"]);

    let is_equal = std::fs::read(committed).unwrap() == generated.stdout;
    assert!(is_equal, "docs/cli.md is stale: `cargo run --bin sidecarset -- reference > docs/cli.md` writes it anew");
}

#[test]
fn without_a_command_the_usage_is_shown() {
    let output = sidecarset(&[]);

    assert_eq!(output.status.code(), Some(1));
    assert!(stderr(&output).contains("Usage: sidecarset <COMMAND>"), "{}", stderr(&output));
}

#[test]
fn a_kubeconfig_that_is_not_there_is_named() {
    let output = sidecarset(&["operator", "--kubeconfig", "/nowhere/config"]);

    assert_eq!(output.status.code(), Some(1));
    assert!(stderr(&output).starts_with("error: failed to read /nowhere/config: "), "{}", stderr(&output));
}

#[test]
fn without_any_cluster_it_says_what_it_looked_for() {
    let output = sidecarset(&["operator"]);

    assert_eq!(output.status.code(), Some(1));
    assert!(
        stderr(&output).starts_with("error: found neither a kubeconfig nor a ServiceAccount"),
        "{}",
        stderr(&output)
    );
}

/// What the operator writes into its log while it looks for an API server in vain.
fn log_in(form: &str) -> String {
    let path = std::env::temp_dir().join(format!("sidecarset-test-log-{form}-{}.kubeconfig", std::process::id()));
    // Nobody listens on that port.
    let config = "{apiVersion: v1, kind: Config, current-context: a, users: [], \
                  clusters: [{name: a, cluster: {server: 'http://127.0.0.1:1'}}], \
                  contexts: [{name: a, context: {cluster: a, user: ''}}]}";
    std::fs::write(&path, config).unwrap();
    let kubeconfig = path.to_string_lossy();
    let addresses = ["--health-bind", "127.0.0.1:0", "--webhook-bind", "127.0.0.1:0"];
    let output =
        sidecarset(&[&["operator", "--log-format", form, "--kubeconfig", &*kubeconfig], &addresses[..]].concat());
    std::fs::remove_file(&path).unwrap();
    stderr(&output)
}

#[test]
fn a_line_of_the_log_for_a_person_has_the_time_the_level_the_sentence_and_its_fields() {
    let log = log_in("text");

    let line = log.lines().find(|line| line.contains("started the operator")).unwrap();
    let (time, rest) = line.split_once("  INFO ").unwrap();
    assert!(time.starts_with("20") && time.ends_with('Z'), "{line}");
    let fields = format!("version=\"{}\" namespace=\"sidecarset-system\"", env!("CARGO_PKG_VERSION"));
    assert_eq!(rest, format!("sidecarset::operator: started the operator {fields}"));
}

#[test]
fn a_line_of_the_log_for_a_machine_is_one_object() {
    let log = log_in("json");

    let line = log.lines().find(|line| line.contains("started the operator")).unwrap();
    let line: serde_json::Value = serde_json::from_str(line).unwrap();
    let members: Vec<&str> = line.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(members, ["level", "message", "namespace", "target", "timestamp", "version"]);
    assert_eq!((&line["level"], &line["message"]), (&"INFO".into(), &"started the operator".into()));
}

#[test]
fn a_webhook_url_that_the_api_server_would_not_take_is_refused() {
    let output = sidecarset(&["operator", "--webhook-url", "http://host"]);

    assert_eq!(output.status.code(), Some(1));
    assert!(stderr(&output).contains("expected https://HOST[:PORT][/PATH]"), "{}", stderr(&output));
}

/// Adds the text of every source file below a folder, and the names of the folders.
fn sources(folder: &Path, text: &mut String) {
    for entry in folder.read_dir().unwrap() {
        let path = entry.unwrap().path();
        text.push_str(&path.to_string_lossy());
        if path.is_dir() {
            sources(&path, text);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            text.push_str(&std::fs::read_to_string(&path).unwrap());
        }
    }
}

#[test]
fn every_test_that_the_documentation_names_exists() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut text = String::new();
    sources(&root.join("crates"), &mut text);

    for (document, at_least) in [("docs/parity.md", 25), ("docs/reliability.md", 18)] {
        let content = std::fs::read_to_string(root.join(document)).unwrap();
        let quoted = content.split('`').skip(1).step_by(2);
        let is_name = |byte: u8| byte.is_ascii_lowercase() || byte == b'_' || byte.is_ascii_digit();
        let tests: Vec<&str> = quoted.filter(|name| name.contains('_') && name.bytes().all(is_name)).collect();

        assert!(tests.len() > at_least, "{document}: {tests:?}");
        for name in tests {
            let is_there = text.contains(&format!("fn {name}(")) || text.contains(&format!("cases/injection/{name}"));
            assert!(is_there, "{document} names {name}, which does not exist");
        }
    }
}
