//! A review that is under way.

use super::{Metrics, Outcome, Webhook};
use crate::review::Verdict;
use sidecarset_metrics::Labels;
use std::time::Instant;
use tracing::Span;

/// A review that is under way. It is counted when it is dropped, whatever has become of it by then.
#[derive(Debug)]
#[must_use = "a review that is dropped has ended"]
pub struct Review<'a> {
    metrics: &'a Metrics,
    webhook: Webhook,
    began: Instant,
    // What has become of it if it ends now.
    outcome: Outcome,
}

impl<'a> Review<'a> {
    pub(super) fn begin(metrics: &'a Metrics, webhook: Webhook) -> Self {
        Self { metrics, webhook, began: Instant::now(), outcome: Outcome::Unreadable }
    }

    /// Notes that it is not answered, because what is known may be old.
    pub fn is_stale(&mut self) {
        self.outcome = Outcome::Stale;
    }

    /// Notes that it could be read.
    pub fn is_read(&mut self) {
        self.outcome = Outcome::CutOff;
    }

    /// Notes that the answer is not known.
    pub fn is_unavailable(&mut self) {
        self.outcome = Outcome::Unavailable;
    }

    /// Notes that there is no room for it now.
    pub fn is_put_off(&mut self) {
        self.outcome = Outcome::Busy;
    }

    /// Notes what was decided.
    pub fn is_decided(&mut self, verdict: &Verdict) {
        self.outcome = Outcome::of(verdict);
    }
}

impl Drop for Review<'_> {
    fn drop(&mut self) {
        let outcome = if std::thread::panicking() { Outcome::Panicked } else { self.outcome };
        self.metrics.ended(self.webhook, outcome, self.began.elapsed());
        // Somebody may trace it.
        let span = Span::current();
        if !span.is_disabled() {
            tell(&span, outcome);
        }
    }
}

fn tell(span: &Span, outcome: Outcome) {
    for (label, value) in outcome.written() {
        span.record(label, value);
    }
}
