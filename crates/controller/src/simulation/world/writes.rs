//! The operator looks at the set, and what becomes of its writes of Pods.

use super::{Event, Flight, Lanes, Reply, World};
use crate::apply::outcome::hold;
use crate::pod::PodLite;
use crate::simulation::history::Fault;
use crate::simulation::release::SET;
use crate::simulation::truth::{Done, Outcome, Truth, allowed, ensure};
use kube::core::Status;
use serde_json::Value;
use sidecarset_core::catalog::NamespaceLabels;
use sidecarset_core::reconcile::{PodAnswer, PodWrite, Poll, WriteHold};
use sidecarset_core::rollout;
use std::collections::VecDeque;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

/// How long the operator takes to decide.
const DECIDES: Duration = Duration::from_micros(250);

impl World {
    /// The operator looks at the set.
    pub(super) fn look(&mut self) -> Outcome {
        let now = self.time();
        let Some(name) = self.operator.poll_look(now.monotonic) else { return Ok(()) };
        let look = self.operator.look(&name, &self.catalog, now);
        let evaluation = look.evaluate_failure(&self.catalog);
        let decision = look.decide(evaluation);
        if let Some((round, planned)) = decision.round()
            && let Some(set) = self.known_set()
        {
            let mut matched = self.operator.index().members(&name);
            matched.retain(|pod| rollout::is_matched(&set, pod, None::<&NamespaceLabels>));
            Truth::judge_plan(&set, &matched, &round.plan)?;
            self.planned = planned;
            self.say(|| format!("a round: {:?}, {:?}, {:?}", round.plan.flips, round.plan.upgrades, round.plan.holds));
        }
        self.over = Lanes::default();
        self.operator.begin(decision, now.monotonic + DECIDES);
        self.plan_in(DECIDES, Event::Send);
        self.plan_in(DECIDES, Event::Record);
        Ok(())
    }

    pub(super) fn send(&mut self) -> Outcome {
        let now = self.instant();
        match self.operator.poll_pod(now, &SET.into(), &self.catalog) {
            Poll::Write(write) => {
                self.judge_beginning(&write)?;
                self.send_write(write);
            }
            Poll::Wait(Some(until)) => self.plan_at(until.since_start(), Event::Send),
            Poll::Wait(None) => {}
            Poll::Over => {
                self.over.pods = true;
                self.finish_if_done();
            }
        }
        Ok(())
    }

    /// Judges an upgrade that begins: it is of the set as the operator knows it by then, and that is not paused.
    fn judge_beginning(&self, write: &PodWrite) -> Outcome {
        let PodWrite::Upgrade(write) = write else { return Ok(()) };
        let known = self.known_set();
        let is_current = known.is_some_and(|known| Arc::ptr_eq(&known, &write.set));
        ensure(is_current, || format!("an upgrade of {} is of another definition", write.pod.key))?;
        ensure(!write.set.rollout.is_paused, || {
            format!("an upgrade of {} begins, and the set is paused", write.pod.key)
        })
    }

    fn send_write(&mut self, mut write: PodWrite) {
        let pod = match &write {
            PodWrite::Upgrade(write) => Arc::clone(&write.pod),
            PodWrite::Condition(write) => Arc::clone(&write.pod),
        };
        let patch = self.patch(&mut write);
        let allowed = match &write {
            PodWrite::Upgrade(write) => allowed(&write.set, self.planned),
            PodWrite::Condition(_) => 0,
        };
        let fault = self.faults.get_mut(pod.key.name()).and_then(VecDeque::pop_front);
        self.numbers += 1;
        let number = self.numbers;
        self.say(|| format!("sends {}: {patch} {fault:?}", pod.key.name()));
        let is_told = fault.is_none();
        self.flights.insert(number, Flight { write, patch, allowed, is_told });
        // Where it takes long, what comes after it waits for its permit.
        let latency = if self.chance.one_in(3) { self.chance.millis(1, 1500) } else { self.chance.millis(1, 40) };
        match fault {
            None => self.plan_in(latency, Event::Execute(number)),
            Some(Fault::Code(code)) => self.plan_in(latency, Event::Answer(number, Some(Err(code)))),
            Some(Fault::Lost) => self.plan_in(Duration::from_secs(10), Event::Answer(number, None)),
            Some(Fault::DoneLate(delay)) => {
                self.plan_in(latency + delay, Event::Execute(number));
                self.plan_in(Duration::from_secs(10), Event::Answer(number, None));
            }
        }
        let pause = self.chance.millis(0, 60);
        self.plan_in(pause, Event::Send);
    }

