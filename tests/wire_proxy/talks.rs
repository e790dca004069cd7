//! Conversations in each protocol, byte by byte as the specifications give them, made without the code under test.

use crate::wire::{
    Class::{self, Read, Session, Write},
    Protocol,
    framing::Framing,
    http::{Http, usual_reads},
    mysql::Mysql,
    postgres::Postgres,
    redis::Redis,
};

/// A request, what the server says to it (nothing where it is never answered), and how it must be recorded.
#[derive(Clone, Debug)]
pub struct Turn {
    pub request: Vec<u8>,
    pub answer: Vec<u8>,
    pub class: Class,
    pub summary: &'static str,
}

pub fn turn(request: impl Into<Vec<u8>>, answer: impl Into<Vec<u8>>, class: Class, summary: &'static str) -> Turn {
    Turn { request: request.into(), answer: answer.into(), class, summary }
}

/// What is said on one connection: the login, if the protocol has one, then a read and two unlike writes.
#[derive(Clone, Debug)]
pub struct Talk {
    pub protocol: Protocol,
    pub greeting: Vec<u8>,
    pub login: Vec<Turn>,
    pub read: Turn,
    pub write: Turn,
    pub other_write: Turn,
}

impl Talk {
    pub fn all() -> [Self; 4] {
        [mysql(), postgres(), http(), redis()]
    }

    pub fn turns(&self) -> Vec<Turn> {
        let mut turns = self.login.clone();
        turns.extend([self.read.clone(), self.write.clone(), self.other_write.clone()]);
        turns
    }

    pub fn framing(&self) -> Box<dyn Framing> {
        match self.protocol {
            Protocol::Mysql => Box::new(Mysql::new()),
            Protocol::Postgres => Box::new(Postgres::new()),
            Protocol::Http => Box::new(Http::new(std::sync::Arc::new(usual_reads))),
            Protocol::Redis => Box::new(Redis),
        }
    }
}

/// A MySQL packet.
pub fn packet(sequence: u8, payload: impl AsRef<[u8]>) -> Vec<u8> {
    let payload = payload.as_ref();
    let len = u32::try_from(payload.len()).unwrap().to_le_bytes();
    [&len[..3], &[sequence], payload].concat()
}

/// A command of MySQL.
pub fn command(code: u8, body: impl AsRef<[u8]>) -> Vec<u8> {
    packet(0, [&[code], body.as_ref()].concat())
}

/// An OK packet with this status.
pub fn ok(sequence: u8, status: u8) -> Vec<u8> {
    packet(sequence, [0, 0, 0, status, 0, 0, 0])
}

/// The client's part of a MySQL login; `capabilities` beside protocol 4.1 and plain secure passwords.
pub fn mysql_login(capabilities: u32) -> Vec<u8> {
    let fixed = [&(0x0000_8200 | capabilities).to_le_bytes()[..], &[0, 0, 0, 1, 45], &[0; 23]].concat();
    packet(1, [&fixed[..], b"root\0\x04pass"].concat())
}

/// The capability of OK packets at the end of rows.
pub const DEPRECATE_EOF: u32 = 1 << 24;

/// One column and one row, as servers send it to new clients.
pub fn rows() -> Vec<u8> {
    let column = packet(2, b"\x03def\0\0\0\x011\0\x0c\x3f\0\x01\0\0\0\x08\x81\0\0\0\0");
    [packet(1, [1]), column, packet(3, b"\x011"), packet(4, [0xfe, 0, 0, 2, 0, 0, 0])].concat()
}

fn mysql() -> Talk {
    Talk {
        protocol: Protocol::Mysql,
        greeting: packet(0, b"\x0a10.11.19-MariaDB\0\x01\0\0\0saltsalt\0"),
        login: vec![turn(mysql_login(DEPRECATE_EOF), ok(2, 2), Session, "LOGIN")],
        read: turn(command(3, "SELECT 1"), rows(), Read, "SELECT 1"),
        write: turn(command(3, "CREATE DATABASE acme"), ok(1, 2), Write, "CREATE DATABASE acme"),
        other_write: turn(command(3, "DROP DATABASE acme"), ok(1, 2), Write, "DROP DATABASE acme"),
    }
}

/// A PostgreSQL message.
pub fn message(kind: u8, body: impl AsRef<[u8]>) -> Vec<u8> {
    let body = body.as_ref();
    let len = u32::try_from(body.len() + 4).unwrap().to_be_bytes();
    [&[kind], &len[..], body].concat()
}

