//! Grafana's administration of organisations and users: Basic authentication of a server administrator, nothing else.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{Answer, Api, Request};

const ROLES: [&str; 4] = ["None", "Viewer", "Editor", "Admin"];

/// An organisation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Org {
    /// Unique.
    pub name: String,
    /// Ids of users → their roles.
    pub members: BTreeMap<u64, String>,
}

/// A user of the server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    /// Unique.
    pub login: String,
    /// Unique.
    pub email: String,
    /// What others read.
    pub name: String,
    /// In clear: this is a stand-in, and tests compare it with what the secret store holds.
    pub password: String,
    /// Whether this user administers the server.
    pub admin: bool,
}

/// The server.
pub struct Grafana {
    /// Organisations by id; 1 is the main one.
    pub orgs: BTreeMap<u64, Org>,
    /// Users by id; 1 is the administrator.
    pub users: BTreeMap<u64, User>,
    /// Service account tokens that are valid, and still no use for administration.
    pub tokens: Vec<String>,
    next_id: u64,
}

impl Grafana {
    /// A new server with the main organisation and its administrator.
    pub fn new(login: &str, password: &str) -> Self {
        let administrator = User {
            login: login.to_owned(),
            email: format!("{login}@localhost"),
            name: String::new(),
            password: password.to_owned(),
            admin: true,
        };
        let main = Org { name: "Main Org.".to_owned(), members: BTreeMap::from([(1, "Admin".to_owned())]) };
        Self {
            orgs: BTreeMap::from([(1, main)]),
            users: BTreeMap::from([(1, administrator)]),
            tokens: Vec::new(),
            next_id: 1,
        }
    }

    /// Returns an organisation by its name.
    pub fn org(&self, name: &str) -> Option<(u64, &Org)> {
        self.orgs.iter().find(|(_, org)| org.name == name).map(|(id, org)| (*id, org))
    }

    /// Returns a user by login or address.
    pub fn user(&self, login_or_email: &str) -> Option<(u64, &User)> {
        let same = |user: &User| user.login == login_or_email || user.email == login_or_email;
        self.users.iter().find(|(_, user)| same(user)).map(|(id, user)| (*id, user))
    }

    /// Adds somebody's organisation, past the API.
    pub fn add_org(&mut self, name: &str) -> u64 {
        let id = self.next_id();
        self.orgs.insert(id, Org { name: name.to_owned(), members: BTreeMap::from([(1, "Admin".to_owned())]) });
        id
    }

    /// Adds somebody, past the API, as a viewer of the main organisation.
    pub fn add_user(&mut self, login: &str, email: &str, password: &str) -> u64 {
        let (login, email) = (login.to_owned(), email.to_owned());
        let user = User { login, email, name: String::new(), password: password.to_owned(), admin: false };
        self.insert(user, 1)
    }

    fn next_id(&mut self) -> u64 {
        self.next_id += 1;
        self.next_id
    }

    fn insert(&mut self, user: User, org: u64) -> u64 {
        let id = self.next_id();
        self.users.insert(id, user);
        if let Some(org) = self.orgs.get_mut(&org) {
            org.members.insert(id, "Viewer".to_owned());
        }
        id
    }

    /// Returns who asks, or the refusal.
    fn caller(&self, request: &Request) -> Result<u64, Answer> {
        if let Some(token) = request.bearer() {
            let known = self.tokens.iter().any(|valid| valid == token);
            return Err(if known { denied() } else { message(401, "Invalid API key") });
        }
        let Some((login, password)) = request.basic() else { return Err(message(401, "Unauthorized")) };
        let user = self.user(&login).filter(|(_, user)| user.password == password);
        user.map(|(id, _)| id).ok_or_else(|| message(401, "Invalid username or password"))
    }

    fn create_org(&mut self, request: &Request) -> Answer {
        let Some(name) = request.text("name").filter(|name| !name.is_empty()) else {
            return message(400, "bad request data");
        };
        if self.org(name).is_some() {
            return message(409, "Organization name taken");
        }
        let id = self.add_org(name);
        Answer::json(200, json!({"orgId": id, "message": "Organization created"}))
    }

