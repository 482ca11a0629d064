//! Pods that come and go while others are upgraded.

use super::bench::Bench;
use super::fleet;
use super::pods;
use anyhow::Context;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinHandle;
use tokio::time::{MissedTickBehavior, interval};

/// One Pod comes and one goes this often: a hundred changes in a second.
const PACE: Duration = Duration::from_millis(20);

/// How many Pods are there that will go.
const LIVE: usize = 100;

/// Pods of the first set that come and go until this value ends.
#[derive(Debug)]
pub(crate) struct Churn {
    task: JoinHandle<anyhow::Result<()>>,
}

impl Churn {
    /// Begins.
    pub(crate) fn start(bench: &Arc<Bench>) -> Self {
        let bench = Arc::clone(bench);
        Self { task: tokio::spawn(async move { run(&bench).await }) }
    }

    /// Ends it.
    ///
    /// # Errors
    /// A Pod could not be created or deleted.
    pub(crate) async fn stop(mut self) -> anyhow::Result<()> {
        if self.task.is_finished() {
            return (&mut self.task).await?.context("no pods came and went any more");
        }
        Ok(())
    }
}

impl Drop for Churn {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn run(bench: &Bench) -> anyhow::Result<()> {
    let mut ticks = interval(PACE);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    for number in 0.. {
        ticks.tick().await;
        let pod = fleet::pod(0, &name(number)).to_string().into_bytes();
        let request = http::Request::post(pods::path("")).header("Content-Type", "application/json");
        let gone = number.checked_sub(LIVE).map(|number| http::Request::delete(pods::path(&name(number))));
        tokio::try_join!(async { Ok(bench.admin.request_text(request.body(pod)?).await.map(drop)?) }, async {
            match gone {
                Some(request) => Ok(bench.admin.request_text(request.body(Vec::new())?).await.map(drop)?),
                None => anyhow::Ok(()),
            }
        },)?;
    }
    Ok(())
}

fn name(number: usize) -> String {
    format!("churn-{number}")
}
