//! Naming patterns: `{tenant}_{item}` → the name of an outside resource, injective by construction.
//!
//! Why no two (tenant, item) pairs can get one name: neither part holds two hyphens in a row, an underscore, a dot or
//! a slash, nor does it start or end with a hyphen; the literal between them must hold one of those separators, so
//! the name splits back in one way only. A name over budget is cut and ends in `---` and 60 bits of its SHA-256; no
//! literal may hold `---`, so a shortened name never equals a whole one.

use std::fmt::Write;

use sha2::{Digest, Sha256};

use super::{ItemName, Target, TenantName};

/// Stands before the hash of a shortened name; no whole name holds it.
const MARK: &str = "---";

/// 12 characters of 5 bits: two of a million shortened names meet with a probability of 4 × 10⁻⁷.
const HASH_LENGTH: usize = 12;

/// What a pattern is made of.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Literal(String),
    Tenant,
    Item,
}

/// A checked naming pattern for one [`Target`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pattern {
    target: Target,
    parts: Vec<Part>,
}

/// Why a text is no usable pattern for its target.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PatternFault {
    /// A brace without its partner, or an unknown placeholder.
    #[error("`{{{0}}}` is no placeholder; there are {{tenant}} and {{item}}")]
    Placeholder(String),
    /// `{tenant}` must stand exactly once.
    #[error("the pattern must hold {{tenant}} exactly once, or two tenants would share one name")]
    Tenant,
    /// `{item}` must stand exactly once where a tenant has many names.
    #[error("the pattern must hold {{item}} exactly once, since a tenant has several of these")]
    Item,
    /// `{item}` where a tenant has but one name.
    #[error("the pattern must not hold {{item}}, since a tenant has one of these")]
    NoItem,
    /// A character that the target does not allow.
    #[error("`{}` may not stand in such a name", .0.escape_debug())]
    Character(char),
    /// The name would start or end with a character that the target refuses there.
    #[error("such a name must start and end with a letter or digit")]
    Edge,
    /// Nothing between the two placeholders tells where one ends.
    #[error("between {{tenant}} and {{item}} must stand a separator that no name holds: {0}")]
    Separator(&'static str),
    /// The mark of shortened names.
    #[error("`---` marks shortened names and may not stand in a pattern")]
    Mark,
    /// The literals alone leave no room.
    #[error("the literal text of the pattern has {0} bytes and leaves no room for a name")]
    TooLong(usize),
}

impl Pattern {
    /// Reads a pattern for `target`.
    ///
    /// # Errors
    /// The first reason why two tenants could share a name, or why the target would refuse one.
    pub fn parse(target: Target, text: &str) -> Result<Self, PatternFault> {
        let pattern = Self { target, parts: parts(text)? };
        let count = |wanted: &Part| pattern.parts.iter().filter(|part| *part == wanted).count();
        if count(&Part::Tenant) != 1 {
            return Err(PatternFault::Tenant);
        }
        match (target.per_item(), count(&Part::Item)) {
            (true, 1) | (false, 0) => {}
            (true, _) => return Err(PatternFault::Item),
            (false, _) => return Err(PatternFault::NoItem),
        }
        if text.contains(MARK) {
            return Err(PatternFault::Mark);
        }
        let literals = pattern.parts.iter().filter_map(|part| match part {
            Part::Literal(literal) => Some(literal),
            Part::Tenant | Part::Item => None,
        });
        if let Some(bad) = literals.clone().flat_map(|l| l.chars()).find(|c| !target.allows(*c)) {
            return Err(PatternFault::Character(bad));
        }
        let length = literals.map(String::len).sum::<usize>();
        if length + MARK.len() + HASH_LENGTH + 2 > target.budget() {
            return Err(PatternFault::TooLong(length));
        }
        pattern.check_edges()?;
        pattern.check_separator()?;
        Ok(pattern)
    }

    /// Returns the pattern that holds where `naming` says nothing.
    pub fn default_for(target: Target) -> Self {
        Self::parse(target, target.default_pattern()).expect("the default patterns are tested to be valid")
    }

