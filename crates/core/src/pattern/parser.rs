//! Reads a regular expression of Go, and writes what it means for the engine: groups, repetitions and classes of ASCII, with
//! nothing that depends on a flag.

use super::ParsePatternError;
use super::class::Class;
use super::escape::{character, class_character, class_escape, named_class};

/// How deep groups may stand in one another.
const DEEPEST: usize = 200;
/// The most repetitions, those within one another multiplied.
const MOST: u32 = 1000;

/// Returns what an expression means, as the engine reads it.
pub(super) fn meaning(text: &str) -> Result<String, ParsePatternError> {
    let mut parser = Parser { rest: text, groups: vec![Group::default()] };
    parser.read()?;
    match parser.groups.pop() {
        Some(group) if parser.groups.is_empty() => Ok(group.into_item().text),
        Some(_) | None => Err(syntax("unclosed group")),
    }
}

/// What stands in a group so far.
#[derive(Debug, Default)]
struct Group {
    flags: Flags,
    /// The alternatives that are complete.
    alternatives: Vec<Item>,
    items: Vec<Item>,
}

/// Something that can be repeated.
#[derive(Debug, Clone)]
struct Item {
    text: String,
    /// How often something in it is repeated at most.
    repeated: u32,
}

#[derive(Debug, Clone, Copy, Default)]
struct Flags {
    ignores_case: bool,
    dot_is_all: bool,
}

/// How often something may stand.
#[derive(Debug, Clone, Copy)]
struct Times {
    least: u32,
    most: Option<u32>,
}

struct Parser<'a> {
    rest: &'a str,
    /// The groups that are open, the outermost first.
    groups: Vec<Group>,
}

pub(super) fn syntax(message: impl Into<String>) -> ParsePatternError {
    ParsePatternError::Syntax(message.into())
}

impl<'a> Parser<'a> {
    fn read(&mut self) -> Result<(), ParsePatternError> {
        let mut is_after_repetition = false;
        while let Some(first) = self.rest.chars().next() {
            let was_after_repetition = std::mem::take(&mut is_after_repetition);
            if let Some((times, after)) = repetition(self.rest)? {
                self.rest = after.strip_prefix('?').unwrap_or(after);
                if was_after_repetition {
                    return Err(syntax("invalid nested repetition operator"));
                }
                self.repeat(times)?;
                is_after_repetition = true;
                continue;
            }
            match first {
                '(' => self.open()?,
                ')' => self.close()?,
                '|' => {
                    self.rest = &self.rest[1..];
                    self.group().next_alternative();
                }
                '[' => self.class()?,
                '\\' => self.escape()?,
                _ => {
                    self.rest = &self.rest[first.len_utf8()..];
                    self.plain(first);
                }
            }
        }
        Ok(())
    }

    fn group(&mut self) -> &mut Group {
        if self.groups.is_empty() {
            self.groups.push(Group::default());
        }
        let last = self.groups.len() - 1;
        &mut self.groups[last]
    }

    fn push(&mut self, text: impl Into<String>) {
        self.group().items.push(Item { text: text.into(), repeated: 1 });
    }

    fn push_class(&mut self, class: Class) {
        let mut text = String::new();
        class.write(&mut text);
        self.push(text);
    }

    fn plain(&mut self, letter: char) {
        match letter {
            '.' if self.group().flags.dot_is_all => self.push_class(Class::ALL),
            '.' => self.push_class(Class::of('\n').not()),
            // A text has one line.
            '^' => self.push(r"\A"),
            '$' => self.push(r"\z"),
            _ => self.literal(letter),
        }
    }

    fn literal(&mut self, letter: char) {
        let (first, ignores_case) = (u32::from(letter), self.group().flags.ignores_case);
        self.push_class(if ignores_case { Class::folded_range(first, first) } else { Class::range(first, first) });
    }

    fn repeat(&mut self, times: Times) -> Result<(), ParsePatternError> {
        let item = self.group().items.pop().ok_or_else(|| syntax("missing argument to repetition operator"))?;
        let repeated = match times.most {
            // What never stands there is not repeated.
            Some(0) => 1,
            most => item.repeated.saturating_mul(most.unwrap_or(times.least).max(1)),
        };
        if repeated > MOST && times.most.unwrap_or(times.least).max(times.least) >= 2 {
            return Err(ParsePatternError::TooLarge);
        }
        let most = times.most.map_or_else(String::new, |most| most.to_string());
        let text = format!("(?:{}){{{},{most}}}", item.text, times.least);
        self.group().items.push(Item { text, repeated });
        Ok(())
    }

    fn open(&mut self) -> Result<(), ParsePatternError> {
        if self.groups.len() > DEEPEST {
            return Err(ParsePatternError::TooLarge);
        }
        let flags = self.group().flags;
        let Some(rest) = self.rest.strip_prefix("(?") else {
            self.rest = &self.rest[1..];
            self.groups.push(Group { flags, ..Group::default() });
            return Ok(());
        };
        if let Some(named) = rest.strip_prefix("P<").or_else(|| rest.strip_prefix('<')) {
            let (name, after) = named.split_once('>').ok_or_else(|| syntax("invalid named capture"))?;
            let is_name = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
            if !is_name {
                return Err(syntax(format!("invalid named capture {name:?}")));
            }
            self.rest = after;
            self.groups.push(Group { flags, ..Group::default() });
            return Ok(());
        }
        self.flags(rest, flags)
    }

