//! HTTP/1.1: where requests and answers end, which requests ask, and the answers that the proxy gives itself.
//!
//! Sources: RFC 9112 (message framing, §6 and §7), RFC 9110 (§9.2 safe methods, §10.1.1 `Expect`, §15.2 interim
//! answers). HTTP/2, upgrades and `CONNECT` are not read.

use std::{iter, ops::Range, sync::Arc};

use super::{
    framing::{Class, Frame, Framing, Nonsense},
    sql::MASK,
};

/// A head longer than this is another protocol, or an endless line.
const LARGEST_HEAD: usize = 64 * 1024;

/// Methods that ask; `LIST` is a method of OpenBao and Vault.
const READS: [&str; 4] = ["GET", "HEAD", "LIST", "OPTIONS"];

/// A piece of a parameter's name in a query string whose value is a credential or a signature.
const SECRET_PARAMETERS: [&str; 6] = ["credential", "key", "password", "secret", "signature", "token"];

/// One request as a test may judge it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HttpRequest {
    /// In upper case.
    pub method: String,
    /// Path and query string, as sent.
    pub target: String,
    /// Names in lower case.
    pub headers: Vec<(String, String)>,
    /// Without the frames of chunks.
    pub body: Vec<u8>,
}

impl HttpRequest {
    /// The value of the first header of this name, in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        header(&self.headers, name)
    }

    /// The target without its query string.
    pub fn path(&self) -> &str {
        self.target.split('?').next().unwrap_or_default()
    }
}

/// Which requests of other methods only ask.
pub type DeclaredReads = Arc<dyn Fn(&HttpRequest) -> bool + Send + Sync>;

/// Requests by POST that change nothing in the services that the engine knows: logins of OpenBao and Vault, and AWS's
/// calls, whose verb stands in `X-Amz-Target` (Secrets Manager) or in the form's `Action` (IAM, STS).
pub fn usual_reads(request: &HttpRequest) -> bool {
    let asks = |action: &str| ["Get", "List", "Describe", "BatchGet"].iter().any(|verb| action.starts_with(verb));
    let target = request.header("x-amz-target").and_then(|target| target.rsplit('.').next());
    let form = String::from_utf8_lossy(&request.body);
    let action = form.split('&').find_map(|field| field.strip_prefix("Action="));
    let is_login = request.path().starts_with("/v1/auth/") && request.path().contains("/login");
    request.method == "POST" && (is_login || target.or(action).is_some_and(asks))
}

/// One connection.
pub struct Http {
    reads: DeclaredReads,
    method: String,
}

impl Http {
    /// A connection whose requests of other methods write unless `reads` says otherwise.
    pub fn new(reads: DeclaredReads) -> Self {
        Self { reads, method: String::new() }
    }
}

impl Framing for Http {
    fn request(&mut self, bytes: &[u8]) -> Result<Option<Frame>, Nonsense> {
        let Some(head) = Head::read(bytes)? else { return Ok(None) };
        let (Some(method), Some(target)) = (head.start.first(), head.start.get(1)) else {
            return Err(Nonsense("a request line without a target".into()));
        };
        let Some(body) = head.body(bytes, 0)? else { return Ok(None) };
        let request = HttpRequest {
            method: method.to_ascii_uppercase(),
            target: target.clone(),
            body: body.pieces.into_iter().flat_map(|piece| &bytes[piece]).copied().collect(),
            headers: head.headers,
        };
        let asks = READS.contains(&request.method.as_str()) || (self.reads)(&request);
        let summary = format!("{} {}", request.method, masked(&request.target));
        self.method = request.method;
        Ok(Some(Frame::new(body.end, if asks { Class::Read } else { Class::Write }, &summary)))
    }

    fn answer(&mut self, bytes: &[u8], at_end: bool) -> Result<Option<usize>, Nonsense> {
        let mut at = 0;
        loop {
            let Some(head) = Head::read(&bytes[at..])? else { return Ok(None) };
            match head.start.get(1).map(String::as_str) {
                Some("101") => return Err(Nonsense("an upgrade".into())),
                Some(code) if code.starts_with('1') => at += head.len,
                Some("204" | "304") => return Ok(Some(at + head.len)),
                _ if self.method == "HEAD" => return Ok(Some(at + head.len)),
                _ => {
                    let rest = bytes.len() - at - head.len;
                    let body = head.body(&bytes[at..], if at_end { rest } else { usize::MAX })?;
                    return Ok(body.map(|body| at + body.end));
                }
            }
        }
    }

    fn go_on(&self, bytes: &[u8]) -> Option<&'static [u8]> {
        let head = Head::read(bytes).ok()??;
        let waits = header(&head.headers, "expect").is_some_and(|value| value.eq_ignore_ascii_case("100-continue"));
        (waits && bytes.len() == head.len).then_some(b"HTTP/1.1 100 Continue\r\n\r\n")
    }
}

/// The body of a message that is there in full.
struct Body {
    /// Where its bytes stand, without the frames of chunks.
    pieces: Vec<Range<usize>>,
    /// Where the message ends.
    end: usize,
}

