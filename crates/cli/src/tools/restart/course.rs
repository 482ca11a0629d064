//! Pod after Pod: evicted when a budget allows it, and the next one when another Pod is ready in its place.

use super::Lost;
use super::candidate::Candidate;
use super::eviction::{Answer, Subject, evict, examine};
use super::replacement::{Living, Place};
use super::report::{Outcome, Report};
use crate::tools::cluster::Cluster;
use crate::tools::dry_run::DryRun;
use crate::tools::failure::{Failure, report};
use crate::tools::snapshot::Snapshot;
use crate::tools::stored;
use anstream::eprintln;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::io::Write;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{Instant, sleep};

/// How often it is looked whether a Pod has come in the place of another.
const LOOK: Duration = Duration::from_secs(1);

/// How far it goes at a time.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// How many Pods may be on their way at a time.
    pub at_once: usize,
    /// How long a budget may not allow an eviction, and a new Pod not be ready.
    pub timeout: Duration,
    /// Whether Pods are evicted for which something is lost.
    pub lost: Lost,
}

/// The evictions of a run.
pub struct Course<'a, W: Write> {
    cluster: &'a Cluster,
    snapshot: &'a Snapshot,
    limits: Limits,
    report: Report<'a, W>,
    waiting: VecDeque<Waiting>,
    replaced: Vec<Replaced>,
    // Those that were there before the first Pod of a place was evicted. With two on their way, nobody can tell which new one comes
    // for which: together they are as many.
    known: BTreeMap<Place, Arc<BTreeSet<String>>>,
    // Those that have taken the place of one do not take that of another.
    taken: BTreeSet<String>,
    is_stopped: bool,
}

/// A Pod that is still to be evicted.
struct Waiting {
    pod: Candidate,
    not_before: Instant,
    /// Until when a budget may not allow it, once it has not, and what was said then.
    blocked: Option<(Instant, String)>,
}

/// A Pod that was evicted, and in whose place another one is to come.
struct Replaced {
    pod: Candidate,
    place: Place,
    owner: String,
    /// The Pods that were there before.
    known: Arc<BTreeSet<String>>,
    until: Instant,
}

impl<'a, W: Write> Course<'a, W> {
    /// Makes ready.
    pub fn new(cluster: &'a Cluster, snapshot: &'a Snapshot, limits: Limits, report: Report<'a, W>) -> Self {
        let (waiting, replaced, known, taken) = (VecDeque::new(), Vec::new(), BTreeMap::new(), BTreeSet::new());
        Self { cluster, snapshot, limits, report, waiting, replaced, known, taken, is_stopped: false }
    }

