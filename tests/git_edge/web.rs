//! Git over HTTP: `git http-backend` behind a small server on loopback that asks for a password, notes who sent which, and
//! does what a test tells it.

use std::{
    collections::BTreeMap,
    fmt::Write as _,
    io::{BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::{Arc, Mutex},
    thread,
};

use crate::hermetic;

/// One request.
#[derive(Debug, Clone)]
pub(crate) struct Request {
    pub(crate) target: String,
    /// The header `Authorization`, if it was sent.
    pub(crate) authorization: Option<String>,
}

/// What a request is answered with in the place of git's answer.
pub(crate) type Answer = Box<dyn Fn(&Request) -> Option<String> + Send + Sync>;

pub(crate) struct Web {
    pub(crate) port: u16,
    requests: Arc<Mutex<Vec<Request>>>,
}

struct Settings {
    root: PathBuf,
    /// The header that lets somebody in; without one, everybody may.
    authorization: Option<String>,
    answer: Answer,
    requests: Arc<Mutex<Vec<Request>>>,
}

impl Web {
    /// Serves the repositories in `root`.
    pub(crate) fn start(root: &Path, authorization: Option<String>, answer: Answer) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let requests = Arc::new(Mutex::new(Vec::new()));
        let settings = Settings { root: root.to_owned(), authorization, answer, requests: requests.clone() };
        let settings = Arc::new(settings);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let settings = settings.clone();
                // A client that hangs up early ends its own connection alone.
                thread::spawn(move || drop(serve(stream, &settings)));
            }
        });
        Self { port, requests }
    }

    /// Serves everybody, as git answers.
    pub(crate) fn open(root: &Path) -> Self {
        Self::start(root, None, Box::new(|_| None))
    }

    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}/remote.git", self.port)
    }

    pub(crate) fn requests(&self) -> Vec<Request> {
        self.requests.lock().unwrap().clone()
    }
}

/// Answers one request, and hangs up.
fn serve(stream: TcpStream, settings: &Settings) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream.try_clone()?);
    let mut stream = stream;
    let mut line = String::new();
    reader.read_line(&mut line)?;
    let mut parts = line.split_whitespace().map(str::to_owned);
    let (Some(method), Some(target)) = (parts.next(), parts.next()) else { return Ok(()) };
    let mut headers = BTreeMap::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line)?;
        let Some((name, value)) = line.trim_end().split_once(": ") else { break };
        headers.insert(name.to_ascii_lowercase(), value.to_owned());
    }
    let body = body(&mut reader, &headers)?;
    let request = Request { target: target.clone(), authorization: headers.get("authorization").cloned() };
    settings.requests.lock().unwrap().push(request.clone());
    let answer = if settings.authorization.is_some() && settings.authorization != request.authorization {
        "HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Basic realm=\"git\"\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
            .to_owned()
            .into_bytes()
    } else if let Some(answer) = (settings.answer)(&request) {
        answer.into_bytes()
    } else {
        backend(settings, &method, &target, &headers, &body)?
    };
    stream.write_all(&answer)?;
    stream.flush()
}

fn body(reader: &mut impl BufRead, headers: &BTreeMap<String, String>) -> std::io::Result<Vec<u8>> {
    let mut body = Vec::new();
    if let Some(length) = headers.get("content-length") {
        reader.take(length.parse().unwrap()).read_to_end(&mut body)?;
    } else if headers.get("transfer-encoding").is_some_and(|encoding| encoding == "chunked") {
        loop {
            let mut size = String::new();
            reader.read_line(&mut size)?;
            let size = u64::from_str_radix(size.trim(), 16).unwrap_or_default();
            reader.by_ref().take(size).read_to_end(&mut body)?;
            reader.read_line(&mut String::new())?;
            if size == 0 {
                break;
            }
        }
    }
    Ok(body)
}

/// Runs git's own program for a request, as any web server would.
fn backend(
    settings: &Settings,
    method: &str,
    target: &str,
    headers: &BTreeMap<String, String>,
    body: &[u8],
) -> std::io::Result<Vec<u8>> {
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let header = |name: &str| headers.get(name).cloned().unwrap_or_default();
    let mut command = Command::new("git");
    command.arg("http-backend").env("GIT_PROJECT_ROOT", &settings.root).env("GIT_HTTP_EXPORT_ALL", "1");
    command.env("PATH_INFO", path).env("QUERY_STRING", query).env("REQUEST_METHOD", method);
    command.env("CONTENT_TYPE", header("content-type")).env("CONTENT_LENGTH", body.len().to_string());
    command.env("HTTP_CONTENT_ENCODING", header("content-encoding")).env("GIT_PROTOCOL", header("git-protocol"));
    command.env("REMOTE_ADDR", "127.0.0.1");
    let mut child =
        hermetic(&mut command).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn()?;
    let mut stdin = child.stdin.take().unwrap();
    let body = body.to_vec();
    let feeder = thread::spawn(move || stdin.write_all(&body));
    let output = child.wait_with_output()?;
    let _ = feeder.join();
    let end = output.stdout.windows(4).position(|bytes| bytes == b"\r\n\r\n").unwrap_or(output.stdout.len());
    let (head, content) = output.stdout.split_at(end);
    let content = content.get(4..).unwrap_or_default();
    let mut status = "200 OK".to_owned();
    let mut rest = String::new();
    for line in String::from_utf8_lossy(head).lines() {
        match line.strip_prefix("Status: ") {
            Some(given) => status = given.to_owned(),
            None => writeln!(rest, "{line}\r").unwrap(),
        }
    }
    let head = format!("HTTP/1.1 {status}\r\n{rest}Content-Length: {}\r\nConnection: close\r\n\r\n", content.len());
    Ok([head.as_bytes(), content].concat())
}
