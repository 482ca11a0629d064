//! Three replicas around one Lease, while requests and answers are late or lost, replicas freeze, die or leave, and no two clocks
//! go at the same rate.
#![expect(clippy::unwrap_used, reason = "a test ends at the first surprise")]

use jiff::Timestamp;
use k8s_openapi::api::coordination::v1::Lease;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use leader_lease::{Candidate, Decision, Moment, Now, Term};
use proptest::prelude::*;
use std::time::Duration;

const TICK: Duration = Duration::from_millis(50);
const TROUBLE: u32 = 4_000;
/// Longer than what is late can be, and a lease after that.
const CALM: u32 = 1_400;
const WALL: Timestamp = Timestamp::constant(1_790_000_000, 0);

/// A source of chance: the same seed, the same history.
struct Chance(u64);

/// What a replica asks of the API server, or is answered.
#[derive(Debug, Clone)]
enum Request {
    Look,
    Create(Lease),
    Replace(Lease),
}

#[derive(Debug, Clone)]
enum Answer {
    Says(Option<Lease>),
    Wrote(Lease),
    Conflict,
}

/// Something on its way between a replica and the API server.
#[derive(Debug)]
struct Message<T> {
    arrives: Duration,
    replica: usize,
    number: u32,
    what: T,
}

#[derive(Debug)]
struct Replica {
    identity: String,
    candidate: Candidate,
    // Its clock began at some time, and goes a little too fast or too slow: this much in a thousand.
    began: Duration,
    rate: u32,
    // The request that it waits for, and when it was asked for by its clock.
    waits: Option<(u32, Moment)>,
    frozen_until: Duration,
    is_leaving: bool,
}

struct World {
    chance: Chance,
    now: Duration,
    lease: Option<Lease>,
    version: u32,
    replicas: Vec<Replica>,
    requests: Vec<Message<Request>>,
    answers: Vec<Message<Answer>>,
    number: u32,
    in_trouble: bool,
    // The API server answers, and takes no writes.
    takes_writes: bool,
    terms: u32,
}

impl Chance {
    // SplitMix64.
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % limit
    }

    fn one_in(&mut self, chances: u64) -> bool {
        self.below(chances) == 0
    }

    fn millis(&mut self, most: u64) -> Duration {
        Duration::from_millis(self.below(most + 1))
    }
}

impl Replica {
    fn clock(&self, now: Duration) -> Moment {
        (now - self.began) * self.rate / 1000
    }

    fn leads(&self, now: Duration) -> bool {
        !self.is_leaving && self.candidate.leads_until().is_some_and(|until| self.clock(now) < until)
    }
}

impl World {
    fn new(seed: u64) -> Self {
        let mut world = Self {
            chance: Chance(seed),
            now: Duration::from_secs(1000),
            lease: None,
            version: 0,
            replicas: Vec::new(),
            requests: Vec::new(),
            answers: Vec::new(),
            number: 0,
            in_trouble: true,
            takes_writes: true,
            terms: 0,
        };
        world.replicas = (0..3).map(|at| world.replica(format!("first-{at}"))).collect();
        world
    }

    fn replica(&mut self, identity: String) -> Replica {
        Replica {
            candidate: Candidate::new(identity.clone(), Term::default()),
            identity,
            began: self.now - self.chance.millis(900_000),
            rate: u32::try_from(950 + self.chance.below(101)).unwrap(),
            waits: None,
            // It takes a moment to start.
            frozen_until: self.now + self.chance.millis(3000),
            is_leaving: false,
        }
    }

    /// Most answers come in milliseconds; in trouble some come very late, and some never.
    fn delay(&mut self) -> Option<Duration> {
        match self.chance.below(10) {
            0 if self.in_trouble => None,
            1 if self.in_trouble => Some(self.chance.millis(40_000)),
            2 if self.in_trouble => Some(self.chance.millis(5_000)),
            _ => Some(self.chance.millis(100)),
        }
    }

    fn tick(&mut self) {
        self.now += TICK;
        if self.chance.one_in(300) || !self.in_trouble {
            self.takes_writes = !self.in_trouble || self.chance.one_in(2);
        }
        self.serve();
        for at in 0..self.replicas.len() {
            if self.in_trouble {
                self.disturb(at);
            }
            if self.now >= self.replicas[at].frozen_until {
                self.hear(at);
                self.act(at);
            }
        }
    }

    fn disturb(&mut self, at: usize) {
        if self.chance.one_in(600) {
            self.replicas[at].frozen_until = self.now + self.chance.millis(40_000);
        }
        if self.chance.one_in(1200) {
            self.restart(at);
        }
        if self.chance.one_in(1200) {
            // Whoever leaves acts no more, gives back what it has, and ends.
            self.replicas[at].is_leaving = true;
        }
    }

    /// Another process: in the same Pod, with the same identity, or in a new one. What the one before asked for may still come.
    fn restart(&mut self, at: usize) {
        let identity = match self.chance.one_in(2) {
            true => self.replicas[at].identity.clone(),
            false => format!("{at}-{:?}", self.now),
        };
        self.replicas[at] = self.replica(identity);
    }