/// The head of a message.
struct Head {
    /// The words of the first line.
    start: Vec<String>,
    /// Names in lower case.
    headers: Vec<(String, String)>,
    /// Its bytes, the empty line included.
    len: usize,
}

impl Head {
    fn read(bytes: &[u8]) -> Result<Option<Self>, Nonsense> {
        if bytes.first().is_some_and(|first| !first.is_ascii_alphabetic()) {
            return Err(Nonsense("not HTTP, maybe TLS".into()));
        }
        let Some(len) = bytes.windows(4).take(LARGEST_HEAD).position(|end| end == b"\r\n\r\n").map(|at| at + 4) else {
            let is_endless = bytes.len() > LARGEST_HEAD;
            return if is_endless { Err(Nonsense("a head without an end".into())) } else { Ok(None) };
        };
        let text = String::from_utf8_lossy(&bytes[..len]);
        let mut lines = text.lines();
        let start: Vec<String> = lines.next().unwrap_or_default().split(' ').map(str::to_owned).collect();
        if start.iter().any(|word| word == "HTTP/2.0") {
            return Err(Nonsense("HTTP/2".into()));
        }
        let headers = lines.filter_map(|line| line.split_once(':'));
        let headers = headers.map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()));
        Ok(Some(Self { start, headers: headers.collect(), len }))
    }

    /// Where the body's bytes stand and where the message ends; `bytes` begin with this head. `without` is the body's
    /// length where no header tells it: 0 in requests; in answers what there is once the connection has ended.
    fn body(&self, bytes: &[u8], without: usize) -> Result<Option<Body>, Nonsense> {
        let coding = header(&self.headers, "transfer-encoding");
        if coding.is_some_and(|coding| coding.to_ascii_lowercase().ends_with("chunked")) {
            return chunks(bytes, self.len);
        }
        let len = match header(&self.headers, "content-length") {
            Some(len) => len.parse().map_err(|_| Nonsense(format!("a body of {len:?} bytes")))?,
            None => without,
        };
        let end = self.len.saturating_add(len);
        Ok((bytes.len() >= end).then(|| Body { pieces: iter::once(self.len..end).collect(), end }))
    }
}

/// Where the chunks that start at `at` have their bytes, and where the trailer after the last one ends.
fn chunks(bytes: &[u8], mut at: usize) -> Result<Option<Body>, Nonsense> {
    let line = |at: usize| {
        let rest = bytes.get(at..)?;
        let len = rest.windows(2).position(|end| end == b"\r\n")?;
        Some((String::from_utf8_lossy(&rest[..len]).into_owned(), at + len + 2))
    };
    let mut pieces = Vec::new();
    loop {
        let Some((size, start)) = line(at) else { return Ok(None) };
        let digits = size.split(';').next().unwrap_or_default().trim();
        let len = usize::from_str_radix(digits, 16).map_err(|_| Nonsense(format!("a chunk of {digits:?} bytes")))?;
        if len == 0 {
            at = start;
            break;
        }
        pieces.push(start..start.saturating_add(len));
        at = start.saturating_add(len).saturating_add(2);
    }
    loop {
        match line(at) {
            Some((text, end)) if text.is_empty() => return Ok(Some(Body { pieces, end })),
            Some((_, end)) => at = end,
            None => return Ok(None),
        }
    }
}

fn header<'a>(headers: &'a [(String, String)], name: &str) -> Option<&'a str> {
    headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
}

/// The target with the credentials in its query string masked.
fn masked(target: &str) -> String {
    let Some((path, query)) = target.split_once('?') else { return target.to_owned() };
    let field = |field: &str| match field.split_once('=') {
        Some((name, _)) if SECRET_PARAMETERS.iter().any(|part| name.to_ascii_lowercase().contains(part)) => {
            format!("{name}={MASK}")
        }
        _ => field.to_owned(),
    };
    format!("{path}?{}", query.split('&').map(field).collect::<Vec<_>>().join("&"))
}

/// The proxy's own answer with this status, a small JSON body, and `Retry-After` in seconds where one is given.
pub fn status_answer(code: u16, retry_after: Option<u32>) -> Vec<u8> {
    let retry = retry_after.map(|seconds| format!("Retry-After: {seconds}\r\n")).unwrap_or_default();
    canned(&format!("{code} Fault"), &format!("Content-Type: application/json\r\n{retry}"), "{\"error\":\"a fault\"}")
}

/// The proxy's own answer of a page for people, as captive portals and load balancers give it.
pub fn html_answer() -> Vec<u8> {
    canned(
        "200 OK",
        "Content-Type: text/html\r\n",
        "<!doctype html><title>Welcome</title><p>Please come back later.</p>",
    )
}

fn canned(status: &str, headers: &str, body: &str) -> Vec<u8> {
    format!("HTTP/1.1 {status}\r\n{headers}Content-Length: {}\r\n\r\n{body}", body.len()).into_bytes()
}

/// The head of an answer: all that a `HEAD` gets.
pub fn without_body(mut answer: Vec<u8>) -> Vec<u8> {
    if let Ok(Some(head)) = Head::read(&answer) {
        answer.truncate(head.len);
    }
    answer
}
