//! What the API server does not take. One set that it rejects must not keep the others from being registered: it is found by
//! trying parts of the registration, and left out.

use crate::registration;
use futures::FutureExt;
use futures::future::BoxFuture;
use parking_lot::Mutex;
use sidecarset_core::registration::{Coverage, WebhookScope, WebhookScopes};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{Instant, sleep_until, timeout_at};

/// For how long what was rejected is left out. The reason may be gone by then.
const LEFT_OUT: Duration = Duration::from_secs(600);
/// How long one trial may take: the API server compiles no condition for as long as that.
const TRIAL: Duration = Duration::from_secs(5);
/// For how long is looked at a stretch: long enough to find one among a million that each time takes a whole trial.
const SEARCH: Duration = Duration::from_secs(120);
/// How often one alone has to fail that may have failed for another reason, each time while everything else is taken: somebody may
/// have taken a right from us meanwhile.
const CERTAIN: usize = 3;
/// How long a message is at most that a status repeats. A rejection repeats the whole of a condition.
const LONGEST: usize = 400;

/// Whether the API server takes a part.
pub(super) type Attempt<'a> = BoxFuture<'a, Result<(), registration::Error>>;

/// What was rejected, with the reason and until when it is left out.
#[derive(Debug, Default)]
pub(crate) struct Rejections(Mutex<BTreeMap<WebhookScope, (Arc<str>, Instant)>>);

impl Rejections {
    /// Takes out what is left out.
    pub(super) fn exclude(&self, mut scopes: WebhookScopes) -> WebhookScopes {
        let now = Instant::now();
        let mut rejected = self.0.lock();
        rejected.retain(|_, (_, until)| now < *until);
        scopes.retain(|scope| !rejected.contains_key(scope));
        scopes
    }

    /// Says so of each of these scopes that was left out.
    pub(super) fn note(&self, scopes: &WebhookScopes, coverage: &mut BTreeMap<WebhookScope, Coverage>) {
        let rejected = self.0.lock();
        for (scope, (message, _)) in rejected.iter() {
            if scopes.of_sets().any(|present| present == scope) {
                coverage.insert(scope.clone(), Coverage::Rejected { message: Arc::clone(message) });
            }
        }
    }

    /// Waits until something is to be tried again.
    pub(super) async fn expire(&self) {
        let first = self.0.lock().values().map(|(_, until)| *until).min();
        match first {
            Some(until) => sleep_until(until).await,
            None => std::future::pending().await,
        }
    }

    /// Finds what the API server rejects, by trying parts of what it has to know; what it knows already comes first. What has been
    /// found counts even where the search fails.
    ///
    /// # Errors
    /// The API server rejects even nothing, does not say, or takes longer than two minutes.
    pub(super) async fn find<'a>(
        &self,
        scopes: &WebhookScopes,
        is_known: impl Fn(&WebhookScope) -> bool + Send,
        attempt: impl Fn(WebhookScopes) -> Attempt<'a> + Send + Sync,
    ) -> Result<(), registration::Error> {
        let until = Instant::now() + SEARCH;
        let attempt = |accepted: &BTreeSet<WebhookScope>| {
            let mut part = scopes.clone();
            part.retain(|scope| accepted.contains(scope));
            let answered = timeout_at(until.min(Instant::now() + TRIAL), attempt(part));
            answered.map(|answered| answered.unwrap_or(Err(registration::Error::Deadline))).boxed()
        };
        let mut accepted = BTreeSet::new();
        attempt(&accepted).await?;
        let all: BTreeSet<WebhookScope> = scopes.all().cloned().collect();
        let (known, new): (Vec<_>, Vec<_>) = all.into_iter().partition(is_known);
        let mut untried = vec![new, known];
        while let Some(mut part) = untried.pop() {
            if part.is_empty() {
                continue;
            }
            let with_part: BTreeSet<WebhookScope> = accepted.iter().chain(&part).cloned().collect();
            match attempt(&with_part).await {
                Ok(()) => accepted = with_part,
                Err(error) if !error.is_rejection() || Instant::now() >= until => return Err(error),
                Err(_) if part.len() > 1 => {
                    let second = part.split_off(part.len() / 2);
                    untried.extend([second, part]);
                }
                Err(error) => match is_taken_after_all(&attempt, (&accepted, &with_part), &error).await? {
                    true => accepted = with_part,
                    false => self.leave_out(part, &error),
                },
            }
        }
        Ok(())
    }

    fn leave_out(&self, scopes: Vec<WebhookScope>, error: &registration::Error) {
        let (message, until) = (shortened(&error.reason()), Instant::now() + LEFT_OUT);
        self.0.lock().extend(scopes.into_iter().map(|scope| (scope, (Arc::clone(&message), until))));
    }
}