    fn rename_org(&mut self, id: u64, request: &Request) -> Answer {
        let Some(name) = request.text("name").filter(|name| !name.is_empty()) else {
            return message(400, "bad request data");
        };
        if self.org(name).is_some_and(|(other, _)| other != id) {
            return message(400, "Organization name taken");
        }
        match self.orgs.get_mut(&id) {
            Some(org) => {
                org.name = name.to_owned();
                message(200, "Organization updated")
            }
            None => message(404, "Organization not found"),
        }
    }

    fn delete_org(&mut self, id: u64) -> Answer {
        match self.orgs.remove(&id) {
            Some(_) => message(200, "Organization deleted"),
            None => message(404, "Failed to delete organization. ID not found"),
        }
    }

    fn create_user(&mut self, request: &Request) -> Answer {
        let text = |key| request.text(key).unwrap_or_default().to_owned();
        let (mut login, mut email, name, password) = (text("login"), text("email"), text("name"), text("password"));
        if login.is_empty() {
            login.clone_from(&email);
        }
        if login.is_empty() {
            return message(400, "Validation error, need specify either username or email");
        }
        if email.is_empty() {
            email.clone_from(&login);
        }
        if password.len() < 4 {
            return message(400, "Password is missing or too short");
        }
        if self.user(&login).is_some() || self.user(&email).is_some() {
            return message(412, &format!("User with email '{email}' or username '{login}' already exists"));
        }
        // A user without an organisation goes into the main one, where viewers see every tenant's dashboards.
        let org = request.body.as_ref().and_then(|body| body.get("OrgId")).and_then(Value::as_u64).unwrap_or(1);
        if !self.orgs.contains_key(&org) {
            return message(400, "Organization not found");
        }
        let id = self.insert(User { login, email, name, password, admin: false }, org);
        Answer::json(200, json!({"id": id, "message": "User created"}))
    }

    fn set_password(&mut self, id: u64, request: &Request) -> Answer {
        let Some(password) = request.text("password").filter(|password| password.len() >= 4) else {
            return message(400, "New password too short");
        };
        match self.users.get_mut(&id) {
            Some(user) => {
                user.password = password.to_owned();
                message(200, "User password updated")
            }
            None => message(404, "user not found"),
        }
    }

    fn update_user(&mut self, id: u64, request: &Request) -> Answer {
        let Some(user) = self.users.get_mut(&id) else { return message(404, "user not found") };
        for (key, field) in [("login", &mut user.login), ("email", &mut user.email), ("name", &mut user.name)] {
            if let Some(text) = request.text(key) {
                text.clone_into(field);
            }
        }
        message(200, "User updated")
    }

    fn delete_user(&mut self, id: u64) -> Answer {
        if self.users.remove(&id).is_none() {
            return message(404, "user not found");
        }
        self.orgs.values_mut().for_each(|org| {
            org.members.remove(&id);
        });
        message(200, "User deleted")
    }

    fn lookup(&self, request: &Request) -> Answer {
        let wanted = request.query.get("loginOrEmail").map(String::as_str).unwrap_or_default();
        let Some((id, user)) = self.user(wanted) else { return message(404, "user not found") };
        let org = self.orgs.iter().find(|(_, org)| org.members.contains_key(&id)).map_or(0, |(id, _)| *id);
        let User { login, email, name, password: _, admin } = user;
        let body = json!({
            "id": id, "login": login, "email": email, "name": name, "orgId": org, "isGrafanaAdmin": admin,
            "isDisabled": false,
        });
        Answer::json(200, body)
    }

    fn members(&self, org: u64) -> Answer {
        let Some(found) = self.orgs.get(&org) else { return message(404, "Organization not found") };
        let member = |(id, role): (&u64, &String)| {
            let user = self.users.get(id)?;
            Some(json!({"orgId": org, "userId": id, "login": user.login, "email": user.email, "role": role}))
        };
        Answer::json(200, found.members.iter().filter_map(member).collect())
    }