    /// Evicts the Pods, and returns what became of each.
    ///
    /// # Errors
    /// The cluster cannot be asked, or it cannot be told what happens.
    pub async fn run(mut self, pods: Vec<Candidate>) -> anyhow::Result<Report<'a, W>> {
        let now = Instant::now();
        self.waiting.extend(pods.into_iter().map(|pod| Waiting { pod, not_before: now, blocked: None }));
        loop {
            self.look_for_replacements().await?;
            while self.replaced.len() < self.limits.at_once && !self.is_stopped {
                let Some(next) = self.due() else { break };
                self.evict(next).await?;
            }
            if self.replaced.is_empty() && (self.waiting.is_empty() || self.is_stopped) {
                break;
            }
            sleep(LOOK).await;
        }
        for waiting in std::mem::take(&mut self.waiting) {
            self.report.note(&waiting.pod, Outcome::Untouched, None)?;
        }
        Ok(self.report)
    }

    fn due(&mut self) -> Option<Waiting> {
        let at = self.waiting.iter().position(|waiting| waiting.not_before <= Instant::now())?;
        self.waiting.remove(at)
    }

    async fn evict(&mut self, waiting: Waiting) -> anyhow::Result<()> {
        let pod = &waiting.pod;
        if let Some(changed) = self.changed(pod).await? {
            self.is_stopped = true;
            report(
                &Failure::new(format!("sidecarset {changed:?} was changed meanwhile: no further Pod is evicted"))
                    .into(),
            );
            self.waiting.push_front(waiting);
            return Ok(());
        }
        let (uid, owner) = match examine(self.cluster, &pod.key, self.limits.lost).await? {
            Subject::There { uid, owner } => (uid, owner),
            Subject::Gone => return self.report.note(pod, Outcome::Gone, None),
            Subject::Spared(why) => {
                eprintln!("leaving pod {} alone: {why} (--force evicts it all the same)", pod.key);
                return self.report.note(pod, Outcome::Spared, Some(why.to_owned()));
            }
        };
        let replaced = match owner {
            Some(owner) if self.report.dry_run() == DryRun::None => Some(self.replaced(pod, owner.uid).await?),
            Some(_) | None => None,
        };
        if waiting.blocked.is_none() {
            eprintln!("evicting pod {}{}", pod.key, self.report.dry_run().suffix());
        }
        let answer = match self.report.dry_run() {
            DryRun::Client => Answer::Evicted,
            dry_run @ (DryRun::None | DryRun::Server) => evict(self.cluster, &pod.key, &uid, dry_run).await?,
        };
        self.answered(waiting, replaced, answer)
    }

    fn answered(&mut self, waiting: Waiting, replaced: Option<Replaced>, answer: Answer) -> anyhow::Result<()> {
        let pod = &waiting.pod;
        match answer {
            Answer::Evicted => {
                self.report.note(pod, Outcome::Evicted, None)?;
                self.replaced.extend(replaced);
            }
            Answer::Gone => self.report.note(pod, Outcome::Gone, None)?,
            Answer::Blocked { message, wait } => self.blocked(waiting, message, wait)?,
            Answer::Refused(why) => self.report.note(pod, Outcome::Failed, Some(why.to_string()))?,
            Answer::Forbidden(why) => {
                self.is_stopped = true;
                self.report.note(pod, Outcome::Failed, Some(why.to_string()))?;
            }
        }
        Ok(())
    }

    fn blocked(&mut self, mut waiting: Waiting, message: String, wait: Duration) -> anyhow::Result<()> {
        let now = Instant::now();
        if self.report.dry_run() != DryRun::None {
            eprintln!("pod {} would have to wait: {message}", waiting.pod.key);
            return self.report.note(&waiting.pod, Outcome::Blocked, Some(message));
        }
        if waiting.blocked.is_none() {
            eprintln!("pod {} has to wait: {message}", waiting.pod.key);
        }
        let until = waiting.blocked.take().map_or(now + self.limits.timeout, |(until, _)| until);
        if now >= until {
            let told = format!("not allowed within {} s: {message}", self.limits.timeout.as_secs());
            return self.report.note(&waiting.pod, Outcome::Blocked, Some(told));
        }
        waiting.not_before = until.min(now + wait);
        waiting.blocked = Some((until, message));
        self.waiting.push_back(waiting);
        Ok(())
    }

    /// Returns the name of a set that is not as it was when the Pods were chosen.
    async fn changed(&self, pod: &Candidate) -> Result<Option<String>, Failure> {
        for name in pod.sets.keys() {
            let now = stored::read(self.cluster, name).await?;
            if now["metadata"]["generation"].as_i64() != self.snapshot.set(name)?.metadata.generation {
                return Ok(Some(name.to_string()));
            }
        }
        Ok(None)
    }

    async fn replaced(&mut self, pod: &Candidate, owner: String) -> anyhow::Result<Replaced> {
        let set = pod.sets.keys().next().cloned().unwrap_or_default();
        let place = Place { namespace: pod.key.namespace().to_owned(), set };
        let known = match self.known.get(&place) {
            Some(known) => Arc::clone(known),
            None => {
                let there = place.pods(self.cluster, self.snapshot).await?;
                let known = Arc::new(there.into_iter().map(|pod| pod.uid).collect());
                self.known.entry(place.clone()).or_insert(known).clone()
            }
        };
        Ok(Replaced { pod: pod.clone(), place, owner, known, until: Instant::now() + self.limits.timeout })
    }

    /// Looks which of the evicted Pods have another one in their place.
    async fn look_for_replacements(&mut self) -> anyhow::Result<()> {
        let mut seen: BTreeMap<Place, Vec<Living>> = BTreeMap::new();
        for replaced in std::mem::take(&mut self.replaced) {
            if !seen.contains_key(&replaced.place) {
                let pods = replaced.place.pods(self.cluster, self.snapshot).await?;
                seen.insert(replaced.place.clone(), pods);
            }
            let living = seen.get(&replaced.place).map(Vec::as_slice).unwrap_or_default();
            self.judge(replaced, living);
        }
        Ok(())
    }

    fn judge(&mut self, replaced: Replaced, living: &[Living]) {
        let is_new = |pod: &&Living| {
            pod.owner.as_deref() == Some(&replaced.owner)
                && !replaced.known.contains(&pod.uid)
                && !self.taken.contains(&pod.uid)
        };
        let new: Vec<&Living> = living.iter().filter(is_new).collect();
        let lacks = |pod: &&&Living| replaced.pod.sets.keys().any(|set| !pod.sets.contains(&**set));
        let why = if let Some(ready) = new.iter().find(|pod| pod.is_ready && !lacks(pod)) {
            eprintln!(
                "pod {}/{} is ready in the place of {}",
                replaced.place.namespace,
                ready.name,
                replaced.pod.key.name()
            );
            self.taken.insert(ready.uid.clone());
            return;
        } else if let Some(bare) = new.iter().find(lacks) {
            let sets: Vec<&str> = replaced.pod.sets.keys().map(AsRef::as_ref).collect();
            format!("{}, which came in its place, has not got the sidecars of {}", bare.name, sets.join(", "))
        } else if Instant::now() >= replaced.until {
            let seconds = self.limits.timeout.as_secs();
            match new.first() {
                Some(pod) => format!("{}, which came in its place, is not ready after {seconds} s", pod.name),
                None => format!("no Pod that {} selects came in its place within {seconds} s", replaced.place.set),
            }
        } else {
            self.replaced.push(replaced);
            return;
        };
        self.is_stopped = true;
        self.report.worsen(&replaced.pod, &why);
    }
}
