//! Which statements write, and how they are shown: the class of a text of SQL, and the text without its passwords.
//!
//! Sources: the lists of statements in MariaDB's knowledge base ("SQL Statements") and in PostgreSQL's manual ("SQL
//! Commands"). What is in no list here counts as a write.

pub use super::sql_tokens::Dialect;
use super::{
    framing::Class,
    sql_tokens::{Kind, Token, tokens},
};

/// Statements that concern the connection alone.
const SESSION: [&str; 20] = [
    "ABORT",
    "BEGIN",
    "CLOSE",
    "COMMIT",
    "DEALLOCATE",
    "DECLARE",
    "DISCARD",
    "END",
    "FETCH",
    "LISTEN",
    "LOCK",
    "MOVE",
    "PREPARE",
    "RELEASE",
    "ROLLBACK",
    "SAVEPOINT",
    "SET",
    "UNLISTEN",
    "UNLOCK",
    "USE",
];

/// Statements that ask, unless a word of [`WRITES_WITHIN`] is in them.
const READS: [&str; 9] = ["DESC", "DESCRIBE", "EXPLAIN", "HELP", "SELECT", "SHOW", "TABLE", "VALUES", "WITH"];

/// Words that make an asking statement a writing one, wherever they stand outside quotes: parts of it (`WITH … DELETE`,
/// `EXPLAIN ANALYZE INSERT`, `SELECT … INTO`), and functions that change something.
const WRITES_WITHIN: [&str; 14] = [
    "DBLINK_EXEC",
    "DELETE",
    "INSERT",
    "INTO",
    "LO_CREATE",
    "LO_UNLINK",
    "MERGE",
    "NEXTVAL",
    "PG_CANCEL_BACKEND",
    "PG_PROMOTE",
    "PG_RELOAD_CONF",
    "PG_ROTATE_LOGFILE",
    "PG_TERMINATE_BACKEND",
    "SETVAL",
];

/// Functions that concern the connection alone; PostgreSQL's many advisory locks are told by [`ADVISORY`].
const SESSION_FUNCTIONS: [&str; 6] =
    ["GET_LOCK", "PG_SLEEP", "RELEASE_ALL_LOCKS", "RELEASE_LOCK", "SET_CONFIG", "SLEEP"];

/// How the names of PostgreSQL's advisory locks begin.
const ADVISORY: [&str; 2] = ["PG_ADVISORY_", "PG_TRY_ADVISORY_"];

/// A string of at least so many hexadecimal digits is taken for a hash: an MD5 has 32.
const HASH_DIGITS: usize = 32;

/// What stands in a summary for a password or a hash.
pub const MASK: &str = "***";

/// The greatest class among the statements of `text`.
pub fn class(text: &str, dialect: Dialect) -> Class {
    let tokens = tokens(text, dialect);
    let statements = tokens.split(|token| token.kind == Kind::Mark && &text[token.at.clone()] == ";");
    statements.map(|statement| class_of_one(&words(text, statement), dialect)).max().unwrap_or(Class::Session)
}

/// The words of one statement, in upper case.
fn words(text: &str, statement: &[Token]) -> Vec<String> {
    let words = statement.iter().filter(|token| token.kind == Kind::Word);
    words.map(|token| text[token.at.clone()].to_ascii_uppercase()).collect()
}

fn class_of_one(words: &[String], dialect: Dialect) -> Class {
    let word = |index: usize| words.get(index).map_or("", String::as_str);
    let has = |wanted: &[&str]| words.iter().any(|word| wanted.contains(&word.as_str()));
    match word(0) {
        "" => Class::Session,
        // Settings of the server, and passwords, outlive the session.
        "SET" if has(&["GLOBAL", "PERSIST", "PERSIST_ONLY"]) || ["DEFAULT", "PASSWORD"].contains(&word(1)) => {
            Class::Write
        }
        // MySQL also starts replicas and resets logs with these words.
        "START" if word(1) == "TRANSACTION" => Class::Session,
        "RESET" if dialect == Dialect::Postgres => Class::Session,
        first if SESSION.contains(&first) => Class::Session,
        "SELECT" | "DO" if has(&SESSION_FUNCTIONS) || words.iter().any(|word| is_advisory_lock(word)) => Class::Session,
        first if READS.contains(&first) && !has(&WRITES_WITHIN) && !updates(words) => Class::Read,
        _ => Class::Write,
    }
}

fn is_advisory_lock(word: &str) -> bool {
    ADVISORY.iter().any(|start| word.starts_with(start))
}

/// Whether rows are updated, not only locked by `FOR UPDATE` or `FOR NO KEY UPDATE`.
fn updates(words: &[String]) -> bool {
    words.windows(2).any(|pair| pair[1] == "UPDATE" && pair[0] != "FOR" && pair[0] != "KEY")
}

/// The text with each password and each hash replaced by [`MASK`].
///
/// After `PASSWORD` or `IDENTIFIED` every string is taken for one, but for the parts of an account (`'user'@'host'`);
/// anywhere else whatever looks like a hash. Too much is masked rather than too little.
pub fn masked(text: &str, dialect: Dialect) -> String {
    let tokens = tokens(text, dialect);
    let (mut out, mut copied, mut is_secret) = (String::new(), 0, false);
    for (index, token) in tokens.iter().enumerate() {
        let piece = &text[token.at.clone()];
        let is_mark = |at: Option<usize>, mark: &str| {
            at.and_then(|at| tokens.get(at)).is_some_and(|token| &text[token.at.clone()] == mark)
        };
        match token.kind {
            Kind::Word if ["PASSWORD", "IDENTIFIED"].contains(&piece.to_ascii_uppercase().as_str()) => is_secret = true,
            Kind::Mark if piece == ";" => is_secret = false,
            Kind::Word | Kind::Literal if looks_like_hash(piece) => {}
            Kind::Literal if is_secret && !is_mark(index.checked_sub(1), "@") && !is_mark(Some(index + 1), "@") => {}
            _ => continue,
        }
        if token.kind == Kind::Literal || looks_like_hash(piece) {
            out.push_str(&text[copied..token.at.start]);
            out.push_str(MASK);
            copied = token.at.end;
        }
    }
    out + &text[copied..]
}

/// SCRAM verifiers, MySQL's `*` and 40 digits, MD5, and any other long hexadecimal text.
fn looks_like_hash(piece: &str) -> bool {
    let within = piece.split_once('\'').map_or(piece, |(_, within)| within);
    let bare = within.trim_matches(['\'', '"', '$']);
    let digits = bare.trim_start_matches('*').trim_start_matches("md5").trim_start_matches("0x");
    bare.starts_with("SCRAM-SHA-256$")
        || digits.len() >= HASH_DIGITS && digits.bytes().all(|byte| byte.is_ascii_hexdigit())
}
