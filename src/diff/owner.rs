//! What changes for one owner: a tenant, or the platform itself.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{
    DiffError,
    change_set::{Change, Danger, Entry, FieldChange, Level, Op, Subject},
    danger,
    documents::{self, Changed, Document, Documents, Pair, Side},
    fields,
    fold::Own,
    generated::{self, Provisioned},
    hooks,
    hosts::Hosts,
    mask, outside,
};
use crate::{kubernetes::ObjectId, tree::Tree};

/// What changes for an owner, and what folding must know of it.
pub(super) struct Compared {
    pub(super) entries: Vec<Entry>,
    pub(super) own: Own,
    pub(super) hosts: Hosts,
}

/// What is left, or came, of a created object when its tenant is new as well: a reader knows the tier, and wants the size.
const HIGHLIGHTS: [&str; 7] = [
    "/spec/replicas",
    "/spec/hard",
    "/spec/resources/requests/storage",
    "/spec/hostnames",
    "/spec/dnsNames",
    "/spec/schedule",
    "/spec/maxReplicas",
];

/// The file that makes a folder of `tenants/` a tenant.
const MARKER: &str = "application.json";

/// Compares the files that belong to no tenant.
pub(super) fn platform(files: &[Changed<'_>]) -> Result<Compared, DiffError> {
    let documents = Documents::read(files)?;
    let provisioned = Provisioned { documents: Pair::default() };
    let owner = Owner { tenant: None, new: false, provisioned, files, running: None };
    Ok(Compared { entries: owner.entries(documents), own: Own::default(), hosts: Hosts::default() })
}

/// Compares the files of one tenant that differ.
pub(super) fn tenant(tenant: &str, files: &[Changed<'_>], base: &Tree, target: &Tree) -> Result<Compared, DiffError> {
    let folder = format!("tenants/{tenant}/");
    let has = |tree: &Tree| tree.get(&format!("{folder}{MARKER}")).is_some();
    let none = |tree: &Tree| tree.under(&folder).next().is_none();
    let (comes, goes) = (has(target) && none(base), has(base) && none(target));

    let provision = format!("{folder}provision.yaml");
    let provisioned = Provisioned { documents: read_pair(&provision, base, target)? };
    let mut documents = Documents::read(files)?;
    documents.others.retain(|(path, _), _| *path != provision);
    let own = own_names(&read_pair(&format!("{folder}{MARKER}"), base, target)?, &provisioned);

    let running = Some(Running { folder: &folder, tree: base });
    let owner = Owner { tenant: Some(tenant), new: comes, provisioned, files, running };
    let emptied = !goes && owner.is_emptied(&documents, target, &folder);
    let mut entries: Vec<Entry> = owner.whole(tenant, comes, goes, emptied).into_iter().collect();
    let only_hooks = hooks::are_all_that_changes(&documents);
    entries.extend(owner.entries(documents));
    with_their_namespaces(&mut entries);
    if only_hooks && !comes {
        hooks::add_dangers(&mut entries);
    }
    if files.iter().any(|file| file.path == provision) {
        entries.extend(outside::entries(tenant, &provision, &owner.provisioned.documents));
    }
    Ok(Compared { entries, own, hosts: Hosts::between(&folder, files, base, target)? })
}

/// Takes the dangers from walls that go together with what they protect: a namespace that is deleted needs no policy.
fn with_their_namespaces(entries: &mut [Entry]) {
    let deleted = |entry: &Entry| match &entry.subject {
        Subject::Object { kind, name, .. } if entry.op == Op::Delete && kind == "Namespace" => Some(name.clone()),
        _ => None,
    };
    let gone: BTreeSet<String> = entries.iter().filter_map(deleted).collect();
    for entry in entries.iter_mut().filter(|entry| entry.op == Op::Delete) {
        let is_in =
            matches!(&entry.subject, Subject::Object { namespace: Some(namespace), .. } if gone.contains(namespace));
        if is_in {
            entry.dangers.retain(|danger| danger.level != Level::Exposure);
        }
    }
}

/// Reads a file of one document from both trees.
fn read_pair(path: &str, base: &Tree, target: &Tree) -> Result<Pair<Value>, DiffError> {
    let read = |side, tree: &Tree| match tree.get(path) {
        Some(text) => documents::read(path, side, text).map(|values| values.into_iter().next()),
        None => Ok(None),
    };
    Ok(Pair { base: read(Side::Base, base)?, target: read(Side::Target, target)? })
}

fn own_names(application: &Pair<Value>, provisioned: &Provisioned) -> Own {
    let find = |value: Option<&Value>, key| find(value?, key).map(str::to_owned);
    Own {
        namespace: find(application.either(), "namespace"),
        uid: find(application.either(), "uid").or_else(|| find(provisioned.documents.either(), "uid")),
    }
}

/// Returns the first text under the key, on the top or in the first level of maps.
fn find<'a>(value: &'a Value, key: &str) -> Option<&'a str> {
    let map = value.as_object()?;
    let direct = map.get(key).and_then(Value::as_str);
    direct.or_else(|| map.values().find_map(|value| value.get(key).and_then(Value::as_str)))
}

