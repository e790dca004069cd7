//! What is recorded, when, and how connections end that no fault has hit.

use std::{
    io::{Read, Write},
    net::{TcpListener, TcpStream},
    thread,
    time::Duration,
};

use crate::{
    server::{Client, End, Server, proxy},
    talks::Talk,
    wire::{At, Class, Fault, Protocol, Proxy, faults::Ledger, framing::Frame, usual_reads},
};

#[test]
fn requests_are_told_with_protocol_connection_ordinal_and_class() {
    for talk in Talk::all() {
        let server = Server::start(&talk);
        let proxy = proxy(&talk, &server);
        Client::log_in(&proxy, &talk).exchange(&talk.read);
        Client::log_in(&proxy, &talk).exchange(&talk.write);
        let (logins, requests) = (talk.login.len(), proxy.requests());
        let ordinals: Vec<_> = requests.iter().map(|request| request.ordinal).collect();
        assert_eq!(ordinals, (1..=2 * logins + 2).collect::<Vec<_>>());
        assert!(requests.iter().all(|request| request.protocol == talk.protocol && request.fault.is_none()));
        let writes = proxy.writes();
        assert_eq!(writes.len(), 1);
        assert_eq!((writes[0].connection, writes[0].ordinal), (2, 2 * logins + 2));
        assert_eq!((writes[0].class, writes[0].summary.as_str()), (Class::Write, talk.write.summary));
        assert!(!format!("{requests:?}").contains("pass"), "no password is recorded: {requests:?}");
        proxy.reset();
        assert_eq!(proxy.requests(), []);
    }
}

#[test]
fn what_a_client_sent_before_it_ended_is_counted_before_the_next_look() {
    for talk in Talk::all() {
        let server = Server::start(&talk);
        let proxy = proxy(&talk, &server);
        for round in 0..25 {
            let mut client = Client::log_in(&proxy, &talk);
            client.send(&talk.write.request);
            drop(client);
            assert_eq!(proxy.writes().len(), 1, "round {round}");
            assert_eq!(proxy.requests().len(), talk.login.len() + 1, "round {round}: nothing of the round before");
            proxy.reset();
        }
    }
}

#[test]
fn the_server_sees_the_half_of_a_request_whose_client_was_killed() {
    for talk in Talk::all() {
        let server = Server::start(&talk);
        let proxy = proxy(&talk, &server);
        let mut client = Client::log_in(&proxy, &talk);
        client.send(&talk.write.request[..9]);
        client.give_up();
        assert!(proxy.writes().is_empty());
        assert!(server.received(0).ends_with(&talk.write.request[..9]));
    }
}

#[test]
fn what_is_not_understood_is_a_write_and_ends_the_connection() {
    for (talk, bytes) in
        Talk::all().into_iter().zip(["\x01\0\0\0\x7f", "\x16\x03\x01\0\0", "\x16\x03\x01", "*1\r\n:1\r\n"])
    {
        let server = Server::start(&talk);
        let proxy = proxy(&talk, &server);
        let mut client = Client::log_in(&proxy, &talk);
        client.send(bytes.as_bytes());
        assert_eq!(client.rest(), (Vec::new(), End::Reset));
        let writes = proxy.writes();
        assert_eq!(writes.len(), 1);
        assert!(writes[0].summary.starts_with("not understood: "), "{writes:?}");
    }
}

#[test]
fn a_server_that_is_away_resets() {
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let proxy = Proxy::redis(free);
    assert_eq!(Client::connect(proxy.address()).rest(), (Vec::new(), End::Reset));
    assert_eq!(proxy.requests(), []);
}

#[test]
fn a_fault_that_a_request_cannot_suffer_leaves_it_alone() {
    let faults =
        [Fault::GarbleReply(1), Fault::TruncateReply(0), Fault::StallReply, Fault::DuplicateRequest, Fault::HtmlPage];
    let frames =
        [Frame::unanswered(5, "QUIT"), Frame::handshake(5, "LOGIN"), Frame::new(5, Class::Write, "DROP TABLE t")];
    let can = |frame: &Frame, fault: &Fault| {
        let mut ledger = Ledger::default();
        ledger.arm(At::nth(1), fault.clone());
        let is_chosen = ledger.record(Protocol::Mysql, 1, frame).is_some();
        assert_eq!(ledger.requests[0].can_suffer(fault), is_chosen);
        is_chosen
    };
    let table = frames.map(|frame| faults.clone().map(|fault| can(&frame, &fault)));
    let expected =
        [[false, false, false, true, false], [true, true, true, false, false], [true, true, true, true, false]];
    assert_eq!(table, expected);
}

#[test]
fn a_fault_of_before_a_reset_marks_no_record_of_after() {
    let frame = Frame::new(1, Class::Write, "DEL a");
    let mut ledger = Ledger::default();
    ledger.arm(At::nth(1), Fault::Reset);
    let chosen = ledger.record(Protocol::Redis, 1, &frame).unwrap();
    ledger.reset();
    ledger.arm(At::nth(1), Fault::Stall);
    ledger.record(Protocol::Redis, 1, &frame).unwrap();
    ledger.fire(&chosen);
    assert!(!ledger.fired());
    assert_eq!(ledger.requests[0].fault, None);
}

/// A server that reads this much, takes a while, says this, and closes.
fn server_once(reads: usize, says: &'static [u8]) -> Proxy {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        let (mut stream, _): (TcpStream, _) = listener.accept().unwrap();
        stream.read_exact(&mut vec![0; reads]).unwrap();
        thread::sleep(Duration::from_millis(20));
        stream.write_all(says).unwrap();
    });
    Proxy::http(address, usual_reads)
}

#[test]
fn a_server_that_closes_closes_through_the_proxy() {
    assert_eq!(Client::connect(server_once(0, b"bye").address()).rest(), (b"bye".to_vec(), End::Closed));
    let request = b"GET / HTTP/1.1\r\n\r\n";
    for says in [&b"HTTP/1.0 200 OK\r\n\r\nall of it"[..], b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf of"] {
        let proxy = server_once(request.len(), says);
        let mut client = Client::connect(proxy.address());
        client.send(request);
        assert_eq!(client.rest(), (says.to_vec(), End::Closed));
        assert_eq!(proxy.requests().len(), 1);
    }
}

#[test]
fn a_fault_that_needs_the_answer_is_awaited_before_it_is_told() {
    let request = b"PUT /b HTTP/1.1\r\n\r\n";
    let proxy = server_once(request.len(), b"HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n");
    let mut client = Client::connect(proxy.address());
    assert_eq!(proxy.requests(), []); // the connection has been idle before
    proxy.arm(At::write(1), Fault::DropReply);
    client.send(request);
    assert!(proxy.fired());
}

#[test]
fn a_copy_that_the_server_did_not_answer_is_no_duplicate() {
    let (request, says) = (b"PUT /b HTTP/1.1\r\n\r\n", b"HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n");
    let proxy = server_once(request.len(), says);
    proxy.arm(At::write(1), Fault::DuplicateRequest);
    let mut client = Client::connect(proxy.address());
    client.send(request);
    client.expect(says);
    assert!(!proxy.fired());
}

#[test]
fn a_client_that_waits_for_a_word_is_told_to_go_on() {
    let says = b"HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n";
    let head = b"PUT /b HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n";
    let proxy = server_once(head.len() + 3, says);
    let mut client = Client::connect(proxy.address());
    client.send(head);
    client.expect(b"HTTP/1.1 100 Continue\r\n\r\n");
    client.send(b"abc");
    client.expect(says);
    assert_eq!(proxy.writes().len(), 1);
}
