//! Secrets that are known by their form: keys, tokens, URLs with a password. A text without one costs a look at each of its bytes.

/// Forms of well-known tokens: how they start, how many characters of the token follow at least, and what they are.
const TOKENS: [(&str, usize, &str); 20] = [
    ("-----BEGIN ", 20, "a private key"),
    ("AKIA", 16, "an AWS access key"),
    ("ASIA", 16, "an AWS access key"),
    ("AGE-SECRET-KEY-1", 50, "an age key"),
    ("AIza", 35, "a Google API key"),
    ("ghp_", 30, "a GitHub token"),
    ("gho_", 30, "a GitHub token"),
    ("ghs_", 30, "a GitHub token"),
    ("github_pat_", 22, "a GitHub token"),
    ("glpat-", 20, "a GitLab token"),
    ("hvs.", 24, "a Vault token"),
    ("sk_live_", 16, "a Stripe key"),
    ("SG.", 50, "a SendGrid key"),
    ("shpat_", 32, "a Shopify token"),
    ("sk-ant-", 32, "an API key"),
    ("sk-proj-", 32, "an API key"),
    ("whsec_", 24, "a Stripe secret"),
    ("xoxb-", 20, "a Slack token"),
    ("xoxp-", 20, "a Slack token"),
    ("eyJ", 40, "a signed token"),
];

/// The shortest text that can hold one of them.
const SHORTEST: usize = 16;

/// Returns what secret a text holds. Tokens begin where a word does.
pub(super) fn token(text: &str) -> Option<&'static str> {
    if text.len() < SHORTEST {
        return None;
    }
    let bytes = text.as_bytes();
    // Pairs of bytes: most texts are passed over with one look at each.
    for (at, pair) in bytes.windows(2).enumerate() {
        if !FIRST[usize::from(pair[0])] {
            continue;
        }
        if pair == b":/" {
            if text[at..].starts_with("://") && has_password(&text[at + 3..]) {
                return Some("a URL with a password");
            }
        } else if pair[0] == b'=' {
            if names_password(&bytes[..at]) && is_value(&text[at + 1..]) {
                return Some("a password");
            }
        } else if may_start(pair[0], pair[1])
            && !at.checked_sub(1).is_some_and(|before| is_inside(bytes[before]))
            && let Some(what) = token_at(&text[at..])
        {
            return Some(what);
        }
    }
    None
}

/// The bytes that a token or the `://` of a URL starts with.
const FIRST: [bool; 256] = {
    let mut table = [false; 256];
    let letters = b"-ASghswxe:=";
    let mut at = 0;
    while at < letters.len() {
        table[letters[at] as usize] = true;
        at += 1;
    }
    table
};

/// Returns whether a byte is part of a word, so that no token starts behind it. Bytes beyond ASCII belong to letters.
fn is_inside(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || !byte.is_ascii()
}

/// The first two letters of all tokens: most words are told apart by them.
fn may_start(first: u8, second: u8) -> bool {
    matches!(
        (first, second),
        (b'-', b'-')
            | (b'A', b'K' | b'S' | b'G' | b'I')
            | (b'g', b'h' | b'i' | b'l')
            | (b'h', b'v')
            | (b's', b'k' | b'h')
            | (b'S', b'G')
            | (b'w', b'h')
            | (b'x', b'o')
            | (b'e', b'y')
    )
}

fn token_at(text: &str) -> Option<&'static str> {
    let (prefix, least, what) = TOKENS.iter().find(|(prefix, _, _)| text.starts_with(prefix))?;
    let rest = &text[prefix.len()..];
    let is_token = match *prefix {
        "-----BEGIN " => rest.split("-----").next().is_some_and(|title| title.ends_with("PRIVATE KEY")),
        "AKIA" | "ASIA" => rest.bytes().take_while(|b| b.is_ascii_uppercase() || b.is_ascii_digit()).count() == *least,
        // Two parts joined by a dot.
        "SG." => rest.bytes().take_while(|b| is_token_byte(*b) || *b == b'.').count() >= *least,
        // Three parts of base64 joined by dots, the second one JSON too.
        "eyJ" => rest.split_once(".eyJ").is_some_and(|(head, _)| head.bytes().all(is_token_byte)),
        _ => rest.bytes().take_while(|b| is_token_byte(*b)).count() >= *least,
    };
    is_token.then_some(*what)
}

fn is_token_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_')
}

/// Returns whether the text behind `://` starts with a user and a literal password.
fn has_password(authority: &str) -> bool {
    let end = authority.find(|c: char| matches!(c, '/' | '?' | '#' | '"' | '\'') || c.is_whitespace());
    let authority = &authority[..end.unwrap_or(authority.len())];
    let password = authority.rsplit_once('@').and_then(|(user, _)| user.split_once(':')).map(|(_, password)| password);
    password.is_some_and(|password| !password.is_empty() && !password.starts_with(['$', '{', '<', '*', '%']))
}

