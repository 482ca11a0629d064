//! What the API server pays for a registration, as it was measured: see the section about it in docs/design.md.

use super::alternatives::Conditions;
use crate::selection::{Namespaces, Requirement, Selector};

/// What one requirement costs: it is an expression that has to be compiled.
pub(super) const REQUIREMENT: usize = 20;
/// What one value of a list costs.
pub(super) const VALUE: usize = 1;
/// The most that one condition may cost: fifty requirements. The API server takes time that grows with the square of their
/// number: 10 ms for 50, 100 ms for 200, and seconds for 1000. It never takes an expression of more than 100,000
/// characters.
pub(super) const MOST_OF_CONDITION: usize = 1000;
/// The most that all conditions may cost together. The API server compiles all of them whenever one has changed, in half a
/// second.
const MOST_OF_ALL: usize = 20_000;
/// The most characters that all conditions may have together: the API server cannot store an object of more than 1.5 MiB,
/// and beside the conditions there are the authorities of each webhook.
const MOST_CHARACTERS: usize = 1_000_000;
/// How many namespaces one condition lists at most that are given by name: there has to be room for Pods, too.
pub(super) const MOST_NAMES: usize = 400;

/// What the API server can bear beside what it knows already.
#[derive(Debug)]
pub(super) struct Budget {
    cost: usize,
    characters: usize,
}

impl Default for Budget {
    fn default() -> Self {
        Self { cost: MOST_OF_ALL, characters: MOST_CHARACTERS }
    }
}

impl Budget {
    /// Takes what these conditions need. Returns false where there is not as much.
    pub(super) fn take(&mut self, conditions: &Conditions) -> bool {
        let characters = conditions.texts.iter().map(String::len).sum();
        let left = self.cost.checked_sub(conditions.cost).zip(self.characters.checked_sub(characters));
        let Some((cost, characters)) = left else { return false };
        *self = Self { cost, characters };
        true
    }
}

/// Returns what the selectors of a set cost.
pub(super) fn of_selectors(pods: &Selector, namespaces: &Namespaces) -> usize {
    let namespaces = match namespaces {
        Namespaces::All => 0,
        Namespaces::Matching(selector) => of_selector(selector),
    };
    of_selector(pods) + namespaces
}

fn of_selector(selector: &Selector) -> usize {
    let of_requirement = |requirement: &Requirement| match requirement {
        Requirement::In { values, .. } | Requirement::NotIn { values, .. } => REQUIREMENT + values.len() * VALUE,
        Requirement::Exists { .. } | Requirement::DoesNotExist { .. } => REQUIREMENT,
    };
    selector.requirements().iter().map(of_requirement).sum()
}
