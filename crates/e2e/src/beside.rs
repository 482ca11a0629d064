//! Operators that run beside a cluster, as processes of the test, so that it can kill them at any moment.

use crate::wait::{Look, eventually};
use anyhow::{Context, Result, bail};
use std::fs::{self, File};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// Where one runs, and how it and the API server reach each other.
#[derive(Debug, Clone)]
pub struct Place {
    /// What it is called in the Lease. Whoever is started in a place takes over from whoever was there.
    pub name: String,
    /// How it reaches the API server.
    pub kubeconfig: PathBuf,
    /// At which address the API server asks it, where that is not its own.
    pub asked_at: Option<SocketAddr>,
    /// Where it listens.
    pub webhook: SocketAddr,
    health: SocketAddr,
    folder: PathBuf,
}

/// An operator that runs until it is killed, or this is dropped.
#[derive(Debug)]
pub struct Beside {
    place: Place,
    child: Child,
}

impl Place {
    /// Finds ports for one. `$BESIDE` is the folder for its log, and for its process id, with which whoever runs the tests ends
    /// it if they cannot.
    ///
    /// # Errors
    ///
    /// When there is no such folder, or no port.
    pub async fn find(name: &str, kubeconfig: PathBuf) -> Result<Self> {
        let folder = std::env::var_os("BESIDE").context("$BESIDE does not say where operators write their logs")?;
        Ok(Self {
            name: name.to_owned(),
            kubeconfig,
            asked_at: None,
            webhook: free_address().await?,
            health: free_address().await?,
            folder: PathBuf::from(folder),
        })
    }

    /// Starts an operator, and returns at once. `$OPERATOR_BINARY` is the program.
    ///
    /// # Errors
    ///
    /// When there is no such program.
    pub fn start(&self) -> Result<Beside> {
        let program = std::env::var_os("OPERATOR_BINARY").context("$OPERATOR_BINARY does not say what to start")?;
        let log = self.folder.join(format!("operator-{}.log", self.name));
        let log =
            File::options().create(true).append(true).open(log).context("failed to open the log of an operator")?;
        let mut command = Command::new(program);
        command.arg("operator").arg("--kubeconfig").arg(&self.kubeconfig);
        command.arg(format!("--webhook-url=https://{}", self.asked_at.unwrap_or(self.webhook)));
        command.arg(format!("--webhook-bind={}", self.webhook)).arg(format!("--health-bind={}", self.health));
        command.env("POD_NAME", &self.name).env("POD_UID", "beside");
        command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
        let child = command.spawn().context("failed to start an operator")?;
        fs::write(self.folder.join(format!("operator-{}.pid", self.name)), child.id().to_string())?;
        Ok(Beside { place: self.clone(), child })
    }

    /// Starts an operator, and returns when it is ready.
    ///
    /// # Errors
    ///
    /// When it does not become so.
    pub async fn start_ready(&self) -> Result<Beside> {
        let mut operator = self.start()?;
        operator.until_ready().await?;
        Ok(operator)
    }
}

impl Beside {
    /// Waits until it is ready.
    ///
    /// # Errors
    ///
    /// When it does not become so, or ends.
    pub async fn until_ready(&mut self) -> Result<()> {
        let health = self.place.health;
        let child = &mut self.child;
        let ended = eventually("the operator is ready", async || {
            if let Some(status) = child.try_wait()? {
                return Ok(Look::Found(Some(status)));
            }
            let answer = ask(health).await?;
            Ok(if answer.contains(" 200 ") { Look::Found(None) } else { Look::NotYet(answer) })
        });
        match ended.await? {
            Some(status) => bail!("the operator {} ended: {status}", self.place.name),
            None => Ok(()),
        }
    }

    /// Returns the first words with which it says whether it is ready.
    ///
    /// # Errors
    ///
    /// When it does not say.
    pub async fn readiness(&self) -> Result<String> {
        ask(self.place.health).await
    }

    /// Says whether it runs.
    ///
    /// # Errors
    ///
    /// When that cannot be known.
    pub fn is_alive(&mut self) -> Result<bool> {
        Ok(self.child.try_wait()?.is_none())
    }

    /// Ends it without a word, by SIGKILL.
    ///
    /// # Errors
    ///
    /// When it cannot be ended.
    pub fn kill(&mut self) -> Result<()> {
        self.end().context("failed to kill an operator")
    }

    fn end(&mut self) -> std::io::Result<()> {
        self.child.kill()?;
        self.child.wait().map(drop)
    }
}

impl Drop for Beside {
    fn drop(&mut self) {
        if let Err(error) = self.end() {
            eprintln!("failed to end the operator {}: {error}", self.place.name);
        }
        let _ = fs::remove_file(self.place.folder.join(format!("operator-{}.pid", self.place.name)));
    }
}

/// Returns an address of this machine at which nobody listens.
async fn free_address() -> Result<SocketAddr> {
    Ok(TcpListener::bind("127.0.0.1:0").await?.local_addr()?)
}

/// Returns the first words with which an operator says whether it is ready.
async fn ask(health: SocketAddr) -> Result<String> {
    let mut stream = TcpStream::connect(health).await?;
    stream.write_all(b"GET /readyz HTTP/1.0\r\n\r\n").await?;
    let mut answer = [0; 32];
    let read = stream.read(&mut answer).await?;
    Ok(String::from_utf8_lossy(&answer[..read]).into_owned())
}
