//! The Pod's own containers, and what others may take over from them.

use super::edit::PodEdit;
use super::index::{Index, Noted};
use super::is_injected_env;
use super::spec::{Containers, List, Spec};
use crate::json::{Json, Place};
use crate::normalize::{DEVICES, ENV, EnvSource, EnvTransfer, MOUNTS};
use crate::path::cleaned;
use elsa::FrozenBTreeMap;
use std::borrow::Cow;
use std::cell::{Cell, OnceCell};
use std::fmt::{self, Debug};

/// How often a variable is looked for among the variables as they are, before there is an index: most Pods are asked for a few.
const FEW: u32 = 4;

/// The regular containers of a Pod that were not injected. Init containers are never a source. What somebody asks for is found once,
/// however many sets ask; and there may be as much of it as a Pod has room for, so each is noted in little space.
pub(super) struct OwnContainers<'a> {
    pod: Json<'a>,
    spec: Spec<'a>,
    named: &'a Containers<'a>,
    all: OnceCell<Box<[Own]>>,
    mounts: OnceCell<Mounts<'a>>,
    looked_for: Cell<u32>,
    indexed: FrozenBTreeMap<u32, Box<Index<'a, Variable>>>,
}

/// A container of the Pod itself that has something to take over.
#[derive(Debug, Clone, Copy)]
struct Own {
    at: u32,
    env: Place,
    mounts: Place,
}

/// A variable.
#[derive(Debug, Clone, Copy)]
struct Variable {
    name: Place,
    variable: Place,
}

/// What the containers mount.
#[derive(Debug)]
pub(super) struct Mounts<'a> {
    containers: Json<'a>,
    // The first mount at each path: of two mounts at one path the first would be hidden.
    by_path: Box<[Mount]>,
    /// The variables that mounts are named by. As in Kruise: those of a mount that is left out because its path is taken are among
    /// them.
    pub(super) variables: Vec<Json<'a>>,
    /// Whether what is mounted within a mount is to show on the node.
    pub(super) show_on_node: bool,
}

/// A mount, and where its path is.
#[derive(Debug, Clone, Copy)]
struct Mount {
    path: Place,
    mount: Place,
}

/// A variable that a container may have twice.
#[derive(Debug, Clone, Copy)]
struct Twice<'a> {
    first: Json<'a>,
    last: Json<'a>,
}

impl<'a> OwnContainers<'a> {
    pub(super) fn of((pod, spec): (Json<'a>, Spec<'a>), named: &'a Containers<'a>) -> Self {
        let (all, mounts, indexed) = (OnceCell::new(), OnceCell::new(), FrozenBTreeMap::new());
        Self { pod, spec, named, all, mounts, looked_for: Cell::new(0), indexed }
    }

    fn all(&self) -> &[Own] {
        self.all.get_or_init(|| {
            let containers = self.spec.containers;
            let mut own = Vec::new();
            for (at, container) in (0..).zip(containers.items()) {
                let [env, mounts, devices] = container.select([ENV.0, MOUNTS.0, DEVICES.0]);
                let has_any = [env, mounts, devices].into_iter().any(Json::is_list);
                if has_any && !is_injected_env(env) {
                    own.push(Own { at, env: env.place(), mounts: mounts.place() });
                }
            }
            own.into_boxed_slice()
        })
    }

