//! Migrations: files of SQL that run once each, in the order of their names, and never change afterwards.

use std::collections::BTreeMap;

use super::{super::Refusal, action::PostgresAction};

/// The table in the tenant's schema that says which files were run.
pub const LEDGER: &str = "tenantry_migrations";

/// Files and what was run of them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Migrations {
    /// The files of the folder by name, in the order in which they run.
    pub files: BTreeMap<String, File>,
    /// The SHA-256 of what was run, by file.
    pub applied: BTreeMap<String, String>,
}

/// A file of SQL.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct File {
    /// The SHA-256 of its text, in hexadecimal digits.
    pub sha256: String,
    /// A statement in it that begins or ends a transaction, with its line: what was run and the note of it would part.
    pub transaction: Option<(usize, String)>,
}

/// Where the files of a schema are run.
pub(super) struct Place<'p> {
    pub database: &'p str,
    pub schema: &'p str,
    pub folder: &'p str,
}

/// Returns the files that have not been run.
///
/// # Errors
/// A file that was run has changed or gone, one comes before another that was run already, or one ends its transaction.
pub(super) fn decide(place: &Place<'_>, migrations: &Migrations) -> Result<Vec<PostgresAction>, Refusal> {
    let Place { database, schema, folder } = *place;
    let Migrations { files, applied } = migrations;
    let refuse = |what: String, help: &str| Err(Refusal::Impossible { what, help: help.to_owned() });
    for (name, sha256) in applied {
        match files.get(name) {
            None => {
                return refuse(
                    format!(
                        "migration `{folder}/{name}` was run in schema `{schema}` and is not in the folder any more"
                    ),
                    "bring the file back as it was",
                );
            }
            Some(file) if file.sha256 != *sha256 => {
                return refuse(
                    format!("migration `{folder}/{name}` was changed after it was run in schema `{schema}`"),
                    "bring the file back as it was, and write what is to change into a new file",
                );
            }
            Some(_) => {}
        }
    }
    let last = applied.keys().next_back();
    let mut actions = Vec::new();
    for (name, file) in files.iter().filter(|(name, _)| !applied.contains_key(*name)) {
        if let Some(later) = last.filter(|last| *last > name) {
            return refuse(
                format!(
                    "migration `{folder}/{name}` was not run in schema `{schema}`, and the later `{later}` was already"
                ),
                "give the file a name that comes after all that were run",
            );
        }
        if let Some((line, statement)) = &file.transaction {
            return refuse(
                format!("migration `{folder}/{name}`, line {line}: `{statement}` cannot stand in a migration"),
                "take it out: each file runs in one transaction of its own",
            );
        }
        actions.push(PostgresAction::Migrate {
            database: database.to_owned(),
            schema: schema.to_owned(),
            folder: folder.to_owned(),
            file: name.clone(),
            sha256: file.sha256.clone(),
        });
    }
    Ok(actions)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test")]
mod tests {
    use super::*;

    fn of(files: &[(&str, &str)], applied: &[(&str, &str)]) -> Result<Vec<String>, String> {
        let files = files
            .iter()
            .map(|(name, sha256)| ((*name).to_owned(), File { sha256: (*sha256).to_owned(), transaction: None }));
        let applied = applied.iter().map(|(name, sha256)| ((*name).to_owned(), (*sha256).to_owned()));
        let migrations = Migrations { files: files.collect(), applied: applied.collect() };
        let place = Place { database: "pool", schema: "abc", folder: "app" };
        let steps = decide(&place, &migrations).map_err(|refusal| refusal.to_string())?;
        Ok(steps
            .into_iter()
            .map(|step| match step {
                PostgresAction::Migrate { file, .. } => file,
                other => other.to_string(),
            })
            .collect())
    }

    #[test]
    fn what_was_not_run_runs_in_the_order_of_names() {
        assert_eq!(
            of(&[("2.sql", "b"), ("1.sql", "a"), ("3.sql", "c")], &[("1.sql", "a")]).unwrap(),
            ["2.sql", "3.sql"]
        );
        assert_eq!(of(&[("1.sql", "a")], &[("1.sql", "a")]).unwrap(), Vec::<String>::new());
    }

    #[test]
    fn what_was_run_stays_as_it_was() {
        assert!(of(&[("1.sql", "x")], &[("1.sql", "a")]).unwrap_err().contains("was changed"));
        assert!(of(&[("2.sql", "b")], &[("1.sql", "a")]).unwrap_err().contains("not in the folder"));
        assert!(of(&[("1.sql", "a"), ("2.sql", "b")], &[("2.sql", "b")]).unwrap_err().contains("the later `2.sql`"));
    }

    #[test]
    fn a_file_that_ends_its_transaction_does_not_run() {
        let file = File { sha256: "a".to_owned(), transaction: Some((3, "COMMIT".to_owned())) };
        let migrations = Migrations { files: BTreeMap::from([("1.sql".to_owned(), file)]), applied: BTreeMap::new() };
        let place = Place { database: "pool", schema: "abc", folder: "app" };
        let refusal = decide(&place, &migrations).unwrap_err();
        assert_eq!(refusal.to_string(), "migration `app/1.sql`, line 3: `COMMIT` cannot stand in a migration");
    }
}
