//! What goes wrong is one sentence, and a hint.

use crate::acting::script::{SET, Script, refusal, set};

#[test]
fn a_set_that_is_not_there_is_named() {
    let script = Script::start();
    let message = "sidecarsets.apps.kruise.io \"log-sc\" not found";
    script.answers(&format!("GET {SET}"), 404, &refusal(404, "NotFound", message, "log-sc"));

    let ended = script.run(&["pause", "log-sc"]);

    let told = "Error from server (NotFound): sidecarsets.apps.kruise.io \"log-sc\" not found\n";
    assert_eq!((ended.code, &*ended.stdout, &*ended.stderr), (1, "", told));
}

#[test]
fn an_unknown_container_is_told_with_those_that_there_are() {
    let script = Script::start();
    script.answers(&format!("GET {SET}"), 200, &set());

    let ended = script.run(&["set-image", "log-sc", "agnt=agent:v2"]);

    let told = "error: sidecarset \"log-sc\" has no container \"agnt\"\nhint: it has agent\n";
    assert_eq!((ended.code, &*ended.stderr), (1, told));
}

#[test]
fn a_server_without_the_definition_is_told_with_how_it_is_installed() {
    let ended = Script::start().run(&["resume", "log-sc"]);

    assert!(
        ended.stderr.starts_with("error: the server doesn't have a resource type \"sidecarsets\"\n"),
        "{}",
        ended.stderr
    );
    assert!(ended.stderr.contains("hint: ") && ended.stderr.contains("sidecarset crd"), "{}", ended.stderr);
    assert_eq!(ended.code, 1);
}

#[test]
fn what_is_forbidden_is_told_with_how_to_find_out_what_is_not() {
    let script = Script::start();
    let message = "sidecarsets.apps.kruise.io \"log-sc\" is forbidden: User \"eve\" cannot patch resource";
    script.answers(&format!("GET {SET}"), 200, &set());
    script.answers(&format!("PATCH {SET}"), 403, &refusal(403, "Forbidden", message, "log-sc"));

    let ended = script.run(&["pause", "log-sc"]);

    assert!(ended.stderr.starts_with(&format!("Error from server (Forbidden): {message}\nhint: ")), "{}", ended.stderr);
    assert_eq!(ended.code, 1);
}

#[test]
fn without_a_cluster_it_is_told_where_nobody_answered() {
    // Nobody listens on that port.
    let path = std::env::temp_dir().join(format!("sidecarset-test-nobody-{}.kubeconfig", std::process::id()));
    let config = "{apiVersion: v1, kind: Config, current-context: a, users: [], \
                  clusters: [{name: a, cluster: {server: 'http://127.0.0.1:1'}}], \
                  contexts: [{name: a, context: {cluster: a, user: ''}}]}";
    std::fs::write(&path, config).unwrap();

    let ended = Script::start().run(&["pause", "log-sc", "--kubeconfig", &path.to_string_lossy()]);

    std::fs::remove_file(&path).unwrap();
    assert!(
        ended.stderr.starts_with("error: failed to reach the API server at http://127.0.0.1:1: "),
        "{}",
        ended.stderr
    );
    assert!(ended.stderr.contains("\nhint: "), "{}", ended.stderr);
    assert_eq!(ended.code, 1);
}