    fn serve(&mut self) {
        let now = self.now;
        let mut due: Vec<_> = self.requests.extract_if(.., |message| message.arrives <= now).collect();
        due.sort_by_key(|message| message.arrives);
        for Message { replica, number, what, .. } in due {
            if !self.takes_writes && !matches!(what, Request::Look) {
                continue;
            }
            let answer = self.answer(what);
            if let Some(delay) = self.delay() {
                self.answers.push(Message { arrives: now + delay, replica, number, what: answer });
            }
        }
    }

    fn answer(&mut self, request: Request) -> Answer {
        let present = self.lease.as_ref().and_then(|lease| lease.metadata.resource_version.clone());
        match request {
            Request::Look => Answer::Says(self.lease.clone()),
            Request::Create(lease) if self.lease.is_none() => self.write(lease),
            Request::Replace(lease) if present == lease.metadata.resource_version => self.write(lease),
            Request::Create(_) | Request::Replace(_) => Answer::Conflict,
        }
    }

    fn write(&mut self, lease: Lease) -> Answer {
        self.version += 1;
        let metadata = ObjectMeta { resource_version: Some(self.version.to_string()), ..lease.metadata };
        self.lease = Some(Lease { metadata, ..lease });
        Answer::Wrote(self.lease.clone().unwrap())
    }

    fn hear(&mut self, at: usize) {
        let now = self.now;
        let clock = self.replicas[at].clock(now);
        let Some((number, asked)) = self.replicas[at].waits else { return };
        let due = |message: &mut Message<Answer>| message.arrives <= now && message.number == number;
        let answer = self.answers.extract_if(.., due).next();
        let replica = &mut self.replicas[at];
        let is_late = clock - asked >= Term::default().patience();
        match answer {
            Some(Message { what: Answer::Says(lease), .. }) if !is_late => replica.candidate.saw(lease, clock),
            Some(Message { what: Answer::Wrote(lease), .. }) if !is_late => {
                self.terms += u32::from(!replica.leads(now));
                replica.candidate.wrote(lease, asked);
            }
            Some(Message { what: Answer::Conflict, .. }) if !is_late => replica.candidate.missed(clock),
            Some(_) => replica.candidate.failed(clock),
            None if is_late => replica.candidate.failed(clock),
            None => return,
        }
        replica.waits = None;
    }

    fn act(&mut self, at: usize) {
        let replica = &self.replicas[at];
        if replica.waits.is_some() {
            return;
        }
        let now = Now { monotonic: replica.clock(self.now), wall: WALL };
        if replica.is_leaving {
            let released = self.lease.as_ref().and_then(|lease| replica.candidate.release(lease, WALL));
            if let Some(lease) = released {
                self.write(lease);
            }
            return self.restart(at);
        }
        let request = match replica.candidate.decide(now) {
            Decision::Wait { .. } => return,
            Decision::Stop(_) => return self.restart(at),
            Decision::Look => Request::Look,
            Decision::Create(lease) => Request::Create(*lease),
            Decision::Replace(lease) => Request::Replace(*lease),
        };
        self.number += 1;
        self.replicas[at].waits = Some((self.number, now.monotonic));
        if let Some(delay) = self.delay() {
            let arrives = self.now + delay;
            self.requests.push(Message { arrives, replica: at, number: self.number, what: request });
        }
    }

    /// Goes through a time of trouble and one without, and returns how often more than one led, and who leads in the end.
    fn run(&mut self) -> (usize, Vec<&str>) {
        let mut overlaps = 0;
        for tick in 0..TROUBLE + CALM {
            self.in_trouble = tick < TROUBLE;
            self.tick();
            overlaps += usize::from(self.leaders().len() > 1);
        }
        (overlaps, self.leaders())
    }

    fn leaders(&self) -> Vec<&str> {
        let leaders = self.replicas.iter().filter(|replica| replica.leads(self.now));
        leaders.map(|replica| &*replica.identity).collect()
    }
}

/// Returns how many worlds there are: as many as `FUZZ_CASES` says where somebody asks for more.
fn trials() -> ProptestConfig {
    let asked = std::env::var("FUZZ_CASES").ok().map(|cases| cases.parse().expect("FUZZ_CASES is a number"));
    ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(asked.unwrap_or(200)) }
}

proptest! {
    #![proptest_config(trials())]

    #[test]
    fn no_two_replicas_lead_at_once_and_one_does_when_the_trouble_is_over(seed in any::<u64>()) {
        let mut world = World::new(seed);

        let (overlaps, leaders) = world.run();

        prop_assert_eq!((overlaps, leaders.len()), (0, 1));
    }
}

#[test]
fn in_trouble_one_after_the_other_leads() {
    let terms: u32 = (0..20)
        .map(World::new)
        .map(|mut world| {
            world.run();
            world.terms
        })
        .sum();

    assert!(terms > 60, "{terms} terms in 20 worlds");
}
