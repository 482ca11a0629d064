//! What whoever follows sets sees: bars on a terminal, a line for each change elsewhere.

use crate::tools::age;
use crate::tools::status::overview::Overview;
use crate::tools::status::speed;
use indicatif::{MultiProgress, ProgressBar, ProgressFinish, ProgressStyle};
use sidecarset_core::annotations::Seconds;
use std::collections::BTreeMap;
use std::io::{self, Write};

/// What is shown of the sets.
#[derive(Debug, Default)]
pub struct Screen {
    bars: Option<MultiProgress>,
    sets: BTreeMap<String, Line>,
}

/// What is shown of a set.
#[derive(Debug)]
struct Line {
    text: String,
    bar: Option<ProgressBar>,
    /// When another Pod was seen to be updated and ready.
    steps: Vec<Seconds>,
    done: usize,
}

impl Screen {
    /// Shows bars instead of lines.
    pub fn with_bars(bars: MultiProgress) -> Self {
        Self { bars: Some(bars), ..Self::default() }
    }

    /// Returns the names of the sets that are shown.
    pub fn names(&self) -> impl Iterator<Item = &String> {
        self.sets.keys()
    }

    /// Returns what was last shown of a set.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.sets.get(name).map(|line| &*line.text)
    }

    /// Shows how far a set is.
    ///
    /// # Errors
    /// Nobody reads it any more.
    pub fn show(&mut self, set: &Overview, now: Seconds, out: &mut impl Write) -> io::Result<()> {
        let line = self.sets.entry(set.name.clone()).or_insert_with(|| Line {
            text: String::new(),
            bar: self.bars.as_ref().map(|bars| bars.add(bar(&set.name))),
            steps: Vec::new(),
            done: set.updated_ready,
        });
        line.steps.extend((line.done..set.updated_ready).map(|_| now));
        line.done = set.updated_ready;
        let left = speed::time_left(&mut line.steps, set.matched.saturating_sub(set.updated_ready), now);
        let left = left.map(|left| format!(", about {} left", age::short(left))).unwrap_or_default();
        match &line.bar {
            Some(bar) => {
                bar.set_length(set.matched as u64);
                bar.set_position(set.updated_ready as u64);
                bar.set_message(format!("{}{left}", set.line()));
            }
            None if line.text != set.line() => writeln!(out, "{}: {}{left}", set.name, set.line())?,
            None => {}
        }
        line.text = set.line();
        out.flush()
    }

    /// Shows that a set is no more.
    ///
    /// # Errors
    /// Nobody reads it any more.
    pub fn remove(&mut self, name: &str, out: &mut impl Write) -> io::Result<()> {
        let Some(line) = self.sets.remove(name) else { return Ok(()) };
        match (&self.bars, line.bar) {
            (Some(bars), Some(bar)) => {
                bar.finish_and_clear();
                bars.println(format!("{name}: deleted"))
            }
            _ => writeln!(out, "{name}: deleted"),
        }
    }
}

fn bar(name: &str) -> ProgressBar {
    let style =
        ProgressStyle::with_template("{prefix} {bar:20} {msg}").unwrap_or_else(|_| ProgressStyle::default_bar());
    let bar = ProgressBar::no_length().with_style(style.progress_chars("█░")).with_prefix(name.to_owned());
    // How it ended is what a person has waited for.
    bar.with_finish(ProgressFinish::Abandon)
}

#[cfg(test)]
mod tests {
    use super::*;
    use indicatif::{InMemoryTerm, ProgressDrawTarget};
    use serde_json::json;

    const NOW: Seconds = Seconds::EPOCH;

    fn overview(name: &str, done: usize, rollout: &str) -> Overview {
        let set = json!({"metadata": {"name": name}, "spec": {}});
        let mut set = Overview::of(&serde_json::from_value(set).unwrap());
        (set.matched, set.updated_ready, set.is_observed) = (4, done, true);
        set.rollout = rollout.to_owned();
        set
    }

    fn terminal() -> (InMemoryTerm, Screen) {
        let terminal = InMemoryTerm::new(6, 80);
        let target = ProgressDrawTarget::term_like_with_hz(Box::new(terminal.clone()), 255);
        (terminal, Screen::with_bars(MultiProgress::with_draw_target(target)))
    }

    #[test]
    fn a_terminal_has_a_bar_for_each_set_and_nothing_is_printed() {
        let ((terminal, mut screen), mut out) = (terminal(), Vec::new());

        screen.show(&overview("logs", 1, "Upgrading"), NOW, &mut out).unwrap();
        screen.show(&overview("mesh", 4, "Complete"), NOW, &mut out).unwrap();

        assert_eq!(
            terminal.contents(),
            "logs █████░░░░░░░░░░░░░░░ 1/4 updated and ready, Upgrading\n\
             mesh ████████████████████ 4/4 updated and ready, Complete"
        );
        assert_eq!(out, b"");
    }

    #[test]
    fn the_last_state_stays_on_the_terminal() {
        let ((terminal, mut screen), mut out) = (terminal(), Vec::new());

        screen.show(&overview("logs", 3, "Upgrading"), NOW, &mut out).unwrap();
        screen.show(&overview("logs", 4, "Complete"), NOW, &mut out).unwrap();
        drop(screen);

        assert_eq!(terminal.contents(), "logs ████████████████████ 4/4 updated and ready, Complete");
    }

    #[test]
    fn a_set_that_is_deleted_leaves_a_line_above_the_bars() {
        let ((terminal, mut screen), mut out) = (terminal(), Vec::new());
        screen.show(&overview("logs", 2, "Upgrading"), NOW, &mut out).unwrap();
        screen.show(&overview("mesh", 2, "Upgrading"), NOW, &mut out).unwrap();

        screen.remove("logs", &mut out).unwrap();

        assert_eq!(terminal.contents(), "logs: deleted\nmesh ██████████░░░░░░░░░░ 2/4 updated and ready, Upgrading");
    }

    #[test]
    fn elsewhere_each_change_is_a_line() {
        let (mut screen, mut out) = (Screen::default(), Vec::new());

        for done in [1, 1, 2] {
            screen.show(&overview("logs", done, "Upgrading"), NOW, &mut out).unwrap();
        }
        screen.remove("logs", &mut out).unwrap();

        let printed = String::from_utf8(out).unwrap();
        assert_eq!(
            printed,
            "logs: 1/4 updated and ready, Upgrading\nlogs: 2/4 updated and ready, Upgrading\nlogs: deleted\n"
        );
    }
}
