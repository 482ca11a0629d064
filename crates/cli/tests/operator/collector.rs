//! A collector of traces: it takes what is sent to it by gRPC, and looks at nothing but the bytes.

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue};
use axum::response::Response;
use axum::routing::post;
use futures::stream;
use http_body::Frame;
use http_body_util::StreamBody;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::mpsc;
use std::time::{Duration, Instant};
use tokio::net::TcpListener;
use tokio::runtime::Runtime;

const EXPORT: &str = "/opentelemetry.proto.collector.trace.v1.TraceService/Export";
const PATIENCE: Duration = Duration::from_secs(30);

pub struct Collector {
    pub address: SocketAddr,
    sent: mpsc::Receiver<Bytes>,
    // It serves as long as this is there.
    _runtime: Runtime,
}

impl Collector {
    pub fn start() -> Self {
        let runtime = Runtime::new().unwrap();
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
        let address = listener.local_addr().unwrap();
        let (tells, sent) = mpsc::channel();
        let router = Router::new().route(EXPORT, post(take)).with_state(tells);
        runtime.spawn(async { axum::serve(listener, router).await.unwrap() });
        Self { address, sent, _runtime: runtime }
    }

    /// Waits until all of these were sent, in whatever messages.
    pub fn until_sent(&self, parts: &[&[u8]]) {
        let deadline = Instant::now() + PATIENCE;
        let mut missing = parts.to_vec();
        while !missing.is_empty() {
            let left = deadline.saturating_duration_since(Instant::now());
            let message = self.sent.recv_timeout(left).unwrap_or_else(|_| panic!("nobody sent {missing:?}"));
            missing.retain(|part| !message.windows(part.len()).any(|window| window == *part));
        }
    }
}

async fn take(State(tells): State<mpsc::Sender<Bytes>>, body: Bytes) -> Response {
    // The test may be over.
    let _ = tells.send(body);
    // An empty message, which is not compressed; and that all is well.
    let message = Frame::data(Bytes::from_static(&[0; 5]));
    let trailers =
        Frame::trailers(HeaderMap::from_iter([("grpc-status".parse().unwrap(), HeaderValue::from_static("0"))]));
    let frames = stream::iter([message, trailers].map(Ok::<_, Infallible>));
    Response::builder().header("content-type", "application/grpc").body(Body::new(StreamBody::new(frames))).unwrap()
}
