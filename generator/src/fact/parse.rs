//! Reading a check.

use super::lexer::{Token, tokens};
use super::value::Value;

/// A filter or a value.
#[derive(Clone, Debug, PartialEq)]
pub enum Expression {
    /// As it stands.
    Literal(Value),
    /// A field of the frame.
    Field(String),
    /// The addresses of a host or group.
    Host(String),
    /// `not`.
    Not(Box<Expression>),
    /// Two joined by an operator: `and`, `==`, `+`, ...
    Both(Operator, Box<Expression>, Box<Expression>),
    /// `A in {...}`.
    In(Box<Expression>, Vec<Member>),
    /// `data[0:8]`: bytes of a hexadecimal text.
    Slice(Box<Expression>, usize, usize),
    /// `len(A)`.
    Length(Box<Expression>),
    /// `byteswap(A)`.
    ByteSwap(Box<Expression>),
}

/// What joins two expressions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operator {
    /// Both.
    And,
    /// Either.
    Or,
    /// Equal.
    Equal,
    /// Not equal.
    Unequal,
    /// Less.
    Less,
    /// Less or equal.
    LessEqual,
    /// Greater.
    Greater,
    /// Greater or equal.
    GreaterEqual,
    /// A text has the other in it.
    Contains,
    /// A text begins with the other.
    Begins,
    /// Sum.
    Plus,
    /// Difference.
    Minus,
    /// Product.
    Times,
    /// Bits of both.
    Bits,
    /// Remainder, never negative.
    Modulo,
}

/// An element of a set.
#[derive(Clone, Debug, PartialEq)]
pub enum Member {
    /// One value.
    One(Expression),
    /// All from one to another.
    Range(Expression, Expression),
}

/// What a number must be.
#[derive(Clone, Debug, PartialEq)]
pub enum Bound {
    /// Compared so with that number.
    Compared(Operator, f64),
    /// Between both, or one of them.
    Within(f64, f64),
}

/// A check.
#[derive(Clone, Debug, PartialEq)]
pub enum Check {
    /// All hold.
    And(Vec<Check>),
    /// One holds.
    Or(Vec<Check>),
    /// It does not hold.
    Not(Box<Check>),
    /// One statement about frames.
    Statement(Box<Statement>),
}

/// A statement about frames.
#[derive(Clone, Debug, PartialEq)]
pub struct Statement {
    /// Of which kind.
    pub kind: Kind,
    /// Which frames.
    pub filter: Expression,
    /// What is looked at: a condition, a value, or other frames.
    pub of: Option<Expression>,
    /// The values whose equality makes groups.
    pub by: Vec<Expression>,
    /// `mod N`.
    pub modulo: Option<i64>,
    /// What it is held against.
    pub against: Against,
}

/// What the values of a statement are held against.
#[derive(Clone, Debug, PartialEq)]
pub enum Against {
    /// Nothing: the statement says it all.
    Nothing,
    /// A bound.
    Bound(Bound),
    /// Numbers in this order, within a tolerance.
    Series(Vec<f64>, f64),
    /// Values in this order.
    List(Vec<Expression>),
    /// Just these values, or among them.
    Set(Vec<Member>, bool),
}

/// The kinds of statement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// `all(F, C)`.
    All,
    /// `none(F)`.
    None,
    /// `some(F)`.
    Some,
    /// `count(F)`.
    Count,
    /// `distinct(F, V)`.
    Distinct,
    /// `constant(F, V)`.
    Constant,
    /// `rising(F, V)`.
    Rising,
    /// `falling(F, V)`.
    Falling,
    /// `step(F, V)`.
    Step,
    /// `gap(F)`.
    Gap,
    /// `mean_gap(F)`.
    MeanGap,
    /// `gaps(F)`.
    Gaps,
    /// `order(F, V)`.
    Order,
    /// `set(F, V)`.
    Set,
    /// `replied(F, G)`.
    Replied,
    /// `unreplied(F, G)`.
    Unreplied,
    /// `preceded(F, G)`.
    Preceded,
    /// `quoted(F, G)`.
    Quoted,
    /// `delay(F, G)`.
    Delay,
}

/// Name, kind, whether it takes a second argument, and whether it is held against something.
const KINDS: [(&str, Kind, bool, bool); 19] = [
    ("all", Kind::All, true, false),
    ("none", Kind::None, false, false),
    ("some", Kind::Some, false, false),
    ("count", Kind::Count, false, true),
    ("distinct", Kind::Distinct, true, true),
    ("constant", Kind::Constant, true, false),
    ("rising", Kind::Rising, true, false),
    ("falling", Kind::Falling, true, false),
    ("step", Kind::Step, true, true),
    ("gap", Kind::Gap, false, true),
    ("mean_gap", Kind::MeanGap, false, true),
    ("gaps", Kind::Gaps, false, true),
    ("order", Kind::Order, true, true),
    ("set", Kind::Set, true, true),
    ("replied", Kind::Replied, true, false),
    ("unreplied", Kind::Unreplied, true, false),
    ("preceded", Kind::Preceded, true, false),
    ("quoted", Kind::Quoted, true, false),
    ("delay", Kind::Delay, true, true),
];

