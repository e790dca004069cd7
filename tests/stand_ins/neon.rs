//! Neon: branches of one project, made by operations that lock the project while they run.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{Answer, Api, Request};

/// How often an operation is looked at before it has finished.
const LOOKS: u32 = 2;

/// A branch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Branch {
    /// Not unique: the API takes a second one of the same name.
    pub name: String,
    /// What it was cloned from.
    pub parent: Option<String>,
    /// `parent-data`, or `schema-only` for one that starts without its parent's rows.
    pub init_source: String,
    /// The host of its compute; without one nobody can connect.
    pub endpoint: Option<String>,
    /// Roles and their passwords.
    pub roles: BTreeMap<String, String>,
    /// Databases and their owners.
    pub databases: BTreeMap<String, String>,
    /// The owner's own notes.
    pub annotation: BTreeMap<String, String>,
}

/// An operation on the project.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Operation {
    /// The branch it works on.
    pub branch: String,
    /// What it does.
    pub action: &'static str,
    /// How many more looks until it has finished.
    pub looks_left: u32,
}

/// A project.
pub struct Neon {
    key: String,
    project: String,
    next_id: u64,
    /// Branches by id.
    pub branches: BTreeMap<String, Branch>,
    /// Operations by id, finished ones included.
    pub operations: BTreeMap<String, Operation>,
}

impl Neon {
    /// A project with its default branch `main`, which holds a role and a database.
    pub fn new(key: &str, project: &str) -> Self {
        let main = Branch {
            name: "main".to_owned(),
            parent: None,
            init_source: "parent-data".to_owned(),
            endpoint: Some("ep-main-000000".to_owned()),
            roles: BTreeMap::from([("app_owner".to_owned(), "npg_main000000".to_owned())]),
            databases: BTreeMap::from([("app".to_owned(), "app_owner".to_owned())]),
            annotation: BTreeMap::new(),
        };
        Self {
            key: key.to_owned(),
            project: project.to_owned(),
            next_id: 0,
            branches: BTreeMap::from([("br-main-000000".to_owned(), main)]),
            operations: BTreeMap::new(),
        }
    }

    /// Adds somebody's branch, past the API.
    pub fn add(&mut self, name: &str) -> String {
        let parent = self.branches["br-main-000000"].clone();
        let id = self.id("br-foreign");
        let parent_id = Some("br-main-000000".to_owned());
        self.branches.insert(id.clone(), Branch { name: name.to_owned(), parent: parent_id, ..parent });
        id
    }

    /// Returns all branches of a name.
    pub fn named(&self, name: &str) -> Vec<(&String, &Branch)> {
        self.branches.iter().filter(|(_, branch)| branch.name == name).collect()
    }

    /// Starts an operation of somebody else, which locks the project.
    pub fn lock(&mut self) {
        self.operate("br-main-000000", "check_availability");
    }

    fn id(&mut self, prefix: &str) -> String {
        self.next_id += 1;
        format!("{prefix}-{:06}", self.next_id)
    }

    fn operate(&mut self, branch: &str, action: &'static str) -> Value {
        let id = self.id("00000000-0000-4000-8000-000000");
        let operation = Operation { branch: branch.to_owned(), action, looks_left: LOOKS };
        let shown = self.show_operation(&id, &operation);
        self.operations.insert(id, operation);
        shown
    }

    /// Every request that looks lets running operations come one nearer to their end.
    fn time_passes(&mut self) {
        for operation in self.operations.values_mut() {
            operation.looks_left = operation.looks_left.saturating_sub(1);
        }
    }

    fn is_locked(&self) -> bool {
        self.operations.values().any(|operation| operation.looks_left > 0)
    }

    fn show_operation(&self, id: &str, operation: &Operation) -> Value {
        let status = match operation.looks_left {
            0 => "finished",
            1 => "running",
            _ => "scheduling",
        };
        json!({
            "id": id, "project_id": self.project, "branch_id": operation.branch, "action": operation.action,
            "status": status, "failures_count": 0,
        })
    }

    fn show(&self, id: &str, branch: &Branch) -> Value {
        let busy = self.operations.values().any(|operation| operation.branch == *id && operation.looks_left > 0);
        json!({
            "id": id, "project_id": self.project, "name": branch.name, "parent_id": branch.parent,
            "current_state": if busy { "init" } else { "ready" }, "init_source": branch.init_source,
            "default": branch.parent.is_none(), "protected": false,
        })
    }