struct Owner<'a> {
    tenant: Option<&'a str>,
    /// Whether the tenant as a whole is new.
    new: bool,
    provisioned: Provisioned,
    files: &'a [Changed<'a>],
    /// What a tenant has in the cluster by the base.
    running: Option<Running<'a>>,
}

/// The objects of a tenant as the base has them.
struct Running<'a> {
    folder: &'a str,
    tree: &'a Tree,
}

impl Running<'_> {
    /// Reads them all; a file that cannot be read is the business of who compares it.
    fn objects(&self) -> Vec<Value> {
        let is_object = |path: &str| path.contains("/manifests/") && documents::has_documents(path);
        let files = self.tree.under(self.folder).filter(|(path, _)| is_object(path));
        let read = files.filter_map(|(path, text)| documents::read(path, Side::Base, text).ok());
        read.flatten().filter(|object| ObjectId::of(object).is_ok()).collect()
    }
}

impl Owner<'_> {
    fn entry(&self, op: Op, subject: Subject, file: &str) -> Entry {
        Entry {
            tenants: self.tenant.map(str::to_owned).into_iter().collect(),
            op,
            subject,
            file: file.to_owned(),
            fields: Vec::new(),
            notes: Vec::new(),
            dangers: Vec::new(),
        }
    }

    /// Returns what happens to the tenant as a whole, if anything does.
    fn whole(&self, tenant: &str, comes: bool, goes: bool, emptied: bool) -> Option<Entry> {
        let (op, danger) = match (comes, goes, emptied) {
            (true, _, _) => (Op::Create, None),
            (_, true, _) => (Op::Delete, Some("the tenant goes with everything it has")),
            (_, _, true) => (Op::Change, Some("nothing of the tenant is left in the cluster")),
            _ => return None,
        };
        let mut entry =
            self.entry(op, Subject::Tenant { name: tenant.to_owned() }, &format!("tenants/{tenant}/{MARKER}"));
        entry.dangers.extend(danger.map(|reason| Danger::new(Level::Loss, reason)));
        Some(entry)
    }

    /// Returns whether objects go and none stays, as far as the trees say.
    fn is_emptied(&self, documents: &Documents, target: &Tree, folder: &str) -> bool {
        let goes = documents.objects.values().any(|pair| pair.base.is_some());
        let stays = documents.objects.values().any(|pair| pair.target.is_some());
        let manifests = format!("{folder}manifests/");
        let listed = target.under(&manifests).any(|(path, _)| !path.ends_with("/kustomization.yaml"));
        goes && !stays && !listed && target.get(&format!("{folder}{MARKER}")).is_some()
    }

    fn entries(&self, documents: Documents) -> Vec<Entry> {
        let Documents { objects, others, texts } = documents;
        let mut entries: Vec<Entry> = objects.into_values().filter_map(|pair| self.object(pair)).collect();
        entries.extend(others.into_iter().filter_map(|((path, _), pair)| self.file(&path, pair)));
        entries.extend(texts.into_iter().map(|(path, pair)| self.text(&path, pair)));
        entries
    }

    fn object(&self, mut pair: Pair<Document>) -> Option<Entry> {
        let shown = pair.either()?;
        let (path, subject) = (shown.path.clone(), subject(&shown.value)?);
        let Subject::Object { kind, .. } = &subject else { return None };
        let (notes, mut dangers) = generated::fold(kind, &mut pair, &self.provisioned);
        mask::hide(
            kind,
            pair.base.as_mut().map(|document| &mut document.value),
            pair.target.as_mut().map(|document| &mut document.value),
        );
        let values = Pair {
            base: pair.base.as_ref().map(|document| &document.value),
            target: pair.target.as_ref().map(|document| &document.value),
        };
        dangers.extend(danger::of_object(kind, &values, self.tenant.is_some()));
        if let (Some(running), Some(base), Some(target)) = (&self.running, values.base, values.target) {
            dangers.extend(danger::beneath_use(kind, base, target, || running.objects()));
        }
        dangers.sort();
        let (op, fields) = match (values.base, values.target) {
            (Some(base), Some(target)) => (Op::Change, fields::changes(base, target)),
            (None, Some(target)) if self.new => (Op::Create, highlights(target)),
            (None, Some(target)) => (Op::Create, content(target)),
            (Some(_), None) => (Op::Delete, Vec::new()),
            (None, None) => return None,
        };
        if op == Op::Change && fields.is_empty() && notes.is_empty() && dangers.is_empty() {
            return None;
        }
        Some(Entry { fields, notes, dangers, ..self.entry(op, subject, &path) })
    }

    fn file(&self, path: &str, pair: Pair<Value>) -> Option<Entry> {
        let subject = Subject::File { path: path.to_owned() };
        let bookkeeping = path.ends_with("/kustomization.yaml");
        match pair {
            Pair { base: Some(mut base), target: Some(mut target) } => {
                let dangers = danger::of_file(&base, &target);
                if bookkeeping {
                    self.fold_resources(path, &mut base, &mut target);
                }
                mask::hide("", Some(&mut base), Some(&mut target));
                let fields = fields::changes(&base, &target);
                (!fields.is_empty()).then(|| Entry { fields, dangers, ..self.entry(Op::Change, subject, path) })
            }
            // Of a tenant that comes or goes, these files say nothing that its objects do not.
            Pair { base: None, target: Some(_) } if !bookkeeping => Some(self.entry(Op::Create, subject, path)),
            Pair { base: Some(_), target: None } if !bookkeeping => Some(self.entry(Op::Delete, subject, path)),
            Pair { .. } => None,
        }
    }

    fn fold_resources(&self, path: &str, base: &mut Value, target: &mut Value) {
        let folder = path.strip_suffix("kustomization.yaml").unwrap_or_default();
        let which = |here: fn(&Changed<'_>) -> bool| -> BTreeSet<&str> {
            self.files.iter().filter(|file| here(file)).map(|file| file.path).collect()
        };
        let added = which(|file| file.base.is_none());
        let removed = which(|file| file.target.is_none());
        generated::fold_resources(base, target, folder, &added, &removed);
    }

    fn text(&self, path: &str, pair: Pair<String>) -> Entry {
        let subject = Subject::File { path: path.to_owned() };
        match pair {
            Pair { base: Some(mut base), target: Some(mut target) } => {
                mask::hide_texts(&mut base, &mut target);
                let change = fields::lines(&base, &target);
                let fields = vec![FieldChange { path: String::new(), change }];
                Entry { fields, ..self.entry(Op::Change, subject, path) }
            }
            Pair { base: None, .. } => self.entry(Op::Create, subject, path),
            Pair { .. } => self.entry(Op::Delete, subject, path),
        }
    }
}

