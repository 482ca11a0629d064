//! The Pods that are known, for whoever asks about all of them.

use parking_lot::{Mutex, MutexGuard, RwLock};
use sidecarset_core::catalog::Catalog;
use sidecarset_core::injection::Survey;
use sidecarset_core::normalize::CanonicalSet;
use sidecarset_core::reconcile::Driver;
use std::sync::Arc;

/// How many Pods are looked at before others may change them.
const PAGE: usize = 256;

/// The Pods that are known, which the controller keeps up to date.
#[derive(Debug, Clone, Default)]
pub struct KnownPods(Arc<Mutex<Driver>>);

impl KnownPods {
    pub(crate) fn lock(&self) -> MutexGuard<'_, Driver> {
        self.0.lock()
    }

    /// Says what a set takes from the Pods that it selects, as they are now.
    #[must_use]
    pub fn survey(&self, set: &Arc<CanonicalSet>, catalog: &RwLock<Catalog>) -> Vec<String> {
        let mut survey = Survey::of(set);
        if !set.is_injecting {
            return survey.warnings();
        }
        let mut page = self.lock().index().page(None, PAGE);
        while let Some(last) = page.last().map(|pod| pod.key.clone()) {
            {
                let catalog = catalog.read();
                let is_selected = |labels: &_, namespace: &str| catalog.is_selected_by(set, labels, namespace);
                for pod in page.iter().filter(|pod| set.operating_systems.include(pod.own().os())) {
                    if is_selected(&**pod.labels(), pod.key.namespace()) {
                        survey.add(&pod.key, pod.own());
                    }
                }
            }
            page = self.lock().index().page(Some(&last), PAGE);
        }
        survey.warnings()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pod::PodLite;
    use serde_json::{Value, json};
    use sidecarset_core::normalize::normalize;
    use sidecarset_core::reconcile::{Monotonic, PodNews};

    fn known(pods: impl IntoIterator<Item = Value>) -> KnownPods {
        let known = KnownPods::default();
        for pod in pods {
            let pod: PodLite = serde_json::from_value(pod).unwrap();
            let mut driver = known.lock();
            driver.observe_pods(Monotonic::START, PodNews::Shown(pod.observed()));
            driver.place(Monotonic::START, pod.observed(), &[], 0);
        }
        known
    }

    fn pod(at: usize, members: &Value) -> Value {
        let mut pod = json!({
            "metadata": {"name": format!("web-{at}"), "namespace": "shop", "uid": format!("u{at}"), "labels": {"app": "web"}},
            "spec": {"containers": [{"name": "web"}]},
        });
        json_patch::merge(&mut pod, members);
        pod
    }

    fn told(pods: Vec<Value>) -> Vec<String> {
        let set = serde_json::from_value(json!({
            "metadata": {"name": "new"},
            "spec": {"selector": {"matchLabels": {"app": "web"}}, "containers": [{"name": "web", "image": "i:1"}]},
        }));
        let set = Arc::new(normalize(&set.unwrap()).unwrap());
        known(pods).survey(&set, &RwLock::default())
    }

    #[test]
    fn pods_with_sidecars_and_without_are_counted_page_by_page() {
        let mut pods: Vec<Value> = (0..PAGE).map(|at| pod(at, &json!({}))).collect();
        let injected = json!({"annotations": {"kruise.io/sidecarset-injected-list": "other"}});
        pods.push(pod(PAGE, &json!({"metadata": injected})));

        assert_eq!(told(pods), ["spec.containers[web].name: replaces container web in 257 pods, such as shop/web-0"]);
    }

    #[test]
    fn only_pods_count_that_the_set_would_be_injected_into() {
        let others = [
            json!({"metadata": {"labels": {"app": "other"}}}),
            json!({"spec": {"nodeSelector": {"kubernetes.io/os": "windows"}}}),
        ];

        assert_eq!(told(others.iter().enumerate().map(|(at, members)| pod(at, members)).collect()), [""; 0]);
    }
}
