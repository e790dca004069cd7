//! Sealed bodies of MinIO's admin API: `salt(32) ‖ algorithm(1) ‖ nonce(8) ‖ stream`, the key made of the caller's
//! secret key by Argon2id.
//!
//! The stream is that of secure-io/sio-go: fragments of 16 KiB, each sealed under the nonce and a little-endian counter.
//! Counter 0 seals nothing; its tag is part of the associated data of all fragments, behind a byte that tells the last
//! one. Sources: madmin-go `encrypt.go`, sio-go `sio.go` and `writer.go`.

use aes_gcm::Aes256Gcm;
use argon2::{Algorithm, Argon2, Params, Version};
use chacha20poly1305::{
    ChaCha20Poly1305,
    aead::{Aead, KeyInit, Payload, generic_array::GenericArray},
};

use crate::engine::{Secret, Trouble, TroubleKind};

const SALT: usize = 32;
const NONCE: usize = 8;
const HEAD: usize = SALT + 1 + NONCE;
const TAG: usize = 16;

/// Bytes of plain text in a fragment, but for the last one.
const FRAGMENT: usize = 1 << 14;

/// Argon2id, then AES-256 in GCM.
const AES: u8 = 0;

/// Argon2id, then ChaCha20 and Poly1305.
const CHACHA: u8 = 1;

/// KiB that making a key takes, and lanes: what the server expects.
const MEMORY: u32 = 64 * 1024;
const LANES: u32 = 4;

/// Seals a body under the caller's secret key.
///
/// # Errors
/// The machine gives no random numbers.
pub fn seal(secret_key: &Secret, plain: &[u8]) -> Result<Vec<u8>, Trouble> {
    let mut head = [0_u8; HEAD];
    getrandom::fill(&mut head).map_err(|error| failed("get random numbers", &error.to_string()))?;
    head[SALT] = AES;
    sealed(secret_key, &head, plain)
}

/// Opens a body that was sealed under the same secret key.
///
/// # Errors
/// It was not, or something was changed on the way.
pub fn open(secret_key: &Secret, body: &[u8]) -> Result<Vec<u8>, Trouble> {
    let broken = || failed("open a sealed answer", "it was not sealed with the administrator's secret key");
    let (head, stream) = body.split_at_checked(HEAD).ok_or_else(broken)?;
    let cipher = cipher(secret_key, head)?;
    let tag = first_tag(cipher.as_ref(), head)?;
    let mut plain = Vec::with_capacity(stream.len());
    let fragments: Vec<&[u8]> = match stream {
        [] => return Err(broken()),
        _ => stream.chunks(FRAGMENT + TAG).collect(),
    };
    for (at, fragment) in fragments.iter().enumerate() {
        let aad = with_mark(at + 1 == fragments.len(), &tag);
        let nonce = nonce(head, at + 1).ok_or_else(broken)?;
        plain.extend(cipher.open(&nonce, fragment, &aad).ok_or_else(broken)?);
    }
    Ok(plain)
}

fn sealed(secret_key: &Secret, head: &[u8; HEAD], plain: &[u8]) -> Result<Vec<u8>, Trouble> {
    let too_long = || failed("seal a request", "it is too long");
    let cipher = cipher(secret_key, head)?;
    let tag = first_tag(cipher.as_ref(), head)?;
    let mut body = head.to_vec();
    // An empty text is one empty fragment.
    let fragments: Vec<&[u8]> = if plain.is_empty() { vec![&[]] } else { plain.chunks(FRAGMENT).collect() };
    for (at, fragment) in fragments.iter().enumerate() {
        let aad = with_mark(at + 1 == fragments.len(), &tag);
        let nonce = nonce(head, at + 1).ok_or_else(too_long)?;
        body.extend(cipher.seal(&nonce, fragment, &aad).ok_or_else(too_long)?);
    }
    Ok(body)
}

fn failed(what: &str, why: &str) -> Trouble {
    Trouble::new(TroubleKind::Credential, format!("failed to {what}")).because(why.to_owned())
}

/// One of the two ciphers; they share everything but the name.
trait Cipher {
    fn seal(&self, nonce: &[u8; 12], plain: &[u8], aad: &[u8]) -> Option<Vec<u8>>;
    fn open(&self, nonce: &[u8; 12], sealed: &[u8], aad: &[u8]) -> Option<Vec<u8>>;
}

impl Cipher for Aes256Gcm {
    fn seal(&self, nonce: &[u8; 12], plain: &[u8], aad: &[u8]) -> Option<Vec<u8>> {
        self.encrypt(GenericArray::from_slice(nonce), Payload { msg: plain, aad }).ok()
    }

    fn open(&self, nonce: &[u8; 12], sealed: &[u8], aad: &[u8]) -> Option<Vec<u8>> {
        self.decrypt(GenericArray::from_slice(nonce), Payload { msg: sealed, aad }).ok()
    }
}

impl Cipher for ChaCha20Poly1305 {
    fn seal(&self, nonce: &[u8; 12], plain: &[u8], aad: &[u8]) -> Option<Vec<u8>> {
        self.encrypt(GenericArray::from_slice(nonce), Payload { msg: plain, aad }).ok()
    }

    fn open(&self, nonce: &[u8; 12], sealed: &[u8], aad: &[u8]) -> Option<Vec<u8>> {
        self.decrypt(GenericArray::from_slice(nonce), Payload { msg: sealed, aad }).ok()
    }
}

