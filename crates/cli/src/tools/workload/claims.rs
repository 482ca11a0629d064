//! Claim templates: a StatefulSet, and whatever is made like it, gives each of its Pods a volume for each of them. It takes the
//! place of a volume of that name in the template.

use serde_json::{Map, Value, json};

/// The volumes that a controller adds to its Pods, and those of the template.
#[derive(Debug, Default)]
pub struct Claims {
    names: Vec<String>,
    written: Option<Value>,
}

impl Claims {
    /// Reads those that stand beside a template.
    pub fn beside(object: &Value, template: &str) -> Self {
        let parent = template.rsplit_once('/').and_then(|(parent, _)| object.pointer(parent));
        let templates = parent.and_then(|parent| parent.get("volumeClaimTemplates")).and_then(Value::as_array);
        let names = templates.into_iter().flatten().filter_map(|claim| claim["metadata"]["name"].as_str());
        let written = object.pointer(template).map(|template| template["spec"]["volumes"].clone());
        Self { names: names.map(str::to_owned).collect(), written }
    }

    /// Adds them to the Pod of the template, as the controller does.
    pub fn add_to(&self, pod: &mut Value) {
        if !self.concern(pod) {
            return;
        }
        // Which claim it is depends on the Pod, of which there may be many.
        let of_claim = |name: &String| json!({"name": name, "persistentVolumeClaim": {"claimName": name}});
        let of_template = volumes(pod).into_iter().filter(|volume| !self.are_claimed(volume));
        let all: Vec<Value> = self.names.iter().map(of_claim).chain(of_template).collect();
        if let Some(spec) = pod["spec"].as_object_mut() {
            spec.insert("volumes".to_owned(), all.into());
        }
    }

    /// Takes them from a Pod again, which may have got volumes meanwhile: the template has those that it had, and these.
    pub fn take_from(&self, pod: &mut Value) {
        if !self.concern(pod) {
            return;
        }
        let had = self.written.as_ref().and_then(Value::as_array).cloned().unwrap_or_default();
        let is_new = |volume: &Value| !self.are_claimed(volume) && !had.iter().any(|own| own["name"] == volume["name"]);
        let new: Vec<Value> = volumes(pod).into_iter().filter(is_new).collect();
        let Some(spec) = pod["spec"].as_object_mut() else { return };
        restore(spec, self.written.as_ref(), [had, new].concat());
    }

    /// Says whether there is something to add to a Pod, or to take from it. Volumes that are no list stay, for somebody to tell.
    fn concern(&self, pod: &Value) -> bool {
        !self.names.is_empty() && matches!(pod["spec"]["volumes"], Value::Null | Value::Array(_))
    }

    fn are_claimed(&self, volume: &Value) -> bool {
        self.names.iter().any(|name| volume["name"] == **name)
    }
}

fn restore(spec: &mut Map<String, Value>, written: Option<&Value>, volumes: Vec<Value>) {
    match (volumes.is_empty(), written) {
        (true, Some(Value::Null) | None) => drop(spec.remove("volumes")),
        (true, Some(_)) | (false, _) => drop(spec.insert("volumes".to_owned(), volumes.into())),
    }
}

fn volumes(pod: &Value) -> Vec<Value> {
    pod["spec"]["volumes"].as_array().cloned().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stateful_set(volumes: &Value) -> Value {
        let mut spec = json!({"containers": [{"name": "db"}]});
        if !volumes.is_null() {
            spec["volumes"] = volumes.clone();
        }
        json!({"spec": {"template": {"spec": spec}, "volumeClaimTemplates": [{"metadata": {"name": "data"}}]}})
    }

    fn claims(object: &Value) -> (Claims, Value) {
        let claims = Claims::beside(object, "/spec/template");
        let mut pod = object["spec"]["template"].clone();
        claims.add_to(&mut pod);
        (claims, pod)
    }

    #[test]
    fn a_claim_takes_the_place_of_a_volume_of_its_name() {
        let (_, pod) =
            claims(&stateful_set(&json!([{"name": "tmp", "emptyDir": {}}, {"name": "data", "emptyDir": {}}])));

        assert_eq!(
            pod["spec"]["volumes"],
            json!([
                {"name": "data", "persistentVolumeClaim": {"claimName": "data"}},
                {"name": "tmp", "emptyDir": {}},
            ])
        );
    }

    #[test]
    fn volumes_that_are_no_list_stay_for_somebody_to_tell() {
        let written = json!({"a": 1});

        let (claims, mut pod) = claims(&stateful_set(&written));
        assert_eq!(pod["spec"]["volumes"], written);

        claims.take_from(&mut pod);
        assert_eq!(pod["spec"]["volumes"], written);
    }

    #[test]
    fn the_template_has_what_it_had_and_what_came_to_it() {
        let tmp = json!({"name": "tmp", "emptyDir": {}});
        let shadowed = json!({"name": "data", "emptyDir": {}});
        let new = json!({"name": "logs", "emptyDir": {}});
        for (written, added, expected) in [
            (json!([shadowed, tmp]), Some(&new), json!([shadowed, tmp, new])),
            (json!(null), Some(&new), json!([new])),
            (json!(null), None, json!(null)),
            (json!([]), None, json!([])),
        ] {
            let (claims, mut pod) = claims(&stateful_set(&written));
            pod["spec"]["volumes"].as_array_mut().unwrap().extend(added.cloned());

            claims.take_from(&mut pod);

            assert_eq!(pod["spec"]["volumes"], expected);
        }
    }
}
