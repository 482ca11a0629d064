//! A folder in which commands are run, as a person does in a clone of the repository.

use super::{Step, difference, repository};
use anyhow::{Context, Result, bail};
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// How long a command that only looks may take to print what the page says.
const PATIENCE: Duration = Duration::from_secs(60);
const PAUSE: Duration = Duration::from_millis(200);
/// Commands that change nothing: what they print becomes what the page says sooner or later.
const LOOKS: [&str; 9] = [
    "kubectl get ",
    "kubectl describe ",
    "kubectl logs ",
    "kubectl exec ",
    "kubectl top ",
    "sidecarset status",
    "sidecarset explain",
    "sidecarset pods",
    "sidecarset history",
];

/// A warning that depends on how many namespaces the cluster has.
const OF_THE_CLUSTER: &str = "spec.namespaceSelector: pods of ";

/// A folder in which commands are run.
#[derive(Debug)]
pub struct Shell {
    folder: PathBuf,
    variables: Vec<(String, String)>,
    /// What is printed for what the page says.
    said: Vec<(String, String)>,
}

impl Shell {
    /// Makes a folder that looks like one of the repository to what the pages do, with these programs on the path.
    ///
    /// # Errors
    ///
    /// It cannot be made.
    pub fn open(name: &str, programs: &[(&str, PathBuf)]) -> Result<Self> {
        let folder = std::env::temp_dir().join(format!("sidecarset-docs-{}-{name}", std::process::id()));
        let bin = folder.join("bin");
        fs::create_dir_all(&bin).with_context(|| format!("failed to create {}", bin.display()))?;
        for member in ["examples", "deploy"] {
            symlink(repository().join(member), folder.join(member))?;
        }
        for (name, program) in programs {
            symlink(program, bin.join(name)).with_context(|| format!("failed to find {}", program.display()))?;
        }
        let path = std::env::var("PATH").unwrap_or_default();
        let variables = vec![("PATH".to_owned(), format!("{}:{path}", bin.display()))];
        Ok(Self { folder, variables, said: Vec::new() })
    }

    /// Returns the folder.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Sets a variable of the environment.
    pub fn set(&mut self, variable: &str, value: &str) {
        self.variables.push((variable.to_owned(), value.to_owned()));
    }

    /// Has what is printed as `printed` compared as if it were `said`.
    pub fn replace(&mut self, printed: &str, said: &str) {
        self.said.push((printed.to_owned(), said.to_owned()));
    }

    /// Runs a command, and compares what it prints with the page where that shows something. Whether it fails then is a part
    /// of that.
    ///
    /// # Errors
    ///
    /// It fails where the page shows nothing, or prints something else.
    pub fn follow(&self, step: &Step) -> Result<()> {
        let deadline = Instant::now() + PATIENCE;
        let looks = LOOKS.iter().any(|look| step.command.starts_with(look));
        loop {
            let (printed, is_done) = self.run(&step.command)?;
            let wrong = match step.output.is_empty() {
                true if is_done => None,
                true => Some("it failed".to_owned()),
                false => difference(&step.output, &printed),
            };
            match wrong {
                None => return Ok(()),
                Some(_) if looks && Instant::now() < deadline => std::thread::sleep(PAUSE),
                Some(wrong) => bail!("`{}`: {wrong}; it printed:\n{printed}", step.command),
            }
        }
    }

    /// Runs a command, and returns what it prints and whether it succeeds.
    ///
    /// # Errors
    ///
    /// It cannot be started.
    pub fn run(&self, command: &str) -> Result<(String, bool)> {
        let mut bash = Command::new("bash");
        // Both outputs in the order in which they are written, as a terminal shows them.
        bash.args(["-eu", "-o", "pipefail", "-c", &format!("exec 2>&1\n{command}")]);
        bash.current_dir(&self.folder).envs(self.variables.iter().cloned()).stdin(Stdio::null());
        let output = bash.output().with_context(|| format!("failed to start bash for `{command}`"))?;
        let printed = String::from_utf8_lossy(&output.stdout);
        let lines = printed.lines().filter(|line| !(line.starts_with("Warning: ") && line.contains(OF_THE_CLUSTER)));
        let printed: String = lines.map(|line| format!("{line}\n")).collect();
        let printed = self.said.iter().fold(printed, |text, (printed, said)| text.replace(printed, said));
        Ok((printed, output.status.success()))
    }
}

impl Drop for Shell {
    fn drop(&mut self) {
        // A folder that stays behind is no reason to fail.
        let _ = fs::remove_dir_all(&self.folder);
    }
}
