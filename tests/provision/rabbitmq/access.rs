//! Who gets into a virtual host, over which connection, and how many are looked at.

use super::*;

/// Reads the next method of a broker: class and method, and the rest.
fn method(socket: &mut TcpStream) -> (u16, u16, Vec<u8>) {
    let mut head = [0; 7];
    socket.read_exact(&mut head).unwrap();
    let mut payload = vec![0; u32::from_be_bytes([head[3], head[4], head[5], head[6]]) as usize + 1];
    socket.read_exact(&mut payload).unwrap();
    let number = |at: usize| u16::from_be_bytes([payload[at], payload[at + 1]]);
    (number(0), number(2), payload[4..].to_vec())
}

/// Opens a connection as an application does, and keeps it.
fn connected(user: &str, password: &str, vhost: &str) -> TcpStream {
    let mut socket = TcpStream::connect(amqp()).unwrap();
    socket.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    let send = |method: [u8; 4], rest: Vec<u8>, socket: &mut TcpStream| {
        let payload = [&method[..], &rest].concat();
        let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
        socket.write_all(&[&[1, 0, 0][..], &length, &payload, &[0xce]].concat()).unwrap();
    };
    let short = |text: &str| [&[u8::try_from(text.len()).unwrap()], text.as_bytes()].concat();
    socket.write_all(b"AMQP\x00\x00\x09\x01").unwrap();
    assert_eq!(method(&mut socket).1, 10);
    let login = format!("\0{user}\0{password}");
    let length = u32::try_from(login.len()).unwrap().to_be_bytes();
    let start = [&[0; 4][..], &short("PLAIN"), &length, login.as_bytes(), &short("en_US")].concat();
    send([0, 10, 0, 11], start, &mut socket);
    let (_, _, tune) = method(&mut socket);
    send([0, 10, 0, 31], tune[..8].to_vec(), &mut socket);
    send([0, 10, 0, 40], [short(vhost), vec![0, 0]].concat(), &mut socket);
    assert_eq!(method(&mut socket).1, 41);
    socket
}

#[test]
#[ignore = "needs rabbitmq: run by tests/run"]
fn rabbitmq_vhost_lets_go_of_others() {
    let (rabbitmq, other) = (Rabbitmq::new("lets_go"), Rabbitmq::new("lets_go_other"));
    let store = made(&rabbitmq);
    let _store = made(&other);
    let all = json!({"configure": ".*", "write": ".*", "read": ".*"});
    must("PUT", &other.path("permissions", &format!("/{}", rabbitmq.user)), all);
    let mut inside = connected(&rabbitmq.user, &rabbitmq.stored_password().unwrap(), &other.vhost);

    let report = run(&rabbitmq.document(UID, false, store.path()), &allowing(Allow::default()));
    let names: Vec<_> = report.steps.iter().map(|step| step.action.as_str()).collect();
    let steps = ["rabbitmq-lock-permissions", "rabbitmq-close-connections", "rabbitmq-delete-permissions"];
    assert_eq!(names, steps);
    assert_done(&[report]);
    assert_eq!(method(&mut inside).1, 50, "the connection that was open is closed");
    let rights = must("GET", &format!("users/{}/permissions", rabbitmq.user), Value::Null);
    assert_eq!(rights.as_array().unwrap().len(), 1, "{rights}");
}

#[test]
#[ignore = "needs rabbitmq: run by tests/run"]
fn rabbitmq_vhost_isolation() {
    let (rabbitmq, other) = (Rabbitmq::new("isolation"), Rabbitmq::new("isolation_other"));
    let stores = [made(&rabbitmq), made(&other)];
    let server = Rc::new(server(&rabbitmq));
    let (own, neighbour) = (rabbitmq.wanted(), other.wanted());
    let root = Wanted { name: "/".to_owned(), ..own.clone() };
    let nowhere = Wanted { name: "abc/nowhere".to_owned(), ..own.clone() };
    let claim = Claim { tenant: "abc".to_owned(), uid: UID.to_owned() };
    let asked = Asked { wanted: &own, claim: &claim, stored: true };
    let try_all = |password: &str| {
        let fields = [("password".to_owned(), Secret::new(password))].into();
        let entry = Entry::new(fields, "1");
        let look = Look { asked, entry: Some(&entry) };
        block_on(Prober::new(&server).probe(look, &[&own, &neighbour, &root, &nowhere]))
    };
    let password = rabbitmq.stored_password().unwrap();
    let found = try_all(&password).unwrap();
    let opened = Access::Allowed(format!("opened the virtual host `{}`", own.name));
    assert_eq!(found[0].as_ref().unwrap(), &opened);
    assert_eq!([found[1].as_ref().unwrap(), found[2].as_ref().unwrap()], [&Access::Denied, &Access::Denied]);
    assert!(found[3].is_err(), "what is not there proves nothing");
    assert!(try_all("wrong").is_err());
    // A hole is seen.
    let all = json!({"configure": "^$", "write": "^$", "read": "^$"});
    must("PUT", &format!("permissions/%2F/{}", rabbitmq.user), all);
    assert!(matches!(try_all(&password).unwrap()[2], Ok(Access::Allowed(_))));
    // A limit that is reached is no refusal of the right.
    must("PUT", &rabbitmq.path("vhost-limits", "/max-connections"), json!({"value": 0}));
    assert!(try_all(&password).unwrap()[0].is_err());
    drop(stores);
}

