//! TLS that cannot be agreed on, and certificates that are not to be trusted: nothing is sent to such a server.

use std::{
    path::Path,
    process::{Command, Stdio},
};

use serde_json::{Value, json};

use crate::{
    day::{Day, resource},
    listeners, own,
    shared::{administrator::done, servers::variable},
};

/// What is to be done where TLS fails.
const REMEDY: &str = "see `tls` and `caFile` of the connection";

fn required(authority: &str) -> Value {
    json!({"mode": "required", "caFile": authority})
}

/// An authority that signed nothing.
fn another_authority(day: &Day) -> String {
    let (key, certificate) = (day.path("other.key"), day.path("other.pem"));
    let mut command = Command::new("openssl");
    command.args([
        "req",
        "-x509",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:P-256",
        "-nodes",
        "-subj",
        "/CN=another",
    ]);
    command.arg("-keyout").arg(key).arg("-out").arg(&certificate).stdin(Stdio::null());
    done(&command.output().unwrap());
    certificate.display().to_string()
}

/// The day's document with everything that has TLS on the test servers, spoken to with TLS.
fn secured(day: &Day, authority: &str) -> Value {
    let mut document = day.document(&["mysql", "postgres", "redis", "vhost"]);
    for name in ["mysql", "postgres", "redis"] {
        document["connections"][name]["tls"] = required(authority);
    }
    document["connections"]["redis"]["port"] = json!(variable("TENANTRY_TEST_REDIS_TLS_PORT").parse::<u16>().unwrap());
    document["connections"]["rabbitmq"]["managementUrl"] = json!(variable("TENANTRY_TEST_RABBITMQ_TLS_URL"));
    document["connections"]["rabbitmq"]["port"] =
        json!(variable("TENANTRY_TEST_RABBITMQ_TLS_PORT").parse::<u16>().unwrap());
    document["connections"]["rabbitmq"]["caFile"] = json!(authority);
    document
}

/// Checks that all resources of a document fail for TLS, by name, in a look and in a run.
#[track_caller]
fn assert_refused(day: &Day, document: &Value) {
    for verb in ["plan", "apply"] {
        let ended = day.run(verb, document, &[]);
        day.assert_told(&ended, 5, &[REMEDY]);
        let report = ended.report(5);
        for wanted in document["resources"].as_array().unwrap() {
            let found = resource(&report, wanted["id"].as_str().unwrap());
            assert!(found["trouble"]["help"].as_str().unwrap_or_default().contains(REMEDY), "{found:#}");
            let connection = format!("connection `{}`", wanted["connection"].as_str().unwrap());
            assert!(found["trouble"]["message"].as_str().unwrap().contains(&connection), "{found:#}");
            assert_eq!(found["steps"], json!([]), "{found:#}");
        }
    }
}

#[test]
#[ignore = "needs mariadb, postgres, redis, rabbitmq, minio, openbao: run by tests/run"]
fn a_server_without_tls_is_refused_where_tls_is_required() {
    let day = Day::new();
    let good = day.document(&["mysql", "postgres", "vhost", "files", "keys", "grafana"]);
    let kept = day.made(&good);
    let (mariadb, postgres) = (own::mariadb(&["--skip-ssl"]), own::postgres(&["ssl = off"], &[]));
    let mut bad = good.clone();
    let authority = variable("TENANTRY_TEST_CA");
    bad["connections"]["mysql"] = own::connection("mysql", mariadb.port, required(&authority));
    bad["connections"]["postgres"] = own::connection("postgres", postgres.port, required(&authority));
    for (name, key) in [("rabbitmq", "managementUrl"), ("minio", "endpoint"), ("grafana", "url")] {
        let url = bad["connections"][name][key].as_str().unwrap().replace("http://", "https://");
        bad["connections"][name][key] = json!(url);
        bad["connections"][name]["caFile"] = json!(authority);
    }
    let day = day.knowing_own();
    assert_refused(&day, &bad);
    // Redis takes a greeting in TLS for the beginning of a line, and waits for its end.
    let mut mute = day.document(&["redis"]);
    mute["connections"]["redis"]["tls"] = required(&authority);
    day.assert_told(&day.plan(&mute), 75, &["connection `redis`", "no answer within 8 s"]);
    day.assert_untouched(&kept, &good);
    day.end_well(&kept, &good);
}

#[test]
#[ignore = "needs mariadb, postgres, redis, rabbitmq, minio, openbao: run by tests/run"]
fn a_certificate_of_another_authority_is_refused() {
    let day = Day::new();
    let good = secured(&day, &variable("TENANTRY_TEST_CA"));
    let kept = day.made(&good);
    assert_refused(&day, &secured(&day, &another_authority(&day)));
    day.assert_untouched(&kept, &good);
    day.end_well(&kept, &good);
}

