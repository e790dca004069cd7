//! What counts as a write, and what a record may show.

use crate::wire::{
    Class::{self, Read, Session, Write},
    HttpRequest,
    framing::Framing,
    http::{Http, usual_reads},
    redis::Redis,
    sql::{self, Dialect},
};

#[test]
fn statements_by_what_they_do() {
    let both = [Dialect::Mysql, Dialect::Postgres];
    let cases: [(&[Dialect], &str, Class); 46] = [
        (&both, "", Session),
        (&both, " ; ;", Session),
        (&both, "select 1", Read),
        (&both, "(SELECT 1)", Read),
        (&both, "/* why */ -- so\nSELECT 'DROP; INSERT'", Read),
        (&both, "SELECT privilege_type FROM x WHERE p = 'INSERT'", Read),
        (&both, "SELECT * FROM t FOR UPDATE", Read),
        (&both, "WITH a AS (SELECT 1) SELECT * FROM a", Read),
        (&both, "WITH a AS (DELETE FROM t RETURNING 1) SELECT * FROM a", Write),
        (&both, "EXPLAIN ANALYZE UPDATE t SET a = 1", Write),
        (&both, "SELECT 1 INTO t", Write),
        (&both, "CREATE DATABASE x", Write),
        (&both, "GRANT SELECT ON x TO y", Write),
        (&both, "REVOKE ALL ON x FROM y", Write),
        (&both, "COMMENT ON DATABASE x IS 'y'", Write),
        (&both, "SELECT 1; drop table t", Write),
        (&both, "BEGIN; SELECT 1; COMMIT", Read),
        (&both, "BEGIN", Session),
        (&both, "START TRANSACTION READ ONLY", Session),
        (&both, "ROLLBACK TO SAVEPOINT a", Session),
        (&both, "SET SESSION x = 1", Session),
        (&both, "PREPARE x AS SELECT 1", Session),
        (&both, "EXECUTE x", Write),
        (&both, "CALL p()", Write),
        (&both, "FROBNICATE", Write),
        (&[Dialect::Mysql], "SHOW GRANTS FOR 'a'@'%'", Read),
        (&[Dialect::Mysql], "SELECT GET_LOCK('acme', 5)", Session),
        (&[Dialect::Mysql], "DO RELEASE_LOCK('acme')", Session),
        (&[Dialect::Mysql], "SET PASSWORD FOR a = 'x'", Write),
        (&[Dialect::Mysql], "SET @@GLOBAL.read_only = 1", Write),
        (&[Dialect::Mysql], "START SLAVE", Write),
        (&[Dialect::Mysql], "RESET MASTER", Write),
        (&[Dialect::Mysql], "KILL 7", Write),
        (&[Dialect::Mysql], "FLUSH PRIVILEGES", Write),
        (&[Dialect::Mysql], "# DROP\nUSE shop", Session),
        (&[Dialect::Mysql], "SELECT 'a\\'; DROP'", Read),
        (&[Dialect::Mysql], "SELECT \"a; DROP\", `b; DROP`", Read),
        (&[Dialect::Mysql], "/*!50000 DROP TABLE t */", Write),
        (&[Dialect::Postgres], "SELECT pg_try_advisory_xact_lock(1)", Session),
        (&[Dialect::Postgres], "SELECT pg_terminate_backend(1)", Write),
        (&[Dialect::Postgres], "SELECT set_config('role', 'a', true)", Session),
        (&[Dialect::Postgres], "DO $x$ BEGIN DROP TABLE t; END $x$", Write),
        (&[Dialect::Postgres], "SELECT $$a; DROP$$, E'\\'; DROP', $1", Read),
        (&[Dialect::Postgres], "SELECT 'a\\'; DROP TABLE t; --'", Write),
        (&[Dialect::Postgres], "/* a /* nested */ DROP */ SELECT 1", Read),
        (&[Dialect::Postgres], "RESET ROLE", Session),
    ];
    for (dialects, text, class) in cases {
        for dialect in dialects {
            assert_eq!(sql::class(text, *dialect), class, "{dialect:?}: {text}");
        }
    }
}

#[test]
fn statements_are_shown_without_passwords() {
    let cases = [
        ("CREATE USER 'a'@'%' IDENTIFIED BY 'canary'", "CREATE USER 'a'@'%' IDENTIFIED BY ***"),
        ("SET PASSWORD FOR 'a'@'h' = PASSWORD('canary')", "SET PASSWORD FOR 'a'@'h' = PASSWORD(***)"),
        (
            "ALTER USER a IDENTIFIED VIA x USING 'canary' OR y USING \"canary\"; SELECT 'b'",
            "ALTER USER a IDENTIFIED VIA x USING *** OR y USING ***; SELECT 'b'",
        ),
        ("SELECT '*94BDCEBE19083CE2A1F959FD02F964C7AF4CFC29', 'short'", "SELECT ***, 'short'"),
        ("SELECT x'94BDCEBE19083CE2A1F959FD02F964C7'", "SELECT x***"),
        ("SELECT 0x94BDCEBE19083CE2A1F959FD02F964C7", "SELECT ***"),
    ];
    for (text, shown) in cases {
        assert_eq!(sql::masked(text, Dialect::Mysql), shown);
    }
    let cases = [
        ("ALTER ROLE a PASSWORD 'it''s canary' VALID UNTIL 'x'", "ALTER ROLE a PASSWORD *** VALID UNTIL ***"),
        ("CREATE ROLE \"a\" ENCRYPTED password E'ca\\'nary'", "CREATE ROLE \"a\" ENCRYPTED password ***"),
        ("CREATE ROLE a PASSWORD $q$canary$q$", "CREATE ROLE a PASSWORD ***"),
        ("SELECT 'SCRAM-SHA-256$4096:canary'", "SELECT ***"),
        ("SELECT 'md55f4dcc3b5aa765d61d8327deb882cf99'", "SELECT ***"),
        ("COMMENT ON ROLE a IS 'tenantry acme 0198'", "COMMENT ON ROLE a IS 'tenantry acme 0198'"),
    ];
    for (text, shown) in cases {
        assert_eq!(sql::masked(text, Dialect::Postgres), shown);
    }
}

