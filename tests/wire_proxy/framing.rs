//! Where requests and answers end, whatever the fragments.

use crate::{
    server::{Client, Server, proxy},
    talks::{DEPRECATE_EOF, Talk, Turn, command, message, mysql_login, ok, packet, ready, rows, startup, turn},
    wire::{
        Class::{Read, Session, Write},
        framing::{Framing, Nonsense},
        http::{Http, HttpRequest},
        mysql::Mysql,
        postgres::Postgres,
        redis::Redis,
    },
};

/// Each turn's request and answer are found complete exactly when their last byte is there, with nothing and with
/// something behind it.
fn reads(framing: &mut dyn Framing, turns: &[Turn]) {
    for (index, turn) in turns.iter().enumerate() {
        let behind = turns.get(index + 1).map_or(&[][..], |next| &next.request);
        let len = turn.request.len();
        for end in 0..len {
            assert_eq!(framing.request(&turn.request[..end]), Ok(None), "{end} bytes of {turn:?}");
        }
        let frame = framing.request(&[&turn.request[..], behind].concat()).unwrap().unwrap();
        let told = (frame.len, frame.class, frame.summary.as_str(), frame.is_answered);
        assert_eq!(told, (len, turn.class, turn.summary, !turn.answer.is_empty()), "{turn:?}");
        for end in 0..turn.answer.len() {
            assert_eq!(framing.answer(&turn.answer[..end], false), Ok(None), "{end} bytes of {turn:?}");
        }
        if frame.is_answered {
            let more = [&turn.answer[..], b"\0"].concat();
            assert_eq!(framing.answer(&more, false), Ok(Some(turn.answer.len())), "{turn:?}");
        }
    }
}

#[test]
fn every_talk_is_read_whatever_is_there() {
    for talk in Talk::all() {
        reads(&mut *talk.framing(), &talk.turns());
    }
}

#[test]
fn a_talk_cut_in_two_anywhere_passes_the_proxy_and_is_counted_alike() {
    for talk in Talk::all() {
        let server = Server::start(&talk);
        let proxy = proxy(&talk, &server);
        let sent: Vec<u8> = talk.turns().iter().flat_map(|turn| turn.request.clone()).collect();
        let answers: Vec<u8> = talk.turns().iter().flat_map(|turn| turn.answer.clone()).collect();
        for cut in 0..=sent.len() {
            let mut client = Client::connect(proxy.address());
            client.expect(&talk.greeting);
            client.send(&sent[..cut]);
            client.send(&sent[cut..]);
            client.expect(&answers);
        }
        let requests = proxy.requests();
        let turns = talk.turns();
        assert_eq!(requests.len(), turns.len() * (sent.len() + 1));
        for connection in 1..=sent.len() + 1 {
            let told = requests.iter().filter(|request| request.connection == connection);
            let told: Vec<_> = told.map(|request| (request.class, request.summary.as_str())).collect();
            assert_eq!(told, turns.iter().map(|turn| (turn.class, turn.summary)).collect::<Vec<_>>());
        }
    }
}

#[test]
fn a_talk_byte_by_byte_passes_the_proxy() {
    for talk in Talk::all() {
        let server = Server::start(&talk);
        let proxy = proxy(&talk, &server);
        let mut client = Client::connect(proxy.address());
        client.expect(&talk.greeting);
        for turn in talk.turns() {
            for byte in &turn.request {
                client.send(&[*byte]);
                std::thread::yield_now();
            }
            client.expect(&turn.answer);
        }
        assert_eq!(proxy.requests().len(), talk.turns().len());
    }
}

fn end_of_old(status: u8) -> Vec<u8> {
    packet(9, [0xfe, 0, 0, status, 0])
}

#[test]
fn mysql_results_of_all_shapes() {
    let row = packet(3, b"\x01\xfe");
    let old = |status| [packet(1, [1]), packet(2, b"column"), end_of_old(0), row.clone(), end_of_old(status)].concat();
    let prepared = |columns, parameters| packet(1, [0, 7, 0, 0, 0, columns, 0, parameters, 0, 0, 0, 0]);
    let error = packet(1, b"\xff\x28\x04#42000You have an error");
    let insert = "INSERT INTO t VALUES (?)";
    reads(
        &mut Mysql::new(),
        &[
            turn(mysql_login(0), packet(2, b"\xfemysql_native_password\0salt\0"), Session, "LOGIN"),
            turn(packet(3, [1; 20]), ok(4, 2), Session, "LOGIN"),
            turn(command(3, "SELECT 1"), old(2), Read, "SELECT 1"),
            turn(command(3, "SHOW x"), error.clone(), Read, "SHOW x"),
            turn(command(3, "SELECT 1; CALL p"), [old(8 | 2), ok(5, 8), old(2)].concat(), Write, "SELECT 1; CALL p"),
            turn(
                command(0x16, insert),
                [prepared(1, 2), packet(2, "p"), packet(3, "p"), end_of_old(0), packet(4, "c"), end_of_old(0)].concat(),
                Session,
                "PREPARE INSERT INTO t VALUES (?)",
            ),
            turn(
                command(0x16, "DROP DATABASE x"),
                packet(1, [0, 8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]),
                Session,
                "PREPARE DROP DATABASE x",
            ),
            turn(command(0x17, b"\x08\0\0\0\0\x01\0\0\0"), ok(1, 2), Write, "EXECUTE DROP DATABASE x"),
            turn(command(0x18, b"\x07\0\0\0\0\0text"), "", Session, "PARAMETER"),
            turn(command(0x17, b"\x07\0\0\0\0\x01\0\0\0"), ok(1, 2), Write, "EXECUTE INSERT INTO t VALUES (?)"),
            turn(command(0x19, b"\x07\0\0\0"), "", Session, "CLOSE"),
            turn(
                command(0x17, b"\x07\0\0\0\0\x01\0\0\0"),
                error,
                Write,
                "EXECUTE of a statement that was not prepared here",
            ),
            turn(command(0x0e, ""), ok(1, 2), Session, "PING"),
            turn(command(0x02, "shop"), ok(1, 2), Session, "USE shop"),
            turn(command(0x01, ""), "", Session, "QUIT"),
        ],
    );
}

