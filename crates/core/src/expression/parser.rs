//! From words to a value: precedence climbing.

use super::lexer::Token;
use super::operator::{Binding, Operator};
use super::value::{Extremum, Value};
use super::{DEEPEST, ParseExpressionError, Resource};
use std::iter::Peekable;
use std::vec::IntoIter;

/// Reads the words of a whole expression.
pub(super) fn parse(tokens: Vec<Token<'_>>) -> Result<Value, ParseExpressionError> {
    let mut parser = Parser { tokens: tokens.into_iter().peekable(), depth: 0, variable: None };
    let value = parser.expression(Binding::None)?;
    parser.tokens.next().map_or(Ok(value), |token| Err(unexpected(&token)))
}

struct Parser<'a> {
    tokens: Peekable<IntoIter<Token<'a>>>,
    /// How many parentheses, calls and minus signs are open.
    depth: usize,
    /// The name by which the variable is called.
    variable: Option<Resource>,
}

impl Parser<'_> {
    /// Reads operands between operators that bind tighter than `least`.
    fn expression(&mut self, least: Binding) -> Result<Value, ParseExpressionError> {
        let mut left = self.operand()?;
        while let Some(operator) = self.operator_above(least) {
            let right = self.expression(operator.binding())?;
            left = left.combined(operator, right)?;
        }
        Ok(left)
    }

    fn operator_above(&mut self, least: Binding) -> Option<Operator> {
        match self.tokens.peek()? {
            Token::Operator(operator) if operator.binding() > least => {
                let operator = *operator;
                self.tokens.next();
                Some(operator)
            }
            _ => None,
        }
    }

    fn operand(&mut self) -> Result<Value, ParseExpressionError> {
        match self.tokens.next().ok_or(ParseExpressionError::Incomplete)? {
            Token::Number(number) => Ok(Value::Number(number)),
            Token::Quantity(quantity) => Ok(Value::of(&quantity)),
            Token::Name(name) if matches!(self.tokens.peek(), Some(Token::Open)) => self.nested(|it| it.call(name)),
            Token::Name(name) => self.variable(name),
            Token::Open => self.nested(|it| {
                let value = it.expression(Binding::None)?;
                it.close().map(|()| value)
            }),
            // A sign binds tighter than any operator between two values.
            Token::Operator(Operator::Minus) => self.nested(|it| it.operand().map(Value::negated)),
            token => Err(unexpected(&token)),
        }
    }

    fn call(&mut self, name: &str) -> Result<Value, ParseExpressionError> {
        let extremum = Extremum::of(name).ok_or_else(|| ParseExpressionError::Function(name.to_owned()))?;
        self.tokens.next();
        let mut arguments = vec![self.expression(Binding::None)?];
        while self.tokens.next_if(|token| matches!(token, Token::Comma)).is_some() {
            arguments.push(self.expression(Binding::None)?);
        }
        self.close()?;
        let [one, other] = <[Value; 2]>::try_from(arguments).map_err(|arguments| ParseExpressionError::Arguments {
            function: extremum.name(),
            count: arguments.len(),
        })?;
        Ok(one.extreme(extremum, other))
    }

    // The name says nothing about the resource: it stands for the one that is computed, as in Kruise. Kruise finds
    // out about two names, or other than small letters, only when a Pod is created.
    fn variable(&mut self, name: &str) -> Result<Value, ParseExpressionError> {
        let known = Resource::ALL.into_iter().find(|resource| name.eq_ignore_ascii_case(resource.name()));
        let variable = known.ok_or_else(|| ParseExpressionError::Variable(name.to_owned()))?;
        if self.variable.is_some_and(|other| other != variable) {
            return Err(ParseExpressionError::TwoVariables);
        }
        self.variable = Some(variable);
        Ok(Value::variable())
    }

    fn close(&mut self) -> Result<(), ParseExpressionError> {
        match self.tokens.next().ok_or(ParseExpressionError::Incomplete)? {
            Token::Close => Ok(()),
            token => Err(unexpected(&token)),
        }
    }

    fn nested(
        &mut self,
        read: impl FnOnce(&mut Self) -> Result<Value, ParseExpressionError>,
    ) -> Result<Value, ParseExpressionError> {
        self.depth += 1;
        if self.depth > DEEPEST {
            return Err(ParseExpressionError::TooDeep);
        }
        let value = read(self);
        self.depth -= 1;
        value
    }
}

fn unexpected(token: &Token<'_>) -> ParseExpressionError {
    ParseExpressionError::Unexpected(token.to_string())
}
