//! SCRAM verifiers: what the server keeps of a password, and all that it is ever given of one.

use base64::{Engine, engine::general_purpose::STANDARD};
use postgres_protocol::{
    authentication::sasl::{ChannelBinding, ScramSha256},
    password::scram_sha_256,
};
use sha2::{Digest, Sha256};

use super::super::Secret;

/// Returns a new verifier of a password, with a salt of its own.
pub(super) fn make(password: &Secret) -> Secret {
    Secret::new(scram_sha_256(password.expose().as_bytes()))
}

/// Returns whether a verifier was made of a password.
///
/// `SCRAM-SHA-256$<iterations>:<salt>$<StoredKey>:<ServerKey>` tells salt and iterations. An exchange is played with them,
/// in which the server's part is ours: its last word is the signature that only the right `ServerKey` makes, and the
/// client checks it against the password. What is no such verifier, or asks for more iterations than a client would do,
/// matches nothing.
pub(super) fn matches(verifier: &Secret, password: &Secret) -> bool {
    exchange(verifier.expose(), password).unwrap_or(false)
}

fn exchange(verifier: &str, password: &Secret) -> Option<bool> {
    let (parameters, keys) = verifier.strip_prefix("SCRAM-SHA-256$")?.split_once('$')?;
    let (iterations, salt) = parameters.split_once(':')?;
    let (_, server_key) = keys.split_once(':')?;
    let server_key = STANDARD.decode(server_key).ok()?;
    let mut client = ScramSha256::new(password.expose().as_bytes(), ChannelBinding::unsupported());
    let first = String::from_utf8(client.message().to_vec()).ok()?;
    let bare = first.strip_prefix("n,,")?;
    let nonce = bare.strip_prefix("n=,r=")?;
    let answer = format!("r={nonce},s={salt},i={iterations}");
    client.update(answer.as_bytes()).ok()?;
    let last = String::from_utf8(client.message().to_vec()).ok()?;
    let (without_proof, _) = last.rsplit_once(",p=")?;
    let signature = hmac(&server_key, format!("{bare},{answer},{without_proof}").as_bytes());
    Some(client.finish(format!("v={}", STANDARD.encode(signature)).as_bytes()).is_ok())
}

/// HMAC of RFC 2104 over SHA-256.
fn hmac(key: &[u8], text: &[u8]) -> [u8; 32] {
    const BLOCK: usize = 64;
    let mut block = [0_u8; BLOCK];
    if key.len() > BLOCK {
        block[..32].copy_from_slice(&Sha256::digest(key));
    } else {
        block[..key.len()].copy_from_slice(key);
    }
    let inner = Sha256::new().chain_update(block.map(|byte| byte ^ 0x36)).chain_update(text).finalize();
    Sha256::new().chain_update(block.map(|byte| byte ^ 0x5c)).chain_update(inner).finalize().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hmac_is_that_of_rfc_4231() {
        let hex = hex::encode(hmac(b"Jefe", b"what do ya want for nothing?"));
        assert_eq!(hex, "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
        let hex = hex::encode(hmac(&[0xaa; 131], b"Test Using Larger Than Block-Size Key - Hash Key First"));
        assert_eq!(hex, "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
    }

    #[test]
    fn a_verifier_matches_its_password_alone() {
        let password = Secret::new("canary-4711");
        let verifier = make(&password);
        assert!(matches(&verifier, &password));
        assert!(!matches(&verifier, &Secret::new("canary-4712")));
        assert!(!verifier.expose().contains("canary"));
        assert_ne!(verifier.expose(), make(&password).expose(), "each has its own salt");
    }

    #[test]
    fn what_is_no_verifier_matches_nothing() {
        let password = Secret::new("p");
        let good = make(&password);
        let bomb = good.expose().replacen("$4096:", "$4294967295:", 1);
        for text in ["", "md5d41d8cd98f00b204e9800998ecf8427e", "SCRAM-SHA-256$", "SCRAM-SHA-256$1:$:", &bomb] {
            assert!(!matches(&Secret::new(text), &password), "{text}");
        }
    }
}
