//! What happens from outside.

use super::{Event, World};
use crate::simulation::history::Chaos;
use crate::simulation::{NAMESPACE, kubelet};
use serde_json::{Value, json};
use sidecarset_core::catalog::Catalog;
use sidecarset_core::injection::inject;
use sidecarset_core::reconcile::Driver;
use std::sync::Arc;

impl World {
    pub(super) fn go_wrong(&mut self, chaos: Chaos) {
        self.say(|| format!("{chaos:?}"));
        match chaos {
            Chaos::Release(release) => self.release(&release),
            Chaos::Create => self.create(None),
            Chaos::Restart => self.restart(),
            Chaos::Lose(time) if !self.is_watch_lost => {
                self.is_watch_lost = true;
                self.plan_in(time, Event::List);
            }
            Chaos::Lose(_) => {}
            Chaos::Lag(lag) => self.lag = lag,
            Chaos::Slow(pace) => self.pace = pace,
            Chaos::Repeat(times) if !self.is_watch_lost => {
                (self.shown.saturating_sub(times)..self.shown).for_each(|at| self.show_one(at));
            }
            Chaos::Repeat(_) => {}
            Chaos::Fault { pod, fault, times } => {
                if let Some(name) = self.name(pod) {
                    self.faults.entry(name).or_default().extend([fault].repeat(times));
                }
            }
            Chaos::Crash { pod, .. }
            | Chaos::Delete { pod }
            | Chaos::Recreate { pod }
            | Chaos::Terminate { pod }
            | Chaos::Fail { pod }
            | Chaos::Relabel { pod }
            | Chaos::Annotate { pod } => {
                if let Some(name) = self.name(pod) {
                    self.befall(&name, &chaos);
                }
            }
        }
    }

    /// Something happens to a Pod.
    pub(super) fn befall(&mut self, name: &str, chaos: &Chaos) {
        let now = self.seconds();
        let mut pod = self.api.pod(name).cloned().expect("it was chosen from those that there are");
        match chaos {
            Chaos::Crash { container, .. } => kubelet::crash(&mut pod, *container, now),
            Chaos::Terminate { .. } => pod["metadata"]["deletionTimestamp"] = kubelet::time(now).into(),
            Chaos::Fail { .. } => pod["status"]["phase"] = "Failed".into(),
            Chaos::Relabel { .. } => {
                let app = &mut pod["metadata"]["labels"]["app"];
                *app = if *app == "web" { "other".into() } else { "web".into() };
            }
            Chaos::Annotate { .. } => pod["metadata"]["annotations"]["note"] = now.to_string().into(),
            Chaos::Delete { .. } | Chaos::Recreate { .. } => {
                self.api.remove(name);
                self.changed(name);
                if matches!(chaos, Chaos::Recreate { .. }) {
                    self.create(Some(name));
                }
                return;
            }
            _ => return,
        }
        self.api.put(pod);
        self.changed(name);
    }

    /// We are killed: what was sent and not done is never done, and nobody hears of the rest.
    pub(super) fn restart(&mut self) {
        (self.operator, self.catalog, self.is_synced) = (Driver::default(), Catalog::default(), false);
        self.flights.clear();
        self.agenda.retain(|_, event| {
            !matches!(
                event,
                Event::Send | Event::Record | Event::Recorded(_) | Event::List | Event::Listed(_) | Event::ShowSet
            )
        });
        self.is_watch_lost = true;
        let time = self.chance.millis(100, 3000);
        self.plan_in(time, Event::List);
    }

    pub(super) fn create(&mut self, name: Option<&str>) {
        self.numbers += 1;
        let name = name.map_or_else(|| format!("web-{}", self.numbers), str::to_owned);
        let mut pod = self.plain(&name);
        let injection = inject(&pod, &[Arc::clone(&self.set)], self.wall()).unwrap();
        json_patch::patch(&mut pod, &injection.patch.operations()).unwrap();
        kubelet::start(&mut pod, self.seconds());
        self.api.put(pod);
        self.changed(&name);
    }

    /// A Pod that the set selects, and that was there before it.
    pub(super) fn bystander(&mut self) {
        let mut pod = self.plain("bystander");
        kubelet::start(&mut pod, self.seconds());
        self.api.put(pod);
    }

    pub(super) fn plain(&self, name: &str) -> Value {
        let tier = if self.numbers.is_multiple_of(2) { "a" } else { "b" };
        json!({
            "metadata": {
                "name": name, "namespace": NAMESPACE, "uid": format!("{name}-{}", self.numbers),
                "labels": {"app": "web", "tier": tier}, "creationTimestamp": kubelet::time(self.seconds()),
            },
            "spec": {"nodeName": "node", "containers": [{"name": "main", "image": "nginx:1"}]},
        })
    }

    pub(super) fn name(&self, at: usize) -> Option<String> {
        let names = self.api.names();
        (!names.is_empty()).then(|| names[at % names.len()].clone())
    }
}