    fn list(&mut self, request: &Request) -> Answer {
        let search = request.query.get("search").cloned().unwrap_or_default();
        let after = request.query.get("cursor").cloned().unwrap_or_default();
        let limit = request.number("limit").unwrap_or(100).clamp(1, 10_000);
        let fits =
            |(id, branch): &(&String, &Branch)| **id > after && (branch.name.contains(&search) || id.contains(&search));
        let page: Vec<(&String, &Branch)> = self.branches.iter().filter(fits).take(limit).collect();
        let branches: Vec<Value> = page.iter().map(|(id, branch)| self.show(id, branch)).collect();
        let annotations: BTreeMap<&String, Value> = page
            .iter()
            .filter(|(_, branch)| !branch.annotation.is_empty())
            .map(|(id, branch)| (*id, annotation(id, branch)))
            .collect();
        let mut pagination = json!({"sort_by": "updated_at", "sort_order": "DESC"});
        if page.len() == limit {
            pagination["next"] = json!(page[limit - 1].0);
        }
        let body = json!({"branches": branches, "annotations": annotations, "pagination": pagination});
        self.time_passes();
        Answer::json(200, body)
    }

    fn get(&mut self, id: &str) -> Answer {
        let Some(branch) = self.branches.get(id) else { return refusal(404, "branch not found") };
        let body = json!({"branch": self.show(id, branch), "annotation": annotation(id, branch)});
        self.time_passes();
        Answer::json(200, body)
    }

    fn create(&mut self, request: &Request) -> Answer {
        if self.is_locked() {
            return refusal(
                423,
                "project already has running conflicting operations, scheduling of new ones is prohibited",
            );
        }
        let body = request.body.clone().unwrap_or_default();
        let wanted = &body["branch"];
        let parent_id = wanted["parent_id"].as_str().unwrap_or("br-main-000000").to_owned();
        let Some(parent) = self.branches.get(&parent_id).cloned() else {
            return refusal(404, "parent branch not found");
        };
        let id = self.id("br-quiet");
        let endpoint = body["endpoints"].as_array().is_some_and(|endpoints| !endpoints.is_empty());
        let password = format!("npg_{}", id.replace('-', ""));
        let branch = Branch {
            name: wanted["name"].as_str().unwrap_or(&id).to_owned(),
            parent: Some(parent_id),
            init_source: wanted["init_source"].as_str().unwrap_or("parent-data").to_owned(),
            endpoint: endpoint.then(|| id.replace("br-", "ep-")),
            // A clone has its parent's roles; their passwords are new ones.
            roles: parent.roles.keys().map(|role| (role.clone(), password.clone())).collect(),
            databases: parent.databases,
            annotation: serde_json::from_value(body["annotation_value"].clone()).unwrap_or_default(),
        };
        let mut operations = vec![self.operate(&id, "create_branch")];
        let mut answer = json!({"endpoints": [], "databases": [], "roles": []});
        if let Some(host) = &branch.endpoint {
            operations.push(self.operate(&id, "start_compute"));
            answer["endpoints"] = json!([{"id": host, "branch_id": id, "type": "read_write", "host": address(host)}]);
            answer["connection_uris"] = json!([connection(&branch, host, "app", "app_owner")]);
        }
        answer["operations"] = json!(operations);
        self.branches.insert(id.clone(), branch);
        answer["branch"] = self.show(&id, &self.branches[&id]);
        Answer::json(201, answer)
    }

    fn update(&mut self, id: &str, request: &Request) -> Answer {
        let Some(branch) = self.branches.get_mut(id) else { return refusal(404, "branch not found") };
        if let Some(name) = request.body.as_ref().and_then(|body| body["branch"]["name"].as_str()) {
            name.clone_into(&mut branch.name);
        }
        let shown = self.show(id, &self.branches[id]);
        Answer::json(200, json!({"branch": shown, "operations": []}))
    }

    fn delete(&mut self, id: &str) -> Answer {
        let Some(branch) = self.branches.get(id) else { return Answer::empty(204) };
        if branch.parent.is_none() {
            return refusal(422, "cannot delete the default branch");
        }
        if self.branches.values().any(|other| other.parent.as_deref() == Some(id)) {
            return refusal(422, "cannot delete a branch that has children");
        }
        if self.is_locked() {
            return refusal(
                423,
                "project already has running conflicting operations, scheduling of new ones is prohibited",
            );
        }
        let shown = self.show(id, branch);
        self.branches.remove(id);
        let operation = self.operate(id, "delete_timeline");
        Answer::json(200, json!({"branch": shown, "operations": [operation]}))
    }

    fn operation(&mut self, id: &str) -> Answer {
        self.time_passes();
        match self.operations.get(id) {
            Some(operation) => Answer::json(200, json!({"operation": self.show_operation(id, operation)})),
            None => refusal(404, "operation not found"),
        }
    }

