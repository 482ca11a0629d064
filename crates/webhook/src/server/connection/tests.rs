//! What the other end of a connection of HTTP/2 may do, frame by frame: it is known to be an API server, and the clock is the test's.

use super::*;
use hyper::service::service_fn;
use std::sync::Arc;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
use tokio::task::JoinHandle;

const GREETING: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
/// A head that is whole, and says that nothing follows.
const WHOLE: u8 = 0x5;
const ACK: u8 = 0x1;
/// `POST /`, as HPACK has it; and the same with a path too many, for which no request is made.
const POST: [u8; 6] = [0x83, 0x87, 0x84, 0x41, 1, b'a'];
const MALFORMED: [u8; 7] = [0x83, 0x87, 0x84, 0x84, 0x41, 1, b'a'];
/// Enhance your calm.
const CALM: u8 = 11;

/// What a frame is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Headers = 1,
    Reset = 3,
    Settings = 4,
    Ping = 6,
    Farewell = 7,
}

/// The other end.
struct Peer {
    stream: DuplexStream,
    serving: JoinHandle<End>,
    began: Instant,
}

fn frame(kind: Kind, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    [&length[1..], &[kind as u8, flags], &stream.to_be_bytes(), payload].concat()
}

/// The streams that a client opens.
fn streams(count: u32) -> impl Iterator<Item = u32> {
    (0..count).map(|at| 2 * at + 1)
}

impl Peer {
    /// Begins to speak HTTP/2, and sends these frames.
    async fn greet(frames: &[Vec<u8>]) -> Self {
        let (mut stream, other) = duplex(1024 * 1024);
        let serving = tokio::spawn(async move {
            let standing = Arc::new(Standing::new());
            standing.prove();
            let patience = Patience { introduction: Duration::from_secs(10), idle: Duration::from_secs(120) };
            let service = service_fn(async |_| Ok(Response::default()));
            let shutdown = CancellationToken::new();
            Protocols::new().serve((other, Protocol::Http2), service, (&standing, patience), &shutdown).await
        });
        let greeting = [GREETING.to_vec(), frame(Kind::Settings, 0, 0, &[]), frames.concat()];
        stream.write_all(&greeting.concat()).await.unwrap();
        Self { stream, serving, began: Instant::now() }
    }

    /// Returns the kind, the flags and the payload of the next frame; nothing where the connection has ended.
    async fn next(&mut self) -> Option<(u8, u8, Vec<u8>)> {
        let mut head = [0; 9];
        self.stream.read_exact(&mut head).await.ok()?;
        let mut payload = vec![0; u32::from_be_bytes([0, head[0], head[1], head[2]]) as usize];
        self.stream.read_exact(&mut payload).await.ok()?;
        Some((head[3], head[4], payload))
    }

    /// Returns the payload of the next frame of a kind.
    async fn next_of(&mut self, kind: Kind) -> Option<Vec<u8>> {
        loop {
            let (found, _, payload) = self.next().await?;
            if found == kind as u8 {
                return Some(payload);
            }
        }
    }

    /// Returns the code with which the connection is ended; nothing where it goes on.
    async fn farewell(&mut self) -> Option<u8> {
        self.stream.write_all(&frame(Kind::Ping, 0, 0, b"are you?")).await.unwrap();
        loop {
            match self.next().await.unwrap() {
                (kind, ACK, _) if kind == Kind::Ping as u8 => return None,
                (kind, _, payload) if kind == Kind::Farewell as u8 => return Some(payload[7]),
                _ => {}
            }
        }
    }

    /// Waits until the connection has ended, and says how and after how many seconds.
    async fn end(self) -> (End, u64) {
        let end = self.serving.await.unwrap();
        (end, self.began.elapsed().as_secs())
    }
}

/// Returns the code with which a connection is ended on which so many streams are reset before anybody has looked at them.
async fn after_resets(count: usize) -> Option<u8> {
    let frames = streams(u32::try_from(count).unwrap())
        .flat_map(|id| [frame(Kind::Headers, WHOLE, id, &POST), frame(Kind::Reset, 0, id, &[0, 0, 0, 8])]);
    Peer::greet(&frames.collect::<Vec<_>>()).await.farewell().await
}

/// Returns the code with which a connection is ended on which so many streams cannot be read.
async fn after_errors(count: usize) -> Option<u8> {
    let frames = streams(u32::try_from(count).unwrap()).map(|id| frame(Kind::Headers, WHOLE, id, &MALFORMED));
    Peer::greet(&frames.collect::<Vec<_>>()).await.farewell().await
}

#[tokio::test(start_paused = true)]
async fn one_stream_too_many_that_is_reset_before_anybody_has_looked_at_it_ends_the_connection() {
    assert_eq!(after_resets(RESETS).await, None);
    assert_eq!(after_resets(RESETS + 1).await, Some(CALM));
}

#[tokio::test(start_paused = true)]
async fn one_stream_too_many_that_cannot_be_read_ends_the_connection() {
    assert_eq!(after_errors(ERRORS).await, None);
    assert_eq!(after_errors(ERRORS + 1).await, Some(CALM));
}

#[tokio::test(start_paused = true)]
async fn who_is_silent_is_asked_whether_he_is_there_and_left_where_he_does_not_answer() {
    let mut peer = Peer::greet(&[]).await;

    peer.next_of(Kind::Ping).await.unwrap();

    assert_eq!(peer.began.elapsed().as_secs(), PING.as_secs());
    assert_eq!(peer.end().await, (End::Done, (PING + PONG).as_secs()));
}

#[tokio::test(start_paused = true)]
async fn who_answers_that_he_is_there_stays_as_long_as_anybody_who_asks_nothing() {
    let mut peer = Peer::greet(&[]).await;
    let mut times = 0;

    while let Some(asked) = peer.next_of(Kind::Ping).await {
        times += 1;
        // An end that is closing already may hear no more.
        let _ = peer.stream.write_all(&frame(Kind::Ping, ACK, 0, &asked)).await;
    }

    assert!(times >= 3, "asked {times} times");
    assert_eq!(peer.end().await, (End::Idle, 120));
}
