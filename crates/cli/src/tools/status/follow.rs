//! Follows sets while they change: bars on a terminal, a line for each change elsewhere.

use super::overview::Overview;
use super::{Arguments, speed};
use crate::tools::cluster::Cluster;
use crate::tools::failure::Failure;
use crate::tools::{age, snapshot};
use futures::{StreamExt, TryStreamExt};
use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use kube::Api;
use kube::runtime::WatchStreamExt;
use kube::runtime::watcher::{self, Event, watcher};
use sidecarset_api::v1beta1::SidecarSet;
use sidecarset_core::annotations::Seconds;
use std::collections::{BTreeMap, BTreeSet};
use std::io::{IsTerminal, Write};
use std::process::ExitCode;
use std::time::Duration;
use tokio::time::{Instant, sleep_until};

/// How much time is waited at most where nobody says how long.
const FOR_EVER: Duration = Duration::from_secs(100 * 365 * 24 * 3600);

/// What is shown of the sets.
struct Shown {
    bars: Option<MultiProgress>,
    sets: BTreeMap<String, Line>,
    /// The names in the last list.
    listed: BTreeSet<String>,
}

/// What is shown of a set.
struct Line {
    text: String,
    bar: Option<ProgressBar>,
    /// When another Pod was seen to be updated and ready.
    steps: Vec<Seconds>,
    done: usize,
}

/// Follows the sets until Ctrl-C, or a rollout to its end.
///
/// # Errors
/// The cluster cannot be asked, there is no such set, or the time is over.
pub async fn follow(cluster: &Cluster, arguments: &Arguments, out: &mut impl Write) -> anyhow::Result<ExitCode> {
    // Once without following: who may not, or mistyped the name, is told at once.
    let sets = snapshot::Snapshot::sets(cluster).await?;
    if let Some(name) = &arguments.set
        && !sets.iter().any(|set| set.metadata.name.as_ref() == Some(name))
    {
        return Err(Failure::not_found(name).into());
    }
    let api: Api<SidecarSet> = Api::all(cluster.client.clone());
    let mut events = watcher(api, watcher::Config::default()).default_backoff().boxed();
    let deadline = Instant::now() + arguments.timeout.unwrap_or(FOR_EVER);
    let is_terminal = std::io::stderr().is_terminal() && std::io::stdout().is_terminal();
    let mut shown =
        Shown { bars: is_terminal.then(MultiProgress::new), sets: BTreeMap::new(), listed: BTreeSet::new() };
    loop {
        let event = tokio::select! {
            event = events.try_next() => event,
            () = sleep_until(deadline) => return Err(shown.overdue(arguments).into()),
        };
        match event {
            Ok(Some(event)) => {
                if let Some(code) = shown.take(event, arguments, out)? {
                    return Ok(code);
                }
            }
            Err(error) => lasting(error, cluster)?,
            Ok(None) => return Ok(ExitCode::SUCCESS),
        }
    }
}

/// Says what is wrong where asking again would change nothing. Everything else is asked again, after a pause.
fn lasting(error: watcher::Error, cluster: &Cluster) -> Result<(), Failure> {
    match error {
        watcher::Error::InitialListFailed(error) | watcher::Error::WatchStartFailed(error) if is_refused(&error) => {
            Err(cluster.told(error))
        }
        watcher::Error::InitialListFailed(_)
        | watcher::Error::WatchStartFailed(_)
        | watcher::Error::WatchError(_)
        | watcher::Error::WatchFailed(_)
        | watcher::Error::NoResourceVersion => Ok(()),
    }
}

/// Says whether the API server does not know who asks, does not let them, or does not know of SidecarSets.
fn is_refused(error: &kube::Error) -> bool {
    matches!(error, kube::Error::Api(status) if matches!(status.code, 401 | 403 | 404))
}

/// Answers with what the program ends with, where the rollout that is waited for has ended.
fn ended(set: &Overview, arguments: &Arguments) -> Result<Option<ExitCode>, Failure> {
    if !arguments.wait || !set.is_observed {
        return Ok(None);
    }
    if set.is_done() {
        return Ok(Some(ExitCode::SUCCESS));
    }
    if set.is_progressing && !set.has_failed {
        return Ok(None);
    }
    let Overview { name, rollout, message, .. } = set;
    let what = if set.has_failed { "has failed" } else { "stands still" };
    Err(Failure::new(format!("the rollout of {name} {what} ({rollout}): {message}"))
        .hinting(format!("sidecarset status {name} says why and what ends it, sidecarset undo {name} goes back")))
}

