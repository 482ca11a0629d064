//! Pods, a kubelet, an API server, a watch and the operator, in one time that nobody waits for.

mod misfortune;
mod records;
mod watch;
mod writes;

use super::api_server::ApiServer;
use super::chance::Chance;
use super::history::{Chaos, Fault, History};
use super::kubelet;
use super::release::Release;
use super::truth::{Outcome, Truth, uid};
use crate::pod::PodLite;
use jiff::Timestamp;
use serde_json::Value;
use sidecarset_api::v1beta1::SidecarSet;
use sidecarset_core::annotations::Seconds;
use sidecarset_core::catalog::Catalog;
use sidecarset_core::normalize::{CanonicalSet, normalize};
use sidecarset_core::reconcile::{Driver, Monotonic, Now, PodWrite, RecordWrite};
use sidecarset_core::registration::RegisteredScopes;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

/// The second in which every history begins.
const BEGIN: i64 = 1_767_323_045;

/// What is going to happen.
#[derive(Debug)]
enum Event {
    Chaos(Chaos),
    Kubelet(String),
    /// The watch shows what is due.
    Show,
    ShowSet,
    /// A list is begun, and is there.
    List,
    Listed(Vec<Rc<PodLite>>),
    /// The next write of a Pod is sent, if there is one.
    Send,
    Execute(u64),
    Answer(u64, Reply),
    /// The next write about the set is sent, if there is one, and answered.
    Record,
    Recorded(Box<RecordWrite>),
    /// Own writes whose time has passed are let go.
    Expire,
}

/// What the API server answered to a write, or that it did not.
pub(super) type Reply = Option<Result<Rc<PodLite>, u16>>;

/// A write of a Pod that is under way.
#[derive(Debug)]
struct Flight {
    write: PodWrite,
    patch: Value,
    allowed: usize,
    is_told: bool,
}

/// Which lanes of a round are over.
#[derive(Debug, Clone, Copy, Default)]
struct Lanes {
    pods: bool,
    records: bool,
}

pub(super) struct World {
    now: Duration,
    chance: Chance,
    agenda: BTreeMap<(Duration, u64), Event>,
    pub(super) api: ApiServer,
    /// The operator: the driver, and the catalog beside it.
    operator: Driver,
    catalog: Catalog,
    in_force: RegisteredScopes,
    is_synced: bool,
    /// How many Pods the set had when the round was planned, and which of its two lanes are over.
    planned: usize,
    over: Lanes,
    truth: Truth,
    pub(super) object: SidecarSet,
    pub(super) set: Arc<CanonicalSet>,
    faults: BTreeMap<String, VecDeque<Fault>>,
    flights: BTreeMap<u64, Flight>,
    /// The Pods on the kubelet's list.
    busy: BTreeSet<String>,
    /// How much of the log was shown, and when each entry of the rest is.
    shown: usize,
    due: VecDeque<Duration>,
    is_watch_lost: bool,
    lag: Duration,
    pace: Duration,
    numbers: u64,
    is_over: bool,
    pub(super) writes: usize,
    pub(super) trace: Option<Vec<String>>,
}

impl World {
    pub(super) fn new(history: &History, is_traced: bool) -> Self {
        let object = history.first.object(1, 0);
        let set = Arc::new(normalize(&object).unwrap());
        let mut world = Self {
            now: Duration::ZERO,
            chance: Chance::new(!history.seed),
            agenda: BTreeMap::new(),
            api: ApiServer::default(),
            operator: Driver::default(),
            catalog: Catalog::default(),
            in_force: RegisteredScopes::default(),
            is_synced: false,
            planned: 0,
            over: Lanes::default(),
            truth: Truth::default(),
            object,
            set,
            faults: BTreeMap::new(),
            flights: BTreeMap::new(),
            busy: BTreeSet::new(),
            shown: 0,
            due: VecDeque::new(),
            is_watch_lost: true,
            lag: Duration::from_millis(50),
            pace: Duration::from_secs(1),
            numbers: 0,
            is_over: false,
            writes: 0,
            trace: is_traced.then(Vec::new),
        };
        for _ in 0..history.pods {
            world.create(None);
        }
        world.bystander();
        world.plan_in(Duration::ZERO, Event::List);
        world.plan_in(Duration::from_secs(10), Event::Expire);
        let mut at = Duration::from_secs(2);
        for (pause, chaos) in &history.events {
            at += *pause;
            world.plan_in(at, Event::Chaos(chaos.clone()));
        }
        world
    }

    /// Lets everything happen that is going to happen.
    pub(super) fn run(&mut self) -> Outcome {
        while self.agenda.values().any(|event| matches!(event, Event::Chaos(_))) {
            self.next()?;
        }
        Ok(())
    }

