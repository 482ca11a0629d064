use super::*;
use k8s_openapi::api::coordination::v1::LeaseSpec;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{MicroTime, ObjectMeta};

const WALL: Timestamp = Timestamp::constant(1_790_000_000, 0);

fn at(seconds: u64) -> Moment {
    Duration::from_secs(seconds)
}

fn now(seconds: u64) -> Now {
    Now { monotonic: at(seconds), wall: WALL }
}

fn candidate() -> Candidate {
    Candidate::new("me".to_owned(), Term::default())
}

fn lease(version: &str, spec: LeaseSpec) -> Lease {
    let metadata = ObjectMeta { resource_version: Some(version.to_owned()), ..ObjectMeta::default() };
    Lease { metadata, spec: Some(spec) }
}

fn held(version: &str, by: &str) -> Lease {
    lease(version, LeaseSpec { holder_identity: Some(by.to_owned()), ..LeaseSpec::default() })
}

fn lasting(version: &str, by: &str, seconds: i32) -> Lease {
    let mut lease = held(version, by);
    lease.spec.as_mut().unwrap().lease_duration_seconds = Some(seconds);
    lease
}

/// One that has seen these at these seconds.
fn having_seen(seen: &[(u64, Option<Lease>)]) -> Candidate {
    let mut candidate = candidate();
    for (seconds, lease) in seen {
        candidate.saw(lease.clone(), at(*seconds));
    }
    candidate
}

/// One that leads since it asked for it.
fn leader(asked: u64) -> Candidate {
    let mut candidate = candidate();
    candidate.saw(None, at(asked));
    candidate.wrote(held("1", "me"), at(asked));
    candidate
}

fn wait(until: u64) -> Decision {
    Decision::Wait { until: at(until) }
}

fn taken(by: &str) -> Decision {
    Decision::Stop(Loss::Taken { by: by.to_owned() })
}

#[test]
fn one_that_knows_nothing_looks() {
    assert_eq!(candidate().decide(now(7)), Decision::Look);
}

#[test]
fn a_lease_that_there_never_was_is_created() {
    let candidate = having_seen(&[(7, None)]);

    let spec = LeaseSpec {
        acquire_time: Some(MicroTime(WALL)),
        holder_identity: Some("me".to_owned()),
        lease_duration_seconds: Some(15),
        lease_transitions: Some(0),
        renew_time: Some(MicroTime(WALL)),
        ..LeaseSpec::default()
    };
    assert_eq!(candidate.decide(now(7)), Decision::Create(Box::new(Lease { spec: Some(spec), ..Lease::default() })));
}

#[test]
fn a_lease_that_was_given_back_is_taken_at_once_in_place_of_that_version() {
    let candidate = having_seen(&[(7, Some(held("4", "")))]);

    let Decision::Replace(lease) = candidate.decide(now(7)) else { panic!("{:?}", candidate.decide(now(7))) };
    assert_eq!(lease.metadata.resource_version.as_deref(), Some("4"));
    assert_eq!(lease.spec.unwrap().lease_transitions, Some(1));
}

#[test]
fn the_lease_of_another_one_is_looked_at_until_it_has_been_the_same_for_as_long_as_it_lasts() {
    let mut candidate = having_seen(&[(7, Some(lasting("4", "other", 10)))]);
    assert_eq!(candidate.decide(now(7)), wait(9));
    assert_eq!(candidate.decide(now(9)), Decision::Look);

    candidate.saw(Some(lasting("4", "other", 10)), at(16));
    assert_eq!(candidate.decide(now(16)), wait(17));
    candidate.saw(Some(lasting("4", "other", 10)), at(17));

    assert!(matches!(candidate.decide(now(17)), Decision::Replace(_)));
}

#[test]
fn whatever_changes_in_the_lease_of_another_one_the_wait_begins_anew() {
    let candidate = having_seen(&[
        (0, Some(lasting("4", "other", 10))),
        (9, Some(lasting("5", "other", 10))),
        (18, Some(lasting("5", "other", 10))),
    ]);

    assert_eq!(candidate.decide(now(18)), wait(19));
}

#[test]
fn what_time_others_wrote_plays_no_part() {
    let times = [i64::from(i32::MIN), 0, 253_402_200_000].map(|second| Timestamp::from_second(second).unwrap());
    for time in times {
        let mut other = lasting("4", "other", 10);
        other.spec.as_mut().unwrap().renew_time = Some(MicroTime(time));
        let candidate = having_seen(&[(0, Some(other.clone())), (9, Some(other.clone()))]);

        assert_eq!(candidate.decide(now(9)), wait(10), "{time}");
        assert!(matches!(
            having_seen(&[(0, Some(other.clone())), (10, Some(other))]).decide(now(10)),
            Decision::Replace(_)
        ));
    }
}

#[test]
fn a_jump_of_the_clock_on_the_wall_changes_nothing_for_the_holder() {
    let leader = leader(0);
    let jumped = Now { monotonic: at(1), wall: Timestamp::from_second(0).unwrap() };

    assert_eq!(leader.decide(jumped), wait(2));
    assert_eq!(leader.leads_until(), Some(at(10)));
}

#[test]
fn a_lease_that_says_nothing_is_taken() {
    for spec in [None, Some(LeaseSpec::default())] {
        let lease = Lease { spec, ..held("4", "") };

        assert!(matches!(having_seen(&[(0, Some(lease))]).decide(now(0)), Decision::Replace(_)));
    }
}

#[test]
fn a_duration_that_nobody_of_us_would_write_is_taken_for_our_own() {
    for seconds in [i32::MIN, -1, 0, 601, i32::MAX] {
        let other = lasting("4", "somebody else's controller", seconds);
        let seen = |second| having_seen(&[(0, Some(other.clone())), (second, Some(other.clone()))]).decide(now(second));

        assert_eq!(seen(14), wait(15), "{seconds}");
        assert!(matches!(seen(15), Decision::Replace(_)), "{seconds}");
    }
}