    /// Returns what the containers mount.
    pub(super) fn mounts(&self) -> &Mounts<'a> {
        self.mounts.get_or_init(|| {
            let containers = self.spec.containers;
            let mounts =
                || self.all().iter().flat_map(|own| containers.of_place(own.mounts).items().map(move |it| (own, it)));
            let (mut variables, mut show_on_node) = (Vec::new(), false);
            for (own, mount) in mounts() {
                let [expression, propagation] = mount.select(["subPathExpr", "mountPropagation"]);
                show_on_node |= shows_on_node(propagation);
                let names = expression.as_str().into_iter().flat_map(names_in);
                // As in Kruise: the first one, although Kubernetes expands the path with the last.
                variables.extend(names.filter_map(|name| Some(self.variable(own, name)?.first)));
            }
            let by_path =
                Index::of(containers, mounts().count(), mounts().filter_map(|(_, mount)| Mount::of(mount))).firsts();
            Mounts { containers, by_path, variables, show_on_node }
        })
    }

    /// Returns the devices of the containers.
    pub(super) fn devices(&self) -> impl Iterator<Item = Json<'a>> {
        let mut own = self.all().iter().map(|own| own.at).peekable();
        let containers = (0..).zip(self.spec.containers.items());
        let containers = containers.filter_map(move |(at, container)| own.next_if_eq(&at).map(|_| container));
        containers.flat_map(|container| container.at(DEVICES.0).items())
    }

    /// Returns the variables that a set asks for, in the order in which it does. What is not there is left out.
    pub(super) fn transferred(&self, edit: &PodEdit<'_>, transfers: &[EnvTransfer]) -> Vec<Json<'a>> {
        let mut variables = Vec::new();
        for transfer in transfers {
            let source = match &transfer.source {
                EnvSource::Container(name) => Some(name.as_str()),
                EnvSource::Label(key) => self.pod.at("metadata").at("labels").at(key).as_str(),
                EnvSource::Annotation(key) => edit.annotation(key),
            };
            let Some(own) = source.and_then(|name| self.find(name)) else { continue };
            // The value that the container sees: that of the last one.
            variables.extend(transfer.names.iter().filter_map(|name| Some(self.variable(own, name)?.last)));
        }
        variables
    }

    fn find(&self, name: &str) -> Option<&Own> {
        let all = self.all();
        let own = |at: usize| all.get(all.binary_search_by(|own| (own.at as usize).cmp(&at)).ok()?);
        self.named.find(List::Regular, name).find_map(|(at, _)| own(at))
    }

    /// Returns the variable of this name.
    fn variable(&self, own: &Own, name: &str) -> Option<Twice<'a>> {
        let env = self.spec.containers.of_place(own.env);
        let before = self.looked_for.get();
        self.looked_for.set(before.saturating_add(1));
        if before < FEW {
            let mut of_name = env.items().filter(|variable| variable.at(ENV.1).is(name));
            let first = of_name.next()?;
            return Some(Twice { first, last: of_name.last().unwrap_or(first) });
        }
        let variables = match self.indexed.get(&own.at) {
            Some(variables) => variables,
            None => self.indexed.insert(own.at, Box::new(Variable::index(env))),
        };
        let mut of_name = variables.find(name).map(|it| env.of_place(it.variable));
        let first = of_name.next()?;
        Some(Twice { first, last: of_name.next_back().unwrap_or(first) })
    }
}

/// Says whether this is the propagation of a mount of which what is mounted within it shows on the node.
pub(super) fn shows_on_node(propagation: Json<'_>) -> bool {
    propagation.is("Bidirectional")
}

impl Debug for OwnContainers<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("OwnContainers").field("all", &self.all).finish_non_exhaustive()
    }
}

impl Variable {
    fn index(env: Json<'_>) -> Index<'_, Self> {
        let named = env.items().map(|variable| (variable.at(ENV.1), variable)).filter(|(name, _)| name.is_text());
        let variables = named.map(|(name, variable)| Self { name: name.place(), variable: variable.place() });
        Index::of(env, env.items().count(), variables)
    }
}

impl Noted for Variable {
    fn place(self) -> Place {
        self.variable
    }

