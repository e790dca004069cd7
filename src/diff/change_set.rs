//! The change set: what differs between two rendered trees, as the data that every report is made from.
//!
//! It is safe to print: [`super::mask`] has replaced every secret value before anything gets here.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use super::fold::OwnNames;

/// The version of the JSON form; it grows when a reader of the old form would misread the new one.
pub const VERSION: u32 = 1;

/// What differs between two rendered trees.
///
/// Entries with dangers come first, the worst at the front; then those of the platform, then each tenant's, and in a
/// tenant by kind and name.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ChangeSet {
    /// The version of this form: [`VERSION`].
    pub version: u32,
    /// How much there is; [`ChangeSet::folded`] does not change it.
    pub counts: Counts,
    /// The same by kind.
    pub kinds: Kinds,
    /// The changes, in the order of a report.
    pub entries: Vec<Entry>,
    /// What folding replaces by placeholders.
    #[serde(skip)]
    pub(super) own_names: OwnNames,
}

/// How much there is of everything.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Counts {
    /// Tenants.
    pub tenants: Tally,
    /// Kubernetes objects.
    pub objects: Tally,
    /// Resources outside the cluster.
    pub outside: Tally,
    /// Other files: parameters of Applications, values of charts, heads of provision documents.
    pub files: Tally,
    /// Dangers.
    pub dangers: usize,
}

/// How much there is of each kind; what does not change is left out.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Kinds {
    /// Kubernetes objects, by `kind`.
    pub objects: BTreeMap<String, Tally>,
    /// Resources outside the cluster, by kind: `mysqlDatabase`.
    pub outside: BTreeMap<String, Tally>,
}

/// Added, changed, removed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Tally {
    /// Only in the target.
    pub added: usize,
    /// In both, and not the same.
    pub changed: usize,
    /// Only in the base.
    pub removed: usize,
}

impl Tally {
    /// Returns whether there is nothing.
    pub fn is_empty(self) -> bool {
        let Tally { added, changed, removed } = self;
        added == 0 && changed == 0 && removed == 0
    }

    pub(super) fn count(&mut self, op: Op) {
        match op {
            Op::Create => self.added += 1,
            Op::Change | Op::Replace => self.changed += 1,
            Op::Delete => self.removed += 1,
        }
    }
}

/// One change of one thing.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Entry {
    /// Whom it concerns; empty for what belongs to the platform.
    ///
    /// An entry of more than one tenant is folded: `{tenant}` in its texts stands for the tenant's name, `{tenant_}` for
    /// the name with underscores, `{namespace}` and `{uid}` for the tenant's own.
    pub tenants: Vec<String>,
    /// What happens to it.
    pub op: Op,
    /// What it is.
    pub subject: Subject,
    /// Its file: of the target, or of the base when it is deleted.
    pub file: String,
    /// What changes in it. Of a created object all its content, or what matters most when its tenant is new as well.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub fields: Vec<FieldChange>,
    /// What a reader should know beside the fields.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<Note>,
    /// Why it needs a second look, the worst first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub dangers: Vec<Danger>,
}

/// What happens to a thing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Op {
    /// It is no longer wanted.
    Delete,
    /// Another one is made in its place, and the old one is left as it is. Outside resources only.
    Replace,
    /// It changes.
    Change,
    /// It is made.
    Create,
}

/// What a change is about.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[serde(tag = "type", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum Subject {
    /// A tenant as a whole.
    Tenant {
        /// Its name.
        name: String,
    },
    /// A Kubernetes object.
    Object {
        /// Group and version, of the target where there is one.
        api_version: String,
        /// The kind.
        kind: String,
        /// The namespace; none for objects of the whole cluster.
        #[serde(skip_serializing_if = "Option::is_none")]
        namespace: Option<String>,
        /// The name.
        name: String,
    },
    /// A file that holds no Kubernetes object.
    File {
        /// Its path in the tree.
        path: String,
    },
    /// A resource outside the cluster, from the provision documents alone.
    Outside {
        /// The kind as documents write it: `mysqlDatabase`.
        kind: String,
        /// `group` or `group/item` of the tier file.
        id: String,
        /// The name on its server; of the target where there is one.
        name: String,
        /// The connection that reaches the server.
        connection: String,
        /// Whether losing it loses a customer's data.
        holds_data: bool,
    },
}

/// One changed field.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct FieldChange {
    /// Where: `spec.template.spec.containers[name=auth].image`, `metadata.annotations["tenantry.dev/uid"]`.
    pub path: String,
    /// How.
    #[serde(flatten)]
    pub change: Change,
}