impl Check {
    /// Reads a check.
    ///
    /// # Errors
    /// What is wrong, and what is accepted there.
    pub fn parse(text: &str) -> Result<Check, String> {
        let tokens = tokens(text)?;
        let mut parser = Parser { tokens, at: 0 };
        let check = parser.either()?;
        match parser.peek() {
            None => Ok(check),
            Some(token) => Err(format!("after the check stands {}", show(token))),
        }
    }

    /// All statements of it.
    pub fn statements(&self) -> Vec<&Statement> {
        match self {
            Check::And(parts) | Check::Or(parts) => {
                parts.iter().flat_map(Check::statements).collect()
            }
            Check::Not(part) => part.statements(),
            Check::Statement(statement) => vec![statement],
        }
    }
}

struct Parser {
    tokens: Vec<Token>,
    at: usize,
}

impl Parser {
    fn peek(&self) -> Option<&Token> {
        self.tokens.get(self.at)
    }

    fn next(&mut self) -> Option<Token> {
        let token = self.tokens.get(self.at).cloned();
        self.at += 1;
        token
    }

    fn takes(&mut self, sign: &str) -> bool {
        let found = matches!(self.peek(), Some(Token::Sign(s)) if *s == sign);
        self.at += usize::from(found);
        found
    }

    fn takes_word(&mut self, word: &str) -> bool {
        let found = matches!(self.peek(), Some(Token::Name(name)) if name == word);
        self.at += usize::from(found);
        found
    }

    fn expect(&mut self, sign: &str) -> Result<(), String> {
        if self.takes(sign) {
            return Ok(());
        }
        let found = self.peek().map_or_else(|| "the end".into(), show);
        Err(format!("'{sign}' is missing before {found}"))
    }

    fn either(&mut self) -> Result<Check, String> {
        let mut parts = vec![self.both()?];
        while self.takes_word("or") {
            parts.push(self.both()?);
        }
        Ok(one_or(parts, Check::Or))
    }

    fn both(&mut self) -> Result<Check, String> {
        let mut parts = vec![self.part()?];
        while self.takes_word("and") {
            parts.push(self.part()?);
        }
        Ok(one_or(parts, Check::And))
    }

    fn part(&mut self) -> Result<Check, String> {
        if self.takes_word("not") {
            return Ok(Check::Not(Box::new(self.part()?)));
        }
        if self.takes("(") {
            let check = self.either()?;
            self.expect(")")?;
            return Ok(check);
        }
        let known = || KINDS.map(|(name, ..)| name).join(", ");
        let Some(Token::Name(name)) = self.next() else {
            return Err(format!("a check begins with one of: {}", known()));
        };
        let Some((_, kind, second, compared)) = KINDS.iter().find(|(known, ..)| *known == name)
        else {
            return Err(format!("'{name}' is no check; there are: {}", known()));
        };
        self.statement(&name, *kind, *second, *compared)
    }

    fn statement(
        &mut self,
        name: &str,
        kind: Kind,
        second: bool,
        compared: bool,
    ) -> Result<Check, String> {
        self.expect("(")?;
        let filter = self.expression()?;
        let mut of = None;
        if second {
            self.expect(",")?;
            of = Some(self.expression()?);
        }
        let mut by = Vec::new();
        if self.takes(",") {
            if !self.takes_word("by") {
                return Err(format!("{name} takes 'by VALUE' there, or nothing"));
            }
            by = self.values()?;
        }
        self.expect(")")?;
        let modulo = if self.takes_word("mod") {
            Some(self.whole()?)
        } else {
            None
        };
        let against = if compared {
            self.against(kind)?
        } else {
            Against::Nothing
        };
        Ok(Check::Statement(Box::new(Statement {
            kind,
            filter,
            of,
            by,
            modulo,
            against,
        })))
    }

    /// One value, or several in brackets.
    fn values(&mut self) -> Result<Vec<Expression>, String> {
        if !self.takes("(") {
            return Ok(vec![self.sum()?]);
        }
        let mut values = vec![self.sum()?];
        while self.takes(",") {
            values.push(self.sum()?);
        }
        self.expect(")")?;
        Ok(values)
    }

