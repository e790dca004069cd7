//! Names of every target name space are injective and within budget: exhaustively for short names, and for 10⁶
//! random pairs of long ones, neighbours by hyphen, prefix and length among them.

#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;

use tenantry::name::{ItemName, Pattern, Target, TenantName, mysql::grant_pattern};

/// Every name over the alphabet {a, b, 1, -} up to `length` characters.
fn short_names(length: usize) -> Vec<String> {
    let mut all = vec![String::new()];
    let mut last = all.clone();
    for _ in 0..length {
        last = last.iter().flat_map(|name| ["a", "b", "1", "-"].map(|c| format!("{name}{c}"))).collect();
        all.extend(last.iter().cloned());
    }
    all.retain(|name| name.parse::<TenantName>().is_ok());
    all
}

/// The default pattern, a longer one, and one with the item first, for each target.
fn patterns() -> Vec<(Target, Pattern)> {
    let mut patterns = Vec::new();
    for target in Target::ALL {
        let texts: &[&str] = match (target.per_item(), target.allows('_')) {
            (false, _) => &["{tenant}", "e-commerce-{tenant}", "{tenant}-x"],
            (true, true) => &["{tenant}_{item}", "t-{tenant}_{item}-db", "{item}_{tenant}", "{tenant}--{item}"],
            (true, false) => &["{tenant}--{item}", "x-{tenant}--{item}-y", "{item}--{tenant}"],
        };
        for text in texts.iter().copied().chain([target.default_pattern()]) {
            patterns.push((target, Pattern::parse(target, text).unwrap()));
        }
    }
    patterns
}

#[test]
fn short_names_never_meet() {
    let names = short_names(4);
    assert!(names.len() > 25);
    for (target, pattern) in patterns() {
        let mut seen = BTreeMap::new();
        for tenant in &names {
            for item in &names {
                let item = if target.per_item() { item.as_str() } else { "a" };
                let name = pattern.name(&tenant.parse().unwrap(), &item.parse().unwrap());
                assert!(name.chars().all(|c| target.allows(c)), "{target}: {name}");
                let earlier = seen.insert(name.clone(), (tenant.as_str(), item));
                assert!(
                    earlier.is_none_or(|pair| pair == (tenant, item)),
                    "{target}: {name} from {earlier:?} and {:?}",
                    (tenant, item)
                );
            }
        }
    }
}

/// A small generator with a fixed seed (xorshift64*), so that a failure repeats.
struct Chance(u64);

impl Chance {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) % bound
    }

    /// A random valid name; long ones are common, since only they are shortened.
    fn name(&mut self) -> String {
        loop {
            let length = if self.below(2) == 0 { 30 - self.below(3) } else { 1 + self.below(30) };
            let name: String = (0..length).map(|_| char::from(b"aab1-"[self.below(5) as usize])).collect();
            if name.parse::<TenantName>().is_ok() {
                return name;
            }
        }
    }

    /// A neighbour of `name`: one character changed, dropped, added, or the hyphen moved.
    fn neighbour(&mut self, name: &str) -> String {
        loop {
            let mut text: Vec<char> = name.chars().collect();
            let at = self.below(text.len() as u64) as usize;
            match self.below(4) {
                0 => text[at] = char::from(b"ab1-"[self.below(4) as usize]),
                1 => drop(text.remove(at)),
                2 => text.insert(at, char::from(b"ab1-"[self.below(4) as usize])),
                _ => text.rotate_left(1),
            }
            let text: String = text.into_iter().collect();
            if text.parse::<TenantName>().is_ok() {
                return text;
            }
        }
    }
}