    fn text(self, env: Json<'_>) -> Cow<'_, str> {
        env.of_place(self.name).passing_str().unwrap_or_default()
    }
}

impl<'a> Mounts<'a> {
    /// Returns the first mount at each path, with the path as it is written shortest, in the order of the Pod.
    pub(super) fn by_path(&self) -> impl ExactSizeIterator<Item = (Cow<'a, str>, Json<'a>)> {
        self.by_path.iter().map(|it| (it.text(self.containers), self.containers.of_place(it.mount)))
    }
}

impl Mount {
    fn of(mount: Json<'_>) -> Option<Self> {
        let path = mount.at(MOUNTS.1);
        path.is_text().then(|| Self { path: path.place(), mount: mount.place() })
    }
}

impl Noted for Mount {
    fn place(self) -> Place {
        self.mount
    }

    /// Returns the path as it is written shortest.
    fn text(self, containers: Json<'_>) -> Cow<'_, str> {
        match containers.of_place(self.path).passing_str().unwrap_or_default() {
            Cow::Borrowed(path) => cleaned(path),
            Cow::Owned(path) => cleaned(&path).into_owned().into(),
        }
    }
}

/// Returns each NAME of the `$(NAME)` in an expression.
// As in Kruise: `$$(NAME)`, which Kubernetes does not expand, counts too. A variable too many does no harm.
fn names_in(expression: &str) -> impl Iterator<Item = &str> {
    let candidates = expression.split("$(").skip(1).filter_map(|rest| rest.split_once(')').map(|(name, _)| name));
    candidates.filter(|name| {
        let is_part = |byte: u8| byte.is_ascii_alphanumeric() || b"-._".contains(&byte);
        !name.is_empty() && name.bytes().all(is_part) && !name.starts_with(|first: char| first.is_ascii_digit())
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::Document;

    #[test]
    fn a_variable_is_the_same_however_often_somebody_asks_for_it() {
        let env =
            r#"[{"name":"B","value":"1"},{"name":"A"},7,{"name":"\u0042","value":"2"},{"value":"B"},{"name":"C"}]"#;
        let text = format!(r#"{{"spec":{{"containers":[{{"name":"app","env":{env}}}]}}}}"#);
        let pod = Document::parse(&text).unwrap();
        let spec = Spec::of(pod.root());
        let (containers, asked) = (Containers::of(spec), 3 * FEW);
        let own = OwnContainers::of((pod.root(), spec), &containers);
        let app = own.find("app").unwrap();

        for name in ["B", "C", "D"].into_iter().cycle().take(asked as usize) {
            let found = own.variable(app, name).map(|Twice { first, last }| [first.raw(), last.raw()]);

            let expected = match name {
                "B" => Some([r#"{"name":"B","value":"1"}"#, r#"{"name":"\u0042","value":"2"}"#]),
                "C" => Some([r#"{"name":"C"}"#; 2]),
                _ => None,
            };
            assert_eq!(found, expected, "{name}, asked {} times", own.looked_for.get());
        }
    }

    #[test]
    fn of_mounts_at_one_path_the_first_stays_and_the_order_is_that_of_the_pod() {
        let mounts = |paths: [&str; 3]| paths.map(|path| format!(r#"{{"mountPath":"{path}"}}"#)).join(",");
        let (one, other) = (mounts(["/b", "/a/", "/c"]), mounts(["/a", "\\u002fb", "/d"]));
        let text = format!(r#"{{"spec":{{"containers":[{{"volumeMounts":[{one}]}},{{"volumeMounts":[{other}]}}]}}}}"#);
        let pod = Document::parse(&text).unwrap();
        let spec = Spec::of(pod.root());
        let containers = Containers::of(spec);
        let own = OwnContainers::of((pod.root(), spec), &containers);

        let paths: Vec<_> = own.mounts().by_path().map(|(path, _)| path).collect();

        assert_eq!(paths, ["/b", "/a", "/c", "/d"]);
    }

    #[test]
    fn the_variables_of_an_expression_are_found() {
        let names: Vec<_> = names_in("$(POD_NAME)/$$(A-b.c)/$(1x)/$()/$(open").collect();

        assert_eq!(names, ["POD_NAME", "A-b.c"]);
    }
}