/// What stands before `=` where a password follows: in connection strings, arguments, and files of variables.
const NAMES: [&str; 12] = [
    "password",
    "passwd",
    "pwd",
    "passphrase",
    "accountkey",
    "secretkey",
    "secret_key",
    "client_secret",
    "api_key",
    "apikey",
    "access_token",
    "auth_token",
];

/// Returns whether a text ends with the name of a password; hyphens count as underscores.
fn names_password(before: &[u8]) -> bool {
    let same = |a: &u8, b: u8| a.to_ascii_lowercase() == b || *a == b'-' && b == b'_';
    NAMES.iter().any(|name| {
        let start = before.len().checked_sub(name.len());
        start.is_some_and(|start| before[start..].iter().zip(name.bytes()).all(|(a, b)| same(a, b)))
    })
}

/// Returns whether a text starts with a literal value: no reference, no expression of a script, no plain word, no number.
fn is_value(text: &str) -> bool {
    let text = text.strip_prefix(['"', '\'']).unwrap_or(text);
    let end = text.find(|c: char| c.is_whitespace() || matches!(c, ';' | '&' | ',' | '"' | '\''));
    let value = &text[..end.unwrap_or(text.len())];
    let opens = |c: char| matches!(c, '$' | '{' | '}' | '<' | '>' | '(' | ')' | '[' | ']' | '`' | '|');
    let digits = value.bytes().filter(u8::is_ascii_digit).count();
    value.len() >= 6
        && digits > 0
        && digits < value.len()
        && !value.starts_with(['/', '=', '~', '*', '%', '.'])
        && !value.contains(opens)
}
#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_known_by_their_form() {
        // Put together here, so that no scanner takes this file for a leak.
        let key = format!("key: -----BEGIN {} KEY-----\nMIIE", "EC PRIVATE");
        let aws = format!("{}IOSFODNN7EXAMPLE", "AKIA");
        let github = format!("token={}_{}", "ghp", "a1".repeat(18));
        let age = format!("{}-KEY-1{}", "AGE-SECRET", "QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L".repeat(2));
        let mail = format!("{}.{}.{}", "SG", "a1B2".repeat(6), "c3D4".repeat(11));
        let webhook = format!("{}_{}", "whsec", "a1B2c3".repeat(6));
        let temporary = format!("{}IOSFODNN7EXAMPLE", "ASIA");
        let signed = format!("{}hbGciOiJIUzI1NiJ9.{}zdWIiOiIxIn0.c2ln", "eyJ", "eyJ");
        for (text, what) in [
            (key.as_str(), "a private key"),
            (&aws, "an AWS access key"),
            (&github, "a GitHub token"),
            (&signed, "a signed token"),
            (&age, "an age key"),
            (&mail, "a SendGrid key"),
            (&webhook, "a Stripe secret"),
            (&temporary, "an AWS access key"),
            ("mysql://root:hunter2@mysql:3306/abc", "a URL with a password"),
            ("amqps://shop:S3cr3t%21@rabbitmq:5671/shop", "a URL with a password"),
            ("redis://:hunter22@cache:6379/0 is where", "a URL with a password"),
            ("Server=db;Uid=shop;Password=hunter22;Database=shop", "a password"),
            ("--admin-password=hunter22 --verbose", "a password"),
            ("DB_HOST=db\nDB_PASSWORD=hunter22\n", "a password"),
            ("https://api.example.com/v1?api_key=9f8e7d6c5b4a", "a password"),
            ("host=db password='hunter22' dbname=shop", "a password"),
        ] {
            assert_eq!(token(text), Some(what), "{text}");
        }
    }

    #[test]
    fn ordinary_texts_are_no_tokens() {
        for text in [
            "-----BEGIN CERTIFICATE-----\nMIIE",
            "mysql://$(USER):$(PASSWORD)@mysql:3306/abc",
            "https://shop.example.com/a:b@c",
            "task-AKIAIOSFODNN7EXAMPLE1",
            "ghp_short and nothing more behind it",
            "the eyJet of the storm is a long text indeed",
            "--password-file=/run/secrets/password1",
            "DB_PASSWORD=$(cat /run/secrets/db1)",
            "DB_PASSWORD=${DB_PASSWORD_1}",
            "password=os.environ['DB_PASSWORD_1']",
            "password=<your password 1>",
            "PASSWORD_MIN_LENGTH=12 password=12",
            "if password == stored_password1:",
            "kube_secret_info{password=~\"x1.*\"}",
            "registry.example.com/shop/auth@sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
            "0192f0c1-0000-7000-8000-000000000001",
            "https://user:${PASSWORD}@example.com/x1",
            "https://user:<password>@example.com/x1",
            "SG.this is the abbreviation of Singapore, long enough to be a token",
            "éééééééééééééééééééé",
        ] {
            assert_eq!(token(text), None, "{text}");
        }
    }
}
