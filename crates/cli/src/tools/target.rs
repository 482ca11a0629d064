//! Which SidecarSets are meant, by a person who acts on them.

use super::failure::Failure;
use clap::Args;

/// What may stand before the name of a set, as `kubectl get --output name` prints it.
const PREFIXES: [&str; 4] = ["sidecarset.apps.kruise.io/", "sidecarset/", "sidecarsets/", "scs/"];

/// Which SidecarSets are meant.
#[derive(Debug, Clone, Args)]
pub struct TargetArguments {
    /// The SidecarSets
    #[arg(value_name = "NAME", value_parser = set_name, required_unless_present = "selector", conflicts_with = "selector")]
    pub names: Vec<String>,

    /// All SidecarSets with these labels, as in kubectl: key=value,other!=value
    #[arg(short = 'l', long, value_name = "LABELS")]
    pub selector: Option<String>,
}

/// Reads the name of a SidecarSet, with its kind or without.
///
/// # Errors
/// It can be nobody's name.
pub fn set_name(text: &str) -> Result<String, Failure> {
    let name = PREFIXES.iter().find_map(|prefix| text.strip_prefix(prefix)).unwrap_or(text);
    let is_name = |text: &str| !text.is_empty() && !text.contains(['/', '=', ' ']);
    if !is_name(name) {
        return Err(Failure::new(format!("{text:?} is not the name of a SidecarSet")));
    }
    Ok(name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_may_have_its_kind_before_it() {
        for text in ["log-sc", "sidecarset/log-sc", "scs/log-sc", "sidecarset.apps.kruise.io/log-sc"] {
            assert_eq!(set_name(text).unwrap(), "log-sc", "{text}");
        }
    }

    #[test]
    fn another_kind_is_not_the_name_of_a_set() {
        let refused = set_name("deployment/web").unwrap_err();

        assert_eq!(refused.to_string(), "\"deployment/web\" is not the name of a SidecarSet");
    }
}