    /// Lets time go by in which nothing more goes wrong.
    pub(super) fn calm(&mut self, time: Duration) -> Outcome {
        if !self.is_over {
            self.is_over = true;
            self.faults.clear();
            self.lag = Duration::from_millis(50);
            self.pace = Duration::from_secs(1);
            for name in self.api.names() {
                self.wake(&name);
            }
        }
        let end = self.now + time;
        while self.now < end {
            self.next()?;
        }
        Ok(())
    }

    /// Writes the set.
    pub(super) fn release(&mut self, release: &Release) {
        let generation = self.object.metadata.generation.unwrap_or_default().unsigned_abs() + 1;
        let version = self.api.next_version();
        let status = self.object.status.take();
        self.object = SidecarSet { status, ..release.object(generation, version) };
        self.set = Arc::new(normalize(&self.object).unwrap());
        self.truth.refresh(self.api.pods(), &self.set);
        let delay = self.lag / 2;
        self.plan_in(delay, Event::ShowSet);
    }

    /// Says what happens, where somebody wants to know.
    pub(super) fn say(&mut self, what: impl FnOnce() -> String) {
        let now = self.now;
        if let Some(trace) = &mut self.trace {
            trace.push(format!("{now:>10.3?} {}", what()));
        }
    }

    fn next(&mut self) -> Outcome {
        let look = self.operator.deadline().map(|at| at.since_start().max(self.now));
        let event_at = self.agenda.first_key_value().map(|((at, _), _)| *at);
        if let Some(at) = look.filter(|at| event_at.is_none_or(|event_at| *at < event_at)) {
            self.now = at;
            return self.look();
        }
        let ((at, _), event) = self.agenda.pop_first().expect("own writes are looked through for ever");
        self.now = at;
        self.happen(event)
    }

    fn happen(&mut self, event: Event) -> Outcome {
        match event {
            Event::Chaos(chaos) => self.go_wrong(chaos),
            Event::Kubelet(name) => self.kubelet(&name),
            Event::Show => self.show(),
            Event::ShowSet => {
                self.say(|| "the operator sees the set".to_owned());
                self.observe_set();
            }
            Event::List => self.list(),
            Event::Listed(pods) => self.listed(&pods),
            Event::Send => return self.send(),
            Event::Execute(number) => return self.execute(number),
            Event::Answer(number, reply) => return self.answer(number, &reply),
            Event::Record => self.record(),
            Event::Recorded(write) => self.recorded(&write),
            Event::Expire => {
                self.operator.expire(self.instant());
                self.plan_in(Duration::from_secs(10), Event::Expire);
            }
        }
        Ok(())
    }

    fn kubelet(&mut self, name: &str) {
        self.busy.remove(name);
        let now = self.seconds();
        let Some(mut pod) = self.api.pod(name).cloned() else { return };
        if kubelet::step(&mut pod, now) {
            self.say(|| format!("the kubelet on {name}: {}", summary(&pod)));
            self.api.put(pod);
            self.changed(name);
        }
    }

    fn wake(&mut self, name: &str) {
        if self.busy.insert(name.to_owned()) {
            let pace = u64::try_from(self.pace.as_millis()).expect("it is short");
            let pause = self.chance.millis(1000, 1000 + pace);
            self.plan_in(pause, Event::Kubelet(name.to_owned()));
        }
    }

    fn plan_in(&mut self, time: Duration, event: Event) {
        self.plan_at(self.now + time, event);
    }

    fn plan_at(&mut self, at: Duration, event: Event) {
        self.numbers += 1;
        self.agenda.insert((at, self.numbers), event);
    }

    fn instant(&self) -> Monotonic {
        Monotonic::after_start(self.now)
    }

    fn seconds(&self) -> i64 {
        BEGIN + i64::try_from(self.now.as_secs()).expect("the simulation is short")
    }

    fn time(&self) -> Now {
        Now { wall: self.wall(), monotonic: self.instant() }
    }

    fn observe_set(&mut self) {
        self.operator.observe_set(self.instant(), &self.object, None, &mut self.catalog);
    }

    pub(super) fn wall(&self) -> Seconds {
        Timestamp::from_second(self.seconds()).expect("the simulation is short").into()
    }
}

fn summary(pod: &Value) -> String {
    let all = kubelet::LISTS.iter().flat_map(|(_, statuses)| pod["status"][*statuses].as_array().into_iter().flatten());
    let all: Vec<String> = all.map(|it| format!("{} {} {}", it["name"], it["startedWith"], it["ready"])).collect();
    format!("{} {}", uid(pod), all.join(", "))
}
