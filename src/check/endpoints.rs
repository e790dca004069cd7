//! Where servers are, and where their credentials come from: never a credential itself.

use super::{
    hosts,
    places::{Finder, below},
    shape::shown,
};
use crate::{
    diag::Code,
    provision::connection::{AppRole, Connection, HttpAuthentication, Tls, UserPassword},
};

/// Finds what is wrong with a connection.
pub(super) fn check(finder: &mut Finder<'_>, pointer: &str, connection: &Connection) {
    match connection {
        Connection::Mysql { host: name, credentials, tls, port: _ }
        | Connection::Redis { host: name, credentials, tls, port: _ } => {
            database(finder, pointer, name, tls, credentials);
        }
        Connection::Postgres { host: name, credentials, tls, extensions, port: _ } => {
            database(finder, pointer, name, tls, credentials);
            for (at, extension) in extensions.iter().enumerate() {
                super::objects::identifier(finder, &format!("{pointer}/extensions/{at}"), extension, "_-");
            }
        }
        Connection::ObjectStore { endpoint, credentials, ca_file, region: _, flavour: _ } => {
            url(finder, &below(pointer, "endpoint"), endpoint, &WEB);
            file(finder, &below(pointer, "caFile"), ca_file.as_deref());
            user_password(finder, &below(pointer, "credentials"), credentials);
        }
        Connection::Rabbitmq { host: name, management_url, credentials, ca_file, port: _ } => {
            host(finder, &below(pointer, "host"), name);
            url(finder, &below(pointer, "managementUrl"), management_url, &WEB);
            file(finder, &below(pointer, "caFile"), ca_file.as_deref());
            user_password(finder, &below(pointer, "credentials"), credentials);
        }
        Connection::Http { url: base, authentication, ca_file } => {
            url(finder, &below(pointer, "url"), base, &WEB);
            file(finder, &below(pointer, "caFile"), ca_file.as_deref());
            web_login(finder, &below(pointer, "authentication"), authentication);
        }
        Connection::Vault { url: base, token_env, app_role, ca_file, mount: _, kubernetes_role: _ } => {
            url(finder, &below(pointer, "url"), base, &WEB);
            file(finder, &below(pointer, "caFile"), ca_file.as_deref());
            if let Some(token_env) = token_env {
                variable(finder, &below(pointer, "tokenEnv"), token_env);
            }
            if let Some(AppRole { role_id_env, secret_id_env }) = app_role {
                variable(finder, &format!("{pointer}/appRole/roleIdEnv"), role_id_env);
                variable(finder, &format!("{pointer}/appRole/secretIdEnv"), secret_id_env);
            }
        }
        Connection::AwsSecretsManager { endpoint, credentials, region: _ } => {
            if let Some(endpoint) = endpoint {
                url(finder, &below(pointer, "endpoint"), endpoint, &WEB);
            }
            user_password(finder, &below(pointer, "credentials"), credentials);
        }
        Connection::KubernetesSecrets { namespace } => {
            super::naming::namespace(finder, &below(pointer, "namespace"), namespace);
        }
        Connection::Directory { path: _ } | Connection::Sandbox { path: _ } => {}
    }
}

fn database(finder: &mut Finder<'_>, pointer: &str, name: &str, tls: &Tls, credentials: &UserPassword) {
    host(finder, &below(pointer, "host"), name);
    file(finder, &format!("{pointer}/tls/caFile"), tls.ca_file.as_deref());
    user_password(finder, &below(pointer, "credentials"), credentials);
}

fn web_login(finder: &mut Finder<'_>, pointer: &str, authentication: &HttpAuthentication) {
    match authentication {
        HttpAuthentication::Bearer { token_env, token_file } => {
            one_text(finder, &below(pointer, "bearer"), ("tokenEnv", token_env), ("tokenFile", token_file));
        }
        HttpAuthentication::Basic(credentials) => user_password(finder, &below(pointer, "basic"), credentials),
        HttpAuthentication::Header { name: _, value_env, value_file } => {
            one_text(finder, &below(pointer, "header"), ("valueEnv", value_env), ("valueFile", value_file));
        }
        HttpAuthentication::Login { path: _, username_key: _, password_key: _, token_at, credentials } => {
            super::http::pointer(finder, &format!("{pointer}/login/tokenAt"), token_at);
            user_password(finder, &format!("{pointer}/login/credentials"), credentials);
        }
    }
}

