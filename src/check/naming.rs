//! Names: of resources in the estate, and the patterns that make names elsewhere.

use std::{collections::BTreeMap, str::FromStr};

use super::{
    places::{Finder, below},
    shape::shown,
    suggest,
};
use crate::{
    diag::Code,
    estate::Naming,
    kubernetes::names,
    name::{ItemName, NameFault, Pattern, PatternFault, Target, slug::slug},
};

/// Reads a name of a tenant, tier, service or item that stands as a value.
pub(super) fn value<N: FromStr<Err = NameFault>>(finder: &mut Finder<'_>, pointer: &str, name: &str) -> Option<N> {
    match name.parse() {
        Ok(name) => Some(name),
        Err(fault) => {
            finder.value(Code::InvalidName, pointer, message(name, &fault), help(name));
            None
        }
    }
}

/// Finds what is wrong with a name that stands as a key.
pub(super) fn key(finder: &mut Finder<'_>, pointer: &str, name: &str) {
    if let Err(fault) = name.parse::<ItemName>() {
        finder.key(Code::InvalidName, pointer, message(name, &fault), help(name));
    }
}

fn message(name: &str, fault: &NameFault) -> String {
    format!("{} is no name: {fault}", shown(name))
}

fn help(name: &str) -> String {
    match slug(name) {
        slug if slug.parse::<ItemName>().is_ok() && name.chars().any(char::is_alphanumeric) => {
            format!("write it like `{slug}`")
        }
        _ => "write lower-case letters, digits and single hyphens, with a letter first".to_owned(),
    }
}

/// Finds a name of a Kubernetes namespace that the API server would refuse.
pub(super) fn namespace(finder: &mut Finder<'_>, pointer: &str, name: &str) {
    if let Err(error) = names::check_label_name(name) {
        let help = "write a DNS label: lower-case letters, digits and hyphens, at most 63";
        finder.value(Code::InvalidKubernetesName, pointer, format!("the namespace {} {error}", shown(name)), help);
    }
}

/// Finds a name of another Kubernetes object that the API server would refuse.
pub(super) fn object(finder: &mut Finder<'_>, pointer: &str, kind: &str, name: &str) {
    if let Err(error) = names::check_name("", kind, name) {
        let help = "write a DNS name: lower-case letters, digits, hyphens and dots";
        finder.value(Code::InvalidKubernetesName, pointer, format!("the name {} {error}", shown(name)), help);
    }
}

/// Reads `naming`; a target whose pattern is wrong keeps its default, so that checking can go on.
pub(super) fn patterns(finder: &mut Finder<'_>, naming: &BTreeMap<String, String>) -> Naming {
    let mut patterns = BTreeMap::new();
    for (key, text) in naming {
        let pointer = below("/spec/naming", key);
        let Some(target) = Target::ALL.into_iter().find(|target| target.key() == key) else {
            let help = suggest::help(key, "targets", Target::ALL.map(Target::key), "remove it");
            finder.key(
                Code::UnknownNamingTarget,
                &pointer,
                format!("{} is nothing that gets a name", shown(key)),
                help,
            );
            continue;
        };
        match Pattern::parse(target, text) {
            Ok(pattern) => drop(patterns.insert(target, pattern)),
            Err(fault) => {
                let message = format!("the pattern {} does not fit: {fault}", shown(text));
                finder.value(Code::InvalidPattern, &pointer, message, pattern_help(&fault, target));
            }
        }
    }
    Naming::new(patterns)
}

fn pattern_help(fault: &PatternFault, target: Target) -> String {
    match fault {
        PatternFault::TooLong(_) => format!("names there have at most {} characters: shorten it", target.budget()),
        _ => format!("write it like `{}`", target.default_pattern()),
    }
}
