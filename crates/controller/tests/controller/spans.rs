//! What is traced.

use super::cluster::{Cluster, settle};
use super::objects::set;
use std::fmt::{Debug, Write};
use std::sync::{Arc, Mutex};
use tracing::Subscriber;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};
use tracing_subscriber::registry::{LookupSpan, Registry};

/// The spans of all tests of this process: a subscriber of one thread misses what others have come upon before.
#[derive(Debug, Clone, Default)]
struct Spans(Arc<Mutex<Vec<Told>>>);

#[derive(Debug, Clone)]
struct Told {
    id: Id,
    whole: Option<Id>,
    // Its name and its fields.
    text: String,
}

struct Fields<'a>(&'a mut String);

impl Visit for Fields<'_> {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        write!(self.0, " {}={value:?}", field.name()).unwrap();
    }
}

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for Spans {
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let span = context.span(id).unwrap();
        let whole = span.parent().map(|parent| parent.id());
        let mut told = Told { id: id.clone(), whole, text: span.name().to_owned() };
        attributes.record(&mut Fields(&mut told.text));
        self.0.lock().unwrap().push(told);
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, _: Context<'_, S>) {
        let mut spans = self.0.lock().unwrap();
        // An id is used again after the end of its span.
        let told = spans.iter_mut().rfind(|told| told.id == *id).unwrap();
        values.record(&mut Fields(&mut told.text));
    }
}

#[tokio::test(start_paused = true)]
async fn an_upgrade_is_a_part_of_the_look_that_led_to_it() {
    let spans = Spans::default();
    tracing::subscriber::set_global_default(Registry::default().with(spans.clone())).unwrap();
    let cluster = Cluster::new(&set("agent:1", 1), &["traced"]).quick_kubelet();
    let _operator = cluster.start().await;

    cluster.set_image("agent:2");
    settle().await;

    let spans = spans.0.lock().unwrap().clone();
    let at = spans.iter().position(|told| told.text.contains("k8s.pod.name=\"traced\"")).unwrap();
    let upgrade = &spans[at];
    let round = spans[..at].iter().rfind(|told| Some(&told.id) == upgrade.whole.as_ref()).unwrap();
    let fields = "k8s.namespace.name=\"shop\" k8s.pod.name=\"traced\" step=Definition result=\"done\"";
    assert_eq!(upgrade.text, format!("upgrade {fields}"));
    assert_eq!(round.text, "round sidecarset.name=\"log-sc\" matched=1 held=0 upgrades=1");
}