/// Says whether the API server takes what it has failed to take once.
///
/// # Errors
/// It does not even take what it has taken, or does not say.
async fn is_taken_after_all<'a>(
    attempt: &(impl Fn(&BTreeSet<WebhookScope>) -> Attempt<'a> + Sync),
    (accepted, with_part): (&BTreeSet<WebhookScope>, &BTreeSet<WebhookScope>),
    error: &registration::Error,
) -> Result<bool, registration::Error> {
    // Others wait to be registered meanwhile: what is certain takes no more trials than it has to.
    let certain = if error.is_judgment() { 1 } else { CERTAIN };
    for _ in 1..certain {
        attempt(accepted).await?;
        match attempt(with_part).await {
            Ok(()) => return Ok(true),
            Err(error) if error.is_rejection() => {}
            Err(error) => return Err(error),
        }
    }
    attempt(accepted).await?;
    Ok(false)
}

/// Leaves out the middle of a message.
fn shortened(message: &str) -> Arc<str> {
    let characters: Vec<char> = message.chars().collect();
    if characters.len() <= LONGEST {
        return message.into();
    }
    let (head, tail) = (&characters[..LONGEST / 2], &characters[characters.len() - LONGEST / 2..]);
    head.iter().chain(&['…']).chain(tail).collect::<String>().into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use kube::core::Status;
    use serde_json::json;
    use sidecarset_core::catalog::Entry;
    use std::future::{pending, ready};
    use std::sync::atomic::{AtomicUsize, Ordering};

    fn scope(app: &str) -> WebhookScope {
        let set = json!({
            "apiVersion": "apps.kruise.io/v1beta1", "kind": "SidecarSet", "metadata": {"name": "s"},
            "spec": {
                "selector": {"matchLabels": {"app": app}}, "containers": [{"name": "agent", "image": "agent:v1"}],
            },
        });
        Entry::new(&serde_json::from_value(set).unwrap()).scope().unwrap()
    }

    fn scopes(apps: impl IntoIterator<Item = String>) -> WebhookScopes {
        WebhookScopes { stored: apps.into_iter().map(|app| scope(&app)).collect(), ..WebhookScopes::default() }
    }

    fn answer(code: u16, message: &str) -> registration::Error {
        let status = Status { code, message: message.to_owned(), ..Status::failure(message, "") };
        registration::Error::Mutating(kube::Error::Api(status.boxed()))
    }

    /// Says of each app whether it is left out, after an API server that answers so was asked.
    async fn left_out(
        rejections: &Rejections,
        apps: usize,
        takes: impl Fn(&WebhookScopes) -> Result<(), registration::Error> + Sync,
    ) -> Result<Vec<String>, registration::Error> {
        let all = scopes((0..apps).map(|app| format!("app-{app}")));
        rejections.find(&all, |_| false, |part| ready(takes(&part)).boxed()).await?;
        let left = rejections.exclude(all);
        let is_left_out = |app: &String| !left.stored.contains(&scope(app));
        Ok((0..apps).map(|app| format!("app-{app}")).filter(is_left_out).collect())
    }

    #[tokio::test(start_paused = true)]
    async fn what_the_api_server_rejects_is_left_out_alone() {
        let (rejections, trials) = (Rejections::default(), AtomicUsize::new(0));

        let left_out = left_out(&rejections, 100, |part| {
            trials.fetch_add(1, Ordering::Relaxed);
            let is_bad = ["app-17", "app-71"].iter().any(|app| part.stored.contains(&scope(app)));
            if is_bad { Err(answer(422, "no such label")) } else { Ok(()) }
        });

        assert_eq!(left_out.await.unwrap(), ["app-17", "app-71"]);
        assert!(trials.load(Ordering::Relaxed) < 40, "{trials:?}");
        let mut coverage = BTreeMap::new();
        rejections.note(&scopes(["app-17".to_owned(), "app-1".to_owned()]), &mut coverage);
        let rejected = Coverage::Rejected { message: "no such label".into() };
        assert_eq!(coverage, BTreeMap::from([(scope("app-17"), rejected)]));
    }

    #[tokio::test(start_paused = true)]
    async fn nothing_is_left_out_because_an_api_server_is_in_trouble() {
        for failures in 1..=5 {
            let asked = AtomicUsize::new(0);
            let takes = |part: &WebhookScopes| {
                let is_in_trouble = (1..=failures).contains(&asked.fetch_add(1, Ordering::Relaxed));
                if is_in_trouble && !part.stored.is_empty() { Err(answer(500, "etcd is away")) } else { Ok(()) }
            };

            let left_out = left_out(&Rejections::default(), 3, takes).await.unwrap();

            assert_eq!(left_out, [""; 0], "{failures} failures");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn nothing_is_left_out_where_rights_are_lost_meanwhile() {
        for (lost_after, apps) in (1..=8).flat_map(|lost| [1, 4].map(|apps| (lost, apps))) {
            let (rejections, asked) = (Rejections::default(), AtomicUsize::new(0));
            let takes = |part: &WebhookScopes| match asked.fetch_add(1, Ordering::Relaxed) {
                before if before >= lost_after => Err(answer(403, "forbidden")),
                1 | 3 if !part.stored.is_empty() => Err(answer(500, "etcd is away")),
                _ => Ok(()),
            };

            let _ = left_out(&rejections, apps, takes).await;

            assert!(rejections.0.lock().is_empty(), "{apps} sets, lost after {lost_after} trials");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_never_finished_is_found_in_one_search_however_many_there_are() {
        for apps in [1, 2, 8, 9, 100, 1_000] {
            let rejections = Rejections::default();
            let all = scopes((0..apps).map(|app| format!("app-{app}")));
            let bad = scope(&format!("app-{}", apps - 1));

            let attempt = |part: WebhookScopes| match part.stored.contains(&bad) {
                true => pending().boxed(),
                false => ready(Ok(())).boxed(),
            };
            rejections.find(&all, |_| false, attempt).await.unwrap();

            assert_eq!(rejections.0.lock().keys().collect::<Vec<_>>(), [&bad], "{apps}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_search_ends_within_two_minutes_and_the_next_one_goes_on() {
        let (rejections, all) = (Rejections::default(), scopes((0..8).map(|app| format!("app-{app}"))));
        let attempt = |part: WebhookScopes| match part.stored.is_empty() {
            true => ready(Ok(())).boxed(),
            false => pending().boxed(),
        };
        let mut searches = 0;
        while !rejections.exclude(all.clone()).stored.is_empty() {
            let began = Instant::now();

            let _ = rejections.find(&rejections.exclude(all.clone()), |_| false, attempt).await;

            assert!(began.elapsed() <= SEARCH, "{:?}", began.elapsed());
            searches += 1;
            assert!(searches < 10);
        }
        assert!(searches > 1, "one search does it");
    }

    #[tokio::test(start_paused = true)]
    async fn what_makes_an_api_server_fail_again_and_again_is_left_out() {
        for code in [500, 504] {
            let takes = |part: &WebhookScopes| {
                if part.stored.contains(&scope("app-2")) { Err(answer(code, "too dear")) } else { Ok(()) }
            };

            assert_eq!(left_out(&Rejections::default(), 4, takes).await.unwrap(), ["app-2"], "{code}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn an_api_server_that_takes_nothing_any_more_judges_nothing() {
        let asked = AtomicUsize::new(0);
        let takes =
            |_: &WebhookScopes| if asked.fetch_add(1, Ordering::Relaxed) == 0 { Ok(()) } else { Err(answer(500, "")) };
        let rejections = Rejections::default();

        assert!(left_out(&rejections, 1, takes).await.is_err());
        assert!(rejections.0.lock().is_empty());
    }

    #[tokio::test(start_paused = true)]
    async fn where_only_all_together_are_too_much_some_are_left_out() {
        let takes = |part: &WebhookScopes| if part.stored.len() > 5 { Err(answer(413, "too large")) } else { Ok(()) };

        let left_out = left_out(&Rejections::default(), 8, takes).await.unwrap();

        assert_eq!(left_out.len(), 3);
    }

    #[tokio::test(start_paused = true)]
    async fn what_the_api_server_knows_already_is_not_left_out_for_what_it_does_not() {
        let rejections = Rejections::default();
        let all = scopes(["app-a", "app-b", "app-c"].map(str::to_owned));
        let takes = |part: &WebhookScopes| if part.stored.len() > 2 { Err(answer(413, "too large")) } else { Ok(()) };

        let is_known = |known: &WebhookScope| *known != scope("app-a");
        rejections.find(&all, is_known, |part| ready(takes(&part)).boxed()).await.unwrap();

        assert_eq!(rejections.exclude(all), scopes(["app-b", "app-c"].map(str::to_owned)));
    }

    #[tokio::test(start_paused = true)]
    async fn where_nothing_is_taken_no_set_is_to_blame() {
        let rejections = Rejections::default();

        let error = left_out(&rejections, 8, |_| Err(answer(403, "forbidden"))).await.unwrap_err();

        assert!(error.is_rejection());
        assert_eq!(rejections.exclude(scopes(["app-1".to_owned()])), scopes(["app-1".to_owned()]));
    }

    #[tokio::test(start_paused = true)]
    async fn an_api_server_that_is_busy_rejects_nothing() {
        let rejections = Rejections::default();
        let takes = |part: &WebhookScopes| if part.stored.is_empty() { Ok(()) } else { Err(answer(429, "later")) };

        let error = left_out(&rejections, 8, takes).await.unwrap_err();

        assert!(!error.is_rejection());
        assert_eq!(rejections.exclude(scopes(["app-1".to_owned()])).stored.len(), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn what_the_api_server_does_not_finish_it_rejects() {
        let (rejections, all) = (Rejections::default(), scopes(["app-1".to_owned(), "app-2".to_owned()]));

        let attempt = |part: WebhookScopes| match part.stored.contains(&scope("app-1")) {
            true => pending().boxed(),
            false => ready(Ok(())).boxed(),
        };
        rejections.find(&all, |_| false, attempt).await.unwrap();

        assert_eq!(rejections.exclude(all), scopes(["app-2".to_owned()]));
    }

    #[tokio::test(start_paused = true)]
    async fn what_was_rejected_is_tried_again_ten_minutes_later() {
        let rejections = Rejections::default();
        let takes = |part: &WebhookScopes| if part.stored.is_empty() { Ok(()) } else { Err(answer(422, "no")) };
        left_out(&rejections, 1, takes).await.unwrap();
        let began = Instant::now();

        rejections.expire().await;

        assert_eq!(began.elapsed(), Duration::from_secs(600));
        assert_eq!(rejections.exclude(scopes(["app-0".to_owned()])).stored.len(), 1);
    }

    #[test]
    fn the_end_of_a_long_message_says_why() {
        let long = format!("webhooks[3].matchConditions: {}: no such label", "x".repeat(1000));

        let short = shortened(&long);

        assert_eq!(short.chars().count(), 401);
        assert!(short.starts_with("webhooks[3]") && short.ends_with("no such label"), "{short}");
    }
}
