//! The tolerations of a Pod in the form of an annotation, which the API server still reads.

use super::super::is_label_value;
use super::super::member::one_of;
use super::super::syntax::qualified_name;
use serde::Deserialize;

const EFFECTS: [&str; 3] = ["NoSchedule", "PreferNoSchedule", "NoExecute"];

/// A toleration. Names may begin with a capital letter, because the API server reads them into a type without names for JSON.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Toleration {
    #[serde(alias = "Key")]
    key: Option<String>,
    #[serde(alias = "Operator")]
    operator: Option<String>,
    #[serde(alias = "Value")]
    value: Option<String>,
    #[serde(alias = "Effect")]
    effect: Option<String>,
    #[serde(alias = "TolerationSeconds")]
    toleration_seconds: Option<i64>,
}

/// Says what is wrong with the text of the annotation.
pub(super) fn check(text: &str) -> Result<(), String> {
    if text.is_empty() {
        return Ok(());
    }
    let read: Result<Option<Vec<Option<Toleration>>>, _> = serde_json::from_str(text);
    let tolerations = read.map_err(|error| format!("is not a JSON list of tolerations: {error}"))?;
    let checked = |(at, toleration): (usize, Option<Toleration>)| {
        toleration.unwrap_or_default().check().map_err(|message| format!("toleration [{at}]: {message}"))
    };
    tolerations.into_iter().flatten().enumerate().try_for_each(checked)
}

impl Toleration {
    // As in Kubernetes.
    fn check(&self) -> Result<(), String> {
        let [key, operator, value, effect] =
            [&self.key, &self.operator, &self.value, &self.effect].map(|text| text.as_deref().unwrap_or_default());
        match operator {
            "Exists" if !value.is_empty() => return Err("value must be empty where operator is Exists".to_owned()),
            "Exists" => {}
            _ if key.is_empty() => return Err("operator must be Exists where there is no key".to_owned()),
            "" | "Equal" if !is_label_value(value) => return Err(format!("{value:?} is not a label value")),
            "" | "Equal" => {}
            _ => return Err(format!("operator: {}", one_of(operator, &["Equal", "Exists"]).err().unwrap_or_default())),
        }
        if !key.is_empty() {
            qualified_name(key)?;
        }
        if !effect.is_empty() {
            one_of(effect, &EFFECTS).map_err(|message| format!("effect: {message}"))?;
        }
        if self.toleration_seconds.is_some() && effect != "NoExecute" {
            return Err("effect must be NoExecute where there are tolerationSeconds".to_owned());
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_api_server_takes_for_tolerations_is_accepted() {
        for text in [
            "",
            "null",
            "[]",
            r#"[{"operator":"Exists"}]"#,
            r#"[{"Key":"a/b","Value":"c","Effect":"NoSchedule"}]"#,
            r#"[{"key":"a","operator":"Equal","value":"","effect":"NoExecute","tolerationSeconds":5,"other":1}]"#,
        ] {
            assert_eq!(check(text), Ok(()), "{text}");
        }
    }

    #[test]
    fn what_it_would_reject_in_every_pod_is_rejected() {
        for (text, told) in [
            ("none", "is not a JSON list of tolerations: expected ident at line 1 column 2"),
            ("{}", "is not a JSON list of tolerations: invalid type: map, expected a sequence at line 1 column 0"),
            ("[null]", "toleration [0]: operator must be Exists where there is no key"),
            (r#"[{"key":"a"},{}]"#, "toleration [1]: operator must be Exists where there is no key"),
            (r#"[{"key":"a","operator":"Like"}]"#, r#"toleration [0]: operator: "Like" is not one of Equal, Exists"#),
            (r#"[{"operator":"Exists","value":"a"}]"#, "toleration [0]: value must be empty where operator is Exists"),
            (r#"[{"key":"a","value":"b c"}]"#, r#"toleration [0]: "b c" is not a label value"#),
            (
                r#"[{"key":"a","tolerationSeconds":5}]"#,
                "toleration [0]: effect must be NoExecute where there are tolerationSeconds",
            ),
            (
                r#"[{"key":"a","effect":"Never"}]"#,
                r#"toleration [0]: effect: "Never" is not one of NoSchedule, PreferNoSchedule, NoExecute"#,
            ),
        ] {
            assert_eq!(check(text), Err(told.to_owned()), "{text}");
        }
        assert!(check(r#"[{"key":"a b"}]"#).is_err());
    }
}
