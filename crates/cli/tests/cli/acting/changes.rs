//! Images are set, and rollouts paused.

use crate::acting::script::{SET, SETS, Script, refusal, set};
use serde_json::{Value, json};

fn with_image(image: &str, version: &str) -> Value {
    let mut set = set();
    set["spec"]["containers"][0]["image"] = image.into();
    set["metadata"]["resourceVersion"] = version.into();
    set
}

fn image_patch(image: &str, version: &str) -> Value {
    json!([
        {"op": "replace", "path": "/spec/containers/0/image", "value": image},
        {"op": "replace", "path": "/metadata/resourceVersion", "value": version},
    ])
}

#[test]
fn an_image_is_set_for_the_version_that_was_read_and_warnings_are_told() {
    let script = Script::start();
    script.answers(&format!("GET {SET}"), 200, &set());
    script.warns(&format!("PATCH {SET}"), r#"299 - "spec.paused: is \"old\"""#, &with_image("agent:v2", "8"));

    let ended = script.run(&["set-image", "log-sc", "agent=agent:v2"]);

    assert_eq!(ended.stdout, "sidecarset.apps.kruise.io/log-sc image updated\n");
    assert_eq!((ended.code, &*ended.stderr), (0, "Warning: spec.paused: is \"old\"\n"));
    let line = format!("PATCH {SET}?&fieldManager=sidecarset-cli");
    assert_eq!(script.writes(), [(line, image_patch("agent:v2", "7"))]);
}

#[test]
fn a_change_in_between_is_kept_and_the_image_set_all_the_same() {
    let script = Script::start();
    let mut changed = with_image("agent:v1", "9");
    changed["spec"]["containers"] =
        json!([{"name": "first", "image": "first"}, {"name": "agent", "image": "agent:v1"}]);
    let conflict = refusal(409, "Conflict", "the object has been modified", "log-sc");
    script.answers(&format!("GET {SET}"), 200, &set()).answers(&format!("GET {SET}"), 200, &changed);
    script.answers(&format!("PATCH {SET}"), 409, &conflict).answers(&format!("PATCH {SET}"), 200, &changed);

    let ended = script.run(&["set-image", "log-sc", "agent=agent:v2", "--output=name"]);

    assert_eq!((ended.code, &*ended.stdout, &*ended.stderr), (0, "sidecarset.apps.kruise.io/log-sc\n", ""));
    let patches: Vec<Value> = script.writes().into_iter().map(|(_, body)| body).collect();
    assert_eq!(patches[0], image_patch("agent:v2", "7"));
    assert_eq!(patches[1][0], json!({"op": "replace", "path": "/spec/containers/1/image", "value": "agent:v2"}));
    assert_eq!(patches.len(), 2);
}

#[test]
fn a_set_that_others_keep_on_writing_is_given_up_after_a_while() {
    let script = Script::start();
    script.answers(&format!("GET {SET}"), 200, &set());
    script.answers(&format!("PATCH {SET}"), 409, &refusal(409, "Conflict", "modified", "log-sc"));

    let ended = script.run(&["set-image", "log-sc", "agent=agent:v2"]);

    let told =
        "error: sidecarset \"log-sc\" was written by others 10 times meanwhile\nhint: nothing was changed: try again\n";
    assert_eq!((ended.code, &*ended.stdout, &*ended.stderr), (1, "", told));
}

#[test]
fn an_image_that_is_there_already_is_not_written() {
    let script = Script::start();
    script.answers(&format!("GET {SET}"), 200, &set());

    let ended = script.run(&["set-image", "log-sc", "agent=agent:v1"]);

    assert_eq!((ended.code, &*ended.stdout), (0, "sidecarset.apps.kruise.io/log-sc image unchanged\n"));
    assert_eq!(script.writes(), []);
}

#[test]
fn a_dry_run_of_the_client_writes_nothing_and_one_of_the_server_says_so() {
    let script = Script::start();
    script.answers(&format!("GET {SET}"), 200, &set());
    script.answers(&format!("PATCH {SET}"), 200, &with_image("agent:v2", "7"));

    let client = script.run(&["set-image", "log-sc", "agent=agent:v2", "--dry-run=client", "-o", "json"]);
    let object: Value = serde_json::from_str(&client.stdout).unwrap();
    assert_eq!((client.code, &object), (0, &with_image("agent:v2", "7")));
    assert_eq!(script.writes(), []);

    let server = script.run(&["set-image", "log-sc", "agent=agent:v2", "--dry-run=server"]);
    assert_eq!(server.stdout, "sidecarset.apps.kruise.io/log-sc image updated (server dry run)\n");
    assert_eq!(script.writes()[0].0, format!("PATCH {SET}?&dryRun=All&fieldManager=sidecarset-cli"));
}

#[test]
fn all_sets_of_a_label_are_paused_and_those_that_are_paused_already_are_told() {
    let script = Script::start();
    let mut paused = set();
    paused["metadata"]["name"] = "other".into();
    paused["spec"]["paused"] = true.into();
    script.answers(&format!("GET {SETS}"), 200, &json!({"items": [set(), paused]}));
    script.answers(&format!("GET {SET}"), 200, &set()).answers(&format!("PATCH {SET}"), 200, &set());
    script.answers(&format!("GET {SETS}/other"), 200, &paused);

    let ended = script.run(&["pause", "-l", "team=logs"]);

    assert_eq!((ended.code, &*ended.stdout), (1, "sidecarset.apps.kruise.io/log-sc paused\n"));
    assert_eq!(ended.stderr, "error: sidecarsets.apps.kruise.io \"other\" is already paused\n");
    let patch = json!({"op": "add", "path": "/spec/updateStrategy", "value": {"paused": true}});
    assert_eq!((script.writes().len(), &script.writes()[0].1[0]), (1, &patch));
}