    /// Reads flags, and the group for which they are, if they are not for the rest of this one.
    fn flags(&mut self, text: &'a str, mut flags: Flags) -> Result<(), ParsePatternError> {
        let (mut is_set, mut has_flag) = (true, false);
        for (at, letter) in text.char_indices() {
            match letter {
                'i' => flags.ignores_case = is_set,
                's' => flags.dot_is_all = is_set,
                // Neither changes whether a text of one line matches.
                'm' | 'U' => {}
                '-' if is_set => (is_set, has_flag) = (false, false),
                ':' | ')' if is_set || has_flag => {
                    self.rest = &text[at + 1..];
                    match letter {
                        ':' => self.groups.push(Group { flags, ..Group::default() }),
                        _ => self.group().flags = flags,
                    }
                    return Ok(());
                }
                _ => break,
            }
            has_flag |= letter != '-';
        }
        Err(syntax("invalid or unsupported Perl syntax"))
    }

    fn close(&mut self) -> Result<(), ParsePatternError> {
        self.rest = &self.rest[1..];
        if self.groups.len() < 2 {
            return Err(syntax("unexpected )"));
        }
        if let Some(group) = self.groups.pop() {
            self.group().items.push(group.into_item());
        }
        Ok(())
    }

    fn escape(&mut self) -> Result<(), ParsePatternError> {
        let after = &self.rest[1..];
        let Some(letter) = after.chars().next() else { return Err(syntax("trailing backslash at end of expression")) };
        match letter {
            'A' => self.push(r"\A"),
            'z' => self.push(r"\z"),
            'b' => self.push(r"\b"),
            'B' => self.push(r"\B"),
            'Q' => {
                let (literal, rest) = after[1..].split_once(r"\E").unwrap_or((&after[1..], ""));
                literal.chars().for_each(|letter| self.literal(letter));
                self.rest = rest;
                return Ok(());
            }
            _ => {
                let ignores_case = self.group().flags.ignores_case;
                if let Some((class, rest)) = class_escape(self.rest, ignores_case)? {
                    self.push_class(class);
                    self.rest = rest;
                } else {
                    let (letter, rest) = character(self.rest)?;
                    self.literal(letter);
                    self.rest = rest;
                }
                return Ok(());
            }
        }
        self.rest = &after[1..];
        Ok(())
    }

    /// Reads a class in brackets.
    fn class(&mut self) -> Result<(), ParsePatternError> {
        let ignores_case = self.group().flags.ignores_case;
        let inner = &self.rest[1..];
        let (mut rest, is_negated) = inner.strip_prefix('^').map_or((inner, false), |rest| (rest, true));
        let mut class = Class::NONE;
        let mut is_first = true;
        while is_first || !rest.starts_with(']') {
            is_first = false;
            if let Some((named, is_reversed, after)) = named_class(rest)? {
                class = class.or(named.folded_if(ignores_case).not_if(is_reversed));
                rest = after;
            } else if let Some((escaped, after)) = class_escape(rest, ignores_case)? {
                class = class.or(escaped);
                rest = after;
            } else {
                let (first, after) = class_character(rest)?;
                rest = after;
                let mut last = first;
                if let Some(after) = rest.strip_prefix('-').filter(|after| !after.is_empty() && !after.starts_with(']'))
                {
                    (last, rest) = class_character(after)?;
                }
                if last < first {
                    return Err(syntax(format!("invalid character class range {first}-{last}")));
                }
                let (first, last) = (first.into(), last.into());
                class =
                    class.or(if ignores_case { Class::folded_range(first, last) } else { Class::range(first, last) });
            }
        }
        self.push_class(class.not_if(is_negated));
        self.rest = &rest[1..];
        Ok(())
    }
}

impl Group {
    fn next_alternative(&mut self) {
        let items = std::mem::take(&mut self.items);
        self.alternatives.push(joined(items, ""));
    }

    fn into_item(mut self) -> Item {
        self.next_alternative();
        let item = joined(self.alternatives, "|");
        Item { text: format!("(?:{})", item.text), ..item }
    }
}

fn joined(items: Vec<Item>, between: &str) -> Item {
    let repeated = items.iter().map(|item| item.repeated).max().unwrap_or(1);
    let texts: Vec<String> = items.into_iter().map(|item| item.text).collect();
    Item { text: texts.join(between), repeated }
}

/// Reads a repetition and returns what comes after it, if there is one. A brace that begins none stands for itself.
fn repetition(text: &str) -> Result<Option<(Times, &str)>, ParsePatternError> {
    let times = |least, most| Ok(Some((Times { least, most }, &text[1..])));
    match text.as_bytes().first() {
        Some(b'*') => times(0, None),
        Some(b'+') => times(1, None),
        Some(b'?') => times(0, Some(1)),
        Some(b'{') => counted(text),
        _ => Ok(None),
    }
}

fn counted(text: &str) -> Result<Option<(Times, &str)>, ParsePatternError> {
    let Some((least, after)) = count(&text[1..]) else { return Ok(None) };
    let (most, after) = match after.strip_prefix(',') {
        None => (Some(least), after),
        Some(after) if after.starts_with('}') => (None, after),
        Some(after) => match count(after) {
            Some((most, after)) => (Some(most), after),
            None => return Ok(None),
        },
    };
    let Some(after) = after.strip_prefix('}') else { return Ok(None) };
    if most.is_some_and(|most| most < least) {
        return Err(syntax("invalid repeat count"));
    }
    if most.unwrap_or(least) > MOST {
        return Err(ParsePatternError::TooLarge);
    }
    Ok(Some((Times { least, most }, after)))
}

/// Reads a number without leading zeros. One that is too large is more than any that is allowed.
fn count(text: &str) -> Option<(u32, &str)> {
    let end = text.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(text.len());
    let (digits, after) = text.split_at(end);
    let is_number = !digits.is_empty() && (digits.len() == 1 || !digits.starts_with('0'));
    is_number.then(|| (digits.parse().unwrap_or(u32::MAX), after))
}
