//! How the API server lists and watches.

use super::{Kind, Reply, State, Streaming, answer_text, failure};
use bytes::Bytes;
use futures::channel::mpsc::unbounded;
use futures::{StreamExt, stream};
use http::Response;
use http_body_util::{BodyExt, StreamBody};
use serde_json::{Value, json};

impl State {
    pub(super) fn list(&mut self, kind: Kind) -> Reply {
        self.lists += 1;
        let items = self.objects[kind as usize].values().map(Value::to_string);
        let texts = self.texts.iter().filter(|(of, _)| *of == kind).map(|(_, text)| text.clone());
        let items: Vec<String> = items.chain(texts).collect();
        let metadata = json!({"resourceVersion": self.version.to_string()});
        answer_text(
            200,
            format!(r#"{{"apiVersion":"v1","kind":"List","metadata":{metadata},"items":[{}]}}"#, items.join(",")),
        )
    }

    pub(super) fn begin_watch(&mut self, kind: Kind, query: &str) -> Reply {
        let from = query.split('&').find_map(|pair| pair.strip_prefix("resourceVersion=")).unwrap();
        if query.contains("sendInitialEvents=true") {
            assert_eq!(from, "", "any state will do");
            self.stream(kind)
        } else {
            self.watch(kind, from.parse().unwrap())
        }
    }

    /// Begins a watch with all objects.
    fn stream(&mut self, kind: Kind) -> Reply {
        self.streamed_lists += 1;
        let objects = self.objects[kind as usize].values();
        let mut shown: Vec<Bytes> = objects.map(|it| line(&json!({"type": "ADDED", "object": it}))).collect();
        let texts = self.texts.iter().filter(|(of, _)| *of == kind);
        shown.extend(texts.map(|(_, text)| Bytes::from(format!("{{\"type\":\"ADDED\",\"object\":{text}}}\n"))));
        match self.streaming {
            Streaming::Refused => return failure(422),
            Streaming::BrokenOff => {
                shown.truncate(1);
                return stream_of(stream::iter(shown));
            }
            Streaming::Overlooked => {}
            Streaming::Done => shown.push(line(&end_of_list(self.version))),
        }
        let (to, lines) = unbounded();
        self.watchers.push((kind, to));
        stream_of(stream::iter(shown).chain(lines))
    }

    fn watch(&mut self, kind: Kind, from: u64) -> Reply {
        let oldest = self.history.first().map_or(self.version, |(version, _, _)| version - 1);
        if from < oldest {
            let status =
                json!({"kind": "Status", "status": "Failure", "code": 410, "reason": "Expired", "message": "too old"});
            let event = line(&json!({"type": "ERROR", "object": status}));
            return stream_of(stream::iter([event]).chain(stream::pending()));
        }
        let (to, lines) = unbounded();
        for (_, _, event) in self.history.iter().filter(|(version, of, _)| *version > from && *of == kind) {
            to.unbounded_send(line(event)).unwrap();
        }
        self.watchers.push((kind, to));
        stream_of(lines)
    }
}

// Like a real API server, with the type in front.
pub(super) fn line(event: &Value) -> Bytes {
    format!("{{\"type\":{},\"object\":{}}}\n", event["type"], event["object"]).into()
}

fn end_of_list(version: u64) -> Value {
    let annotations = json!({"k8s.io/initial-events-end": "true"});
    let metadata = json!({"resourceVersion": version.to_string(), "annotations": annotations});
    json!({"type": "BOOKMARK", "object": {"apiVersion": "v1", "kind": "Pod", "metadata": metadata}})
}

fn stream_of(lines: impl stream::Stream<Item = Bytes> + Send + 'static) -> Reply {
    let frames = lines.map(|line| Ok(http_body::Frame::data(line)));
    Response::new(StreamBody::new(frames).boxed_unsync())
}