    fn against(&mut self, kind: Kind) -> Result<Against, String> {
        if kind == Kind::Gaps {
            self.expect("~")?;
            self.expect("[")?;
            let mut series = vec![self.real()?];
            while self.takes(",") {
                series.push(self.real()?);
            }
            self.expect("]")?;
            return Ok(Against::Series(series, self.real()?));
        }
        if kind == Kind::Order {
            self.expect("==")?;
            self.expect("[")?;
            let mut list = vec![self.sum()?];
            while self.takes(",") {
                list.push(self.sum()?);
            }
            self.expect("]")?;
            return Ok(Against::List(list));
        }
        if kind == Kind::Set {
            let exact = self.takes("==");
            if !exact && !self.takes_word("in") {
                return Err("set(...) is held against == {...} or in {...}".into());
            }
            return Ok(Against::Set(self.members()?, exact));
        }
        if self.takes_word("in") {
            let low = self.real()?;
            self.expect("..")?;
            return Ok(Against::Bound(Bound::Within(low, self.real()?)));
        }
        let operator = self
            .comparison()
            .ok_or("a comparison with a number, or 'in A..B', must follow")?;
        Ok(Against::Bound(Bound::Compared(operator, self.real()?)))
    }

    fn members(&mut self) -> Result<Vec<Member>, String> {
        self.expect("{")?;
        let mut members = Vec::new();
        loop {
            let low = self.sum()?;
            members.push(if self.takes("..") {
                Member::Range(low, self.sum()?)
            } else {
                Member::One(low)
            });
            if !self.takes(",") {
                break;
            }
        }
        self.expect("}")?;
        Ok(members)
    }

    fn whole(&mut self) -> Result<i64, String> {
        match self.next() {
            Some(Token::Number(number)) => Ok(number),
            _ => Err("a whole number is missing".into()),
        }
    }

    fn real(&mut self) -> Result<f64, String> {
        let minus = self.takes("-");
        let value = match self.next() {
            Some(Token::Number(number)) => number as f64,
            Some(Token::Real(number)) => number,
            _ => return Err("a number is missing".into()),
        };
        Ok(if minus { -value } else { value })
    }

    fn expression(&mut self) -> Result<Expression, String> {
        let mut left = self.conjunction()?;
        while self.takes_word("or") {
            left = joined(Operator::Or, left, self.conjunction()?);
        }
        Ok(left)
    }

    fn conjunction(&mut self) -> Result<Expression, String> {
        let mut left = self.negation()?;
        while self.takes_word("and") {
            left = joined(Operator::And, left, self.negation()?);
        }
        Ok(left)
    }

    fn negation(&mut self) -> Result<Expression, String> {
        if self.takes_word("not") {
            return Ok(Expression::Not(Box::new(self.negation()?)));
        }
        let left = self.sum()?;
        if self.takes_word("in") {
            // A block or a host is a set, too.
            if matches!(self.peek(), Some(Token::Block(_) | Token::Host(_))) {
                return Ok(joined(Operator::Equal, left, self.sum()?));
            }
            return Ok(Expression::In(Box::new(left), self.members()?));
        }
        match self.comparison() {
            Some(operator) => Ok(joined(operator, left, self.sum()?)),
            None => Ok(left),
        }
    }

    fn comparison(&mut self) -> Option<Operator> {
        let operators = [
            ("==", Operator::Equal),
            ("!=", Operator::Unequal),
            ("<=", Operator::LessEqual),
            (">=", Operator::GreaterEqual),
            ("<", Operator::Less),
            (">", Operator::Greater),
        ];
        if let Some((_, operator)) = operators.iter().find(|(sign, _)| self.takes(sign)) {
            return Some(*operator);
        }
        if self.takes_word("contains") {
            return Some(Operator::Contains);
        }
        self.takes_word("matches-prefix")
            .then_some(Operator::Begins)
    }

    fn sum(&mut self) -> Result<Expression, String> {
        let mut left = self.product()?;
        loop {
            let operator = if self.takes("+") {
                Operator::Plus
            } else if self.takes("-") {
                Operator::Minus
            } else {
                return Ok(left);
            };
            left = joined(operator, left, self.product()?);
        }
    }

    fn product(&mut self) -> Result<Expression, String> {
        let mut left = self.atom()?;
        loop {
            let operator = if self.takes("*") {
                Operator::Times
            } else if self.takes("&") {
                Operator::Bits
            } else if self.takes("%") {
                Operator::Modulo
            } else {
                return Ok(left);
            };
            left = joined(operator, left, self.atom()?);
        }
    }

