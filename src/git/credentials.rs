//! How git proves who asks: its own helpers, keys and agents, or a token that reaches the remote's own host and nobody
//! else.

use std::fmt;

use super::{GitError, Repository, words::mask};
use crate::points::planted;

/// The variable that hands the token to our credential helper, which is a line of shell inside git's own process tree.
pub(super) const TOKEN_VARIABLE: &str = "TENANTRY_GIT_TOKEN";

/// A token for HTTPS remotes. It has no `Display`, and its `Debug` tells nothing.
#[derive(Clone)]
pub struct Token(String);

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(***)")
    }
}

impl Token {
    /// Takes a token; nothing when the text is empty or holds a character that no header may have.
    pub fn new(text: &str) -> Option<Self> {
        let is_sound = !text.is_empty() && text.chars().all(|c| c.is_ascii_graphic());
        is_sound.then(|| Self(text.to_owned()))
    }

    pub(super) fn reveal(&self) -> &str {
        &self.0
    }
}

/// The place that a URL over HTTP names, without user and password.
#[derive(Debug, PartialEq, Eq)]
struct Web<'u> {
    scheme: &'static str,
    has_user: bool,
    host_and_port: &'u str,
}

impl<'u> Web<'u> {
    fn of(url: &'u str) -> Option<Self> {
        let (scheme, rest) = url.split_once("://")?;
        let scheme = ["https", "http"].into_iter().find(|known| scheme.eq_ignore_ascii_case(known))?;
        let authority = &rest[..rest.find(['/', '?', '#']).unwrap_or(rest.len())];
        let (has_user, host_and_port) = match authority.rsplit_once('@') {
            Some((_, host)) => (true, host),
            None => (false, authority),
        };
        Some(Self { scheme, has_user, host_and_port })
    }

    /// Says whether what is sent there can be read by others on the way.
    fn is_open(&self) -> bool {
        let host = match self.host_and_port.strip_prefix('[') {
            Some(v6) => v6.split(']').next().unwrap_or_default(),
            None => self.host_and_port.split(':').next().unwrap_or_default(),
        };
        let is_loopback =
            host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback());
        self.scheme == "http" && !is_loopback
    }
}

/// Returns the options that make git ask our token, and no other helper, for the remote's own host; nothing when the
/// remote is not reached over HTTP.
///
/// A credential helper bound to that host, not a header: git asks a helper only for the host it talks to at that moment,
/// so a redirect to another one does not take the token with it. The token itself is in the environment alone.
pub(super) fn options(url: &str, token: &Token) -> Result<Option<Vec<String>>, GitError> {
    let Some(web) = Web::of(url) else { return Ok(None) };
    if web.is_open() && !planted("git-token-over-open-http") {
        return Err(GitError::OpenToken { remote: mask(url) });
    }
    let Web { scheme, has_user, host_and_port } = web;
    if planted("git-token-in-argv") {
        let helper = format!("credential.helper=!echo username=x; echo password={}; :", token.reveal());
        return Ok(Some(vec!["-c".to_owned(), helper]));
    }
    // The user of the URL stays; without one, servers take any name beside a token.
    let user = if has_user { "" } else { "username=x-access-token\\n" };
    let helper = format!("!f() {{ test \"$1\" != get || printf '{user}password=%s\\n' \"${TOKEN_VARIABLE}\"; }}; f");
    let place = format!("{scheme}://{host_and_port}");
    let settings = if planted("git-token-for-every-host") {
        vec![format!("credential.helper={helper}")]
    } else {
        // An empty value drops what was set before: the helpers of the machine, which would also keep the token, and the
        // header that a pipeline's checkout leaves in the repository.
        vec![
            "credential.helper=".to_owned(),
            format!("credential.{place}.helper="),
            format!("credential.{place}.helper={helper}"),
            format!("http.{place}/.extraHeader="),
        ]
    };
    Ok(Some(settings.into_iter().flat_map(|setting| ["-c".to_owned(), setting]).collect()))
}

/// Returns the URL that a remote's name stands for, with the user's `insteadOf` rules.
pub(super) fn url(repository: &Repository, remote: &str, is_push: bool) -> String {
    let found = repository.inner.find_remote(remote).or_else(|_| repository.inner.remote_anonymous(remote));
    let url = found.ok().and_then(|found| {
        let push = found.pushurl().ok().flatten().filter(|_| is_push).map(str::to_owned);
        push.or_else(|| found.url().ok().map(str::to_owned))
    });
    url.unwrap_or_else(|| remote.to_owned())
}

/// Returns how git shall call SSH: never asking anybody, and never taking the key of an unknown host; nothing when the user
/// has settings of their own for that, which win.
pub(super) fn ssh_command(repository: &Repository, is_set: impl Fn(&str) -> bool) -> Option<&'static str> {
    let is_configured = || {
        let config = repository.inner.config().and_then(|mut config| config.snapshot());
        config.is_ok_and(|config| config.get_str("core.sshCommand").is_ok())
    };
    if is_set("GIT_SSH_COMMAND") || is_set("GIT_SSH") || is_configured() {
        return None;
    }
    if planted("git-host-key-accepted") {
        return Some("ssh -o BatchMode=yes -o StrictHostKeyChecking=accept-new");
    }
    // The last three end an ssh whose other side is gone, even when nobody waits for it any more.
    Some(
        "ssh -o BatchMode=yes -o StrictHostKeyChecking=yes -o ConnectTimeout=30 -o ServerAliveInterval=15 \
         -o ServerAliveCountMax=4",
    )
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn a_token_goes_to_one_host_and_never_in_the_open() {
        let token = Token::new("canary").unwrap();
        for url in ["https://git.example.com/x.git", "http://127.0.0.1:80/x", "http://[::1]:80/x", "http://localhost/x"]
        {
            let options = options(url, &token).unwrap().unwrap();
            assert!(!options.concat().contains("canary"), "{options:?}");
        }
        for url in ["http://git.example.com/x.git", "http://127.0.0.1.example.com/x", "HTTP://localhost.evil/x"] {
            assert!(matches!(options(url, &token), Err(GitError::OpenToken { .. })), "{url}");
        }
        for url in ["git@host:x.git", "ssh://git@host/x", "/srv/x.git", "file:///srv/x.git", "git://host/x"] {
            assert!(options(url, &token).unwrap().is_none(), "{url}");
        }
        let options = options("https://bot@git.example.com:8443/x", &token).unwrap().unwrap().concat();
        assert!(options.contains("credential.https://git.example.com:8443.helper=!f"), "{options}");
        assert!(!options.contains("username="), "{options}");
    }

    #[test]
    fn a_token_cannot_break_out_of_its_line_and_is_never_shown() {
        for text in ["", "a\nhost=evil", "a b", "ä"] {
            assert!(Token::new(text).is_none(), "{text:?}");
        }
        assert_eq!(format!("{:?}", Token::new("canary").unwrap()), "Token(***)");
    }
}