fn server(rabbitmq: &Rabbitmq) -> Server {
    let url = format!("http://{}", rabbitmq.proxy.address());
    let (host, port) = amqp();
    Server::new("rabbitmq", &url, (&host, port), None, &administrator()).unwrap()
}

/// Over TLS as over TCP; and who cannot be trusted, or speaks no TLS, gets no password.
#[test]
#[ignore = "needs rabbitmq: run by tests/run"]
fn rabbitmq_vhost_tls() {
    let rabbitmq = Rabbitmq::new("tls");
    let _store = made(&rabbitmq);
    let (wanted, claim) = (rabbitmq.wanted(), Claim { tenant: "abc".to_owned(), uid: UID.to_owned() });
    let look = Look { asked: Asked { wanted: &wanted, claim: &claim, stored: true }, entry: None };
    let (ca, url) = (variable("TENANTRY_TEST_CA"), variable("TENANTRY_TEST_RABBITMQ_TLS_URL"));
    let (host, plain_port) = amqp();
    let port = variable("TENANTRY_TEST_RABBITMQ_TLS_PORT").parse().unwrap();
    let observe = |url: &str, ca: Option<&str>| {
        let server = Server::new("rabbitmq", url, (&host, port), ca, &administrator()).unwrap();
        let seen = block_on(Observer::new(&Rc::new(server)).observe(&[look])).remove(0);
        seen.map(|seen| seen.vhost.is_some()).map_err(|trouble| trouble.kind())
    };
    let plain = variable("TENANTRY_TEST_RABBITMQ_URL").replace("http://", "https://");
    assert_eq!(observe(&url, Some(&ca)), Ok(true));
    assert_eq!(observe(&url, None), Err(TroubleKind::Tls), "the system does not know this authority");
    assert_eq!(observe(&url.replace("127.0.0.1", "127.0.0.2"), Some(&ca)), Err(TroubleKind::Unreachable));
    assert_eq!(observe(&plain, Some(&ca)), Err(TroubleKind::Tls));

    let password = Secret::new(rabbitmq.stored_password().unwrap());
    let open = |host: &str, port, ca: Option<&str>| {
        let address = Address::new("rabbitmq", host, port, ca).with_tls(true);
        block_on(address.open(&rabbitmq.user, &password, &rabbitmq.vhost)).map_err(|trouble: Trouble| trouble.kind())
    };
    assert_eq!(open(&host, port, Some(&ca)), Ok(Answer::Open));
    assert_eq!(open("localhost", port, Some(&ca)), Ok(Answer::Open));
    assert_eq!(open(&host, port, Some(&variable("TENANTRY_TEST_CA_EXPIRED_CERTIFICATE"))), Err(TroubleKind::Tls));
    assert_eq!(open(&host, port, None), Err(TroubleKind::Setup));
    assert!(open(&host, plain_port, Some(&ca)).is_err());
}

/// Many looks at once read the server's listings, few ask for each: they must see the same.
#[test]
#[ignore = "needs rabbitmq: run by tests/run"]
fn rabbitmq_vhost_bulk() {
    let cases: Vec<Rabbitmq> = (0..12).map(|number| Rabbitmq::new(&format!("bulk_{number}"))).collect();
    let _stores: Vec<_> = cases[..3].iter().map(made).collect();
    // A virtual host without a user, and a user without one.
    must("DELETE", &format!("users/{}", cases[1].user), Value::Null);
    must("DELETE", &cases[2].path("vhosts", ""), Value::Null);
    let all = json!({"configure": ".*", "write": ".*", "read": ".*"});
    must("PUT", &cases[0].path("permissions", &format!("/{}", cases[2].user)), all);
    let wanted: Vec<_> = cases.iter().map(Rabbitmq::wanted).collect();
    let claim = Claim { tenant: "abc".to_owned(), uid: UID.to_owned() };
    let looks: Vec<_> = wanted
        .iter()
        .map(|wanted| Look { asked: Asked { wanted, claim: &claim, stored: true }, entry: None })
        .collect();
    let observer = Observer::new(&Rc::new(server(&cases[0])));
    cases[0].proxy.reset();
    let (together, asked, single) = block_on(async {
        let together = observer.observe(&looks).await;
        let asked = cases[0].proxy.requests().len();
        let mut single = Vec::new();
        for look in &looks {
            single.extend(observer.observe(std::slice::from_ref(look)).await);
        }
        (together, asked, single)
    });
    assert_eq!(asked, 9, "one request for each listing, however many are looked at");
    for (number, (one, other)) in together.into_iter().zip(single).enumerate() {
        let (one, other) = (one.unwrap(), other.unwrap());
        assert_eq!(one, other, "{number}");
        assert_eq!((one.vhost.is_some(), one.user.is_some()), (number < 2, number == 0 || number == 2), "{number}");
    }
}