    fn atom(&mut self) -> Result<Expression, String> {
        let literal = |value| Ok(Expression::Literal(value));
        match self.next() {
            Some(Token::Number(number)) => literal(Value::Number(number)),
            Some(Token::Real(number)) => literal(Value::Real(number)),
            Some(Token::Text(text)) => literal(Value::Text(text)),
            Some(Token::Address(address)) => literal(Value::Address(address)),
            Some(Token::Block(block)) => literal(Value::Block(block)),
            Some(Token::Host(name)) => Ok(Expression::Host(name)),
            Some(Token::Sign("-")) => {
                let zero = Expression::Literal(Value::Number(0));
                Ok(joined(Operator::Minus, zero, self.atom()?))
            }
            Some(Token::Sign("(")) => {
                let inner = self.expression()?;
                self.expect(")")?;
                Ok(inner)
            }
            Some(Token::Name(name)) => self.named(name),
            Some(token) => Err(format!("{} stands where a value is wanted", show(&token))),
            None => Err("the check ends where a value is wanted".into()),
        }
    }

    fn named(&mut self, name: String) -> Result<Expression, String> {
        if name == "len" || name == "byteswap" {
            self.expect("(")?;
            let inner = Box::new(self.sum()?);
            self.expect(")")?;
            return Ok(if name == "len" {
                Expression::Length(inner)
            } else {
                Expression::ByteSwap(inner)
            });
        }
        if let Some(flags) = flags(&name) {
            return Ok(Expression::Literal(Value::Number(flags)));
        }
        if !super::field::is_known(&name) {
            let known = super::field::NAMES.join(", ");
            return Err(format!("no field is called '{name}'; there are: {known}"));
        }
        let field = Expression::Field(name);
        if !self.takes("[") {
            return Ok(field);
        }
        let from = usize::try_from(self.whole()?).map_err(|_| "a slice begins at 0 or later")?;
        self.expect(":")?;
        let length = usize::try_from(self.whole()?).map_err(|_| "a slice has a length")?;
        self.expect("]")?;
        Ok(Expression::Slice(Box::new(field), from, length))
    }
}

fn joined(operator: Operator, left: Expression, right: Expression) -> Expression {
    Expression::Both(operator, Box::new(left), Box::new(right))
}

fn one_or(mut parts: Vec<Check>, several: impl Fn(Vec<Check>) -> Check) -> Check {
    match (parts.len(), parts.pop()) {
        (1, Some(only)) => only,
        (_, last) => {
            parts.extend(last);
            several(parts)
        }
    }
}

/// TCP flags by their letters: `SA`, `FPU`, `none`.
fn flags(name: &str) -> Option<i64> {
    if name == "none" {
        return Some(0);
    }
    name.chars().try_fold(0, |sum, letter| {
        let bit = match letter {
            'F' => 0x01,
            'S' => 0x02,
            'R' => 0x04,
            'P' => 0x08,
            'A' => 0x10,
            'U' => 0x20,
            'E' => 0x40,
            'C' | 'W' => 0x80,
            _ => return None,
        };
        Some(sum | bit)
    })
}

fn show(token: &Token) -> String {
    match token {
        Token::Name(name) => format!("'{name}'"),
        Token::Host(name) => format!("'${name}'"),
        Token::Number(number) => number.to_string(),
        Token::Real(number) => number.to_string(),
        Token::Text(text) => format!("the text '{text}'"),
        Token::Address(address) => address.to_string(),
        Token::Block(block) => block.to_string(),
        Token::Sign(sign) => format!("'{sign}'"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_checks_of_the_manual_are_read() {
        for text in [
            "all(tcp and ip.src == $scanner, tcp.flags == F and tcp.options == '')",
            "gap(ip.src == $scanner, by ip.dst) in 5.9..6.2",
            "none(tcp.flags == SA) and some(icmp.type == 3)",
            "step(tcp.syn == 1, tcp.srcport - ip.id) == 0",
            "step(ip.src == $v, tcp.ack, by ip.dst) mod 2147483648 == 236567296",
            "gaps(tcp.syn == 1) ~ [3, 6, 12.0] 0.2",
            "order(udp, udp.dstport) == [137, 111]",
            "set(tcp, tcp.dstport) in {21, 23, 6000..6010}",
            "not (count(tcp, by (ip.src, ip.dst)) > 3 or distinct(tcp, ip.src) == 1)",
            "all(udp, data[0:8] == 'ce63d1d216e713cf' and len(data) == 19)",
        ] {
            Check::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"));
        }
    }

    #[test]
    fn mistakes_are_named() {
        for (text, word) in [
            ("every(tcp)", "no check"),
            ("all(tcp)", "','"),
            ("all(tcp.colour == 1, tcp)", "tcp.colour"),
            ("count(tcp)", "comparison"),
            ("some(tcp) some(udp)", "after the check"),
        ] {
            let error = Check::parse(text).unwrap_err();
            assert!(error.contains(word), "{text}: {error}");
        }
    }
}
