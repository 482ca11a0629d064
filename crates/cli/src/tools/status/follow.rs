//! Follows sets while they change.

mod event;
mod screen;

use super::Arguments;
use super::overview::Overview;
use crate::tools::cluster::Cluster;
use crate::tools::failure::Failure;
use crate::tools::format::Format;
use crate::tools::snapshot::{self, readable};
use futures::{StreamExt, TryStreamExt};
use indicatif::MultiProgress;
use kube::runtime::WatchStreamExt;
use kube::runtime::watcher::{self, Event, watcher};
use kube::{Api, ResourceExt};
use screen::Screen;
use sidecarset_api::item::Item;
use sidecarset_api::v1beta1::SidecarSet;
use sidecarset_core::annotations::Seconds;
use std::collections::BTreeSet;
use std::io::{IsTerminal, Write};
use std::process::ExitCode;
use std::time::Duration;
use tokio::time::{Instant, sleep_until};

/// How much time is waited at most where nobody says how long.
const FOR_EVER: Duration = Duration::from_secs(100 * 365 * 24 * 3600);

/// The sets that are followed.
struct Followed {
    screen: Screen,
    /// The names in the last list.
    listed: BTreeSet<String>,
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
    let api: Api<Item<SidecarSet>> = Api::all(cluster.client.clone());
    let mut events = watcher(api, watcher::Config::default()).default_backoff().boxed();
    let deadline = Instant::now() + arguments.timeout.unwrap_or(FOR_EVER);
    let is_terminal = std::io::stderr().is_terminal() && std::io::stdout().is_terminal();
    let screen = match arguments.format.format() {
        Format::Table | Format::Wide if is_terminal => Screen::bars(MultiProgress::new()),
        Format::Table | Format::Wide => Screen::lines(),
        format @ (Format::Json | Format::Yaml | Format::Name) => Screen::events(format),
    };
    let mut followed = Followed { screen, listed: BTreeSet::new() };
    loop {
        let event = tokio::select! {
            event = events.try_next() => event,
            () = sleep_until(deadline) => return Err(followed.overdue(arguments).into()),
        };
        match event {
            Ok(Some(event)) => {
                if let Some(code) = followed.take(event, arguments, out)? {
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

impl Followed {
    /// Shows what has happened, and answers with what the program ends with, where it does.
    fn take(
        &mut self,
        event: Event<Item<SidecarSet>>,
        arguments: &Arguments,
        out: &mut impl Write,
    ) -> anyhow::Result<Option<ExitCode>> {
        match event {
            Event::Init => self.listed.clear(),
            Event::Apply(set) => return self.changed(&Overview::of(&readable(set)), arguments, out),
            Event::InitApply(set) => {
                let set = Overview::of(&readable(set));
                self.listed.insert(set.name.clone());
                return self.changed(&set, arguments, out);
            }
            // Nobody tells of what was deleted while the watch was cut.
            Event::InitDone => {
                let is_gone = |name: &&String| !self.listed.contains(*name);
                let gone: Vec<String> = self.screen.names().chain(&arguments.set).filter(is_gone).cloned().collect();
                gone.iter().try_for_each(|name| self.deleted(name, arguments, out))?;
            }
            Event::Delete(set) => self.deleted(&set.name_any(), arguments, out)?,
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
        self.screen.show(set, Seconds::from(jiff::Timestamp::now()), out)?;
        Ok(ended(set, arguments)?)
    }

    fn deleted(&mut self, name: &str, arguments: &Arguments, out: &mut impl Write) -> anyhow::Result<()> {
        self.screen.remove(name, out)?;
        if arguments.set.as_deref() == Some(name) {
            return Err(Failure::new(format!("SidecarSet {name:?} was deleted")).into());
        }
        Ok(())
    }

    fn overdue(&self, arguments: &Arguments) -> Failure {
        let name = arguments.set.as_deref().unwrap_or_default();
        let stands = self.screen.line(name).unwrap_or_else(|| "nothing is known of it".to_owned());
        Failure::new(format!("timed out waiting for the rollout of {name}: {stands}"))
    }
}
