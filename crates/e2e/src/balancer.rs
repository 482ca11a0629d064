//! What a Service is in a cluster: one address for several operators.

use anyhow::Result;
use std::net::SocketAddr;
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};

/// Hands each connection to the next of the operators that accepts it, while the test runs, and returns its own address.
///
/// # Errors
///
/// When there is no port.
pub async fn balance(operators: Vec<SocketAddr>) -> Result<SocketAddr> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    tokio::spawn(async move {
        let mut turn = 0;
        while let Ok((asker, _)) = listener.accept().await {
            turn += 1;
            let (before, from) = operators.split_at(turn % operators.len());
            let order: Vec<SocketAddr> = from.iter().chain(before).copied().collect();
            tokio::spawn(connect(asker, order));
        }
    });
    Ok(address)
}

async fn connect(mut asker: TcpStream, order: Vec<SocketAddr>) {
    for operator in order {
        if let Ok(mut operator) = TcpStream::connect(operator).await {
            // Either side may be killed at any moment, and that is what the tests are about.
            let _ = copy_bidirectional(&mut asker, &mut operator).await;
            return;
        }
    }
}
