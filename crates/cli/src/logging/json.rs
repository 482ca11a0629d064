//! Log lines for machines: one JSON object a line. Errors are written with everything that led to them, as they are in lines for
//! people.

use jiff::Timestamp;
use serde_json::{Map, Value};
use sidecarset_core::chain::chain;
use std::error::Error;
use std::fmt::{self, Debug};
use tracing::field::{Field, Visit};
use tracing::{Event, Subscriber};
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields, FormattedFields};
use tracing_subscriber::registry::{LookupSpan, SpanRef};

/// Writes each event as a JSON object, with its fields beside its message. The fields of spans have to be written as JSON too.
#[derive(Debug, Clone, Copy)]
pub struct JsonLines;

/// The fields of an event.
#[derive(Debug, Default)]
struct Fields(Map<String, Value>);

impl<S, N> FormatEvent<S, N> for JsonLines
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(&self, ctx: &FmtContext<'_, S, N>, mut writer: Writer<'_>, event: &Event<'_>) -> fmt::Result {
        let mut fields = Fields::default();
        event.record(&mut fields);
        let mut line = fields.0;
        let metadata = event.metadata();
        line.insert("timestamp".to_owned(), format!("{:.6}", Timestamp::now()).into());
        line.insert("level".to_owned(), metadata.level().as_str().into());
        line.insert("target".to_owned(), metadata.target().into());
        let spans: Vec<Value> =
            ctx.event_scope().map(|scope| scope.from_root().map(|it| span::<S, N>(&it)).collect()).unwrap_or_default();
        if !spans.is_empty() {
            line.insert("spans".to_owned(), spans.into());
        }
        writeln!(writer, "{}", Value::Object(line))
    }
}

fn span<S, N>(span: &SpanRef<'_, S>) -> Value
where
    S: for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    let extensions = span.extensions();
    let fields = extensions.get::<FormattedFields<N>>().and_then(|fields| serde_json::from_str(&fields.fields).ok());
    let mut fields: Map<String, Value> = fields.unwrap_or_default();
    fields.insert("name".to_owned(), span.name().into());
    fields.into()
}

impl Fields {
    fn put(&mut self, field: &Field, value: impl Into<Value>) {
        self.0.insert(field.name().to_owned(), value.into());
    }
}

impl Visit for Fields {
    fn record_f64(&mut self, field: &Field, value: f64) {
        self.put(field, value);
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.put(field, value);
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.put(field, value);
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.put(field, value);
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.put(field, value);
    }

    fn record_error(&mut self, field: &Field, value: &(dyn Error + 'static)) {
        self.put(field, chain(value).to_string());
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.put(field, format!("{value:?}"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io;
    use std::sync::{Arc, Mutex};
    use tracing::{error, info_span};
    use tracing_subscriber::fmt::MakeWriter;

    /// What is written into a log.
    #[derive(Clone, Default)]
    struct Lines(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Lines {
        fn write(&mut self, text: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(text)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    impl MakeWriter<'_> for Lines {
        type Writer = Self;

        fn make_writer(&self) -> Self {
            self.clone()
        }
    }

    fn line(log: impl FnOnce()) -> Value {
        let lines = Lines::default();
        let subscriber = tracing_subscriber::fmt().json().event_format(JsonLines).with_writer(lines.clone()).finish();
        tracing::subscriber::with_default(subscriber, log);
        let text = String::from_utf8(lines.0.lock().unwrap().clone()).unwrap();
        serde_json::from_str(&text).unwrap()
    }

    #[test]
    fn an_error_is_written_with_everything_that_led_to_it() {
        let failed = anyhow::Error::from(io::Error::other("reset by peer")).context("failed to list");

        let line = line(|| error!(error = &*failed as &(dyn Error + 'static), kind = "Pod", count = 7, "a \"word\""));

        assert_eq!(line["error"], "failed to list: reset by peer");
        assert_eq!((&line["kind"], &line["count"], &line["message"]), (&"Pod".into(), &7.into(), &"a \"word\"".into()));
        assert_eq!((&line["level"], line["target"].is_string()), (&"ERROR".into(), true));
        assert_eq!(line["timestamp"].as_str().map(str::len), Some("2026-01-02T03:04:05.123456Z".len()));
    }

    #[test]
    fn spans_are_told_with_their_fields() {
        let line = line(|| info_span!("round", set = "log-sc").in_scope(|| error!("failed")));

        assert_eq!(line["spans"], serde_json::json!([{"name": "round", "set": "log-sc"}]));
    }
}
