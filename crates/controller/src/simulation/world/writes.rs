//! The operator looks at the set, and what becomes of its writes.

use super::{Event, Flight, World};
use crate::round::Now;
use crate::simulation::history::Fault;
use crate::simulation::operator::Reply;
use crate::simulation::truth::{Done, Outcome, Truth, allowed};
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

impl World {
    /// The operator looks at the set.
    pub(super) fn look(&mut self) -> Outcome {
        let now = Now { wall: self.wall(), monotonic: self.instant() };
        let Some(round) = self.operator.begin(now) else { return Ok(()) };
        let steps: Vec<String> =
            round.todo.iter().map(|(_, step)| format!("{:?} {}", step.step, step.pod.name())).collect();
        let (holds, until) = (round.holds.clone(), round.until);
        Truth::judge_plan(round)?;
        self.say(|| format!("a round: {steps:?}, {holds:?}"));
        self.plan_in(Duration::ZERO, Event::Send);
        self.plan_at(until.saturating_duration_since(self.base), Event::RoundOver);
        Ok(())
    }

    pub(super) fn send(&mut self) {
        let now = self.instant();
        let Some((pod, upgrade)) = self.operator.next_write(now) else { return self.finish_if_done() };
        let round = self.operator.round.as_ref().expect("there was a write in it");
        let allowed = allowed(&round.set, round.matched.len());
        let patch = upgrade.patch(&round.set, &pod, self.wall());
        let set = Arc::clone(&round.set);
        let fault = self.faults.get_mut(pod.key.name()).and_then(VecDeque::pop_front);
        self.numbers += 1;
        let number = self.numbers;
        self.say(|| format!("sends an upgrade of {}: {fault:?}", pod.key.name()));
        let (step, is_told) = (upgrade.step, fault.is_none());
        self.flights.insert(number, Flight { set, pod, step, patch, allowed, is_told });
        let latency = self.chance.millis(1, 40);
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

    /// The API server carries out a write.
    pub(super) fn execute(&mut self, number: u64) -> Outcome {
        let Some(flight) = self.flights.get(&number) else { return Ok(()) };
        let name = flight.pod.key.name().to_owned();
        let before = self.api.pod(&name).cloned();
        let reply = self.api.patch(&name, &flight.patch);
        // What was done late is judged by what may be now, too.
        let now_allowed = allowed(&self.set, self.api.pods().count());
        let allowed = if flight.is_told { flight.allowed } else { flight.allowed.max(now_allowed) };
        let result = match (&reply, &before, self.api.pod(&name)) {
            (Ok(_), Some(before), Some(after)) => {
                let done = Done { set: &flight.set, step: flight.step, allowed, before, after };
                self.truth.judge(&done)
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
            format!("the API server upgrades {name}: {}", code.map_or("done".to_owned(), |code| code.to_string()))
        });
        self.changed(&name);
        result
    }

    pub(super) fn answer(&mut self, number: u64, reply: Reply) {
        let now = self.instant();
        let Some(flight) = self.flights.get(&number) else { return };
        self.operator.hear(&flight.set, &flight.pod, reply, now);
        self.finish_if_done();
    }

    pub(super) fn finish_if_done(&mut self) {
        let now = self.instant();
        if self.operator.round.as_ref().is_none_or(|round| !round.under_way.is_empty() && now < round.until) {
            return;
        }
        // Writes that were not begun are planned anew.
        let is_more_to_send = self.agenda.values().any(|event| matches!(event, Event::Send));
        if is_more_to_send {
            return;
        }
        if let Some(status) = self.operator.finish(now) {
            let version = self.api.next_version();
            self.object.metadata.resource_version = Some(version.to_string());
            self.object.status = Some(status);
            self.operator.sets.wrote_status(&self.object, now);
            self.plan_in(self.lag, Event::ShowSet);
        }
    }
}
