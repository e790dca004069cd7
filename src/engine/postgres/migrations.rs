//! Files of SQL: read from the folder that `TENANTRY_MIGRATIONS` names, and run as the tenant's role.
//!
//! A schema's folder is a path below that one. A file runs in one transaction together with the row that notes it, under
//! an advisory lock, so that of two runs at once one waits and then finds it done. The note lies in the tenant's own
//! schema, where its role may write it; a tenant that forges it harms its own schema alone.

#![expect(clippy::disallowed_methods, reason = "reads the files of a folder that the tier names")]

use std::{
    collections::BTreeMap,
    fs,
    path::{Component, Path, PathBuf},
};

use sha2::{Digest, Sha256};
use sqlx::{
    Connection,
    postgres::{PgConnection, PgDatabaseError, PgErrorPosition},
};

use super::{
    super::{
        Secret, Trouble, TroubleKind,
        points::planted,
        within::{call, within},
    },
    client::{Entered, Server, code, execute},
    sql,
};
use crate::steps::postgres::migrations::{File, LEDGER};

/// How much longer than any other call one file may take, waiting for another run included: four minutes of the ten that
/// the Job has in all.
const LONGER: u32 = 30;

/// The most bytes of one file: it is sent as one message.
const FILE_BYTES: u64 = 8 << 20;

fn setup(what: String) -> Trouble {
    Trouble::new(TroubleKind::Setup, what)
}

/// Returns the folder of migrations, which lies below `root`.
fn folder_of(root: &Path, folder: &str) -> Result<PathBuf, Trouble> {
    let is_below = Path::new(folder).components().all(|part| matches!(part, Component::Normal(_)));
    match is_below && !folder.is_empty() {
        true => Ok(root.join(folder)),
        false => Err(setup(format!("the folder of migrations `{folder}` is not a path below another"))),
    }
}

/// Returns the files `*.sql` of a folder by name.
///
/// # Errors
/// The folder or a file cannot be read, or a file is no text.
pub(super) fn files(root: &Path, folder: &str) -> Result<BTreeMap<String, File>, Trouble> {
    let path = folder_of(root, folder)?;
    let failed = |error: std::io::Error| {
        setup(format!("failed to read the folder of migrations {}", path.display())).because(error.to_string())
    };
    let mut files = BTreeMap::new();
    for entry in fs::read_dir(&path).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        let Ok(name) = entry.file_name().into_string() else { continue };
        if name.ends_with(".sql") && !name.starts_with('.') {
            let text = read(&path.join(&name))?;
            files.insert(name, File { sha256: digest(&text), transaction: sql::transaction_statement(&text) });
        }
    }
    Ok(files)
}

fn read(path: &Path) -> Result<String, Trouble> {
    let failed = |why: String| setup(format!("failed to read the migration {}", path.display())).because(why);
    let length = fs::metadata(path).map_err(|error| failed(error.to_string()))?.len();
    if length > FILE_BYTES {
        return Err(failed(format!("it has {length} bytes, and at most {FILE_BYTES} are run")));
    }
    let text = fs::read_to_string(path).map_err(|error| failed(error.to_string()))?;
    if text.contains('\0') { Err(failed("it holds a NUL character".to_owned())) } else { Ok(text) }
}

fn digest(text: &str) -> String {
    hex::encode(Sha256::digest(text))
}

fn ledger(schema: &str) -> String {
    format!("{}.{}", sql::name(schema), sql::name(LEDGER))
}

/// Reads what was run in a schema, as its own role.
pub(super) async fn applied(
    server: &Server,
    session: &mut PgConnection,
    schema: &str,
) -> Result<BTreeMap<String, String>, Trouble> {
    let what = "read which migrations were run";
    within(&server.name, what, async {
        let sql = format!("SELECT name::text, sha256::text FROM {}", ledger(schema));
        let rows: Result<Vec<(String, String)>, sqlx::Error> =
            sqlx::query_as(sqlx::AssertSqlSafe(sql)).persistent(false).fetch_all(session).await;
        match rows {
            Ok(rows) => Ok(rows.into_iter().collect()),
            Err(error) if code(&error).as_deref() == Some("42P01") => Ok(BTreeMap::new()),
            Err(error) => Err(server.trouble(what, &error)),
        }
    })
    .await
}

