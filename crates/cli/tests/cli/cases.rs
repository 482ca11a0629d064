//! Commands as folders: `command` is run where the files are, and has to say what `stdout` and `stderr` say, and to end with
//! what `code` says, or else with 0. `UPDATE=1` writes what it says. Where there is a `cluster.yaml` in the folder or above
//! it, an API server has the objects in it.

use crate::cluster;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::{env, fs};

/// Returns the folders with a command, sorted.
fn cases(folder: &Path, found: &mut Vec<PathBuf>) {
    let mut entries: Vec<PathBuf> = folder.read_dir().unwrap().map(|entry| entry.unwrap().path()).collect();
    entries.sort();
    if folder.join("command").exists() {
        found.push(folder.to_owned());
    }
    entries.iter().filter(|entry| entry.is_dir()).for_each(|entry| cases(entry, found));
}

/// Compares what a command said with what a file says it says.
fn compare(case: &Path, name: &str, said: &str, wrong: &mut Vec<String>) {
    let file = case.join(name);
    let expected = fs::read_to_string(&file).unwrap_or_default();
    if said == expected {
        return;
    }
    if env::var_os("UPDATE").is_some() {
        if said.is_empty() { fs::remove_file(&file).unwrap() } else { fs::write(&file, said).unwrap() }
    } else {
        wrong.push(format!("{}: expected\n{expected}\nbut it said\n{said}", file.display()));
    }
}

fn run(case: &Path, wrong: &mut Vec<String>) {
    let command = fs::read_to_string(case.join("command")).unwrap();
    let words: Vec<&str> = command.split_whitespace().collect();
    assert_eq!(words[0], "sidecarset", "{}", case.display());
    let input = case.join("stdin").exists().then(|| fs::File::open(case.join("stdin")).unwrap());
    let cluster = case.ancestors().map(|folder| folder.join("cluster.yaml")).find(|file| file.exists());
    let cluster = cluster.map(|file| cluster::serve(&file));
    let output = Command::new(env!("CARGO_BIN_EXE_sidecarset"))
        .args(&words[1..])
        .current_dir(case)
        .env_clear()
        .envs(cluster.iter().map(|cluster| ("KUBECONFIG", cluster.kubeconfig())))
        .stdin(input.map_or_else(Stdio::null, Stdio::from))
        .output()
        .unwrap();
    compare(case, "stdout", &String::from_utf8(output.stdout).unwrap(), wrong);
    compare(case, "stderr", &String::from_utf8(output.stderr).unwrap(), wrong);
    let code = output.status.code().unwrap();
    compare(case, "code", &if code == 0 { String::new() } else { format!("{code}\n") }, wrong);
}

#[test]
fn every_command_says_what_its_folder_says() {
    let mut folders = Vec::new();
    cases(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases"), &mut folders);
    let mut wrong = Vec::new();

    for case in &folders {
        run(case, &mut wrong);
    }

    assert!(folders.len() > 20, "{} commands were found", folders.len());
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_example_is_valid() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");

    let output = Command::new(env!("CARGO_BIN_EXE_sidecarset"))
        .args(["validate", "-R", "-f", "examples"])
        .current_dir(root)
        .output()
        .unwrap();

    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
}
