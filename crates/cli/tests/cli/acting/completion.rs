//! What a shell and kubectl complete.

use crate::acting::script::{SET, SETS, Script, set};
use crate::served::Ended;
use serde_json::json;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs, process};

/// A folder with the program under another name.
struct Named(PathBuf);

impl Named {
    fn new(name: &str) -> Self {
        let folder = env::temp_dir().join(format!("sidecarset-test-{name}-{}", process::id()));
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

#[test]
fn bash_completes_with_the_script_that_is_printed() {
    let bash = Path::new("/bin/bash");
    if !bash.exists() {
        return;
    }
    let script = Script::start().run(&["completion", "bash"]).stdout;
    let asked =
        "COMP_WORDS=(sidecarset set); COMP_CWORD=1; _sidecarset sidecarset set sidecarset; echo \"${COMPREPLY[@]}\"";

    let output = Command::new(bash).args(["-c", &format!("{script}\n{asked}")]).output().unwrap();

    let ended = Ended::of(&output);
    assert_eq!((&*ended.stdout, &*ended.stderr), ("set-image\n", ""));
}
