//! What is told of a single Pod.

use super::{Event, EventKind, Subject, shortened};
use crate::injection::{Clash, ClashKind};
use crate::record::PodRecord;
use std::sync::Arc;

/// Tells that a container which another one took over from waits from now on. The words are Kruise's.
#[must_use]
pub fn reset(pod: &PodRecord) -> Event {
    let note = "reset sidecar container image empty successfully".to_owned();
    of_flip(pod, EventKind::Normal, "ResetContainerSucceed", note)
}

/// Tells that such a container goes on, because the API server did not take the change.
#[must_use]
pub fn reset_failed(pod: &PodRecord, error: &str) -> Event {
    let note = format!("reset sidecar container image empty failed: {error}");
    of_flip(pod, EventKind::Warning, "ResetContainerFailed", note)
}

/// Tells of a set that clashes with what new Pods of a namespace bring themselves. `pods` is what their names begin with.
#[must_use]
pub fn clashed(clash: &Clash, namespace: &str, pods: &str) -> Event {
    let reason = match clash.kind {
        ClashKind::Container => "ContainerReplaced",
        ClashKind::Stripped => "ContainerStripped",
        ClashKind::Volume => "VolumeShadowed",
        ClashKind::Port => "PortTaken",
        ClashKind::Qos => "NotGuaranteed",
    };
    Event {
        subject: Subject::Set { name: Arc::clone(&clash.set), uid: clash.uid.clone() },
        kind: EventKind::Warning,
        reason: reason.to_owned(),
        action: "Inject",
        note: shortened(format!("pod {namespace}/{pods}: {}", clash.message)),
    }
}

fn of_flip(pod: &PodRecord, kind: EventKind, reason: &str, note: String) -> Event {
    let subject = Subject::Pod { key: pod.key.clone(), uid: pod.uid.clone() };
    Event { subject, kind, reason: reason.to_owned(), action: "HotUpgrade", note: shortened(note) }
}
