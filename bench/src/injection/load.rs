//! Many connections that ask at once.

use super::asker::{Asker, Connection};
use axum::body::Bytes;
use futures::future::try_join_all;
use std::time::{Duration, Instant};

/// How often each connection asks before it counts.
const WARM_UP: usize = 20;

/// Many connections, each of which asks one review after the other.
pub(super) struct Load {
    connections: Vec<tokio::sync::Mutex<Connection>>,
    body: Bytes,
}

impl Load {
    pub(super) async fn begin(asker: &Asker, connections: usize, body: &[u8]) -> anyhow::Result<Self> {
        let connections = try_join_all((0..connections).map(|_| asker.connect())).await?;
        let connections = connections.into_iter().map(tokio::sync::Mutex::new).collect();
        Ok(Self { connections, body: Bytes::copy_from_slice(body) })
    }

    pub(super) async fn warm_up(&self) -> anyhow::Result<()> {
        let ask = async |connection: &tokio::sync::Mutex<Connection>| {
            let mut connection = connection.lock().await;
            for _ in 0..WARM_UP {
                connection.ask(self.body.clone()).await?;
            }
            anyhow::Ok(())
        };
        try_join_all(self.connections.iter().map(ask)).await?;
        Ok(())
    }

    /// Asks for so long, and returns how long each answer took.
    pub(super) async fn run(&self, time: Duration) -> anyhow::Result<Vec<Duration>> {
        let until = Instant::now() + time;
        let ask = async |connection: &tokio::sync::Mutex<Connection>| {
            let mut connection = connection.lock().await;
            let mut times = Vec::new();
            while Instant::now() < until {
                let begin = Instant::now();
                connection.ask(self.body.clone()).await?;
                times.push(begin.elapsed());
            }
            anyhow::Ok(times)
        };
        Ok(try_join_all(self.connections.iter().map(ask)).await?.concat())
    }
}
