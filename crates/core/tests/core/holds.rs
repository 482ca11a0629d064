//! The table of the reasons to hold a Pod: every row says all there is to say, and leads to a status that is true.

use crate::build::{now, pod, sidecar_set};
use sidecarset_api::v1beta1::SidecarSetStatus;
use sidecarset_core::normalize::CanonicalSet;
use sidecarset_core::record::PodRecord;
use sidecarset_core::rollout::{Hold, Plan, RolloutPhase};
use sidecarset_core::status;
use std::collections::BTreeSet;
use std::path::Path;

fn set() -> CanonicalSet {
    let mut set = sidecar_set().image("agent:v2").build();
    set.revision = Some("log-sc-2".into());
    set
}

/// Sums up outdated Pods, each of which is held for one of these reasons.
fn held_for(holds: &[Hold]) -> SidecarSetStatus {
    let old = sidecar_set().build();
    let names = ["a", "b"].into_iter().zip(holds);
    let records: Vec<(PodRecord, Hold)> = names.map(|(name, hold)| (pod(name, &old).build(), *hold)).collect();
    let holds = records.iter().map(|(record, hold)| (record.key.clone(), *hold)).collect();
    let matched: Vec<&PodRecord> = records.iter().map(|(record, _)| record).collect();
    status::summarize(&set(), &matched, &Plan { holds, ..Plan::default() }, None, now())
}

fn progressing(status: &SidecarSetStatus) -> (&str, &str, &str) {
    let condition = status.conditions.iter().find(|condition| condition.type_ == "Progressing").unwrap();
    (&condition.status, &condition.reason, &condition.message)
}

#[test]
fn a_rollout_in_which_no_pod_is_held_completes() {
    let record = pod("a", &set()).build();

    let status = status::summarize(&set(), &[&record], &Plan::default(), None, now());

    assert_eq!(progressing(&status).1, "Complete");
    assert_eq!(status.completed_revision.as_deref(), Some("log-sc-2"));
}

#[test]
fn one_pod_that_is_held_is_never_a_complete_rollout() {
    for hold in Hold::ALL {
        let status = held_for(&[*hold]);

        let meaning = hold.meaning();
        let is_progressing = if hold.is_passing() { "True" } else { "False" };
        let message = format!("0 of 1 pods are updated; 1 {}", meaning.one);
        let (is, reason, told) = progressing(&status);
        assert_eq!((is, reason), (is_progressing, meaning.phase.reason()), "{hold:?}");
        assert!(told.starts_with(&message), "{hold:?}: {told}");
        assert_ne!(reason, "Complete", "{hold:?}");
        assert_eq!(status.completed_revision, None, "{hold:?}");
    }
}

#[test]
fn of_two_reasons_the_one_that_ranks_first_is_told() {
    let mut holds = Hold::ALL.to_vec();
    holds.sort_by_key(|hold| hold.meaning().phase);
    holds.dedup_by_key(|hold| hold.meaning().phase);
    let ranked: Vec<&str> = holds.iter().map(|hold| hold.meaning().phase.reason()).collect();

    let expected = [
        "Halted",
        "Upgrading",
        "UpgradesNotTaken",
        "ResizeInfeasible",
        "ResizeFailing",
        "ResizeDeferred",
        "MaxUnavailableReached",
        "WaitingForPods",
        "NotAllowed",
        "Paused",
        "NotUpdate",
        "PartitionReached",
        "NotSelected",
        "NotUpgradable",
    ];
    assert_eq!(ranked, expected);
    for pair in holds.windows(2) {
        for both in [[pair[0], pair[1]], [pair[1], pair[0]]] {
            let status = held_for(&both);
            let (_, reason, message) = progressing(&status);
            assert_eq!(reason, pair[0].meaning().phase.reason(), "{both:?}");
            assert!(message.starts_with(&format!("0 of 2 pods are updated; 1 {}", pair[0].meaning().one)), "{message}");
        }
    }
}

#[test]
fn every_reason_has_its_own_words() {
    let words = |word: fn(Hold) -> &'static str| Hold::ALL.iter().map(|hold| word(*hold)).collect::<BTreeSet<_>>();
    let is_text = |text: &str| !text.is_empty() && text.trim() == text && !text.ends_with('.');

    let labels = words(|hold| hold.meaning().label);
    assert!(labels.iter().all(|label| label.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_')));
    let all = [
        labels,
        words(|hold| hold.meaning().one),
        words(|hold| hold.meaning().several),
        words(|hold| hold.meaning().why),
        words(|hold| hold.meaning().until),
    ];
    for words in &all {
        assert!(words.iter().all(|text| is_text(text)), "{words:?}");
        assert_eq!(words.len(), Hold::ALL.len(), "one of them is another one's: {words:?}");
    }
}

fn file(path: &str) -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(path)).unwrap()
}

#[test]
fn every_reason_is_documented() {
    let (status, metrics) = (file("docs/status.md"), file("docs/metrics.md"));

    for hold in Hold::ALL {
        let meaning = hold.meaning();
        let (name, label, phase) = (meaning.name, meaning.label, meaning.phase.reason());
        let row = format!("| `{name}` | `{label}` | `{phase}` | {} | {} |\n", meaning.why, meaning.until);
        assert!(status.contains(&row), "docs/status.md lacks {row}");
        assert!(metrics.contains(&format!("`{label}`")), "docs/metrics.md lacks {label}");
    }
}

#[test]
fn phases_are_documented_in_the_order_in_which_they_are_told() {
    let status = file("docs/status.md");
    let (_, progressing) = status.split_once("\n`Progressing` is true").unwrap();
    let (table, _) = progressing.split_once("\nThe message counts").unwrap();

    let documented: Vec<&str> = table.lines().filter_map(|row| row.strip_prefix("| `")?.split('`').next()).collect();
    let mut phases: Vec<_> = Hold::ALL.iter().map(|hold| hold.meaning().phase).collect();
    phases.sort();
    phases.dedup();

    let reasons: Vec<&str> = phases.into_iter().map(RolloutPhase::reason).collect();
    let of_holds: Vec<&str> = documented.into_iter().filter(|reason| reasons.contains(reason)).collect();
    assert_eq!(of_holds, reasons);
}

#[test]
fn the_alert_about_upgrades_that_are_not_taken_counts_all_that_are_not() {
    let alerts = file("deploy/chart/files/alerts.yaml");

    let not_taken = Hold::ALL.iter().filter(|hold| hold.meaning().phase == RolloutPhase::UpgradesNotTaken);
    let labels: Vec<&str> = not_taken.map(|hold| hold.meaning().label).collect();
    assert!(alerts.contains(&format!("sidecarset_held_pods{{reason=~\"{}\"}}", labels.join("|"))), "{labels:?}");
}
