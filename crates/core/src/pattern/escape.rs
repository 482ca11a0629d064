//! What stands in an expression for a character or for a class: escapes, and names in brackets.

use super::ParsePatternError;
use super::class::Class;
use super::parser::syntax;

/// Reads `[:name:]`, and says whether it is negated.
pub(super) fn named_class(text: &str) -> Result<Option<(Class, bool, &str)>, ParsePatternError> {
    let Some((name, after)) = text.strip_prefix("[:").and_then(|inner| inner.split_once(":]")) else { return Ok(None) };
    let (plain, is_negated) = name.strip_prefix('^').map_or((name, false), |plain| (plain, true));
    let class = Class::named(plain).ok_or_else(|| syntax(format!("invalid character class range [:{name}:]")))?;
    Ok(Some((class, is_negated, after)))
}

/// Reads an escape that is a class, such as `\d` or `\pL`.
pub(super) fn class_escape(text: &str, ignores_case: bool) -> Result<Option<(Class, &str)>, ParsePatternError> {
    let Some(letter) = text.strip_prefix('\\').and_then(|after| after.chars().next()) else { return Ok(None) };
    let is_negated = letter.is_ascii_uppercase();
    if let Some(class) = Class::of_perl(letter.to_ascii_lowercase()) {
        return Ok(Some((class.folded_if(ignores_case).not_if(is_negated), &text[2..])));
    }
    if !matches!(letter, 'p' | 'P') {
        return Ok(None);
    }
    let invalid = || syntax("invalid character class range");
    let name = &text[2..];
    let (name, after) = match name.strip_prefix('{') {
        Some(inner) => inner.split_once('}').ok_or_else(invalid)?,
        None => name.split_at(name.chars().next().ok_or_else(invalid)?.len_utf8()),
    };
    let (plain, is_reversed) = name.strip_prefix('^').map_or((name, false), |plain| (plain, true));
    let class = Class::category(plain).ok_or_else(invalid)?;
    Ok(Some((class.folded_if(ignores_case).not_if(is_negated != is_reversed), after)))
}

pub(super) fn class_character(text: &str) -> Result<(char, &str), ParsePatternError> {
    match text.chars().next() {
        None => Err(syntax("unclosed character class")),
        Some('\\') => character(text),
        Some(letter) => Ok((letter, &text[letter.len_utf8()..])),
    }
}

/// Reads an escape that is a character.
pub(super) fn character(text: &str) -> Result<(char, &str), ParsePatternError> {
    let invalid = || syntax("invalid escape sequence");
    let after = &text[1..];
    let letter = after.chars().next().ok_or_else(|| syntax("trailing backslash at end of expression"))?;
    let rest = &after[letter.len_utf8()..];
    let plain = |letter| Ok((letter, rest));
    match letter {
        'a' => plain('\u{7}'),
        'f' => plain('\u{c}'),
        'n' => plain('\n'),
        'r' => plain('\r'),
        't' => plain('\t'),
        'v' => plain('\u{b}'),
        'x' => hexadecimal(rest).ok_or_else(invalid),
        // One digit alone would refer to what a group has matched, which nobody remembers.
        '1'..='7' if !rest.starts_with(|next: char| ('0'..='7').contains(&next)) => Err(invalid()),
        '0'..='7' => {
            let end = after.bytes().take(3).take_while(|digit| (b'0'..=b'7').contains(digit)).count();
            let number = u32::from_str_radix(&after[..end], 8).ok().and_then(char::from_u32);
            Ok((number.ok_or_else(invalid)?, &after[end..]))
        }
        _ if letter.is_ascii() && !letter.is_ascii_alphanumeric() => plain(letter),
        _ => Err(invalid()),
    }
}

fn hexadecimal(text: &str) -> Option<(char, &str)> {
    let (digits, after) = match text.strip_prefix('{') {
        Some(inner) => inner.split_once('}')?,
        None => (text.get(..2)?, text.get(2..)?),
    };
    let is_number = !digits.is_empty() && digits.bytes().all(|digit| digit.is_ascii_hexdigit());
    let number = u32::from_str_radix(digits, 16).ok().filter(|_| is_number)?;
    // Half a character matches nothing.
    (number <= 0x10_ffff).then(|| (char::from_u32(number).unwrap_or(char::REPLACEMENT_CHARACTER), after))
}
