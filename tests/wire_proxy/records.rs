//! What is recorded, when, and how connections end that no fault has hit.

use std::{
    io::{Read, Write},
    net::{TcpListener, TcpStream},
    thread,
};

use crate::{
    server::{Client, End, Server, proxy},
    talks::Talk,
    wire::{Class, Proxy, http::usual_reads},
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

/// A server that reads this much, says this, and closes.
fn server_once(reads: usize, says: &'static [u8]) -> Proxy {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        let (mut stream, _): (TcpStream, _) = listener.accept().unwrap();
        stream.read_exact(&mut vec![0; reads]).unwrap();
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
