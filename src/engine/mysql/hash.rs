//! What servers keep of passwords: a statement holds this, and never the password.

use sha1::Sha1;
use sha2::{Digest, Sha256};

use crate::engine::{Secret, Trouble};

/// Returns what `mysql_native_password` keeps: `*` and SHA-1 of SHA-1 in hexadecimal.
pub fn native(password: &Secret) -> String {
    let twice = Sha1::digest(Sha1::digest(password.expose()));
    twice.iter().fold("*".to_owned(), |text, byte| format!("{text}{byte:02X}"))
}

/// How what `caching_sha2_password` keeps begins: the method, and thousands of rounds in hexadecimal.
const METHOD: &str = "$A$005$";

/// The rounds that [`METHOD`] says.
const ROUNDS: usize = 5000;

/// The length of a salt.
const SALT: usize = 20;

/// Returns what `caching_sha2_password` keeps, with a salt of its own.
///
/// # Errors
/// The machine gives no random numbers.
pub fn caching_sha2(password: &Secret) -> Result<String, Trouble> {
    let salt = Secret::random(SALT as u16)?;
    Ok(with_salt(password, salt.expose().as_bytes()))
}

/// Returns whether what a server keeps is made of a password.
pub fn is_caching_sha2(kept: &[u8], password: &Secret) -> bool {
    let salt = kept.strip_prefix(METHOD.as_bytes()).and_then(|rest| rest.get(..SALT));
    salt.is_some_and(|salt| {
        let whole = [METHOD.as_bytes(), salt, digest(password.expose().as_bytes(), salt).as_bytes()].concat();
        kept == whole
    })
}

fn with_salt(password: &Secret, salt: &[u8]) -> String {
    format!("{METHOD}{}{}", String::from_utf8_lossy(salt), digest(password.expose().as_bytes(), salt))
}

/// Ulrich Drepper's SHA-crypt with SHA-256, by its specification's steps, with all of MySQL's longer salt.
fn digest(password: &[u8], salt: &[u8]) -> String {
    // Steps 4 to 8: a digest of password, salt and password again.
    let other = Sha256::new().chain_update(password).chain_update(salt).chain_update(password).finalize();
    // Steps 1 to 3 and 9 to 12.
    let mut first =
        Sha256::new().chain_update(password).chain_update(salt).chain_update(repeat(&other, password.len()));
    let mut bits = password.len();
    while bits > 0 {
        match bits & 1 {
            1 => first.update(other),
            _ => first.update(password),
        }
        bits >>= 1;
    }
    let mut digest = first.finalize();
    // Steps 13 to 20: sequences as long as password and salt.
    let of_password = (0..password.len()).fold(Sha256::new(), |hash, _| hash.chain_update(password)).finalize();
    let password_sequence = repeat(&of_password, password.len());
    let times = 16 + usize::from(digest[0]);
    let of_salt = (0..times).fold(Sha256::new(), |hash, _| hash.chain_update(salt)).finalize();
    let salt_sequence = repeat(&of_salt, salt.len());
    // Step 21.
    for round in 0..ROUNDS {
        let mut next = Sha256::new();
        match round % 2 {
            1 => next.update(&password_sequence),
            _ => next.update(digest),
        }
        if round % 3 != 0 {
            next.update(&salt_sequence);
        }
        if round % 7 != 0 {
            next.update(&password_sequence);
        }
        match round % 2 {
            1 => next.update(digest),
            _ => next.update(&password_sequence),
        }
        digest = next.finalize();
    }
    encode(&digest)
}

fn repeat(bytes: &[u8], length: usize) -> Vec<u8> {
    bytes.iter().copied().cycle().take(length).collect()
}

/// Step 22: the digest's bytes in the specification's order, six bits a character.
fn encode(digest: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    let mut text = String::with_capacity(43);
    let mut put = |value: u32, characters: u32| {
        for at in 0..characters {
            text.push(char::from(ALPHABET[(value >> (6 * at) & 0x3f) as usize]));
        }
    };
    for (a, b, c) in [
        (0, 10, 20),
        (21, 1, 11),
        (12, 22, 2),
        (3, 13, 23),
        (24, 4, 14),
        (15, 25, 5),
        (6, 16, 26),
        (27, 7, 17),
        (18, 28, 8),
        (9, 19, 29),
    ] {
        put(u32::from(digest[a]) << 16 | u32::from(digest[b]) << 8 | u32::from(digest[c]), 4);
    }
    put(u32::from(digest[31]) << 8 | u32::from(digest[30]), 3);
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_native_hash_is_the_servers() {
        // `SELECT PASSWORD('password')` on MariaDB 10.11.
        assert_eq!(native(&Secret::new("password")), "*2470C0C06DEE42FD1618BB99005ADCA2EC9D1E19");
    }

    /// Digits of hashcat's published example of mode 7401, whose password is `hashcat`.
    #[test]
    fn the_salted_hash_is_mysqls() {
        let bytes = |hex: &str| -> Vec<u8> {
            (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap()).collect()
        };
        let salt = bytes("F9CC98CE08892924F50A213B6BC571A2C11778C5");
        let kept = bytes("625479393559393965414D45316477456B484F41316E64484742577A2E3162785353526B7554584647562F");
        assert_eq!(digest(b"hashcat", &salt).as_bytes(), kept);
        assert!(is_caching_sha2(&[b"$A$005$", salt.as_slice(), &kept].concat(), &Secret::new("hashcat")));
        assert!(!is_caching_sha2(&[b"$A$005$", salt.as_slice(), &kept].concat(), &Secret::new("hashcat2")));
    }

    #[test]
    fn a_made_hash_is_recognised() {
        for password in ["x", "a password that is longer than thirty-two bytes, by far"] {
            let password = Secret::new(password);
            let kept = caching_sha2(&password).unwrap();
            assert_eq!(kept.len(), METHOD.len() + SALT + 43);
            assert!(is_caching_sha2(kept.as_bytes(), &password));
            assert!(!is_caching_sha2(kept.as_bytes(), &Secret::new("other")));
        }
        assert!(!is_caching_sha2(b"", &Secret::new("x")));
        assert!(!is_caching_sha2(b"$A$005$short", &Secret::new("x")));
    }
}
