//! What goes wrong is one sentence and a hint, whichever way a person looks.

use crate::looking::server::{SETS, Server};
use crate::looking::world::{cluster, pod, running, set};

const LOOKS: [&[&str]; 3] = [&["status"], &["status", "log-sc"], &["pods", "log-sc"]];

#[test]
fn without_the_definition_it_is_told_how_it_is_installed() {
    for look in LOOKS {
        let ended = Server::start().run(look);

        let told = "error: the server doesn't have a resource type \"sidecarsets\"\nhint: the definition of SidecarSet is missing: ";
        assert!(ended.stderr.starts_with(told), "{look:?}: {}", ended.stderr);
        assert_eq!((ended.code, &*ended.stdout), (1, ""), "{look:?}");
    }
}

#[test]
fn who_is_not_known_is_told_so() {
    for look in LOOKS {
        let paths = [SETS, "/api/v1/namespaces", "/apis/apps/v1/controllerrevisions", "/api/v1/pods"];
        let server = paths
            .into_iter()
            .fold(Server::start(), |server, path| server.refuses(path, 401, "Unauthorized", "Unauthorized"));

        let ended = server.run(look);

        let told = "Error from server (Unauthorized): Unauthorized\nhint: the API server does not know you";
        assert!(ended.stderr.starts_with(told), "{look:?}: {}", ended.stderr);
        assert_eq!((ended.code, &*ended.stdout), (1, ""), "{look:?}");
    }
}

#[test]
fn a_set_that_there_is_not_is_named_as_kubectl_does() {
    for look in [["status", "log-cs"], ["pods", "log-cs"]] {
        let ended = cluster(&[set("agent:v1")], &[], &[]).run(&look);

        let told = "Error from server (NotFound): sidecarsets.apps.kruise.io \"log-cs\" not found\n";
        assert_eq!((ended.code, &*ended.stdout, &*ended.stderr), (1, "", told), "{look:?}");
    }
}

#[test]
fn a_context_that_there_is_not_is_named() {
    let ended = Server::start().run(&["status", "--context", "nowhere"]);

    assert_eq!((ended.code, &*ended.stdout), (1, ""));
    assert!(ended.stderr.starts_with("error: ") && ended.stderr.contains("nowhere"), "{}", ended.stderr);
}

#[test]
fn a_set_that_cannot_be_acted_on_is_told_with_what_is_wrong() {
    let mut set = set("agent:v1");
    set["spec"]["containers"][0].as_object_mut().unwrap().remove("image");
    let server = cluster(&[set], &[], &[running(pod("web-0"))]);
    let violation = "spec.containers[0].image: is required";

    let (status, pods) = (server.run(&["status", "log-sc"]), server.run(&["pods", "log-sc"]));
    let explained = server.run(&["explain", "pod", "web-0"]);

    assert!(status.stdout.contains(violation), "{}", status.stdout);
    assert!(pods.stderr.starts_with("error: ") && pods.stderr.contains(violation), "{}", pods.stderr);
    assert!(explained.stdout.contains(violation), "{}", explained.stdout);
    assert_eq!((status.code, pods.code, explained.code), (0, 1, 0));
}