fn subject(object: &Value) -> Option<Subject> {
    let ObjectId { api_version, kind, namespace, name } = ObjectId::of(object).ok()?;
    Some(Subject::Object { api_version, kind, namespace, name })
}

/// Returns everything in an object but what its entry's subject says.
fn content(object: &Value) -> Vec<FieldChange> {
    let mut rest = object.clone();
    let mut bare = serde_json::json!({});
    if let Value::Object(map) = &mut rest {
        map.retain(|key, _| !matches!(key.as_str(), "apiVersion" | "kind"));
        if let Some(Value::Object(metadata)) = map.get_mut("metadata") {
            metadata.retain(|key, _| !matches!(key.as_str(), "name" | "namespace"));
            // Compared with an empty map, so that labels and annotations are fields of their own.
            bare["metadata"] = serde_json::json!({});
        }
    }
    fields::changes(&bare, &rest)
}

fn highlights(object: &Value) -> Vec<FieldChange> {
    let added = |path: String, value: &Value| FieldChange { path, change: Change::Added { to: value.clone() } };
    let mut fields = Vec::new();
    for pointer in HIGHLIGHTS {
        if let Some(value) = object.pointer(pointer) {
            fields.push(added(pointer.trim_start_matches('/').replace('/', "."), value));
        }
    }
    let containers = object.pointer("/spec/template/spec/containers").and_then(Value::as_array);
    for container in containers.into_iter().flatten() {
        if let (Some(Value::String(name)), Some(image)) = (container.get("name"), container.get("image")) {
            fields.push(added(format!("spec.template.spec.containers[name={name}].image"), image));
        }
    }
    fields
}
