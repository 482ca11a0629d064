//! Where there is no IPv4: the API server has an address of IPv6, and so has the operator.

use crate::process::{CONFIGURATION, Operator, pod};
use std::net::Ipv6Addr;

#[test]
fn where_there_is_only_ipv6_it_is_asked_and_asks_there() {
    let operator = Operator::start_at(Ipv6Addr::LOCALHOST.into());
    operator.until_ready();

    // The certificate is for this address, or there would be no answer.
    let answer = operator.review(&pod());

    assert_eq!(answer["response"]["allowed"], true);
    assert!(answer["response"]["patch"].is_string(), "{answer}");
    let configuration = operator.cluster.object(CONFIGURATION).unwrap();
    let url = configuration["webhooks"][0]["clientConfig"]["url"].as_str().unwrap();
    assert!(url.starts_with("https://[::1]:9443/"), "{url}");
}