fn user_password(finder: &mut Finder<'_>, pointer: &str, credentials: &UserPassword) {
    let UserPassword { username_env, password_env, username_file, password_file, secret: _ } = credentials;
    for (key, name) in [("usernameEnv", username_env), ("passwordEnv", password_env)] {
        if let Some(name) = name {
            variable(finder, &below(pointer, key), name);
        }
    }
    for (key, path) in [("usernameFile", username_file), ("passwordFile", password_file)] {
        file(finder, &below(pointer, key), path.as_deref());
    }
    if credentials.source().is_none() {
        finder.key(
            Code::CredentialSource,
            pointer,
            "a credential comes from exactly one place, user and password together",
            "name `usernameEnv` and `passwordEnv`, or `usernameFile` and `passwordFile`, or one `secret` of the secret store",
        );
    }
}

/// A token comes from one place: a variable or a file.
fn one_text(finder: &mut Finder<'_>, pointer: &str, env: (&str, &Option<String>), path: (&str, &Option<String>)) {
    if let Some(name) = env.1 {
        variable(finder, &below(pointer, env.0), name);
    }
    file(finder, &below(pointer, path.0), path.1.as_deref());
    if env.1.is_some() == path.1.is_some() {
        let help = format!("name `{}` or `{}`", env.0, path.0);
        finder.key(Code::CredentialSource, pointer, "a credential comes from exactly one place", help);
    }
}

/// A path that means the same wherever the engine is started.
fn file(finder: &mut Finder<'_>, pointer: &str, path: Option<&str>) {
    if let Some(path) = path
        && !path.starts_with('/')
    {
        let message = format!("{} is no absolute path", shown(path));
        finder.value(Code::InvalidPath, pointer, message, "start it with `/`: it is a file where the engine runs");
    }
}

/// A name of a variable, so that a password written in its place is noticed before it is committed.
fn variable(finder: &mut Finder<'_>, pointer: &str, name: &str) {
    let first = name.bytes().next().is_some_and(|b| b.is_ascii_uppercase() || b == b'_');
    if !first || !name.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'_') {
        finder.value(
            Code::InvalidVariableName,
            pointer,
            "this is not the name of an environment variable: upper-case letters, digits and `_`, no digit first",
            "write the name of a variable, `MYSQL_ADMIN_PASSWORD` for example, and put the credential into the platform's own Secret",
        );
    }
}

/// Schemes of what speaks HTTP.
pub(super) const WEB: [&str; 2] = ["https", "http"];

/// Finds what is wrong with a URL.
pub(super) fn url(finder: &mut Finder<'_>, pointer: &str, text: &str, schemes: &[&str]) {
    let Some((scheme, rest)) = text.split_once("://") else {
        let help = format!("start it with `{}://`", schemes[0]);
        finder.value(Code::InvalidUrl, pointer, format!("{} is no URL", shown(text)), help);
        return;
    };
    if !schemes.contains(&scheme) {
        let list = super::suggest::list(schemes.iter().copied()).unwrap_or_default();
        let message = format!("{} is no scheme that can be used here", shown(scheme));
        finder.value(Code::InvalidUrl, pointer, message, format!("the schemes are {list}"));
        return;
    }
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let (user, server) = authority.rsplit_once('@').map_or((None, authority), |(user, server)| (Some(user), server));
    if user.is_some_and(|user| user.contains(':')) {
        let help = "take user and password out; they come from environment variables";
        // The URL is not repeated: it holds a password.
        finder.value(Code::InlineCredential, pointer, "the URL holds a password", help);
        return;
    }
    let (name, port) = match server.rsplit_once(':') {
        Some((name, port)) if !port.ends_with(']') => (name, Some(port)),
        _ => (server, None),
    };
    if !is_host(name) || port.is_some_and(|port| port.parse::<u16>().is_err()) || text.contains(char::is_whitespace) {
        let help = "write `https://host`, with a port and a path where they are needed";
        finder.value(Code::InvalidUrl, pointer, format!("{} is no URL", shown(text)), help);
    }
}

/// Finds what is wrong with the host of a server: a name inside the cluster may have a single label.
fn host(finder: &mut Finder<'_>, pointer: &str, name: &str) {
    if !is_host(name) {
        let help = "write a host name or an address, without a scheme and a port";
        finder.value(Code::InvalidHost, pointer, format!("{} is no host", shown(name)), help);
    }
}

fn is_host(name: &str) -> bool {
    let address = name.strip_prefix('[').and_then(|name| name.strip_suffix(']')).unwrap_or(name);
    address.parse::<core::net::IpAddr>().is_ok()
        || match hosts::parse(name) {
            Ok(_) => true,
            Err(hosts::HostFault::SingleLabel) => true,
            Err(_) => false,
        }
}
