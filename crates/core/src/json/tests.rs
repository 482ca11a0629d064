//! What can be asked of JSON.

use super::*;
use serde_json::json;

fn read(text: &str) -> Document<'_> {
    Document::parse(text).unwrap()
}

#[test]
fn what_is_missing_is_null() {
    let pod = read(r#"{"metadata": {"name": "web-0"}, "spec": 7}"#);
    let pod = pod.root();

    assert!(pod.at("metadata").at("name").is("web-0"));
    assert!(pod.at("metadata").at("labels").at("app").is_null());
    assert!(pod.at("spec").at("containers").is_null());
    assert_eq!(pod.at("spec").items().count(), 0);
    assert_eq!(pod.at("spec").to_map(), Map::new());
    assert_eq!(pod.at("spec").at("containers").raw(), "null");
}

#[test]
fn numbers_and_escaped_texts_are_as_they_were_written() {
    let text = r#"{"a\"b": [1, -2, 0.1, 18446744073709551615, "\u00e4\n"], "c": {"d": null, "e": [true]}}"#;
    let document = read(text);

    assert_eq!(
        document.root().to_value(),
        json!({"a\"b": [1, -2, 0.1, u64::MAX, "ä\n"], "c": {"d": null, "e": [true]}})
    );
    assert_eq!(document.root().at("a\"b").items().last().unwrap().as_str(), Some("ä\n"));
}

#[test]
fn a_part_is_handed_on_as_it_was_written() {
    let document = read(r#"{"env": [{"name" : "A", "value": "\u0031"}, "x", 1e2]}"#);

    let raw: Vec<&str> = document.root().at("env").items().map(Json::raw).collect();

    assert_eq!(raw, [r#"{"name" : "A", "value": "\u0031"}"#, r#""x""#, "1e2"]);
}

#[test]
fn what_comes_after_a_list_is_found_however_much_is_in_it() {
    for items in 0..40 {
        let text = json!({"list": vec![json!([{}]); items], "next": [7]}).to_string();

        assert_eq!(read(&text).root().at("next").items().next().and_then(Json::as_i64), Some(7), "{text}");
    }
}

#[test]
fn whether_a_text_is_there_is_known_without_reading() {
    let mentions = |text: &str| read(text).root().at("env").may_contain(&Finder::new("IS_INJECTED"));

    assert!(mentions(r#"{"env": [{"name": "IS_INJECTED"}]}"#));
    assert!(mentions(r#"{"env": [{"name": "\u0049S_INJECTED"}]}"#));
    assert!(!mentions(r#"{"env": [{"name": "IS\tINJECTED"}], "IS_INJECTED": 1}"#));
}

#[test]
fn what_is_wrong_is_told_with_its_place() {
    assert_eq!(Document::parse("{\"a\":\n tru}").unwrap_err().to_string(), "a: expected ident at line 2 column 5");
}

#[test]
fn a_value_is_looked_at_as_it_is() {
    let value = json!({"metadata": {"labels": {"app": "nginx"}}, "spec": [1, null, true, -0.5, {"env": []}]});

    assert_eq!(value.look(|pod| pod.at("spec").to_value()), json!([1, null, true, -0.5, {"env": []}]));
}

#[test]
fn a_value_that_is_nested_deeper_than_a_text_may_be_is_looked_at_too() {
    let deep = (0..200).fold(json!("x"), |inner, _| json!([inner]));

    assert_eq!(deep.look(|json| json.raw().len()), 403);
}
