//! What there is to say of a limit. `--help`, `/api/limits` and docs/LIMITS.md say what the table has (`rows.rs`).

use std::fmt;

use super::{Rate, rows::ROWS};
use crate::settings::Settings;

/// One limit of a server.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Limit {
    /// Its name. Where the binary has an option for it, that is `--` and the name, with `-` for `_`.
    pub name: &'static str,
    /// Whether it can be set. Others are fixed, or follow from one that can.
    pub can_be_set: bool,
    /// Whether there may be no such limit.
    pub may_be_none: bool,
    /// Of what there may be so much.
    pub scope: Scope,
    /// What is limited.
    pub what: &'static str,
    /// What it is counted in.
    pub unit: &'static str,
    /// What happens to one more.
    pub at_bound: &'static str,
    /// How much there may be.
    pub value: Bound,
}

/// For what a limit holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Scope {
    /// For all that a server has, together.
    Server,
    /// For each address: an IPv4 address, or the first 64 bits of an IPv6 address.
    Address,
    /// For each connection.
    Connection,
    /// For each session, or each connection to `/echo` or `/chat`.
    Session,
    /// For each room.
    Room,
    /// For each message.
    Message,
}

/// How much there may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Bound {
    /// So much at a time.
    Most(u64),
    /// So much in a time.
    Rate(Rate),
    /// Any.
    None,
}

/// All limits that these settings make.
#[must_use]
pub fn limits(settings: &Settings) -> Vec<Limit> {
    ROWS.iter().map(|row| row.with(settings)).collect()
}

impl Limit {
    /// What the binary's help says of it.
    #[must_use]
    pub fn help(&self) -> String {
        let scope = match self.scope {
            Scope::Server => String::new(),
            scope => format!(" of each {}", scope.as_str()),
        };
        let numbers = match self.value {
            Bound::Rate(_) => ": so many a second, and so many at once",
            _ => "",
        };
        let none = if self.may_be_none { ", or none" } else { "" };
        let mut help = format!("{}{scope}{numbers}{none}; {}", self.what, self.at_bound);
        // It begins a sentence, and all of it is ASCII.
        help[..1].make_ascii_uppercase();
        help
    }
}

impl Scope {
    /// In a word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Server => "server",
            Self::Address => "address",
            Self::Connection => "connection",
            Self::Session => "session",
            Self::Room => "room",
            Self::Message => "message",
        }
    }
}

impl fmt::Display for Bound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Most(most) => most.fmt(f),
            Self::Rate(rate) => rate.fmt(f),
            Self::None => f.write_str("none"),
        }
    }
}

/// A limit, and where its value is.
pub(super) struct Row {
    pub(super) name: &'static str,
    pub(super) scope: Scope,
    pub(super) what: &'static str,
    pub(super) unit: &'static str,
    pub(super) at_bound: &'static str,
    pub(super) value: Value,
}

pub(super) enum Value {
    Fixed(usize),
    Most(fn(&Settings) -> usize),
    Short(fn(&Settings) -> u32),
    Limit(fn(&Settings) -> Option<usize>),
    Derived(fn(&Settings) -> Option<usize>),
    Rate(fn(&Settings) -> Option<Rate>),
}

impl Row {
    fn with(&self, settings: &Settings) -> Limit {
        let most = |most: usize| Bound::Most(most as u64);
        let value = match self.value {
            Value::Fixed(value) => most(value),
            Value::Most(value) => most(value(settings)),
            Value::Short(value) => Bound::Most(value(settings).into()),
            Value::Limit(value) | Value::Derived(value) => value(settings).map_or(Bound::None, most),
            Value::Rate(value) => value(settings).map_or(Bound::None, Bound::Rate),
        };
        Limit {
            name: self.name,
            can_be_set: !matches!(self.value, Value::Fixed(_) | Value::Derived(_)),
            may_be_none: matches!(self.value, Value::Limit(_) | Value::Rate(_)),
            scope: self.scope,
            what: self.what,
            unit: self.unit,
            at_bound: self.at_bound,
            value,
        }
    }
}