#[test]
fn a_lease_that_is_gone_may_have_been_renewed_until_then() {
    let mut candidate = having_seen(&[(0, Some(held("4", "other"))), (14, None)]);
    assert_eq!(candidate.decide(now(14)), wait(16));

    candidate.saw(None, at(28));
    assert_eq!(candidate.decide(now(28)), wait(29));
    candidate.saw(None, at(29));

    assert!(matches!(candidate.decide(now(29)), Decision::Create(_)));
}

#[test]
fn of_two_the_one_that_comes_second_waits_for_the_first() {
    let mut second = having_seen(&[(0, Some(held("4", "")))]);

    second.missed(at(0));
    assert_eq!(second.decide(now(0)), Decision::Look);
    second.saw(Some(held("5", "other")), at(0));

    assert_eq!(second.decide(now(0)), wait(2));
    assert_eq!((second.leads_until(), second.holder()), (None, Some("other")));
}

#[test]
fn what_a_run_before_this_one_held_is_taken_at_once() {
    let candidate = having_seen(&[(0, Some(held("4", "me")))]);

    assert!(matches!(candidate.decide(now(0)), Decision::Replace(_)));
    assert_eq!(candidate.leads_until(), None);
}

#[test]
fn a_holder_renews_what_it_wrote_and_keeps_when_it_began() {
    let began = MicroTime(Timestamp::constant(1_700_000_000, 0));
    let mut leader = candidate();
    let spec = LeaseSpec {
        acquire_time: Some(began.clone()),
        holder_identity: Some("me".to_owned()),
        lease_transitions: Some(3),
        ..LeaseSpec::default()
    };
    leader.wrote(lease("8", spec), at(0));

    let Decision::Replace(lease) = leader.decide(now(2)) else { panic!("{:?}", leader.decide(now(2))) };

    assert_eq!(lease.metadata.resource_version.as_deref(), Some("8"));
    let spec = lease.spec.unwrap();
    assert_eq!((spec.acquire_time, spec.renew_time), (Some(began), Some(MicroTime(WALL))));
    assert_eq!(spec.lease_transitions, Some(3));
}

#[test]
fn a_holder_leads_for_two_thirds_of_the_lease_after_it_asked_for_it() {
    let mut leader = leader(0);
    leader.failed(at(9));

    assert_eq!(leader.decide(now(9)), wait(10));
    assert_eq!(leader.decide(now(10)), Decision::Stop(Loss::NotRenewed));
}

#[test]
fn a_holder_without_an_answer_looks_before_it_writes_again() {
    let mut leader = leader(0);

    leader.failed(at(3));
    assert_eq!(leader.decide(now(5)), Decision::Look);
    leader.saw(Some(held("2", "me")), at(5));

    let Decision::Replace(lease) = leader.decide(now(5)) else { panic!("{:?}", leader.decide(now(5))) };
    assert_eq!(lease.metadata.resource_version.as_deref(), Some("2"));
    // To have seen it is not to have renewed it.
    assert_eq!(leader.leads_until(), Some(at(10)));
}

#[test]
fn a_holder_whose_lease_another_one_has_leads_no_more_for_good() {
    let mut leader = leader(0);

    leader.missed(at(2));
    leader.saw(Some(held("2", "other")), at(2));

    assert_eq!((leader.leads_until(), leader.decide(now(2))), (None, taken("other")));
    leader.saw(Some(held("3", "me")), at(3));
    assert_eq!(leader.decide(now(3)), taken("other"));
}

#[test]
fn a_holder_whose_name_somebody_took_out_leads_no_more() {
    let mut leader = leader(0);

    leader.saw(Some(held("2", "")), at(2));

    assert_eq!(leader.decide(now(2)), taken(""));
}

#[test]
fn a_holder_whose_lease_was_deleted_creates_it_again() {
    let mut leader = leader(0);

    leader.missed(at(2));
    leader.saw(None, at(2));

    assert!(matches!(leader.decide(now(2)), Decision::Create(_)));
    assert_eq!(leader.leads_until(), Some(at(10)));
}

#[test]
fn only_the_holder_gives_a_lease_back() {
    let leader = leader(0);

    let released = leader.release(&held("7", "me"), WALL).unwrap();

    assert_eq!(leader.release(&held("7", "other"), WALL), None);
    assert_eq!(released.metadata.resource_version.as_deref(), Some("7"));
    let spec = released.spec.clone().unwrap();
    assert_eq!((spec.holder_identity.as_deref(), spec.lease_duration_seconds), (Some(""), Some(1)));
    assert!(matches!(having_seen(&[(0, Some(released))]).decide(now(0)), Decision::Replace(_)));
}

#[test]
fn one_that_does_not_lead_and_gets_no_answer_asks_less_and_less_often() {
    let mut candidate = candidate();

    let mut waits = Vec::new();
    for _ in 0..6 {
        candidate.failed(at(100));
        let Decision::Wait { until } = candidate.decide(now(100)) else { panic!("it asks at once") };
        waits.push(until.as_secs() - 100);
    }
    candidate.saw(Some(held("1", "other")), at(200));
    candidate.failed(at(202));

    assert_eq!(waits, [2, 4, 8, 15, 15, 15]);
    assert_eq!(candidate.decide(now(202)), wait(204));
}

#[test]
fn one_that_leads_and_gets_no_answer_asks_as_often_as_before() {
    let mut leader = leader(0);

    leader.failed(at(3));
    leader.failed(at(5));

    assert_eq!(leader.decide(now(5)), wait(7));
}
