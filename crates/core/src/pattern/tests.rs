//! What expressions mean, and which are refused.

use super::*;

const BOUNDS: Bounds = Bounds { length: 8 * 1024, memory: 256 * 1024 };

fn matching<'a>(regex: &str, names: &[&'a str]) -> Vec<&'a str> {
    let pattern = Pattern::parse(regex, BOUNDS).unwrap();
    names.iter().copied().filter(|name| pattern.matches(name)).collect()
}

fn refusal(regex: &str) -> String {
    Pattern::parse(regex, BOUNDS).unwrap_err().to_string()
}

#[test]
fn a_part_of_the_name_is_enough() {
    let names = ["web", "web-1", "my-web", "db"];

    assert_eq!(matching("web", &names), ["web", "web-1", "my-web"]);
    assert_eq!(matching("^web$", &names), ["web"]);
    assert_eq!(matching("^(web|db)$", &names), ["web", "db"]);
    assert_eq!(matching(r"-\d$", &names), ["web-1"]);
    assert_eq!(matching(".*", &names), names);
    assert_eq!(matching("", &names), names);
}

#[test]
fn what_go_does_not_take_is_refused_in_one_line() {
    for (regex, why) in [
        ("(", "unclosed group"),
        (")", "unexpected )"),
        ("[a", "unclosed character class"),
        ("a**", "invalid nested repetition operator"),
        ("*", "missing argument to repetition operator"),
        ("(?=a)", "invalid or unsupported Perl syntax"),
        ("(?x)a", "invalid or unsupported Perl syntax"),
        ("(?<a-b>c)", "invalid named capture \"a-b\""),
        ("a{2,1}", "invalid repeat count"),
        (r"\1", "invalid escape sequence"),
        (r"\p{Klingon}", "invalid character class range"),
        ("[z-a]", "invalid character class range z-a"),
        (r"a\", "trailing backslash at end of expression"),
    ] {
        assert_eq!(refusal(regex), format!("is not a regular expression: {why}"), "{regex}");
    }
}

#[test]
fn what_only_go_takes_means_what_it_means_there() {
    for (regex, name) in [
        ("web{", "web{"),
        ("[[web]", "["),
        (r"\Qw.b\E", "w.b"),
        (r"\167eb", "web"),
        (r"\pLeb", "web"),
        (r"^\p{Greek}?b$", "b"),
        ("(?i)WEB", "web"),
        ("^(?P<1>web)$", "web"),
        ("a{,5}", "a{,5}"),
        ("x{01}", "x{01}"),
    ] {
        assert_eq!(matching(regex, &[name]), [name], "{regex}");
    }
    assert_eq!(matching("[a&&b]", &["&"]), ["&"]);
    assert_eq!(matching("(?i)\u{212a}", &["K", "k", "x"]), ["K", "k"]);
}

#[test]
fn a_regular_expression_that_would_take_too_much_memory_is_refused() {
    let long = "[a-z]{1000}".repeat(20);
    let deep = "(?:".repeat(1000);
    for regex in [&long, &deep, "a{1001}", "(a{100}){11}", "((a{100}){100}){100}", "[a-z]{1000000}"] {
        assert_eq!(refusal(regex), "is too large");
    }
}

#[test]
fn a_regular_expression_of_more_than_8_kib_is_not_read() {
    assert_eq!(refusal(&"(".repeat(8193)), "is too large");
}

#[test]
fn a_name_of_any_length_that_kubernetes_allows_can_be_described() {
    assert_eq!(matching("^[a-z0-9][-a-z0-9]{0,61}[a-z0-9]$", &["web-1", "-"]), ["web-1"]);
    assert_eq!(matching(r"^\w{1,63}$", &["web", "web-1"]), ["web"]);
}