#[test]
fn mysql_logins_with_cached_and_uncached_passwords_and_newer_ends() {
    let prepared = packet(1, [0, 9, 0, 0, 0, 1, 0, 1, 0, 0, 0, 0]);
    reads(
        &mut Mysql::new(),
        &[
            turn(mysql_login(DEPRECATE_EOF), packet(2, [1, 4]), Session, "LOGIN"),
            turn(packet(3, [2]), packet(4, b"\x01-----BEGIN PUBLIC KEY"), Session, "LOGIN"),
            turn(packet(5, [9; 256]), [packet(6, [1, 3]), ok(7, 2)].concat(), Session, "LOGIN"),
            turn(
                command(0x16, "SELECT ?"),
                [prepared, packet(2, "p"), packet(3, "c")].concat(),
                Session,
                "PREPARE SELECT ?",
            ),
            turn(command(0x17, b"\x09\0\0\0\0\x01\0\0\0"), rows(), Read, "EXECUTE SELECT ?"),
        ],
    );
}

#[test]
fn mysql_packets_of_16_mib_go_on_in_the_next() {
    let mut mysql = Mysql::new();
    reads(&mut mysql, &[turn(mysql_login(0), ok(2, 2), Session, "LOGIN")]);
    let mut first = vec![7; 0xff_ff_ff];
    first[0] = 0x18;
    let long = [packet(0, &first), packet(1, "the end")].concat();
    for end in [first.len(), first.len() + 4, first.len() + 5, long.len() - 1] {
        assert_eq!(mysql.request(&long[..end]), Ok(None), "{end}");
    }
    assert_eq!(mysql.request(&long).unwrap().unwrap().len, long.len());
}

#[test]
fn postgres_requests_of_all_shapes() {
    let refused = message(b'E', "SFATAL\0C28P01\0\0");
    let notice = message(b'N', "SNOTICE\0\0");
    let prepare = [message(b'P', "s\0DELETE FROM t\0\0\0"), message(b'D', "Ss\0"), message(b'S', "")].concat();
    let run = [message(b'B', "\0s\0\0\0\0\0\0\0"), message(b'E', "\0\0\0\0\0"), message(b'S', "")].concat();
    let scram = startup(3 << 16, b"user\0root\0\0");
    let login = [message(b'R', b"\0\0\0\x0cv=x"), message(b'R', [0; 4]), notice.clone(), ready()].concat();
    reads(
        &mut Postgres::new(),
        &[
            turn(startup(80_877_104, b""), "N", Session, "ASK FOR GSSAPI"),
            turn(startup(80_877_103, b""), "N", Session, "ASK FOR TLS"),
            turn(scram, message(b'R', b"\0\0\0\x0aSCRAM-SHA-256\0\0"), Session, "STARTUP"),
            turn(message(b'p', "SCRAM-SHA-256\0first"), message(b'R', b"\0\0\0\x0br=x"), Session, "PASSWORD"),
            turn(message(b'p', "proof"), login, Session, "PASSWORD"),
            turn(
                prepare,
                [notice, message(b'1', ""), message(b't', "\0\0"), message(b'n', ""), ready()].concat(),
                Session,
                "PREPARE DELETE FROM t",
            ),
            turn(run.clone(), [message(b'2', ""), refused.clone(), ready()].concat(), Write, "EXECUTE DELETE FROM t"),
            turn(
                [message(b'C', "Ss\0"), message(b'S', "")].concat(),
                [message(b'3', ""), ready()].concat(),
                Session,
                "CLOSE",
            ),
            turn(run, [refused, ready()].concat(), Write, "EXECUTE of a statement that was not prepared here"),
            turn(message(b'Q', "COPY t FROM STDIN\0"), message(b'G', "\0\0"), Write, "COPY t FROM STDIN"),
            turn(
                [message(b'd', "1\n"), message(b'c', "")].concat(),
                [message(b'C', "COPY 1\0"), ready()].concat(),
                Write,
                "COPY; COPY",
            ),
            turn(message(b'S', ""), ready(), Session, "SYNC"),
            turn(message(b'X', ""), "", Session, "QUIT"),
        ],
    );
    let login = message(b'E', "SFATAL\0C28P01\0\0");
    reads(&mut Postgres::new(), &[turn(startup(3 << 16, b"user\0x\0\0"), login, Session, "STARTUP")]);
}

