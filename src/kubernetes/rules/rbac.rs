//! Roles and RoleBindings.

use super::{super::fault::Fault, spot::Spot};

const GROUP: &str = "rbac.authorization.k8s.io";

pub(super) fn check(kind: &str, root: &Spot<'_, '_>, faults: &mut Vec<Fault>) {
    match kind {
        "Role" | "ClusterRole" => {
            if let Some(rules) = root.field("rules") {
                rules.items().for_each(|rule| self::rule(&rule, kind == "Role", faults));
            }
        }
        "RoleBinding" | "ClusterRoleBinding" => binding(root, faults),
        _ => {}
    }
}

fn rule(rule: &Spot<'_, '_>, namespaced: bool, faults: &mut Vec<Fault>) {
    if rule.count("nonResourceURLs") > 0 {
        if namespaced {
            rule.refuse_field(faults, "nonResourceURLs", "a Role is about objects in its namespace", "take it out");
        }
        return;
    }
    for name in ["apiGroups", "resources"] {
        if rule.count(name) == 0 {
            rule.missing(faults, name, "a rule names what it is about");
        }
    }
}

fn binding(root: &Spot<'_, '_>, faults: &mut Vec<Fault>) {
    if let Some(role) = root.field("roleRef") {
        role.required(faults, "name");
        if role.text("apiGroup").is_some_and(|group| !matches!(group, "" | GROUP)) {
            role.refuse_field(faults, "apiGroup", "roles are of another group", format!("write `{GROUP}`"));
        }
    }
    let Some(subjects) = root.field("subjects") else { return };
    for subject in subjects.items() {
        let wanted = match subject.text("kind") {
            Some("ServiceAccount") => "",
            Some("User" | "Group") => GROUP,
            _ => continue,
        };
        if subject.text("apiGroup").is_some_and(|group| group != wanted && !group.is_empty()) {
            subject.refuse_field(faults, "apiGroup", "the subject is of another group", "leave it out");
        }
    }
}