/// PostgreSQL's first message, with this code in the place of the version.
pub fn startup(code: u32, body: &[u8]) -> Vec<u8> {
    let len = u32::try_from(body.len() + 8).unwrap().to_be_bytes();
    [&len[..], &code.to_be_bytes(), body].concat()
}

/// `ReadyForQuery`.
pub fn ready() -> Vec<u8> {
    message(b'Z', "I")
}

fn postgres() -> Talk {
    let first = startup(3 << 16, b"user\0root\0database\0shop\0\0");
    let cleartext = message(b'R', [0, 0, 0, 3]);
    let welcome = [message(b'R', [0; 4]), message(b'S', "TimeZone\0UTC\0"), message(b'K', [7; 8]), ready()].concat();
    // A bound statement, as sqlx runs it: parse, bind, describe, execute, sync.
    let create = [
        message(b'P', "s1\0CREATE DATABASE acme\0\0\0"),
        message(b'B', "\0s1\0\0\0\0\0\0\0"),
        message(b'D', "P\0"),
        message(b'E', "\0\0\0\0\0"),
        message(b'S', ""),
    ];
    let created =
        [message(b'1', ""), message(b'2', ""), message(b'n', ""), message(b'C', "CREATE DATABASE\0"), ready()];
    Talk {
        protocol: Protocol::Postgres,
        greeting: Vec::new(),
        login: vec![
            turn(first, cleartext, Session, "STARTUP"),
            turn(message(b'p', "pass\0"), welcome, Session, "PASSWORD"),
        ],
        read: turn(
            message(b'Q', "SELECT 1\0"),
            [message(b'T', "\0\0"), message(b'D', "\0\0"), message(b'C', "SELECT 1\0"), ready()].concat(),
            Read,
            "SELECT 1",
        ),
        write: turn(
            create.concat(),
            created.concat(),
            Write,
            "PREPARE CREATE DATABASE acme; EXECUTE CREATE DATABASE acme",
        ),
        other_write: turn(
            message(b'Q', "DROP DATABASE acme\0"),
            [message(b'C', "DROP DATABASE\0"), ready()].concat(),
            Write,
            "DROP DATABASE acme",
        ),
    }
}

fn http() -> Talk {
    let chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5;x=y\r\n[1,2,\r\n2\r\n3]\r\n0\r\nA: b\r\n\r\n";
    let bucket = "PUT /acme-media HTTP/1.1\r\nHost: s3\r\nContent-Length: 12\r\n\r\n<Bucket/>\r\n\r\n";
    let object = "POST /acme-media HTTP/1.1\r\nHost: s3\r\nTransfer-Encoding: chunked\r\n\r\n3\r\na\r\n\r\n0\r\n\r\n";
    Talk {
        protocol: Protocol::Http,
        greeting: Vec::new(),
        login: Vec::new(),
        read: turn("GET /acme-media?tagging HTTP/1.1\r\nHost: s3\r\n\r\n", chunked, Read, "GET /acme-media?tagging"),
        write: turn(&bucket[..bucket.len() - 1], CREATED, Write, "PUT /acme-media"),
        other_write: turn(object, "HTTP/1.1 204 No Content\r\n\r\n", Write, "POST /acme-media"),
    }
}

/// An answer whose length is told.
const CREATED: &str = "HTTP/1.1 201 Created\r\nContent-Length: 4\r\n\r\ndone";

fn redis() -> Talk {
    let hello = "*5\r\n$5\r\nHELLO\r\n$1\r\n3\r\n$4\r\nAUTH\r\n$4\r\nroot\r\n$4\r\npass\r\n";
    let user = "*3\r\n$3\r\nACL\r\n$7\r\nSETUSER\r\n$4\r\nacme\r\n";
    Talk {
        protocol: Protocol::Redis,
        greeting: Vec::new(),
        login: vec![turn(hello, "%1\r\n$5\r\nproto\r\n:3\r\n", Session, "HELLO 3 *** *** ***")],
        read: turn("*2\r\n$3\r\nGET\r\n$1\r\na\r\n", "$4\r\n\r\n\r\n\r\n", Read, "GET a"),
        write: turn(user, "+OK\r\n", Write, "ACL SETUSER acme"),
        other_write: turn(
            "*3\r\n$3\r\nSET\r\n$1\r\na\r\n$2\r\n\r\n\r\n",
            ">2\r\n+invalidate\r\n*1\r\n+a\r\n*-1\r\n",
            Write,
            "SET a ***",
        ),
    }
}
