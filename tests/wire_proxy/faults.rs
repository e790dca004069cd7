//! Every fault, in every protocol: what the client sees, and what the server got.

use std::time::{Duration, Instant};

use crate::{
    server::{Client, End, Server, proxy},
    talks::Talk,
    wire::{At, Class, Fault, Protocol, Proxy, faults::garbled},
};

/// A logged-in client of each protocol, the fault waiting for its first write.
fn each(fault: &Fault, test: impl Fn(&Talk, &Server, &Proxy, Client)) {
    for talk in Talk::all() {
        let server = Server::start(&talk);
        let proxy = proxy(&talk, &server);
        let client = Client::log_in(&proxy, &talk);
        proxy.arm(At::write(1), fault.clone());
        assert!(!proxy.fired(), "{fault:?} waits");
        test(&talk, &server, &proxy, client);
        assert!(proxy.fired(), "{fault:?} in {:?}", talk.protocol);
        let hit: Vec<_> = proxy.requests().into_iter().filter(|request| request.fault.is_some()).collect();
        assert_eq!(hit.len(), 1, "{hit:?}");
        assert_eq!((hit[0].summary.as_str(), hit[0].fault.as_ref()), (talk.write.summary, Some(fault)));
    }
}

/// After the fault a new connection works as if nothing had been.
fn heals(talk: &Talk, proxy: &Proxy) {
    Client::log_in(proxy, talk).exchange(&talk.write);
}

#[test]
fn cut_before() {
    each(&Fault::CutBefore, |talk, server, proxy, mut client| {
        client.exchange(&talk.read);
        client.send(&talk.write.request);
        assert_eq!(client.rest(), (Vec::new(), End::Closed));
        assert_eq!(server.count(&talk.write), 0);
        heals(talk, proxy);
        assert_eq!(server.count(&talk.write), 1);
    });
}

#[test]
fn reset() {
    each(&Fault::Reset, |talk, server, proxy, mut client| {
        client.send(&talk.write.request);
        assert_eq!(client.rest(), (Vec::new(), End::Reset));
        assert_eq!(server.count(&talk.write), 0);
        heals(talk, proxy);
    });
}

#[test]
fn cut_after_some_bytes_and_never_after_all() {
    for count in [0, 1, 7, usize::MAX] {
        each(&Fault::CutAfterBytes(count), |talk, server, proxy, mut client| {
            let before: usize = talk.login.iter().map(|turn| turn.request.len()).sum();
            client.send(&talk.write.request);
            assert_eq!(client.rest(), (Vec::new(), End::Reset));
            let forwarded = count.min(talk.write.request.len() - 1);
            assert_eq!(server.received(0)[before..], talk.write.request[..forwarded]);
            heals(talk, proxy);
        });
    }
}

#[test]
fn drop_reply() {
    each(&Fault::DropReply, |talk, server, proxy, mut client| {
        client.send(&talk.write.request);
        assert_eq!(client.rest(), (Vec::new(), End::Closed));
        assert_eq!(server.count(&talk.write), 1, "it was done");
        heals(talk, proxy);
    });
}

#[test]
fn stall_until_released() {
    each(&Fault::Stall, |talk, server, proxy, mut client| {
        client.send(&talk.write.request);
        assert_eq!(client.listen_shortly(), (Vec::new(), End::Silent));
        assert_eq!(server.count(&talk.write), 0);
        heals(talk, proxy); // others go on
        assert!(proxy.fired());
        proxy.release();
        client.expect(&talk.write.answer);
        client.exchange(&talk.read);
    });
}

#[test]
fn stall_until_the_client_gives_up() {
    each(&Fault::Stall, |talk, server, proxy, mut client| {
        client.send(&talk.write.request);
        assert_eq!(client.listen_shortly(), (Vec::new(), End::Silent));
        client.give_up();
        assert!(proxy.fired());
        proxy.release();
        heals(talk, proxy);
        assert_eq!(server.count(&talk.write), 1, "the stalled one is gone with its client");
    });
}

#[test]
fn stall_the_reply() {
    each(&Fault::StallReply, |talk, server, proxy, mut client| {
        client.send(&talk.write.request);
        assert_eq!(client.listen_shortly(), (Vec::new(), End::Silent));
        assert_eq!(server.count(&talk.write), 1);
        proxy.release();
        client.expect(&talk.write.answer);
        client.exchange(&talk.read);
    });
}

#[test]
fn delay() {
    let time = Duration::from_millis(40);
    each(&Fault::Delay(time), |talk, server, _, mut client| {
        let start = Instant::now();
        client.exchange(&talk.write);
        assert!(start.elapsed() >= time);
        assert_eq!(server.count(&talk.write), 1);
        client.exchange(&talk.read);
    });
}

#[test]
fn garbled_replies_have_the_same_length_and_other_bytes_the_same_for_one_seed() {
    for seed in 0..20 {
        each(&Fault::GarbleReply(seed), |talk, server, proxy, mut client| {
            client.send(&talk.write.request);
            let (garbled, end) = client.rest();
            assert_eq!((garbled.len(), end), (talk.write.answer.len(), End::Closed));
            assert_ne!(garbled, talk.write.answer);
            assert_eq!(server.count(&talk.write), 1);
            proxy.reset();
            proxy.arm(At::write(1), Fault::GarbleReply(seed));
            let mut again = Client::log_in(proxy, talk);
            again.send(&talk.write.request);
            assert_eq!(again.rest().0, garbled);
        });
    }
}

#[test]
fn every_seed_garbles_even_one_byte() {
    for seed in 0..2_000 {
        assert_ne!(garbled(b"1".to_vec(), seed), b"1", "{seed}");
    }
    assert_eq!(garbled(Vec::new(), 1), b"");
}