#[test]
fn http_bodies_of_all_shapes() {
    let length = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";
    let interim = "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n\
                   HTTP/1.1 409 Conflict\r\nContent-Length: 0\r\n\r\n";
    let head = "HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n";
    let mut http = Http::new(std::sync::Arc::new(|_: &HttpRequest| false));
    reads(
        &mut http,
        &[
            turn("GET / HTTP/1.1\r\n\r\n", length, Read, "GET /"),
            turn("HEAD /b HTTP/1.1\r\n\r\n", head, Read, "HEAD /b"),
            turn("LIST /v1/kv HTTP/1.1\r\n\r\n", length, Read, "LIST /v1/kv"),
            turn("DELETE /b HTTP/1.1\r\n\r\n", "HTTP/1.1 204 No Content\r\n\r\n", Write, "DELETE /b"),
            turn("PUT /b HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\nabc", interim, Write, "PUT /b"),
        ],
    );
    let until_the_end = b"HTTP/1.0 200 OK\r\n\r\nall of it";
    assert_eq!(http.answer(until_the_end, false), Ok(None));
    assert_eq!(http.answer(until_the_end, true), Ok(Some(until_the_end.len())));
    assert_eq!(http.answer(&head.as_bytes()[..head.len() - 1], true), Ok(None));
    assert_eq!(http.answer(head.as_bytes(), true), Ok(None), "an answer cut short is none");
}

#[test]
fn http_clients_that_wait_for_a_word_get_it() {
    let http = Http::new(std::sync::Arc::new(|_: &HttpRequest| false));
    let head = "PUT /b HTTP/1.1\r\nexpect: 100-Continue\r\nContent-Length: 3\r\n\r\n";
    assert_eq!(http.go_on(&head.as_bytes()[..head.len() - 1]), None);
    assert!(http.go_on(head.as_bytes()).unwrap().starts_with(b"HTTP/1.1 100 "));
    assert_eq!(http.go_on(format!("{head}a").as_bytes()), None, "the body comes already");
    assert_eq!(http.go_on(b"PUT /b HTTP/1.1\r\nContent-Length: 3\r\n\r\n"), None);
}

#[test]
fn redis_answers_of_all_shapes() {
    let ping = |answer: &str| turn("*1\r\n$4\r\nPING\r\n", answer, Session, "PING");
    let answers = [
        "+PONG\r\n",
        "-ERR x\r\n",
        ":1\r\n",
        "$-1\r\n",
        "$0\r\n\r\n",
        "*-1\r\n",
        "*0\r\n",
        "_\r\n",
        "#t\r\n",
        ",1.5\r\n",
        "(12345678901234567890\r\n",
        "!5\r\nERR x\r\n",
        "=7\r\ntxt:a\r\n\r\n",
        "*2\r\n*1\r\n$2\r\n\r\n\r\n:1\r\n",
        "~1\r\n+a\r\n",
        "%2\r\n+a\r\n:1\r\n+b\r\n*1\r\n_\r\n",
        "|1\r\n+ttl\r\n:1\r\n$1\r\nx\r\n",
        ">1\r\n+a\r\n>1\r\n+b\r\n+OK\r\n",
    ];
    reads(&mut Redis, &answers.map(ping));
    reads(&mut Redis, &[turn("PING\r\n", "+PONG\r\n", Session, "PING")]);
}

#[test]
fn what_is_not_read_is_told() {
    let told = |framing: &mut dyn Framing, bytes: &[u8]| framing.request(bytes).unwrap_err().to_string();
    let none = || Http::new(std::sync::Arc::new(|_: &HttpRequest| false));
    assert_eq!(told(&mut none(), b"\x16\x03\x01\x02"), "not understood: not HTTP, maybe TLS");
    assert_eq!(told(&mut none(), b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), "not understood: HTTP/2");
    assert_eq!(told(&mut none(), &[b'a'; 70_000]), "not understood: a head without an end");
    let tls = packet(1, [&(1_u32 << 11).to_le_bytes()[..], &[0; 28]].concat());
    assert_eq!(told(&mut Mysql::new(), &tls), "not understood: MySQL over TLS");
    assert_eq!(told(&mut Mysql::new(), &mysql_login(1 << 5)), "not understood: MySQL compressed");
    let mut postgres = Postgres::new();
    assert_eq!(told(&mut postgres, b"GET / HTTP/1.1\r\n"), "not understood: a startup of 1195725856 bytes");
    assert!(postgres.request(&startup(80_877_103, b"")).unwrap().is_some());
    assert_eq!(postgres.answer(b"S", false), Err(Nonsense("PostgreSQL over TLS".into())));
    assert_eq!(told(&mut Redis, b"*1\r\n:1\r\n"), "not understood: \":1\" in a Redis command");
}
