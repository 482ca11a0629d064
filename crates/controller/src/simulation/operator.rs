//! The operator's own state, which is the real one, and how its parts are put together: what `reconcile` and `apply` do
//! between two answers of the API server.

use super::release::SET;
use crate::apply::outcome::{Answer, outcome};
use crate::attempts::{Attempts, WriteHold};
use crate::index::{PodIndex, Touched};
use crate::pod::PodLite;
use crate::queue::schedule::{Rest, Schedule};
use crate::reconcile::CALM;
use crate::round::{self, Gathered, Now};
use crate::sets::{News, Sets};
use kube::core::Status;
use sidecarset_api::v1beta1::{SidecarSet, SidecarSetStatus};
use sidecarset_core::catalog::{NamespaceLabels, Outlook};
use sidecarset_core::normalize::CanonicalSet;
use sidecarset_core::record::{PodKey, PodRecord, Uid};
use sidecarset_core::rollout::{self, Hold, Upgrade};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

/// What the API server answered to a write, or that it did not.
pub(super) type Reply = Option<Result<Rc<PodLite>, u16>>;

/// The operator.
#[derive(Debug, Default)]
pub(super) struct Operator {
    pub(super) index: PodIndex,
    pub(super) attempts: Attempts,
    pub(super) sets: Sets,
    pub(super) schedule: Schedule,
    /// The set as it was last seen.
    pub(super) set: Option<Arc<CanonicalSet>>,
    pub(super) round: Option<OpenRound>,
    /// Whether everything was listed.
    pub(super) is_synced: bool,
}

/// A round whose writes are under way.
#[derive(Debug)]
pub(super) struct OpenRound {
    pub(super) set: Arc<CanonicalSet>,
    pub(super) matched: Vec<Arc<PodRecord>>,
    pub(super) holds: BTreeMap<PodKey, Hold>,
    pub(super) todo: VecDeque<(Arc<PodRecord>, Upgrade)>,
    /// The uids of the Pods that are being written.
    pub(super) under_way: BTreeSet<Uid>,
    /// When the writes that are still under way are no longer waited for.
    pub(super) until: Instant,
    status: SidecarSetStatus,
    calm_until: Instant,
}

impl Operator {
    /// Says when it wants to look at the set.
    pub(super) fn next_look(&self) -> Option<Instant> {
        self.schedule.next().filter(|_| self.is_synced && self.round.is_none() && self.set.is_some())
    }

    pub(super) fn touch(&mut self, touched: Touched, now: Instant) {
        for set in touched.into_iter().filter(|set| **set == *SET) {
            self.schedule.touch(set, now);
        }
    }

    /// Takes in the set as the watch shows it.
    pub(super) fn observe_set(&mut self, object: &SidecarSet, set: &Arc<CanonicalSet>, now: Instant) {
        let news = self.sets.observe(object);
        match news {
            News::Nothing => return,
            News::Status => {}
            News::Definition => self.set = Some(Arc::clone(set)),
        }
        self.schedule.add(Arc::clone(&set.name), now);
    }

    /// Plans a round.
    pub(super) fn begin(&mut self, now: Now) -> Option<&OpenRound> {
        self.schedule.take(now.monotonic)?;
        let set = self.set.clone()?;
        let mut matched = self.index.members(&set.name);
        matched.retain(|pod| rollout::is_matched(&set, pod, None::<&NamespaceLabels>));
        let known = self.sets.get(&set.name).and_then(|known| known.status.clone());
        let gathered = Gathered { matched, strangers: Vec::new(), status: known };
        let attempts = self.attempts.of(&set, &gathered.matched, now.monotonic);
        let outlook = Outlook { set: Arc::clone(&set), is_new: false, next: None };
        let round = round::plan(&outlook, &gathered, &attempts, now);
        self.round = Some(OpenRound {
            set,
            matched: gathered.matched,
            holds: round.holds,
            todo: round.upgrades.into(),
            under_way: BTreeSet::new(),
            status: round.status,
            until: now.monotonic + Duration::from_secs(2),
            calm_until: now.monotonic + if round.is_at_rest { CALM } else { Duration::ZERO },
        });
        self.round.as_ref()
    }

    /// Takes the next write of the round, if it may still begin.
    pub(super) fn next_write(&mut self, now: Instant) -> Option<(Arc<PodRecord>, Upgrade)> {
        let round = self.round.as_mut()?;
        let is_current = self.set.as_ref().is_some_and(|set| Arc::ptr_eq(set, &round.set));
        if now >= round.until || !is_current {
            return None;
        }
        let next = round.todo.pop_front()?;
        round.under_way.insert(next.0.uid.clone());
        self.attempts.begin(&round.set, &next.0, now);
        Some(next)
    }

    /// Takes in the answer to a write.
    pub(super) fn hear(&mut self, set: &CanonicalSet, pod: &PodRecord, reply: Reply, now: Instant) {
        let touched = match read(reply) {
            Answer::Written(written) => {
                self.attempts.succeed(&set.name, pod);
                self.index.wrote(written.observed(), now)
            }
            Answer::Gone => {
                self.attempts.succeed(&set.name, pod);
                self.index.forget(&pod.key, &pod.uid)
            }
            Answer::Held(hold, _) => {
                self.attempts.fail(set, pod, hold, now);
                self.schedule.add(Arc::clone(&set.name), now);
                Touched::new()
            }
        };
        self.touch(touched, now);
        if let Some(round) = &mut self.round {
            round.under_way.remove(&pod.uid);
        }
    }

    /// Ends the round, and answers with the status that is written now.
    pub(super) fn finish(&mut self, now: Instant) -> Option<SidecarSetStatus> {
        let round = self.round.take()?;
        let name = Arc::clone(&round.set.name);
        let known = self.sets.get(&name)?;
        let differs = known.status.as_ref() != Some(&round.status);
        let due = known.status_due.filter(|due| differs && *due > now);
        let again = (!round.todo.is_empty()).then_some(now);
        self.schedule.finish(&name, Rest::over(now + Duration::from_millis(1)).and_from_pods(round.calm_until));
        let next = [due, self.attempts.next(&name, now), again].into_iter().flatten().min();
        if let Some(at) = next {
            self.schedule.add(name, at);
        }
        Some(round.status).filter(|_| differs && due.is_none())
    }
}

fn read(reply: Reply) -> Answer<PodLite> {
    match reply {
        Some(Ok(pod)) => Answer::Written(Box::new((*pod).clone())),
        Some(Err(code)) => outcome(Ok(Err(kube::Error::Api(Status::failure("", "").with_code(code).boxed())))),
        None => Answer::Held(WriteHold::Unanswered, "nobody answered".into()),
    }
}
