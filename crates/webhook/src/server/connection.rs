//! One connection, from its handshake to its end.

#[cfg(test)]
mod tests;

use super::greeting::Protocol;
use super::standing::{Patience, Standing};
use axum::response::Response;
use hyper::Request;
use hyper::body::Incoming;
use hyper::service::Service;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use std::convert::Infallible;
use std::pin::pin;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::{Instant, sleep_until, timeout};
use tokio_util::sync::CancellationToken;
use tracing::debug;

/// How long a farewell may take.
const FAREWELL: Duration = Duration::from_secs(1);

/// How much is read of a request before anybody looks at it: its head has to fit.
const HEAD: u32 = 16 * 1024;
const HEADERS: usize = 64;
/// How many requests of an API server are answered at once on one connection of HTTP/2.
const STREAMS: u32 = 128;
/// How much of one body waits until somebody reads it, and how much of all on a connection: one that waits must not keep others.
const STREAM_WINDOW: u32 = 64 * 1024;
const CONNECTION_WINDOW: u32 = 1024 * 1024;
/// How many streams may be reset that nobody has looked at, and how many because of errors, before the connection ends.
const RESETS: usize = 16;
const ERRORS: usize = 64;
/// How often somebody who is silent is asked whether he is still there, and how long he has for an answer.
const PING: Duration = Duration::from_secs(30);
const PONG: Duration = Duration::from_secs(10);

/// Why a connection ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    /// Both ends are done, or one is gone.
    Done,
    /// It was not known to be an API server's in time.
    Unknown,
    /// It was quiet for too long.
    Idle,
}

/// How requests are read and answered.
#[derive(Debug)]
pub(super) struct Protocols {
    http1: Builder<TokioExecutor>,
    http2: Builder<TokioExecutor>,
}

impl Protocols {
    pub(super) fn new() -> Self {
        let mut http1 = Builder::new(TokioExecutor::new()).http1_only();
        // How long somebody may take for the head of a request, and between two of them, is known to who watches the connection.
        http1
            .http1()
            .timer(TokioTimer::new())
            .header_read_timeout(None)
            .max_headers(HEADERS)
            .max_buf_size(HEAD as usize);
        let mut http2 = Builder::new(TokioExecutor::new()).http2_only();
        http2
            .http2()
            .timer(TokioTimer::new())
            .max_header_list_size(HEAD)
            .max_concurrent_streams(STREAMS)
            .initial_stream_window_size(STREAM_WINDOW)
            .initial_connection_window_size(CONNECTION_WINDOW)
            .max_pending_accept_reset_streams(RESETS)
            .max_local_error_reset_streams(ERRORS)
            .keep_alive_interval(PING)
            .keep_alive_timeout(PONG);
        Self { http1, http2 }
    }

    /// Answers what comes over a connection until its end, for which `shutdown` asks.
    pub(super) async fn serve<T, S>(
        &self,
        (stream, protocol): (T, Protocol),
        service: S,
        (standing, patience): (&Standing, Patience),
        shutdown: &CancellationToken,
    ) -> End
    where
        T: AsyncRead + AsyncWrite + Unpin + Send + 'static,
        S: Service<Request<Incoming>, Response = Response, Error = Infallible> + Send + 'static,
        S::Future: Send + 'static,
    {
        let builder = match protocol {
            Protocol::Http1 => &self.http1,
            Protocol::Http2 => &self.http2,
        };
        let mut connection = pin!(builder.serve_connection(TokioIo::new(stream), service));
        let mut is_closing = false;
        let end = loop {
            let until = standing.lasts_until(patience);
            tokio::select! {
                served = connection.as_mut() => {
                    if let Err(error) = served {
                        debug!(error, "a connection ended badly");
                    }
                    return End::Done;
                }
                () = sleep_until(until) => {
                    if standing.lasts_until(patience) <= Instant::now() {
                        break if standing.is_proven() { End::Idle } else { End::Unknown };
                    }
                }
                () = shutdown.cancelled(), if !is_closing => {
                    is_closing = true;
                    connection.as_mut().graceful_shutdown();
                }
            }
        };
        connection.as_mut().graceful_shutdown();
        // Whoever is in the middle of something that does not end is not waited for.
        let _ = timeout(FAREWELL, connection).await;
        end
    }
}
