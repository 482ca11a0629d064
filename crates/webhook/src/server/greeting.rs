//! What happens on a new connection before anything is asked.

use super::callers::Certificate;
use std::future::ready;
use std::io;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

/// Which protocol both ends have agreed on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Protocol {
    Http1,
    Http2,
}

/// A connection over which requests can come.
#[derive(Debug)]
pub(super) struct Met<T> {
    pub(super) stream: T,
    pub(super) protocol: Protocol,
    /// Whether the client has shown a certificate, which then is one that is asked for.
    pub(super) certificate: Certificate,
}

/// How both ends of a connection meet.
pub(super) trait Greeting: Clone + Send + Sync + 'static {
    type Stream: AsyncRead + AsyncWrite + Unpin + Send + 'static;

    fn greet(&self, socket: TcpStream) -> impl Future<Output = io::Result<Met<Self::Stream>>> + Send;
}

/// Without a word.
#[derive(Debug, Clone, Copy)]
pub(super) struct Plain;

impl Greeting for Plain {
    type Stream = TcpStream;

    fn greet(&self, stream: TcpStream) -> impl Future<Output = io::Result<Met<TcpStream>>> + Send {
        ready(Ok(Met { stream, protocol: Protocol::Http1, certificate: Certificate::None }))
    }
}

impl Greeting for TlsAcceptor {
    type Stream = TlsStream<TcpStream>;

    async fn greet(&self, socket: TcpStream) -> io::Result<Met<Self::Stream>> {
        // An answer leaves in several pieces: a kernel that saves packets would keep the last one for 40 ms.
        socket.set_nodelay(true)?;
        let stream = self.accept(socket).await?;
        let (_, session) = stream.get_ref();
        let protocol = if session.alpn_protocol() == Some(b"h2") { Protocol::Http2 } else { Protocol::Http1 };
        let has_certificate = session.peer_certificates().is_some_and(|chain| !chain.is_empty());
        let certificate = if has_certificate { Certificate::Shown } else { Certificate::None };
        Ok(Met { stream, protocol, certificate })
    }
}