impl Shown {
    /// Shows what has happened, and answers with what the program ends with, where it does.
    fn take(
        &mut self,
        event: Event<SidecarSet>,
        arguments: &Arguments,
        out: &mut impl Write,
    ) -> anyhow::Result<Option<ExitCode>> {
        match event {
            Event::Init => self.listed.clear(),
            Event::Apply(set) => return self.changed(&Overview::of(&set), arguments, out),
            Event::InitApply(set) => {
                let set = Overview::of(&set);
                self.listed.insert(set.name.clone());
                return self.changed(&set, arguments, out);
            }
            // Nobody tells of what was deleted while the watch was cut.
            Event::InitDone => {
                let is_gone = |name: &&String| !self.listed.contains(*name);
                let gone: Vec<String> = self.sets.keys().chain(&arguments.set).filter(is_gone).cloned().collect();
                gone.iter().try_for_each(|name| self.deleted(name, arguments, out))?;
            }
            Event::Delete(set) => self.deleted(&set.metadata.name.unwrap_or_default(), arguments, out)?,
        }
        Ok(None)
    }

    fn changed(
        &mut self,
        set: &Overview,
        arguments: &Arguments,
        out: &mut impl Write,
    ) -> anyhow::Result<Option<ExitCode>> {
        if !arguments.is_meant(set) {
            return Ok(None);
        }
        self.show(set, out)?;
        Ok(ended(set, arguments)?)
    }

    fn deleted(&mut self, name: &str, arguments: &Arguments, out: &mut impl Write) -> anyhow::Result<()> {
        self.remove(name, out)?;
        if arguments.set.as_deref() == Some(name) {
            return Err(Failure::new(format!("SidecarSet {name:?} was deleted")).into());
        }
        Ok(())
    }

    fn show(&mut self, set: &Overview, out: &mut impl Write) -> anyhow::Result<()> {
        let now = Seconds::from(jiff::Timestamp::now());
        let line = self.sets.entry(set.name.clone()).or_insert_with(|| Line {
            text: String::new(),
            bar: self.bars.as_ref().map(|bars| bars.add(bar(&set.name))),
            steps: Vec::new(),
            done: set.updated_ready,
        });
        line.steps.extend((line.done..set.updated_ready).map(|_| now));
        line.done = set.updated_ready;
        let left = speed::time_left(&mut line.steps, set.matched.saturating_sub(set.updated_ready), now);
        let left = left.map(|left| format!(", about {} left", age::short(left))).unwrap_or_default();
        match &line.bar {
            Some(bar) => {
                bar.set_length(set.matched as u64);
                bar.set_position(set.updated_ready as u64);
                bar.set_message(format!("{}{left}", set.line()));
            }
            None if line.text != set.line() => writeln!(out, "{}: {}{left}", set.name, set.line())?,
            None => {}
        }
        line.text = set.line();
        Ok(out.flush()?)
    }

    fn remove(&mut self, name: &str, out: &mut impl Write) -> anyhow::Result<()> {
        let Some(line) = self.sets.remove(name) else { return Ok(()) };
        match line.bar {
            Some(bar) => bar.finish_and_clear(),
            None => writeln!(out, "{name}: deleted")?,
        }
        Ok(())
    }

    fn overdue(&self, arguments: &Arguments) -> Failure {
        let name = arguments.set.as_deref().unwrap_or_default();
        let stands = self.sets.get(name).map_or("nothing is known of it", |line| &line.text);
        Failure::new(format!("timed out waiting for the rollout of {name}: {stands}"))
    }
}

fn bar(name: &str) -> ProgressBar {
    let style =
        ProgressStyle::with_template("{prefix} {bar:20} {msg}").unwrap_or_else(|_| ProgressStyle::default_bar());
    ProgressBar::no_length().with_style(style.progress_chars("█▌░")).with_prefix(name.to_owned())
}