fn cipher(secret_key: &Secret, head: &[u8]) -> Result<Box<dyn Cipher>, Trouble> {
    let parameters =
        Params::new(MEMORY, 1, LANES, Some(32)).map_err(|error| failed("make a key", &error.to_string()))?;
    let mut key = [0_u8; 32];
    Argon2::new(Algorithm::Argon2id, Version::V0x13, parameters)
        .hash_password_into(secret_key.expose().as_bytes(), &head[..SALT], &mut key)
        .map_err(|error| failed("make a key", &error.to_string()))?;
    let key = GenericArray::from_slice(&key);
    match head[SALT] {
        AES => Ok(Box::new(Aes256Gcm::new(key))),
        CHACHA => Ok(Box::new(ChaCha20Poly1305::new(key))),
        _ => Err(failed("open a sealed answer", "it is sealed in a way that is not known")),
    }
}

/// Seals nothing under counter 0, for the tag.
fn first_tag(cipher: &dyn Cipher, head: &[u8]) -> Result<Vec<u8>, Trouble> {
    let broken = || failed("seal a request", "the cipher refuses it");
    let nonce = nonce(head, 0).ok_or_else(broken)?;
    cipher.seal(&nonce, &[], &[]).ok_or_else(broken)
}

fn nonce(head: &[u8], counter: usize) -> Option<[u8; 12]> {
    let mut nonce = [0_u8; 12];
    nonce[..NONCE].copy_from_slice(head.get(SALT + 1..HEAD)?);
    nonce[NONCE..].copy_from_slice(&u32::try_from(counter).ok()?.to_le_bytes());
    Some(nonce)
}

fn with_mark(is_last: bool, tag: &[u8]) -> Vec<u8> {
    let mark = if is_last { 0x80 } else { 0x00 };
    [&[mark], tag].concat()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test")]
mod tests {
    use sha2::{Digest, Sha256};

    use super::*;

    fn key() -> Secret {
        Secret::new("the-administrators-secret-key")
    }

    fn bytes(hex: &str) -> Vec<u8> {
        (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap()).collect()
    }

    /// What madmin-go 3.0.109 wrote: salt, algorithm and nonce, then the stream, or its SHA-256 where it is long.
    const WRITTEN: [(&str, &str); 2] = [
        (
            "",
            "0967e1ddf7cf56ed3da9943ea8c5fd1df23442c4409cf3ee4a05c604c8ca4dd2008d589d3c23b73a399fa5dacc4c3b7d4d07bd2c19aaea198e",
        ),
        (
            r#"{"secretKey":"canary-secret-key","status":"enabled"}"#,
            "a88d00b0dfbd6ce1846c97ab6e16acbdfb16332d35346a1caa2ba532a38be17600111d41106da15db89ed21b4dbd7a8002974f6a5cade6e72069e350890763b243b815b66b419bf06a6fe1f30b49a6fdee1b129268976b83514693acde8d20f67a08aee8c96c0d7787a4b50aa3",
        ),
    ];
    const WRITTEN_LONG: [(char, usize, &str, &str); 2] = [
        (
            'x',
            FRAGMENT,
            "59fc1b829c4c059e8237bae32458a441d8aac6e1ae5ea22b587f22879c04dc61009e0c53232d6b2216",
            "fc61c892dd7c3b11548257c76265fe4fd3313118d107901e1685554917abcbc8",
        ),
        (
            'y',
            FRAGMENT + 1,
            "498bb3d4a4b36f6614d90f354c75c4b51e5ac8bd06ac146afe4cb5a28bbb667400a0e68734a52018f8",
            "41840f51dafe42f0070dd3f8e58b084d16b59ac08bbccc031f581e764332ba78",
        ),
    ];

    fn head(body: &[u8]) -> [u8; HEAD] {
        body[..HEAD].try_into().unwrap()
    }

    #[test]
    fn bodies_are_sealed_as_the_server_expects() {
        for (plain, hex) in WRITTEN {
            let body = bytes(hex);
            assert_eq!(sealed(&key(), &head(&body), plain.as_bytes()).unwrap(), body, "{plain}");
            assert_eq!(open(&key(), &body).unwrap(), plain.as_bytes());
        }
        for (letter, length, start, digest) in WRITTEN_LONG {
            let plain = letter.to_string().repeat(length);
            let body = sealed(&key(), &head(&bytes(start)), plain.as_bytes()).unwrap();
            assert_eq!(Sha256::digest(&body[HEAD..]).to_vec(), bytes(digest), "{length}");
            assert_eq!(open(&key(), &body).unwrap(), plain.as_bytes());
        }
    }

    #[test]
    fn both_ciphers_open_what_they_sealed() {
        let mut start = head(&bytes(WRITTEN[1].1));
        start[SALT] = CHACHA;
        let body = sealed(&key(), &start, b"x").unwrap();
        assert_eq!(open(&key(), &body).unwrap(), b"x");
    }

    #[test]
    fn what_was_changed_or_sealed_by_another_key_is_refused() {
        let body = seal(&key(), b"text").unwrap();
        assert_eq!(open(&key(), &body).unwrap(), b"text");
        assert!(open(&Secret::new("another"), &body).is_err());
        let mut changed = body.clone();
        *changed.last_mut().unwrap() ^= 1;
        assert!(open(&key(), &changed).is_err());
        for length in [0, 10, HEAD, HEAD + 3, body.len() - 1] {
            assert!(open(&key(), &body[..length]).is_err(), "{length}");
        }
    }
}
