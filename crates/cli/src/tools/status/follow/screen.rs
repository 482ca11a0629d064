//! What whoever follows sets sees: bars on a terminal, a line for each change elsewhere, or events for programs.

use super::event::{self, Kind};
use crate::tools::age;
use crate::tools::format::Format;
use crate::tools::status::overview::Overview;
use crate::tools::status::speed;
use indicatif::{MultiProgress, ProgressBar, ProgressFinish, ProgressStyle};
use sidecarset_core::annotations::Seconds;
use std::collections::BTreeMap;
use std::io::Write;

/// What is shown of the sets.
#[derive(Debug)]
pub struct Screen {
    manner: Manner,
    sets: BTreeMap<String, Shown>,
}

/// How it is shown.
#[derive(Debug)]
enum Manner {
    Bars(MultiProgress),
    Lines,
    Events(Format),
}

/// What is shown of a set.
#[derive(Debug)]
struct Shown {
    set: Overview,
    bar: Option<ProgressBar>,
    /// When another Pod was seen to be updated and ready.
    steps: Vec<Seconds>,
}

impl Screen {
    /// Shows a bar for each set, which moves.
    pub fn bars(bars: MultiProgress) -> Self {
        Self::new(Manner::Bars(bars))
    }

    /// Shows a line for each change that a person would notice.
    pub fn lines() -> Self {
        Self::new(Manner::Lines)
    }

    /// Shows each change, for programs.
    pub fn events(format: Format) -> Self {
        Self::new(Manner::Events(format))
    }

    fn new(manner: Manner) -> Self {
        Self { manner, sets: BTreeMap::new() }
    }

    /// Returns the names of the sets that are shown.
    pub fn names(&self) -> impl Iterator<Item = &String> {
        self.sets.keys()
    }

    /// Returns in one line what was last shown of a set.
    pub fn line(&self, name: &str) -> Option<String> {
        self.sets.get(name).map(|shown| shown.set.line())
    }

    /// Shows how far a set is.
    ///
    /// # Errors
    /// Nobody reads it any more.
    pub fn show(&mut self, set: &Overview, now: Seconds, out: &mut impl Write) -> anyhow::Result<()> {
        let before = self.sets.get(&set.name).map(|shown| shown.set.clone());
        let shown = self.sets.entry(set.name.clone()).or_insert_with(|| Shown {
            set: set.clone(),
            bar: if let Manner::Bars(bars) = &self.manner { Some(bars.add(bar(&set.name))) } else { None },
            steps: Vec::new(),
        });
        shown.steps.extend((shown.set.updated_ready..set.updated_ready).map(|_| now));
        shown.set = set.clone();
        let left = speed::time_left(&mut shown.steps, set.matched.saturating_sub(set.updated_ready), now);
        let left = left.map(|left| format!(", about {} left", age::short(left))).unwrap_or_default();
        match (&self.manner, &shown.bar) {
            (_, Some(bar)) => {
                bar.set_length(set.matched as u64);
                bar.set_position(set.updated_ready as u64);
                bar.set_message(format!("{}{left}", set.line()));
            }
            (Manner::Events(format), None) if before.as_ref() != Some(set) => {
                let kind = if before.is_some() { Kind::Modified } else { Kind::Added };
                event::write(kind, set, *format, out)?;
            }
            (Manner::Lines, None) if before.is_none_or(|before| before.line() != set.line()) => {
                writeln!(out, "{}: {}{left}", set.name, set.line())?;
            }
            (Manner::Bars(_) | Manner::Events(_) | Manner::Lines, None) => {}
        }
        Ok(out.flush()?)
    }

    /// Shows that a set is no more.
    ///
    /// # Errors
    /// Nobody reads it any more.
    pub fn remove(&mut self, name: &str, out: &mut impl Write) -> anyhow::Result<()> {
        let Some(shown) = self.sets.remove(name) else { return Ok(()) };
        match &self.manner {
            Manner::Bars(bars) => {
                shown.bar.iter().for_each(ProgressBar::finish_and_clear);
                bars.println(format!("{name}: deleted"))?;
            }
            Manner::Lines => writeln!(out, "{name}: deleted")?,
            Manner::Events(format) => event::write(Kind::Deleted, &shown.set, *format, out)?,
        }
        Ok(out.flush()?)
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
    use serde_json::{Value, json};

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
        (terminal, Screen::bars(MultiProgress::with_draw_target(target)))
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
        let (mut screen, mut out) = (Screen::lines(), Vec::new());

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

    #[test]
    fn for_programs_each_change_is_an_event() {
        let (mut screen, mut out) = (Screen::events(Format::Json), Vec::new());

        for done in [1, 1, 2] {
            screen.show(&overview("logs", done, "Upgrading"), NOW, &mut out).unwrap();
        }
        screen.remove("logs", &mut out).unwrap();

        let printed = String::from_utf8(out).unwrap();
        let events: Vec<Value> = printed.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let told: Vec<_> = events.iter().map(|it| (&it["type"], &it["object"]["updatedReady"])).collect();
        assert_eq!(
            told,
            [(&json!("ADDED"), &json!(1)), (&json!("MODIFIED"), &json!(2)), (&json!("DELETED"), &json!(2)),]
        );
    }
}
