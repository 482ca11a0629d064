//! The words of an expression.

use super::ParseExpressionError;
use super::operator::Operator;
use crate::quantity::Quantity;
use std::fmt::{self, Display};

/// The suffixes that make a number a quantity.
const SUFFIXES: [&str; 11] = ["m", "k", "M", "G", "T", "P", "Ki", "Mi", "Gi", "Ti", "Pi"];

/// A word of an expression.
#[derive(Debug, Clone)]
pub(super) enum Token<'a> {
    /// A plain number, `%` taken into account.
    Number(f64),
    /// A number with a suffix.
    Quantity(Quantity),
    /// The name of a variable or a function.
    Name(&'a str),
    Operator(Operator),
    Open,
    Close,
    Comma,
}

/// Returns the words of a text.
pub(super) fn tokens(text: &str) -> Result<Vec<Token<'_>>, ParseExpressionError> {
    let mut tokens = Vec::new();
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        let length = if first.is_ascii_digit() || first == '.' {
            number_length(rest)
        } else if first.is_ascii_alphabetic() {
            word_length(rest)
        } else {
            first.len_utf8()
        };
        let (word, behind) = rest.split_at(length);
        tokens.push(token(first, word)?);
        rest = behind.trim_start();
    }
    Ok(tokens)
}

fn token(first: char, word: &str) -> Result<Token<'_>, ParseExpressionError> {
    Ok(match first {
        '0'..='9' | '.' => number(word)?,
        'a'..='z' | 'A'..='Z' => Token::Name(word),
        '(' => Token::Open,
        ')' => Token::Close,
        ',' => Token::Comma,
        other => Token::Operator(Operator::of(other).ok_or(ParseExpressionError::Character(other))?),
    })
}

/// Returns how much of a text is one number, with everything that sticks to it.
fn number_length(text: &str) -> usize {
    let mantissa = text.find(|letter: char| !letter.is_ascii_digit() && letter != '.').unwrap_or(text.len());
    let rest = &text[mantissa..];
    let exponent = rest.strip_prefix(['e', 'E']).and_then(|rest| rest.strip_prefix(['+', '-']));
    // A sign belongs to the number only where a digit follows: `2e-cpu` is no number minus a variable, but junk.
    let signed =
        if exponent.is_some_and(|rest| rest.starts_with(|digit: char| digit.is_ascii_digit())) { 2 } else { 0 };
    mantissa + signed + word_length(&rest[signed..])
}

fn word_length(text: &str) -> usize {
    text.find(|letter: char| !letter.is_alphanumeric() && !"_.%".contains(letter)).unwrap_or(text.len())
}

/// Reads a number or a quantity.
// In Kruise a number with junk behind it, such as 10K, is 0. Here it is refused.
fn number(word: &str) -> Result<Token<'_>, ParseExpressionError> {
    let refused = || ParseExpressionError::Number(word.to_owned());
    let (digits, suffix) = word.split_at(word.find(|it: char| !it.is_ascii_digit() && it != '.').unwrap_or(word.len()));
    if !digits.bytes().any(|byte| byte.is_ascii_digit()) {
        return Err(refused());
    }
    if SUFFIXES.contains(&suffix) {
        return Quantity::parse(word).map(Token::Quantity).map_err(|_| refused());
    }
    let (plain, divisor) = word.strip_suffix('%').map_or((word, 1.0), |plain| (plain, 100.0));
    let number: f64 = plain.parse().map_err(|_| refused())?;
    if number.is_finite() { Ok(Token::Number(number / divisor)) } else { Err(ParseExpressionError::Infinite) }
}

impl Display for Token<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(number) => write!(out, "{number}"),
            Self::Quantity(quantity) => out.write_str(&quantity.canonical()),
            Self::Name(name) => out.write_str(name),
            Self::Operator(operator) => operator.fmt(out),
            Self::Open => out.write_str("("),
            Self::Close => out.write_str(")"),
            Self::Comma => out.write_str(","),
        }
    }
}