fn http(request: &str) -> (Class, String) {
    let mut http = Http::new(std::sync::Arc::new(|request: &HttpRequest| {
        usual_reads(request) || request.path() == "/search" && request.body == b"[1,2]"
    }));
    let frame = http.request(request.as_bytes()).unwrap().unwrap();
    (frame.class, frame.summary)
}

#[test]
fn http_requests_by_what_they_do() {
    let aws = |target: &str| format!("POST / HTTP/1.1\r\nX-Amz-Target: secretsmanager.{target}\r\n\r\n");
    let form = |action: &str| {
        let body = format!("Version=1&Action={action}");
        format!("POST / HTTP/1.1\r\nContent-Length: {}\r\n\r\n{body}", body.len())
    };
    let login = "POST /v1/auth/kubernetes/login HTTP/1.1\r\nContent-Length: 0\r\n\r\n".to_owned();
    let search = |chunk: &str| format!("POST /search HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n{chunk}0\r\n\r\n");
    let cases = [
        (aws("GetSecretValue"), Read),
        (aws("DescribeSecret"), Read),
        (aws("CreateSecret"), Write),
        (form("ListUsers"), Read),
        (form("CreateUser"), Write),
        (login.clone(), Read),
        (login.replace("/login", "/role"), Write),
        (search("2\r\n[1\r\n3\r\n,2]\r\n"), Read),
        (search("2\r\n[]\r\n"), Write),
        ("PATCH /x HTTP/1.1\r\n\r\n".to_owned(), Write),
        ("OPTIONS * HTTP/1.1\r\n\r\n".to_owned(), Read),
    ];
    for (request, class) in cases {
        assert_eq!(http(&request).0, class, "{request}");
    }
    let signed = "GET /b/o?X-Amz-Signature=canary&list-type=2&access_token=canary&flag HTTP/1.1\r\n\
                  Authorization: canary\r\n\r\n";
    assert_eq!(http(signed).1, "GET /b/o?X-Amz-Signature=***&list-type=2&access_token=***&flag");
}

#[test]
fn redis_commands_by_what_they_do() {
    let cases = [
        ("PING", Session, "PING"),
        ("auth root canary", Session, "auth *** ***"),
        ("HELLO 3 AUTH root canary", Session, "HELLO 3 *** *** ***"),
        ("CLIENT SETINFO LIB-NAME x", Session, "CLIENT SETINFO LIB-NAME x"),
        ("CLIENT KILL ID 7", Write, "CLIENT KILL ID 7"),
        ("ACL GETUSER a", Read, "ACL GETUSER a"),
        ("acl whoami", Read, "acl whoami"),
        ("ACL DRYRUN a GET k", Read, "ACL DRYRUN a GET k"),
        ("ACL LOG RESET", Write, "ACL LOG RESET"),
        (
            "ACL SETUSER a on >canary #canary <canary !canary ~acme:* +@read",
            Write,
            "ACL SETUSER a on *** *** *** *** ~acme:* +@read",
        ),
        ("ACL DELUSER a", Write, "ACL DELUSER a"),
        ("ACL SAVE", Write, "ACL SAVE"),
        ("CONFIG GET aclfile", Read, "CONFIG GET aclfile"),
        ("CONFIG SET requirepass canary", Write, "CONFIG SET requirepass ***"),
        ("GET a", Read, "GET a"),
        ("SET a canary", Write, "SET a ***"),
        ("DEL a b", Write, "DEL a b"),
        ("FUNCTION LOAD x", Write, "FUNCTION LOAD ***"),
    ];
    for (command, class, shown) in cases {
        let frame = Redis.request(format!("{command}\r\n").as_bytes()).unwrap().unwrap();
        assert_eq!((frame.class, frame.summary.as_str()), (class, shown));
    }
}

#[test]
fn a_summary_is_one_line_of_at_most_200_characters() {
    let long = format!("*2\r\n$3\r\nDEL\r\n$602\r\n{}\r\n", "é\t".repeat(200) + "ab");
    let frame = Redis.request(long.as_bytes()).unwrap().unwrap();
    assert_eq!(frame.summary.chars().count(), 200);
    assert!(frame.summary.starts_with("DEL é é é"));
}