    /// Returns the name of `item` of `tenant`, within the target's budget.
    ///
    /// `item` is unused where a tenant has one name only ([`Target::per_item`]).
    pub fn name(&self, tenant: &TenantName, item: &ItemName) -> String {
        self.fill(tenant, item.as_str())
    }

    /// Returns the one name of `tenant`, for a target that is not per item.
    pub fn name_of(&self, tenant: &TenantName) -> String {
        self.fill(tenant, "")
    }

    /// Returns the path of `id` (`group/item`) of `tenant` in a secret store.
    ///
    /// Injective as well: an id holds the separator `/`, a tenant's name does not, so the path still splits in one
    /// way at the first or the last one.
    pub fn path(&self, tenant: &TenantName, id: &str) -> String {
        self.fill(tenant, id)
    }

    fn fill(&self, tenant: &TenantName, item: &str) -> String {
        let mut name = String::new();
        for part in &self.parts {
            name.push_str(match part {
                Part::Literal(literal) => literal,
                Part::Tenant => tenant.as_str(),
                Part::Item => item,
            });
        }
        shorten(name, self.target.budget())
    }

    fn check_edges(&self) -> Result<(), PatternFault> {
        // Secret paths may start with a slash; the others follow the strictest of them, DNS labels.
        if self.target == Target::Secret {
            return Ok(());
        }
        let edge = |part: Option<&Part>, at: fn(&str) -> Option<char>| match part {
            Some(Part::Literal(literal)) => at(literal).is_some_and(|c| c.is_ascii_alphanumeric()),
            _ => true,
        };
        let starts = edge(self.parts.first(), |l| l.chars().next());
        let ends = edge(self.parts.last(), |l| l.chars().next_back());
        if starts && ends { Ok(()) } else { Err(PatternFault::Edge) }
    }

    fn check_separator(&self) -> Result<(), PatternFault> {
        if !self.target.per_item() {
            return Ok(());
        }
        let between = self.parts.iter().skip_while(|part| !matches!(part, Part::Tenant | Part::Item)).nth(1);
        let separated = match between {
            Some(Part::Literal(literal)) => literal.contains("--") || literal.contains(['_', '.', '/']),
            _ => false,
        };
        let choices = if self.target.allows('_') { "`_` or `--`" } else { "`--`" };
        if separated { Ok(()) } else { Err(PatternFault::Separator(choices)) }
    }
}

fn parts(text: &str) -> Result<Vec<Part>, PatternFault> {
    let mut parts = Vec::new();
    let mut rest = text;
    while let Some(open) = rest.find(['{', '}']) {
        if open > 0 {
            parts.push(Part::Literal(rest[..open].to_owned()));
        }
        let inner = rest[open..].strip_prefix('{').and_then(|inner| inner.split_once('}'));
        let Some((placeholder, after)) = inner else {
            return Err(PatternFault::Placeholder(rest[open..].trim_matches(['{', '}']).to_owned()));
        };
        parts.push(match placeholder {
            "tenant" => Part::Tenant,
            "item" => Part::Item,
            other => return Err(PatternFault::Placeholder(other.to_owned())),
        });
        rest = after;
    }
    if !rest.is_empty() {
        parts.push(Part::Literal(rest.to_owned()));
    }
    Ok(parts)
}

/// Cuts a name that is over budget and marks it with a hash of the whole.
fn shorten(name: String, budget: usize) -> String {
    if name.len() <= budget {
        return name;
    }
    let kept = name[..budget - MARK.len() - HASH_LENGTH].trim_end_matches(['-', '_', '.', '/']);
    let mut short = String::with_capacity(budget);
    // Writing to a String cannot fail.
    let _ = write!(short, "{kept}{MARK}{}", hash(&name));
    short
}

/// 60 bits of SHA-256 in 12 lower-case characters.
fn hash(text: &str) -> String {
    const ALPHABET: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";
    let digest = Sha256::digest(text.as_bytes());
    let bits = digest[..8].iter().fold(0u64, |bits, byte| bits << 8 | u64::from(*byte));
    (0..HASH_LENGTH).map(|i| char::from(ALPHABET[(bits >> (59 - 5 * i) & 31) as usize])).collect()
}
