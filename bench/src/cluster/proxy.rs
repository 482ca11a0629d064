//! Counts the bytes between the operator and the API server, TLS and all.

use anyhow::Context;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, JoinSet};

/// How much is passed on at once.
const BUFFER: usize = 64 * 1_024;

/// Bytes that went by.
#[derive(Debug, Default)]
struct Bytes {
    sent: AtomicU64,
    received: AtomicU64,
}

/// Somebody in between, who ends with this value.
#[derive(Debug)]
pub(crate) struct Proxy {
    /// Where it is reached.
    pub(crate) address: String,
    bytes: Arc<Bytes>,
    task: JoinHandle<()>,
}

impl Proxy {
    /// Passes everything on to the API server at this address.
    pub(crate) async fn start(server: &str) -> anyhow::Result<Self> {
        let server = server.strip_prefix("https://").context("the API server has an address without TLS")?.to_owned();
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = format!("https://{}", listener.local_addr()?);
        let bytes = Arc::new(Bytes::default());
        let task = tokio::spawn(accept(listener, server, Arc::clone(&bytes)));
        Ok(Self { address, bytes, task })
    }

    /// Returns how many bytes went to the API server and came from it so far.
    pub(crate) fn bytes(&self) -> (u64, u64) {
        (self.bytes.sent.load(Ordering::Relaxed), self.bytes.received.load(Ordering::Relaxed))
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn accept(listener: TcpListener, server: String, bytes: Arc<Bytes>) {
    // With the task, all connections end.
    let mut connections = JoinSet::new();
    while let Ok((client, _)) = listener.accept().await {
        let (server, bytes) = (server.clone(), Arc::clone(&bytes));
        connections.spawn(async move {
            let Ok(server) = TcpStream::connect(server).await else { return };
            let ((from_client, to_client), (from_server, to_server)) = (client.into_split(), server.into_split());
            tokio::join!(pass(from_client, to_server, &bytes.sent), pass(from_server, to_client, &bytes.received));
        });
    }
}

/// Passes on what comes until either side closes.
async fn pass(mut from: impl AsyncRead + Unpin, mut to: impl AsyncWrite + Unpin, counter: &AtomicU64) {
    let mut buffer = vec![0; BUFFER];
    while let Ok(length @ 1..) = from.read(&mut buffer).await {
        counter.fetch_add(u64::try_from(length).unwrap_or_default(), Ordering::Relaxed);
        if to.write_all(&buffer[..length]).await.is_err() {
            break;
        }
    }
    // Whoever is at the other end has closed it already, or is told now.
    let _ = to.shutdown().await;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn bytes_are_passed_on_and_counted_in_both_directions() {
        let server = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let proxy = Proxy::start(&format!("https://{}", server.local_addr().unwrap())).await.unwrap();
        let mut client = TcpStream::connect(proxy.address.trim_start_matches("https://")).await.unwrap();
        client.write_all(b"hello").await.unwrap();
        let (mut peer, _) = server.accept().await.unwrap();
        let mut heard = [0; 5];
        peer.read_exact(&mut heard).await.unwrap();
        peer.write_all(b"hi").await.unwrap();
        client.read_exact(&mut heard[..2]).await.unwrap();

        assert_eq!((&heard, proxy.bytes()), (b"hillo", (5, 2)));
    }
}