#[test]
fn truncated_replies_lack_at_least_their_last_byte() {
    for count in [0, 3, usize::MAX] {
        each(&Fault::TruncateReply(count), |talk, server, _, mut client| {
            client.send(&talk.write.request);
            let passed = count.min(talk.write.answer.len() - 1);
            assert_eq!(client.rest(), (talk.write.answer[..passed].to_vec(), End::Closed));
            assert_eq!(server.count(&talk.write), 1);
        });
    }
}

#[test]
fn duplicates_reach_the_server_and_one_answer_the_client() {
    each(&Fault::DuplicateRequest, |talk, server, proxy, mut client| {
        client.exchange(&talk.write);
        assert_eq!(server.count(&talk.write), 2);
        client.exchange(&talk.read);
        client.exchange(&talk.other_write);
        assert_eq!(client.listen_shortly(), (Vec::new(), End::Silent));
        assert_eq!(proxy.writes().len(), 2, "the client sent it once");
    });
}

#[test]
fn handshakes_are_not_duplicated() {
    for talk in Talk::all() {
        let Some(login) = talk.login.first().filter(|_| talk.protocol != Protocol::Redis) else { continue };
        let server = Server::start(&talk);
        let proxy = proxy(&talk, &server);
        proxy.arm(At::nth(1), Fault::DuplicateRequest);
        Client::log_in(&proxy, &talk).exchange(&talk.write);
        assert_eq!(server.count(login), 1);
        assert!(!proxy.fired());
    }
}

fn http() -> (Talk, Server, Proxy) {
    let [_, _, talk, _] = Talk::all();
    let server = Server::start(&talk);
    let proxy = proxy(&talk, &server);
    (talk, server, proxy)
}

#[test]
fn http_statuses_with_and_without_the_server() {
    for (code, retry_after, is_forwarded) in [(429, Some(2), false), (503, None, true), (409, None, false)] {
        let (talk, server, proxy) = http();
        proxy.arm(At::nth(2), Fault::HttpStatus { code, retry_after, is_forwarded });
        let mut client = Client::log_in(&proxy, &talk);
        client.exchange(&talk.read);
        client.send(&talk.write.request);
        let (answer, end) = client.listen_shortly();
        let answer = String::from_utf8(answer).unwrap();
        assert!(answer.starts_with(&format!("HTTP/1.1 {code} ")), "{answer}");
        assert_eq!(answer.contains("\r\nRetry-After: 2\r\n"), retry_after.is_some());
        assert_eq!(end, End::Silent, "the connection is kept");
        assert_eq!(server.count(&talk.write), usize::from(is_forwarded));
        client.exchange(&talk.write);
        assert!(proxy.fired());
    }
}

#[test]
fn a_page_for_people() {
    let (talk, server, proxy) = http();
    proxy.arm(At::write(1), Fault::HtmlPage);
    let mut client = Client::log_in(&proxy, &talk);
    client.send(&talk.write.request);
    let answer = String::from_utf8(client.listen_shortly().0).unwrap();
    assert!(
        answer.starts_with("HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n") && answer.ends_with("</p>"),
        "{answer}"
    );
    assert_eq!(server.count(&talk.write), 0);
    client.exchange(&talk.read);
}

#[test]
fn a_head_gets_no_body_from_the_proxy_either() {
    let (_, _, proxy) = http();
    proxy.arm(At::nth(1), Fault::HttpStatus { code: 500, retry_after: None, is_forwarded: false });
    let mut client = Client::connect(proxy.address());
    client.send(b"HEAD /acme-media HTTP/1.1\r\n\r\n");
    let (answer, _) = client.listen_shortly();
    assert!(answer.starts_with(b"HTTP/1.1 500 ") && answer.ends_with(b"\r\n\r\n"));
}

#[test]
#[should_panic(expected = "is for HTTP, this proxy speaks Redis")]
fn faults_of_http_are_refused_elsewhere() {
    let [_, _, _, redis] = Talk::all();
    proxy(&redis, &Server::start(&redis)).arm(At::nth(1), Fault::HtmlPage);
}

#[test]
fn the_nth_request_is_counted_over_all_connections_and_by_class() {
    for talk in Talk::all() {
        let server = Server::start(&talk);
        let proxy = proxy(&talk, &server);
        let (mut one, mut two) = (Client::log_in(&proxy, &talk), Client::log_in(&proxy, &talk));
        proxy.arm(At::nth_of(Class::Read, 2), Fault::CutBefore);
        proxy.arm(At::nth_of(Class::Write, 3), Fault::Reset);
        one.exchange(&talk.write);
        one.exchange(&talk.read);
        one.exchange(&talk.write);
        two.send(&talk.read.request);
        assert_eq!(two.rest().1, End::Closed);
        assert!(!proxy.fired(), "one of the two waits still");
        one.send(&talk.other_write.request);
        assert_eq!(one.rest().1, End::Reset);
        assert!(proxy.fired());
    }
}

#[test]
fn a_fault_may_go_on() {
    let (talk, server, proxy) = http();
    proxy.arm(At::write(2).and_after(), Fault::DropReply);
    Client::log_in(&proxy, &talk).exchange(&talk.write);
    for _ in 0..3 {
        let mut client = Client::log_in(&proxy, &talk);
        client.exchange(&talk.read);
        client.send(&talk.write.request);
        assert_eq!(client.rest(), (Vec::new(), End::Closed));
    }
    assert_eq!(server.count(&talk.write), 4);
    proxy.reset();
    Client::log_in(&proxy, &talk).exchange(&talk.write);
    assert!(!proxy.fired(), "forgotten");
}
