//! A network between an operator and the API server that can be cut without a word: connections stay open, and nothing passes.

use anyhow::{Context, Result};
use serde_json::Value;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// Passes on what goes to and fro, while the test runs and for as long as `is_cut` is not true. Returns the kubeconfig of whoever is
/// to come this way, which is written into `folder`.
///
/// # Errors
///
/// When there is no port, or `kubeconfig` does not say where the API server is.
pub async fn freezer(kubeconfig: &Path, folder: &Path, is_cut: watch::Receiver<bool>) -> Result<PathBuf> {
    let text = std::fs::read_to_string(kubeconfig).context("failed to read the kubeconfig")?;
    let mut config: Value = serde_saphyr::from_str(&text)?;
    let cluster = config.pointer_mut("/clusters/0/cluster").context("the kubeconfig has no cluster")?;
    let server = cluster["server"].as_str().and_then(|it| it.strip_prefix("https://")).context("not https")?;
    let server: SocketAddr = server.trim_end_matches('/').parse().context("the API server has no address")?;
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let port = listener.local_addr()?.port();
    cluster["server"] = format!("https://127.0.0.1:{port}").into();
    tokio::spawn(async move {
        while let Ok((asker, _)) = listener.accept().await {
            tokio::spawn(connect(asker, server, is_cut.clone()));
        }
    });
    let file = folder.join(format!("freezer-{port}.kubeconfig"));
    std::fs::write(&file, config.to_string()).context("failed to write a kubeconfig")?;
    Ok(file)
}

async fn connect(asker: TcpStream, server: SocketAddr, is_cut: watch::Receiver<bool>) {
    let Ok(server) = TcpStream::connect(server).await else { return };
    let (from_asker, to_asker) = asker.into_split();
    let (from_server, to_server) = server.into_split();
    // Either side may end at any moment.
    let _ = tokio::join!(pump(from_asker, to_server, is_cut.clone()), pump(from_server, to_asker, is_cut));
}

async fn pump(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    mut is_cut: watch::Receiver<bool>,
) -> Result<()> {
    let mut piece = vec![0; 64 * 1024];
    loop {
        let read = from.read(&mut piece).await?;
        is_cut.wait_for(|is_cut| !is_cut).await?;
        match piece.get(..read) {
            Some([]) | None => return Ok(to.shutdown().await?),
            Some(piece) => to.write_all(piece).await?,
        }
    }
}
