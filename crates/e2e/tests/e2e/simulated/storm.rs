//! An API server that refuses, loses answers, cuts watches and has forgotten where they were.

use super::{alone, folder, upgraded};
use anyhow::Result;
use axum::http::StatusCode;
use serde_json::json;
use sidecarset_e2e::{AGENT_V2, AGENT_V3, Asked, Beside, Fate, Place, PodWatch, proxy, running};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tokio::time::{Instant, sleep};

const PODS: usize = 40;
const MAX_UNAVAILABLE: usize = 5;

/// How often the operator may end before it is ready.
const MOST_ENDS: usize = 3;

/// How many requests were treated in each way.
#[derive(Debug, Default)]
struct Weather {
    asked: AtomicUsize,
    watches: AtomicUsize,
    busy: AtomicUsize,
    failed: AtomicUsize,
    lost: AtomicUsize,
    cut: Arc<AtomicUsize>,
    expired: AtomicUsize,
}

impl Weather {
    /// Each watch is cut after a while, and of those that go on from a version half are told that it is too old, in two ways.
    /// Of ten other requests three fail, each in another way.
    fn judge(&self, asked: &Asked) -> Fate {
        if asked.is_watch() {
            let chance = scattered(self.watches.fetch_add(1, Ordering::Relaxed));
            // A list of the pods is as long as some of these.
            let bytes = usize::try_from(150_000 + chance % 200_000).unwrap_or(usize::MAX);
            return match chance % 4 {
                0 if asked.is_resumed() => counted(&self.expired, Fate::Expire),
                1 if asked.is_resumed() => counted(&self.expired, Fate::Refuse(StatusCode::GONE)),
                _ => Fate::Cut(bytes, Arc::clone(&self.cut)),
            };
        }
        match scattered(self.asked.fetch_add(1, Ordering::Relaxed)) % 10 {
            0 => counted(&self.busy, Fate::Refuse(StatusCode::TOO_MANY_REQUESTS)),
            1 => counted(&self.failed, Fate::Refuse(StatusCode::INTERNAL_SERVER_ERROR)),
            2 => counted(&self.lost, Fate::Lose(StatusCode::INTERNAL_SERVER_ERROR)),
            _ => Fate::Pass,
        }
    }

    fn each(&self) -> [usize; 5] {
        [&self.busy, &self.failed, &self.lost, &*self.cut, &self.expired].map(|count| count.load(Ordering::Relaxed))
    }
}

/// Makes of the number of a request one that keeps no time with anything that comes again and again: the last step of splitmix64.
fn scattered(number: usize) -> u64 {
    let mut mixed = (number as u64).wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

fn counted(count: &AtomicUsize, fate: Fate) -> Fate {
    count.fetch_add(1, Ordering::Relaxed);
    fate
}

/// Starts the operator. In such weather it may end before it is ready, because it cannot renew its Lease, and is started again.
async fn start(place: &Place, ends: &AtomicUsize) -> Result<Beside> {
    loop {
        let mut operator = place.start()?;
        match operator.until_ready().await {
            Ok(()) => return Ok(operator),
            Err(error) if operator.is_alive()? || ends.fetch_add(1, Ordering::Relaxed) >= MOST_ENDS => {
                return Err(error);
            }
            Err(_) => {}
        }
    }
}

/// Starts the operator again whenever it ends, as a kubelet does. Never returns.
async fn keep(place: &Place, mut operator: Beside, ends: &AtomicUsize) -> Result<()> {
    loop {
        sleep(Duration::from_millis(500)).await;
        if !operator.is_alive()? {
            ends.fetch_add(1, Ordering::Relaxed);
            operator = place.start()?;
        }
    }
}

#[tokio::test]
#[ignore = "needs a cluster of its own: scripts/test-simulated.sh"]
async fn an_api_server_that_refuses_loses_answers_and_cuts_watches_sees_each_pod_upgraded_once() -> Result<()> {
    let scene = alone("storm").await?;
    let weather = Arc::new(Weather::default());
    let judge = {
        let weather = Arc::clone(&weather);
        move |asked: &Asked| weather.judge(asked)
    };
    let place = Place::find("storm", proxy(scene.client(), &folder()?, judge).await?).await?;
    let ends = AtomicUsize::new(0);
    let operator = start(&place, &ends).await?;

    let rollouts = async {
        scene.create(&scene.sidecar_set().with("updateStrategy", json!({"maxUnavailable": MAX_UNAVAILABLE}))).await?;
        let before = scene.deploy(PODS).await?;
        let mut watch = PodWatch::start(&scene).await?;
        for (round, image) in (1..).zip([AGENT_V2, AGENT_V3]) {
            let begin = Instant::now();
            scene.change_image(image).await?;
            let after = watch.until("all pods are upgraded", |pods| upgraded(pods, image)).await?;

            eprintln!("{PODS} pods were upgraded in {:.1?}", begin.elapsed());
            assert_eq!(after.iter().map(|pod| pod.container("sidecar").restarts).collect::<Vec<_>>(), [round; PODS]);
            assert_eq!(running(&after, "app"), running(&before, "app"));
        }
        assert!(watch.most_disturbed() <= MAX_UNAVAILABLE, "{} pods were disturbed", watch.most_disturbed());
        scene.until_status("all pods are counted", |status| status.updated_ready_pods == 40).await
    };
    tokio::select! {
        done = rollouts => done.map(drop)?,
        kept = keep(&place, operator, &ends) => kept?,
    }

    let each @ [busy, failed, lost, cut, expired] = weather.each();
    eprintln!(
        "429: {busy}, 500: {failed}, answers lost: {lost}, watches cut: {cut}, and expired: {expired}; the operator ended {ends:?} times"
    );
    assert!(each.iter().all(|count| *count > 0), "{each:?}");
    Ok(())
}
