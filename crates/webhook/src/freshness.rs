//! Whether what is known is as new as what the API server knows.

use std::fmt;
use std::sync::Arc;

/// Says whether what is known is as new as what the API server knows. Nothing is answered from what is old: another replica may
/// know better, and `failurePolicy` says what becomes of whoever asks where none does.
#[derive(Clone)]
pub struct Freshness(Arc<dyn Fn() -> bool + Send + Sync>);

impl Freshness {
    /// Returns what asks this.
    #[must_use]
    pub fn new(is_current: impl Fn() -> bool + Send + Sync + 'static) -> Self {
        Self(Arc::new(is_current))
    }

    pub(crate) fn is_current(&self) -> bool {
        (self.0)()
    }
}

impl Default for Freshness {
    /// Returns that of whoever always knows everything.
    fn default() -> Self {
        Self::new(|| true)
    }
}

impl fmt::Debug for Freshness {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_tuple("Freshness").field(&self.is_current()).finish()
    }
}
