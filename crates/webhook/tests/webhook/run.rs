//! The webhook from its start to its end.

use crate::exchange::{Lookup, context};
use crate::scenario::{Configuration, accepting};
use sidecarset_core::catalog::Catalog;
use sidecarset_webhook::settings::{Endpoint, FailurePolicy, Settings};
use sidecarset_webhook::{Error, Signals, run};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::sync::watch;
use tokio::task::{JoinHandle, yield_now};
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

const SECRET: &str = "POST /api/v1/namespaces/sidecarset/secrets";
const CONFIGURATIONS: &str = "PATCH /apis/admissionregistration.k8s.io/v1";

struct Running {
    written: UnboundedReceiver<String>,
    is_synced: watch::Sender<bool>,
    is_ready: Arc<AtomicBool>,
    shutdown: CancellationToken,
    webhook: JoinHandle<Result<(), Error>>,
}

fn start(configuration: Configuration) -> Running {
    let (client, written) = accepting(configuration);
    let (is_synced, synced) = watch::channel(false);
    let is_ready = Arc::new(AtomicBool::new(false));
    let shutdown = CancellationToken::new();
    let settings = Settings {
        bind: ([127, 0, 0, 1], 0).into(),
        namespace: "sidecarset".to_owned(),
        endpoint: Endpoint::Service { name: "webhook".to_owned() },
        failure_policy: FailurePolicy::Fail,
        match_conditions: Vec::new(),
    };
    let signals = Signals { is_synced: synced, is_ready: Arc::clone(&is_ready), shutdown: shutdown.clone() };
    let webhook = tokio::spawn(run(settings, client, context(Catalog::default(), Lookup::NotExpected), signals));
    Running { written, is_synced, is_ready, shutdown, webhook }
}

#[tokio::test(start_paused = true)]
async fn nothing_is_registered_before_the_catalog_is_complete() {
    let mut running = start(Configuration::Listed);

    sleep(Duration::from_secs(3600)).await;

    assert!(running.written.try_recv().unwrap().starts_with(SECRET));
    assert!(running.written.try_recv().is_err());
    assert!(!running.is_ready.load(Ordering::Relaxed));
}

#[tokio::test(start_paused = true)]
async fn nothing_is_registered_before_the_white_list_is_known() {
    let mut running = start(Configuration::Withheld);

    running.is_synced.send(true).unwrap();
    sleep(Duration::from_secs(3600)).await;

    assert!(running.written.try_recv().unwrap().starts_with(SECRET));
    assert!(running.written.try_recv().is_err());
    assert!(!running.is_ready.load(Ordering::Relaxed));
}

#[tokio::test]
async fn it_is_ready_once_it_is_registered_and_until_it_is_told_to_end() {
    let mut running = start(Configuration::Listed);

    running.is_synced.send(true).unwrap();
    while !running.is_ready.load(Ordering::Relaxed) {
        yield_now().await;
    }
    running.shutdown.cancel();
    running.webhook.await.unwrap().unwrap();

    let mut written = Vec::new();
    running.written.recv_many(&mut written, 10).await;
    // The API server of this test forgets the Secret.
    written.retain(|what| !what.starts_with(SECRET));
    assert_eq!(
        written,
        [
            format!("{CONFIGURATIONS}/validatingwebhookconfigurations/sidecarset"),
            format!("{CONFIGURATIONS}/mutatingwebhookconfigurations/sidecarset"),
        ]
    );
    assert!(!running.is_ready.load(Ordering::Relaxed));
}

#[tokio::test]
async fn it_ends_when_it_is_told_to_before_the_catalog_is_complete() {
    let running = start(Configuration::Listed);

    running.shutdown.cancel();

    running.webhook.await.unwrap().unwrap();
}