#[test]
#[ignore = "needs mariadb, postgres, redis, rabbitmq, minio, openbao: run by tests/run"]
fn a_certificate_for_another_host_is_refused() {
    let day = Day::new();
    let good = secured(&day, &variable("TENANTRY_TEST_CA"));
    let kept = day.made(&good);
    let mut bad = good.clone();
    for name in ["mysql", "postgres", "redis"] {
        let port = bad["connections"][name]["port"].as_u64().unwrap();
        let address = listeners::elsewhere(format!("127.0.0.1:{port}").parse().unwrap());
        bad["connections"][name]["host"] = json!(address.ip().to_string());
        bad["connections"][name]["port"] = json!(address.port());
    }
    let url = variable("TENANTRY_TEST_RABBITMQ_TLS_URL");
    let address = listeners::elsewhere(format!("127.0.0.1:{}", url.rsplit_once(':').unwrap().1).parse().unwrap());
    bad["connections"]["rabbitmq"]["managementUrl"] = json!(format!("https://{address}"));
    assert_refused(&day, &bad);
    day.assert_untouched(&kept, &good);
    day.end_well(&kept, &good);
}

#[test]
#[ignore = "needs mariadb, postgres, redis, rabbitmq, minio, openbao: run by tests/run"]
fn an_expired_certificate_is_refused_by_every_client() {
    let day = Day::new();
    let good = day.document(&["mysql", "postgres", "redis", "vhost", "files", "keys", "grafana"]);
    let kept = day.made(&good);
    let names = ["TENANTRY_TEST_CA_EXPIRED_CERTIFICATE", "TENANTRY_TEST_CA_EXPIRED_KEY", "TENANTRY_TEST_CA"];
    let [certificate, key, authority] = names.map(variable);
    let option = |name: &str, path: &str| format!("--{name}={path}");
    let mariadb = own::mariadb(&[&option("ssl-cert", &certificate), &option("ssl-key", &key)]);
    let read = |path: &str| std::fs::read(Path::new(path)).unwrap();
    let settings = ["ssl = on", "ssl_cert_file = 'expired.pem'", "ssl_key_file = 'expired.key'"];
    let postgres = own::postgres(&settings, &[("expired.pem", &read(&certificate)), ("expired.key", &read(&key))]);
    let tls_port = listeners::closed_port();
    let redis = own::redis(&[
        "--tls-port",
        &tls_port.to_string(),
        "--tls-auth-clients",
        "no",
        "--tls-ca-cert-file",
        &authority,
        "--tls-cert-file",
        &certificate,
        "--tls-key-file",
        &key,
    ]);
    let https = listeners::https(&certificate, &key);
    let mut bad = good.clone();
    bad["connections"]["mysql"] = own::connection("mysql", mariadb.port, required(&authority));
    bad["connections"]["postgres"] = own::connection("postgres", postgres.port, required(&authority));
    bad["connections"]["redis"] = own::connection("redis", tls_port, required(&authority));
    for (name, key) in [("rabbitmq", "managementUrl"), ("minio", "endpoint"), ("grafana", "url")] {
        bad["connections"][name][key] = json!(format!("https://127.0.0.1:{https}"));
        bad["connections"][name]["caFile"] = json!(authority);
    }
    let day = day.knowing_own();
    assert_refused(&day, &bad);
    drop((mariadb, postgres, redis));
    day.assert_untouched(&kept, &good);
    day.end_well(&kept, &good);
}

#[test]
#[ignore = "needs mariadb, postgres, redis, rabbitmq, minio, openbao: run by tests/run"]
fn a_secret_store_without_a_certificate_to_trust_gets_no_token() {
    let day = Day::with_openbao();
    let good = day.document(&["redis"]);
    let kept = day.made(&good);
    let names = ["TENANTRY_TEST_CA_EXPIRED_CERTIFICATE", "TENANTRY_TEST_CA_EXPIRED_KEY", "TENANTRY_TEST_CA"];
    let [certificate, key, authority] = names.map(variable);
    let https = listeners::https(&certificate, &key);
    let plain = variable("TENANTRY_TEST_OPENBAO_URL").replace("http://", "https://");
    for url in [format!("https://127.0.0.1:{https}"), plain] {
        let mut bad = good.clone();
        bad["connections"]["store"]["url"] = json!(url);
        bad["connections"]["store"]["caFile"] = json!(authority);
        for verb in ["plan", "apply"] {
            day.assert_told(&day.run(verb, &bad, &[]), 5, &["connection `store`", REMEDY]);
        }
    }
    day.assert_untouched(&kept, &good);
    day.end_well(&kept, &good);
}

#[test]
#[ignore = "needs mariadb, postgres, redis, rabbitmq, minio, openbao: run by tests/run"]
fn a_file_with_authorities_that_is_none_is_told_before_anything_is_sent() {
    let day = Day::new();
    let good = secured(&day, &variable("TENANTRY_TEST_CA"));
    let kept = day.made(&good);
    let empty = day.path("empty.pem");
    std::fs::write(&empty, "").unwrap();
    for authority in [day.path("nowhere.pem"), empty] {
        for name in ["mysql", "postgres", "redis", "rabbitmq"] {
            let mut bad = good.clone();
            match name {
                "rabbitmq" => bad["connections"][name]["caFile"] = json!(authority),
                _ => bad["connections"][name]["tls"]["caFile"] = json!(authority),
            }
            let ended = day.plan(&bad);
            day.assert_told(&ended, 5, &[&format!("connection `{name}`"), "help"]);
        }
    }
    day.assert_untouched(&kept, &good);
    day.end_well(&kept, &good);
}