    fn reveal(&self, id: &str, role: &str) -> Answer {
        match self.branches.get(id).and_then(|branch| branch.roles.get(role)) {
            Some(password) => Answer::json(200, json!({"password": password})),
            None => refusal(404, "role not found"),
        }
    }

    fn connection_uri(&self, request: &Request) -> Answer {
        let text = |key| request.query.get(key).map(String::as_str).unwrap_or_default();
        let (database, role) = (text("database_name"), text("role_name"));
        let Some(branch) = self.branches.get(text("branch_id")) else { return refusal(404, "branch not found") };
        match &branch.endpoint {
            Some(host) if branch.databases.contains_key(database) && branch.roles.contains_key(role) => {
                let uri = connection(branch, host, database, role)["connection_uri"].clone();
                Answer::json(200, json!({"uri": uri}))
            }
            Some(_) => refusal(404, "role or database not found"),
            None => refusal(404, "endpoint not found"),
        }
    }

    fn create_role(&mut self, id: &str, request: &Request) -> Answer {
        if self.is_locked() {
            return refusal(
                423,
                "project already has running conflicting operations, scheduling of new ones is prohibited",
            );
        }
        let name = request.body.as_ref().and_then(|body| body["role"]["name"].as_str()).unwrap_or_default().to_owned();
        let Some(branch) = self.branches.get_mut(id) else { return refusal(404, "branch not found") };
        if branch.roles.contains_key(&name) {
            return refusal(409, "role already exists");
        }
        let password = format!("npg_{name}");
        branch.roles.insert(name.clone(), password.clone());
        let operation = self.operate(id, "apply_config");
        let role = json!({"branch_id": id, "name": name, "password": password, "protected": false});
        Answer::json(201, json!({"role": role, "operations": [operation]}))
    }

    fn create_database(&mut self, id: &str, request: &Request) -> Answer {
        if self.is_locked() {
            return refusal(
                423,
                "project already has running conflicting operations, scheduling of new ones is prohibited",
            );
        }
        let body = request.body.clone().unwrap_or_default();
        let text = |key: &str| body["database"][key].as_str().unwrap_or_default().to_owned();
        let (name, owner) = (text("name"), text("owner_name"));
        let Some(branch) = self.branches.get_mut(id) else { return refusal(404, "branch not found") };
        if !branch.roles.contains_key(&owner) {
            return refusal(404, "role not found");
        }
        if branch.databases.contains_key(&name) {
            return refusal(409, "database already exists");
        }
        branch.databases.insert(name.clone(), owner.clone());
        let operation = self.operate(id, "apply_config");
        let database = json!({"branch_id": id, "name": name, "owner_name": owner});
        Answer::json(201, json!({"database": database, "operations": [operation]}))
    }
}

impl Api for Neon {
    fn answer(&mut self, request: &Request) -> Answer {
        if request.bearer() != Some(&self.key) {
            return refusal(401, "supplied credentials do not pass authentication");
        }
        let (method, segments) = request.route();
        let ["api", "v2", "projects", project, rest @ ..] = &segments[..] else {
            return refusal(404, "this route does not exist");
        };
        if *project != self.project {
            return refusal(404, "project not found");
        }
        match (method, rest) {
            ("GET", ["branches"]) => self.list(request),
            ("POST", ["branches"]) => self.create(request),
            ("GET", ["branches", id]) => self.get(id),
            ("PATCH", ["branches", id]) => self.update(id, request),
            ("DELETE", ["branches", id]) => self.delete(id),
            ("POST", ["branches", id, "roles"]) => self.create_role(id, request),
            ("POST", ["branches", id, "databases"]) => self.create_database(id, request),
            ("GET", ["branches", id, "roles", role, "reveal_password"]) => self.reveal(id, role),
            ("GET", ["operations", id]) => self.operation(id),
            ("GET", ["connection_uri"]) => self.connection_uri(request),
            _ => refusal(404, "this route does not exist"),
        }
    }
}

fn annotation(id: &str, branch: &Branch) -> Value {
    json!({"object": {"type": "console/branch", "id": id}, "value": branch.annotation})
}

fn address(endpoint: &str) -> String {
    format!("{endpoint}.eu-central-1.neon.invalid")
}

fn connection(branch: &Branch, endpoint: &str, database: &str, role: &str) -> Value {
    let (password, host) = (&branch.roles[role], address(endpoint));
    json!({
        "connection_uri": format!("postgresql://{role}:{password}@{host}/{database}?sslmode=require"),
        "connection_parameters": {"database": database, "role": role, "password": password, "host": host},
    })
}

fn refusal(status: u16, message: &str) -> Answer {
    Answer::json(status, json!({"request_id": "00000000", "code": "", "message": message}))
}
