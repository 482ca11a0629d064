//! What a shell and kubectl complete.

use crate::acting::script::{SET, SETS, Script, set};
use crate::served::{Ended, own_path};
use serde_json::json;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::PathBuf;
use std::process::Command;

/// A folder with the program under another name.
struct Named(PathBuf);

impl Named {
    fn new(name: &str) -> Self {
        let folder = own_path(name);
        fs::create_dir_all(&folder).unwrap();
        symlink(env!("CARGO_BIN_EXE_sidecarset"), folder.join(name)).unwrap();
        Self(folder.join(name))
    }
}

impl Drop for Named {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(self.0.parent().unwrap());
    }
}

#[test]
fn kubectl_is_told_the_names_of_the_sets_that_there_are() {
    let (script, program) = (Script::start(), Named::new("kubectl_complete-sidecarset"));
    script.answers(&format!("GET {SETS}"), 200, &json!({"metadata": {}, "items": [set()]}));
    script.answers(&format!("GET {SET}"), 200, &set());

    let names = script.run_as(&program.0, &["pause", "lo"]);
    assert_eq!((names.code, &*names.stdout), (0, "log-sc\n:4\n"));

    let containers = script.run_as(&program.0, &["set-image", "log-sc", ""]);
    assert_eq!((containers.code, &*containers.stdout), (0, "agent=\n:6\n"));

    let flags = script.run_as(&program.0, &["pause", "--dry-run=s"]);
    assert!(flags.stdout.starts_with("--dry-run=server\t") && flags.stdout.ends_with("\n:4\n"), "{}", flags.stdout);
}

#[test]
fn kubectl_is_told_nothing_where_no_cluster_answers() {
    let program = Named::new("kubectl_complete-sidecarset-alone");

    let output = Command::new(&program.0).args(["pause", ""]).env_clear().output().unwrap();

    let ended = Ended::of(&output);
    assert_eq!((ended.code, &*ended.stdout, &*ended.stderr), (0, ":4\n", ""));
}

#[test]
fn as_a_plugin_it_calls_itself_as_a_person_calls_it() {
    let program = Named::new("kubectl-sidecarset");

    let ended = Script::start().run_as(&program.0, &["pause"]);

    assert!(ended.stderr.contains("Usage: kubectl sidecarset pause <NAME>..."), "{}", ended.stderr);
    assert_eq!(ended.code, 1);
}

/// What a shell completes with its script, where the cluster has the set `log-sc`: `ask` is a program of the shell.
fn completed(shell: &str, ask: &str) -> Ended {
    let server = Script::start();
    server.answers(&format!("GET {SETS}"), 200, &json!({"metadata": {}, "items": [set()]}));
    server.answers(&format!("GET {SET}"), 200, &set());
    let program = Named::new("sidecarset");
    let path = format!("{}:/usr/bin:/bin", program.0.parent().unwrap().display());
    let mut command = Command::new(shell);
    command.args(["-c", ask]).env_clear().env("PATH", path).env("KUBECONFIG", server.kubeconfig());
    // The shell may have nothing to look at but a terminal, and a home.
    command.env("HOME", program.0.parent().unwrap()).env("TERM", "dumb");
    Ended::of(&command.output().unwrap())
}

fn by_bash(line: &str) -> String {
    let ask = format!(
        "source <(sidecarset completion bash); compopt() {{ printf '%s\\n' \"$*\"; }}; \
         COMP_LINE='{line}'; COMP_POINT=${{#COMP_LINE}}; _sidecarset; printf '%s\\n' \"${{COMPREPLY[@]}}\""
    );
    let ended = completed("/bin/bash", &ask);
    assert_eq!((ended.code, &*ended.stderr), (0, ""), "{line}");
    ended.stdout
}

#[test]
fn bash_completes_commands_values_and_names_of_the_cluster() {
    for (line, completed) in [
        ("sidecarset set", "set-image\n"),
        ("sidecarset pause ", "log-sc\n"),
        ("sidecarset set-image log-sc ", "-o nospace\nagent=\n"),
        ("sidecarset set-image log-sc agent=", "\n"),
        // What is before the last = stays.
        ("sidecarset pause log-sc --dry-run=s", "server\n"),
        ("sidecarset status nobody", "\n"),
        ("sidecarset validate -f ", "-o default\n\n"),
    ] {
        assert_eq!(by_bash(line), completed, "{line}");
    }
}

#[test]
#[ignore = "needs zsh: make test-shells"]
fn zsh_completes_commands_and_names_of_the_cluster() {
    // Candidates are added to the line by a function of zsh, which only works while somebody types: it is told what it would get.
    let ask = |line: &str| {
        format!(
            "autoload -U compinit; compinit -u; source <(sidecarset completion zsh); \
             _describe() {{ print -r -- ${{(P)2}} ${{@[3,-1]}} }}; _files() {{ print files }}; \
             words=(${{(z)${{:-{line}}}}} {}); CURRENT=$#words; _sidecarset",
            if line.ends_with(' ') { "''" } else { "" }
        )
    };
    for (line, told) in [
        ("sidecarset pause ", "log-sc\n"),
        ("sidecarset set-i", "set-image:Changes images of a SidecarSet, as kubectl set image does for a Deployment\n"),
        ("sidecarset set-image log-sc ", "agent= -S\n"),
        ("sidecarset validate -f ", "files\n"),
    ] {
        let ended = completed("/bin/zsh", &ask(line));
        assert_eq!((&*ended.stdout, &*ended.stderr), (told, ""), "{line}");
    }
}

#[test]
#[ignore = "needs fish: make test-shells"]
fn fish_completes_commands_and_names_of_the_cluster() {
    for (line, told) in [
        ("sidecarset pause ", "log-sc\n"),
        ("sidecarset set-i", "set-image\tChanges images of a SidecarSet, as kubectl set image does for a Deployment\n"),
        ("sidecarset set-image log-sc ", "agent=\n"),
        ("sidecarset validate -f /bin/zs", "/bin/zsh"),
    ] {
        let ended = completed("/usr/bin/fish", &format!("sidecarset completion fish | source; complete -C '{line}'"));
        assert!(ended.stdout.starts_with(told), "{line}: {} {}", ended.stdout, ended.stderr);
    }
}