    fn patch(&self, write: &mut PodWrite) -> Value {
        match write {
            PodWrite::Upgrade(write) => {
                assert!(!write.reads_annotations(), "no release asks for that");
                write.annotate(None).expect("there is nothing to merge");
                write.upgrade.patch(&write.set, &write.pod, self.wall())
            }
            PodWrite::Condition(write) => write.change.patch(&write.pod, self.wall()),
        }
    }

    /// The API server carries out a write.
    pub(super) fn execute(&mut self, number: u64) -> Outcome {
        let Some(flight) = self.flights.get(&number) else { return Ok(()) };
        let name = flight.name().to_owned();
        let before = self.api.pod(&name).cloned();
        let reply = match &flight.write {
            PodWrite::Upgrade(_) => self.api.patch(&name, &flight.patch),
            PodWrite::Condition(_) => self.api.patch_status(&name, &flight.patch),
        };
        // What was done late is judged by what may be now, too.
        let now_allowed = allowed(&self.set, self.api.pods().count());
        let allowed = if flight.is_told { flight.allowed } else { flight.allowed.max(now_allowed) };
        let result = match (&reply, &before, self.api.pod(&name), &flight.write) {
            (Ok(_), Some(before), Some(after), PodWrite::Upgrade(write)) => {
                self.truth.judge(&Done { set: &write.set, step: write.upgrade.step, allowed, before, after })
            }
            (Ok(_), Some(before), Some(after), PodWrite::Condition(_)) => {
                ensure(before["spec"] == after["spec"], || format!("the condition of {name} changed more"))
            }
            _ => Ok(()),
        };
        let code = reply.as_ref().err().copied();
        if code.is_none() {
            self.writes += 1;
        }
        if flight.is_told {
            let latency = self.chance.millis(1, 40);
            self.plan_in(latency, Event::Answer(number, Some(reply)));
        }
        self.say(|| {
            format!("the API server writes {name}: {}", code.map_or("done".to_owned(), |code| code.to_string()))
        });
        self.changed(&name);
        result
    }

    pub(super) fn answer(&mut self, number: u64, reply: &Reply) -> Outcome {
        let now = self.instant();
        let Some(flight) = self.flights.get(&number) else { return Ok(()) };
        self.operator.answer_pod(now, &flight.write, &read(&flight.write, reply.as_ref()));
        self.operator.release(flight.write.set());
        self.drop_outputs();
        self.send()
    }

    /// Ends the round if both of its lanes are over.
    pub(super) fn finish_if_done(&mut self) {
        if self.over.pods && self.over.records {
            self.over = Lanes::default();
            self.operator.end(self.instant(), &SET.into());
        }
    }

    /// What people are told is of no interest here.
    pub(super) fn drop_outputs(&mut self) {
        while self.operator.poll_output().is_some() {}
    }
}

impl Flight {
    fn name(&self) -> &str {
        match &self.write {
            PodWrite::Upgrade(write) => write.pod.key.name(),
            PodWrite::Condition(write) => write.pod.key.name(),
        }
    }
}

fn read<'a>(write: &PodWrite, reply: Option<&'a Result<Rc<PodLite>, u16>>) -> PodAnswer<'a> {
    match (reply, write) {
        (Some(Ok(pod)), PodWrite::Upgrade(write)) if !write.is_met_by(pod.observed()) => {
            PodAnswer::Altered(pod.observed())
        }
        (Some(Ok(pod)), _) => PodAnswer::Written(pod.observed()),
        (Some(Err(404)), _) => PodAnswer::Gone,
        (Some(Err(code)), _) => {
            let error = kube::Error::Api(Status::failure("", "").with_code(*code).boxed());
            PodAnswer::Held(hold(&error), "")
        }
        (None, _) => PodAnswer::Held(WriteHold::Unanswered, "nobody answered"),
    }
}