#[test]
fn a_million_random_pairs_never_meet() {
    let patterns = patterns();
    let mut chance = Chance(0x7f3a_9c00_dead_beef);
    for round in 0..1_000_000 {
        let (target, pattern) = &patterns[round % patterns.len()];
        let (tenant, item) = (chance.name(), chance.name());
        let (other_tenant, other_item) = match chance.below(3) {
            0 => (chance.neighbour(&tenant), item.clone()),
            1 => (tenant.clone(), chance.neighbour(&item)),
            _ => (chance.neighbour(&tenant), chance.neighbour(&item)),
        };
        let same = tenant == other_tenant && (item == other_item || !target.per_item());
        let name = |tenant: &str, item: &str| pattern.name(&tenant.parse().unwrap(), &item.parse().unwrap());
        let (one, other) = (name(&tenant, &item), name(&other_tenant, &other_item));
        assert!(one.len() <= target.budget(), "{target}: {one} has {} bytes", one.len());
        assert_eq!(one == other, same, "{target}: {tenant}/{item} and {other_tenant}/{other_item} give {one}, {other}");
        assert!(
            one.starts_with(|c: char| c.is_ascii_alphanumeric()) && one.ends_with(|c: char| c.is_ascii_alphanumeric())
        );
    }
}

#[test]
fn lengths_around_the_budget() {
    let tenant: TenantName = "abc-corporation-7f3a9c".parse().unwrap();
    let user = Pattern::parse(Target::MysqlUser, "{tenant}_{item}").unwrap();
    for (item, length) in [("orders123", 32), ("orders1234", 32), ("orders12", 31), ("newsletters", 32)] {
        let name = user.name(&tenant, &item.parse::<ItemName>().unwrap());
        assert_eq!(name.len(), length, "{name}");
        assert_eq!(name.contains("---"), 23 + item.len() > 32, "{name}");
    }
    // 63 and 64 bytes in a PostgreSQL name: the first is kept, the second shortened, and the two stay apart.
    let (tenant, item) = ("t".repeat(30), "i".repeat(30));
    let (t, i): (TenantName, ItemName) = (tenant.parse().unwrap(), item.parse().unwrap());
    let whole = Pattern::parse(Target::PostgresRole, "{tenant}_{item}ab").unwrap().name(&t, &i);
    let short = Pattern::parse(Target::PostgresRole, "{tenant}_{item}abc").unwrap().name(&t, &i);
    assert_eq!((whole.len(), short.len()), (63, 63));
    assert!(!whole.contains("---") && short.contains("---"));
}

#[test]
fn neighbours_by_underscore_case_and_prefix_cannot_be_written() {
    for bad in ["a_b", "A-b", "a.b", "a--b", "a-b-"] {
        assert!(bad.parse::<TenantName>().is_err(), "{bad}");
    }
    let bucket = Pattern::default_for(Target::Bucket);
    let name = |tenant: &str, item: &str| bucket.name(&tenant.parse().unwrap(), &item.parse().unwrap());
    assert_ne!(name("a", "b-c"), name("a-b", "c"));
    assert_ne!(name("tenant-a", "b"), name("tenant-ab", "b"));
}

#[test]
fn patterns_that_could_mix_tenants_are_refused() {
    for (target, text) in [
        (Target::Bucket, "{tenant}-{item}"),
        (Target::MysqlDatabase, "{tenant}{item}"),
        (Target::MysqlDatabase, "{tenant}-{item}_db"),
        (Target::MysqlDatabase, "db_{item}"),
        (Target::MysqlDatabase, "{tenant}_{tenant}_{item}"),
        (Target::Namespace, "e-commerce"),
        (Target::Namespace, "e-commerce-{tenant}-{item}"),
        (Target::Namespace, "E-{tenant}"),
        (Target::Namespace, "{tenant}-"),
        (Target::Bucket, "{tenant}---{item}"),
        (Target::Bucket, "{tenant}--{item"),
        (Target::Bucket, "{tenant}--{id}"),
    ] {
        assert!(Pattern::parse(target, text).is_err(), "{target}: {text}");
    }
}

#[test]
fn grants_hold_no_bare_wildcard() {
    let pattern = Pattern::default_for(Target::MysqlDatabase);
    let mut chance = Chance(42);
    for _ in 0..10_000 {
        let database = pattern.name(&chance.name().parse().unwrap(), &chance.name().parse().unwrap());
        let grant = grant_pattern(&database);
        let mut previous = ' ';
        for c in grant.chars() {
            assert!(!matches!(c, '_' | '%') || previous == '\\', "{grant}");
            previous = c;
        }
        assert_eq!(grant.replace('\\', ""), database);
    }
}