/// How a field changes.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[serde(tag = "change", rename_all = "camelCase")]
pub enum Change {
    /// Only the target has it.
    Added {
        /// The value.
        to: Value,
    },
    /// Only the base has it.
    Removed {
        /// The value.
        from: Value,
    },
    /// Both have it.
    Changed {
        /// The base's value.
        from: Value,
        /// The target's value.
        to: Value,
    },
    /// A text of several lines.
    Lines {
        /// Its changed lines with a few around them.
        lines: Vec<Line>,
    },
    /// A list whose elements stand in another order.
    Reordered {
        /// The base's order, by the elements' keys.
        from: Vec<String>,
        /// The target's order.
        to: Vec<String>,
    },
}

/// One line of a text that changes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Line {
    /// What happens to the line.
    pub sign: Sign,
    /// The line without its break; empty for [`Sign::Gap`].
    #[serde(skip_serializing_if = "String::is_empty")]
    pub text: String,
}

/// What happens to a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Sign {
    /// It stays.
    Kept,
    /// It comes.
    Added,
    /// It goes.
    Removed,
    /// Lines that stay are left out here.
    Gap,
}

/// What a reader should know beside the fields.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Note {
    /// The Pods are replaced by new ones, one after the other.
    PodsRoll,
    /// It carries the provision document or its digest, and changes with it.
    FollowsProvision,
}

impl Note {
    /// Returns the note in words.
    pub fn words(self) -> &'static str {
        match self {
            Note::PodsRoll => "Pods roll",
            Note::FollowsProvision => "changes with the provision document",
        }
    }
}

/// Why a change needs a second look.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, JsonSchema)]
pub struct Danger {
    /// What is at stake.
    pub level: Level,
    /// Why, in words.
    pub reason: String,
}

impl Danger {
    pub(super) fn new(level: Level, reason: impl Into<String>) -> Self {
        Self { level, reason: reason.into() }
    }
}

/// What is at stake, the worst first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Level {
    /// A customer's data may be gone for good.
    Loss,
    /// Somebody may reach what was closed to them.
    Exposure,
    /// Something stops working, or the change itself is refused.
    Disruption,
}

impl Level {
    /// Returns the level in words.
    pub fn words(self) -> &'static str {
        match self {
            Level::Loss => "data loss",
            Level::Exposure => "exposure",
            Level::Disruption => "disruption",
        }
    }
}

impl ChangeSet {
    pub(super) fn new(mut entries: Vec<Entry>, own_names: OwnNames) -> Self {
        super::order::sort(&mut entries);
        let (counts, kinds) = (Counts::of(&entries), Kinds::of(&entries));
        Self { version: VERSION, counts, kinds, entries, own_names }
    }

    /// Returns whether the trees mean the same.
    pub fn is_empty(&self) -> bool {
        let ChangeSet { version: _, counts: _, kinds: _, entries, own_names: _ } = self;
        entries.is_empty()
    }

    /// Returns the entries grouped by whom they concern: the platform, what many tenants share, each tenant by name. In a
    /// group they stand by kind and name, what is outside the cluster last.
    pub fn by_tenants(&self) -> Vec<(&[String], Vec<&Entry>)> {
        super::order::by_tenants(&self.entries)
    }

    /// Returns the dangers in the order of a report, each with the entry that it belongs to.
    pub fn dangers(&self) -> Vec<(&Danger, &Entry)> {
        let mut dangers: Vec<_> =
            self.entries.iter().flat_map(|entry| entry.dangers.iter().map(move |danger| (danger, entry))).collect();
        dangers.sort_by_key(|(danger, _)| danger.level);
        dangers
    }
}

impl Counts {
    fn of(entries: &[Entry]) -> Self {
        let mut counts = Counts::default();
        let mut touched = BTreeMap::new();
        for entry in entries {
            counts.dangers += entry.dangers.len();
            for tenant in &entry.tenants {
                touched.entry(tenant.as_str()).or_insert(Op::Change);
            }
            match &entry.subject {
                Subject::Tenant { name } => drop(touched.insert(name, entry.op)),
                Subject::Object { .. } => counts.objects.count(entry.op),
                Subject::File { .. } => counts.files.count(entry.op),
                Subject::Outside { .. } => counts.outside.count(entry.op),
            }
        }
        touched.into_values().for_each(|op| counts.tenants.count(op));
        counts
    }
}

impl Kinds {
    fn of(entries: &[Entry]) -> Self {
        let mut kinds = Kinds::default();
        for entry in entries {
            let (of, kind) = match &entry.subject {
                Subject::Tenant { .. } | Subject::File { .. } => continue,
                Subject::Object { kind, .. } => (&mut kinds.objects, kind),
                Subject::Outside { kind, .. } => (&mut kinds.outside, kind),
            };
            of.entry(kind.clone()).or_default().count(entry.op);
        }
        kinds
    }
}