    fn add_member(&mut self, org: u64, request: &Request) -> Answer {
        let role = request.text("role").unwrap_or_default();
        if !ROLES.contains(&role) {
            return message(400, "Invalid role specified");
        }
        let wanted = request.text("loginOrEmail").unwrap_or_default();
        let Some(id) = self.user(wanted).map(|(id, _)| id) else { return message(404, "User not found") };
        match self.orgs.get_mut(&org) {
            None => message(404, "Organization not found"),
            Some(org) if org.members.contains_key(&id) => message(409, "User is already member of this organization"),
            Some(org) => {
                org.members.insert(id, role.to_owned());
                Answer::json(200, json!({"message": "User added to organization", "userId": id}))
            }
        }
    }

    fn set_role(&mut self, org: u64, user: u64, request: &Request) -> Answer {
        let role = request.text("role").unwrap_or_default();
        if !ROLES.contains(&role) {
            return message(400, "Invalid role specified");
        }
        match self.orgs.get_mut(&org).and_then(|org| org.members.get_mut(&user)) {
            Some(has) => {
                role.clone_into(has);
                message(200, "Organization user updated")
            }
            None => message(404, "User not found in organization"),
        }
    }

    fn remove_member(&mut self, org: u64, user: u64) -> Answer {
        match self.orgs.get_mut(&org).and_then(|org| org.members.remove(&user)) {
            Some(_) => message(200, "User removed from organization"),
            None => message(404, "User not found in organization"),
        }
    }

    fn administrate(&mut self, request: &Request) -> Answer {
        let (method, segments) = request.route();
        let number = |text: &str| text.parse().unwrap_or(0);
        match (method, &segments[..]) {
            ("GET", ["api", "orgs", "name", name]) => self.org(name).map_or_else(missing_org, org),
            ("GET", ["api", "orgs", id]) => {
                let id = number(id);
                self.orgs.get(&id).map(|found| (id, found)).map_or_else(missing_org, org)
            }
            ("POST", ["api", "orgs"]) => self.create_org(request),
            ("PUT", ["api", "orgs", id]) => self.rename_org(number(id), request),
            ("DELETE", ["api", "orgs", id]) => self.delete_org(number(id)),
            ("GET", ["api", "orgs", id, "users"]) => self.members(number(id)),
            ("POST", ["api", "orgs", id, "users"]) => self.add_member(number(id), request),
            ("PATCH", ["api", "orgs", id, "users", user]) => self.set_role(number(id), number(user), request),
            ("DELETE", ["api", "orgs", id, "users", user]) => self.remove_member(number(id), number(user)),
            ("GET", ["api", "users", "lookup"]) => self.lookup(request),
            ("PUT", ["api", "users", id]) => self.update_user(number(id), request),
            ("POST", ["api", "admin", "users"]) => self.create_user(request),
            ("PUT", ["api", "admin", "users", id, "password"]) => self.set_password(number(id), request),
            ("DELETE", ["api", "admin", "users", id]) => self.delete_user(number(id)),
            _ => message(404, "Not found"),
        }
    }
}

impl Api for Grafana {
    fn answer(&mut self, request: &Request) -> Answer {
        let caller = match self.caller(request) {
            Ok(caller) => caller,
            Err(refusal) => return refusal,
        };
        let user = &self.users[&caller];
        // What everybody may ask: who they are. It proves a password.
        if request.method == "GET" && request.path == "/api/user" {
            return Answer::json(200, json!({"id": caller, "login": user.login, "email": user.email}));
        }
        if user.admin { self.administrate(request) } else { denied() }
    }
}

fn org((id, org): (u64, &Org)) -> Answer {
    let address = json!({"address1": "", "address2": "", "city": "", "zipCode": "", "state": "", "country": ""});
    Answer::json(200, json!({"id": id, "name": org.name, "address": address}))
}

fn missing_org() -> Answer {
    message(404, "Organization not found")
}

fn denied() -> Answer {
    message(403, "Permission denied")
}

fn message(status: u16, text: &str) -> Answer {
    Answer::json(status, json!({"message": text}))
}
