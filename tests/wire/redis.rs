//! RESP, the protocol of Redis and Valkey, versions 2 and 3: commands and where the answer to each ends.
//!
//! Sources: Redis documentation, "Redis serialization protocol specification" and "Commands". Subscriptions and
//! `MONITOR`, whose answers never end, are not read.

use super::{
    framing::{Class, Frame, Framing, Nonsense},
    sql::MASK,
};

/// Commands of the connection.
const SESSION: [&str; 12] =
    ["AUTH", "CLIENT", "DISCARD", "ECHO", "EXEC", "HELLO", "MULTI", "PING", "QUIT", "READONLY", "SELECT", "WATCH"];

/// Commands that ask.
const READS: [&str; 30] = [
    "COMMAND",
    "DBSIZE",
    "DUMP",
    "EXISTS",
    "GET",
    "GETRANGE",
    "HGET",
    "HGETALL",
    "HKEYS",
    "HLEN",
    "HMGET",
    "INFO",
    "KEYS",
    "LASTSAVE",
    "LLEN",
    "LRANGE",
    "MGET",
    "PTTL",
    "ROLE",
    "SCAN",
    "SCARD",
    "SISMEMBER",
    "SMEMBERS",
    "STRLEN",
    "TIME",
    "TTL",
    "TYPE",
    "XLEN",
    "ZCARD",
    "ZRANGE",
];

/// Commands whose second word decides, and those second words that ask.
const READS_BY_SECOND: [(&str, &[&str]); 4] = [
    ("ACL", &["CAT", "DRYRUN", "GENPASS", "GETUSER", "HELP", "LIST", "LOG", "USERS", "WHOAMI"]),
    ("CONFIG", &["GET", "HELP"]),
    ("MEMORY", &["USAGE", "STATS"]),
    ("OBJECT", &["ENCODING", "FREQ", "IDLETIME", "REFCOUNT"]),
];

/// One connection; RESP needs no memory of it.
#[derive(Debug)]
pub struct Redis;

impl Framing for Redis {
    fn request(&mut self, bytes: &[u8]) -> Result<Option<Frame>, Nonsense> {
        let Some((words, len)) = command(bytes)? else { return Ok(None) };
        Ok(Some(Frame::new(len, class(&words), &summary(&words))))
    }

    fn answer(&mut self, bytes: &[u8], _at_end: bool) -> Result<Option<usize>, Nonsense> {
        let mut at = 0;
        loop {
            // Pushed values come between answers, and attributes before them.
            let is_answer = !matches!(bytes.get(at), Some(b'>' | b'|'));
            match value(bytes, at)? {
                Some(end) if is_answer => return Ok(Some(end)),
                Some(end) => at = end,
                None => return Ok(None),
            }
        }
    }
}

/// The words of a command and its length: an array of bulk strings, or words on a line as a person types them.
fn command(bytes: &[u8]) -> Result<Option<(Vec<String>, usize)>, Nonsense> {
    let Some((line, mut at)) = line(bytes, 0) else { return Ok(None) };
    let Some(count) = line.strip_prefix('*') else {
        return Ok(Some((line.split_whitespace().map(str::to_owned).collect(), at)));
    };
    let mut words = Vec::new();
    for _ in 0..number(count)? {
        let Some((head, start)) = self::line(bytes, at) else { return Ok(None) };
        let len = head.strip_prefix('$').ok_or_else(|| Nonsense(format!("{head:?} in a Redis command")))?;
        let end = start + usize::try_from(number(len)?).map_err(|_| Nonsense("a negative length".into()))?;
        if bytes.len() < end + 2 {
            return Ok(None);
        }
        words.push(String::from_utf8_lossy(&bytes[start..end]).into_owned());
        at = end + 2;
    }
    Ok(Some((words, at)))
}

/// Where the value that starts at `at` ends.
fn value(bytes: &[u8], at: usize) -> Result<Option<usize>, Nonsense> {
    let Some((head, mut at)) = line(bytes, at) else { return Ok(None) };
    let (kind, rest) = head.split_at_checked(1).unwrap_or_default();
    let values = match kind {
        "+" | "-" | ":" | "_" | "," | "#" | "(" => return Ok(Some(at)),
        "$" | "=" | "!" => {
            // A length of −1 is nothing at all in version 2.
            let end = usize::try_from(number(rest)?).map_or(at, |len| at + len + 2);
            return Ok((bytes.len() >= end).then_some(end));
        }
        "*" | "~" | ">" => number(rest)?,
        "%" => 2 * number(rest)?,
        // An attribute stands before the value that it describes.
        "|" => 2 * number(rest)?,
        _ => return Err(Nonsense(format!("{head:?} in a Redis answer"))),
    };
    for _ in 0..values {
        match value(bytes, at)? {
            Some(end) => at = end,
            None => return Ok(None),
        }
    }
    Ok(Some(at))
}

/// The line that starts at `at`, and where the next one starts.
fn line(bytes: &[u8], at: usize) -> Option<(String, usize)> {
    let rest = bytes.get(at..)?;
    let len = rest.windows(2).position(|pair| pair == b"\r\n")?;
    Some((String::from_utf8_lossy(&rest[..len]).into_owned(), at + len + 2))
}

fn number(text: &str) -> Result<i64, Nonsense> {
    text.parse().map_err(|_| Nonsense(format!("{text:?} for a number in Redis")))
}

fn class(words: &[String]) -> Class {
    let word = |index: usize| words.get(index).map(|word| word.to_ascii_uppercase()).unwrap_or_default();
    let (first, second) = (word(0), word(1));
    let asks = READS_BY_SECOND.iter().any(|(name, seconds)| *name == first && seconds.contains(&second.as_str()));
    match first.as_str() {
        // A connection of another is ended.
        "CLIENT" if second == "KILL" => Class::Write,
        // What was logged is cleared.
        "ACL" if second == "LOG" && word(2) == "RESET" => Class::Write,
        "UNWATCH" => Class::Session,
        name if SESSION.contains(&name) => Class::Session,
        name if asks || READS.contains(&name) => Class::Read,
        _ => Class::Write,
    }
}

/// The words, with passwords, their hashes and all stored values masked.
fn summary(words: &[String]) -> String {
    let first = words.first().map(|word| word.to_ascii_uppercase()).unwrap_or_default();
    let second = words.get(1).map(|word| word.to_ascii_uppercase()).unwrap_or_default();
    // From this word on everything is masked.
    let shown = match first.as_str() {
        "AUTH" | "ECHO" => 1,
        "HELLO" => 2,
        "CONFIG" if second == "SET" => 3,
        "ACL" | "CLIENT" | "CONFIG" | "COMMAND" | "EXISTS" | "DEL" | "SCAN" | "KEYS" | "INFO" => usize::MAX,
        _ => 2,
    };
    let tell = |(index, word): (usize, &String)| {
        // Rules of ACL SETUSER: `>password`, `#hash`, and the same taken away.
        let is_rule = first == "ACL" && word.starts_with(['>', '<', '#', '!']);
        if index >= shown || is_rule { MASK.to_owned() } else { word.clone() }
    };
    words.iter().enumerate().map(tell).collect::<Vec<_>>().join(" ")
}