/// Runs a file, unless another run did.
pub(super) async fn run(
    server: &Server,
    (role, password): (&str, &Secret),
    database: &str,
    schema: &str,
    folder: &str,
    file: &str,
    sha256: &str,
) -> Result<(), Trouble> {
    let text = read(&folder_of(&server.migrations, folder)?.join(file))?;
    if digest(&text) != sha256 {
        return Err(setup(format!("migration `{folder}/{file}` changed while it was to be run")));
    }
    let mut session = match server.enter(role, password, database).await? {
        Entered::In(session) => session,
        Entered::Kept => return Err(Trouble::new(TroubleKind::Forbidden, format!("role `{role}` is kept out"))),
        Entered::Refused => {
            return Err(Trouble::new(TroubleKind::Unexpected, format!("role `{role}` has another password by now")));
        }
    };
    let what = format!("run migration `{folder}/{file}`");
    let transaction = async {
        if begin(&mut session, schema, file).await.map_err(|error| server.trouble(&what, &error))? {
            return Err(Trouble::new(TroubleKind::Exists, format!("migration `{folder}/{file}` was run by another")));
        }
        let what = |error: &sqlx::Error| match line_of(error, &text) {
            Some(line) => format!("{what}, line {line}"),
            None => what.clone(),
        };
        execute(&mut session, text.clone()).await.map_err(|error| server.trouble(&what(&error), &error))?;
        let note = note(schema, file, sha256);
        execute(&mut session, note).await.map_err(|error| server.trouble(&what(&error), &error))
    };
    let deadline = call() * LONGER;
    match tokio::time::timeout(deadline, transaction).await {
        // Without a farewell the server rolls back.
        Err(_) => Err(Trouble::new(
            TroubleKind::Deadline,
            format!("connection `{}`: failed to {what}: not done within {} s", server.name, deadline.as_secs_f32()),
        )),
        Ok(done) => {
            let _ = within(&server.name, "leave", async { Ok(session.close().await) }).await;
            done
        }
    }
}

/// Begins the transaction and waits for the lock; returns whether the file was run already.
async fn begin(session: &mut PgConnection, schema: &str, file: &str) -> Result<bool, sqlx::Error> {
    let ledger = ledger(schema);
    let begin = format!(
        "BEGIN; SET LOCAL search_path = {schema}; \
         SELECT pg_catalog.pg_advisory_xact_lock(pg_catalog.hashtextextended({lock}, 0)); \
         CREATE TABLE IF NOT EXISTS {ledger} (name text PRIMARY KEY, sha256 text NOT NULL, \
         run_at timestamptz NOT NULL DEFAULT pg_catalog.now())",
        schema = sql::name(schema),
        lock = sql::text(&format!("tenantry migrations {schema}")),
    );
    execute(session, begin).await?;
    let sql = format!("SELECT sha256::text FROM {ledger} WHERE name = $1");
    let row: Option<(String,)> =
        sqlx::query_as(sqlx::AssertSqlSafe(sql)).bind(file).persistent(false).fetch_optional(session).await?;
    Ok(row.is_some())
}

/// Returns what notes that a file was run, and ends the transaction.
fn note(schema: &str, file: &str, sha256: &str) -> String {
    let insert =
        format!("INSERT INTO {} (name, sha256) VALUES ({}, {})", ledger(schema), sql::text(file), sql::text(sha256));
    if planted("postgres-ledger-apart") { format!("COMMIT; {insert}") } else { format!("{insert}; COMMIT") }
}

fn line_of(error: &sqlx::Error, text: &str) -> Option<usize> {
    let sqlx::Error::Database(error) = error else { return None };
    match error.try_downcast_ref::<PgDatabaseError>()?.position()? {
        PgErrorPosition::Original(at) => Some(text.chars().take(at).filter(|c| *c == '\n').count() + 1),
        PgErrorPosition::Internal { .. } => None,
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test")]
mod tests {
    use super::*;

    #[test]
    fn a_folder_lies_below_the_root() {
        let root = tempfile::tempdir().unwrap();
        fs::create_dir(root.path().join("app")).unwrap();
        fs::write(root.path().join("app/2.sql"), "COMMIT").unwrap();
        fs::write(root.path().join("app/1.sql"), "SELECT 1").unwrap();
        fs::write(root.path().join("app/README"), "x").unwrap();
        let found = files(root.path(), "app").unwrap();
        assert_eq!(found.keys().collect::<Vec<_>>(), ["1.sql", "2.sql"]);
        assert_eq!(found["1.sql"].sha256, "e004ebd5b5532a4b85984a62f8ad48a81aa3460c1ca07701f386135d72cdecf5");
        assert_eq!(found["2.sql"].transaction, Some((1, "COMMIT".to_owned())));
        for folder in ["..", "/etc", "app/../..", "", "."] {
            assert!(files(root.path(), folder).unwrap_err().line().contains("below another"), "{folder}");
        }
        assert_eq!(files(root.path(), "gone").unwrap_err().kind(), TroubleKind::Setup);
    }
}
