//! Revisions that git would never make, and odd ones that it does: the real program reads them within its limits.

use std::{
    collections::BTreeMap,
    fmt::Write as _,
    fs,
    io::Write as _,
    path::{Path, PathBuf},
    process::Command,
};

use git2::{ObjectType, Oid};
use rayon::prelude::*;

use crate::{
    base::{self, FILE, TENANT},
    limits::{self, Outcome},
};

const BLOB: &str = "100644";
const FOLDER: &str = "40000";
const LINK: &str = "120000";
const GITLINK: &str = "160000";

/// A repository that holds the good estate, and what a case does to it.
struct Lab {
    folder: tempfile::TempDir,
    repository: git2::Repository,
}

/// What git prints, without the line break behind it.
fn git(folder: &Path, arguments: &[&str]) -> String {
    let mut command = Command::new("git");
    command.arg("-C").arg(folder).args(arguments).env("GIT_CONFIG_GLOBAL", "/dev/null").env("GIT_CONFIG_NOSYSTEM", "1");
    for who in ["AUTHOR", "COMMITTER"] {
        command.env(format!("GIT_{who}_NAME"), "a").env(format!("GIT_{who}_EMAIL"), "a@b.example");
        command.env(format!("GIT_{who}_DATE"), "2026-01-01T00:00:00Z");
    }
    let output = command.output().unwrap();
    assert!(output.status.success(), "git {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().trim_end().to_owned()
}

impl Lab {
    fn new() -> Self {
        let folder = base::scratch();
        let estate = folder.path().join("estate");
        base::lay_out(&estate);
        fs::write(estate.join(FILE), TENANT).unwrap();
        git(&estate, &["init", "-q", "-b", "main"]);
        git(&estate, &["add", "."]);
        git(&estate, &["commit", "-q", "-m", "the estate"]);
        let repository = git2::Repository::open(&estate).unwrap();
        Self { folder, repository }
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("estate")
    }

    fn git(&self, arguments: &[&str]) -> String {
        git(&self.path(), arguments)
    }

    fn object(&self, kind: ObjectType, bytes: &[u8]) -> Oid {
        self.repository.odb().unwrap().write(kind, bytes).unwrap()
    }

    fn blob(&self, bytes: &[u8]) -> Oid {
        self.object(ObjectType::Blob, bytes)
    }

    /// A tree object with these entries, as they are.
    fn tree(&self, entries: &[(&str, &[u8], Oid)]) -> Oid {
        let mut bytes = Vec::new();
        for (mode, name, id) in entries {
            bytes.extend([mode.as_bytes(), b" ", name, b"\0", id.as_bytes()].concat());
        }
        self.object(ObjectType::Tree, &bytes)
    }

    fn commit(&self, tree: Oid) -> String {
        let who = "a <a@b.example> 0 +0000";
        let text = format!("tree {tree}\nauthor {who}\ncommitter {who}\n\nhostile\n");
        self.object(ObjectType::Commit, text.as_bytes()).to_string()
    }

    fn head(&self) -> git2::Tree<'_> {
        self.repository.head().unwrap().peel_to_tree().unwrap()
    }

    /// The tree of what was rendered, with one entry of the first tenant's folder more, or another one in its place.
    fn rendered_with(&self, mode: &str, name: &[u8], id: Oid) -> Oid {
        let root = self.repository.find_reference("refs/heads/rendered").unwrap().peel_to_tree().unwrap();
        let folder = |path: &str| self.repository.find_tree(root.get_path(Path::new(path)).unwrap().id()).unwrap();
        let tenant = self.tree_with(&folder("tenants/cobalt"), mode, name, id);
        let tenants = self.tree_with(&folder("tenants"), FOLDER, b"cobalt", tenant);
        self.tree_with(&root, FOLDER, b"tenants", tenants)
    }

    /// A tree with one entry more, or another one in its place.
    fn tree_with(&self, tree: &git2::Tree<'_>, mode: &str, name: &[u8], id: Oid) -> Oid {
        let mut entries: Vec<(String, Vec<u8>, Oid)> = tree
            .iter()
            .filter(|entry| entry.name_bytes() != name)
            .map(|entry| (format!("{:o}", entry.filemode()), entry.name_bytes().to_vec(), entry.id()))
            .collect();
        entries.push((mode.to_owned(), name.to_vec(), id));
        let entries: Vec<(&str, &[u8], Oid)> =
            entries.iter().map(|(mode, name, id)| (mode.as_str(), name.as_slice(), *id)).collect();
        self.tree(&entries)
    }

    /// A commit of the good estate with one entry of `folder` more, or another one in its place.
    fn with(&self, folder: &str, mode: &str, name: &[u8], id: Oid) -> String {
        let head = self.head();
        if folder.is_empty() {
            return self.commit(self.tree_with(&head, mode, name, id));
        }
        let inner = self.repository.find_tree(head.get_name(folder).unwrap().id()).unwrap();
        let inner = self.tree_with(&inner, mode, name, id);
        self.commit(self.tree_with(&head, FOLDER, folder.as_bytes(), inner))
    }

    /// A commit of the good estate whose folder of tenants is these bytes.
    fn with_tenants(&self, bytes: &[u8]) -> String {
        self.with("", FOLDER, b"tenants", self.object(ObjectType::Tree, bytes))
    }

    /// Folders in folders, with one file at the bottom.
    fn nest(&self, levels: usize, wide: usize, name: &str) -> Oid {
        let mut folder = self.tree(&[(BLOB, b"a.yaml", self.blob(b"a: 1\n"))]);
        for _ in 0..levels {
            let names: Vec<String> = (0..wide).map(|number| format!("{name}{number:02}")).collect();
            let entries: Vec<(&str, &[u8], Oid)> = names.iter().map(|name| (FOLDER, name.as_bytes(), folder)).collect();
            folder = self.tree(&entries);
        }
        folder
    }

    /// A commit of the good estate with folders in folders below the one of templates.
    fn nested(&self, levels: usize, wide: usize, name: &str) -> String {
        self.with("", FOLDER, b"templates", self.nest(levels, wide, name))
    }

    /// A file of 200 MB that the object database packs into 200 KB.
    fn large(&self) -> Oid {
        let odb = self.repository.odb().unwrap();
        let mut writer = odb.writer(200_000_000, ObjectType::Blob).unwrap();
        for _ in 0..200 {
            writer.write_all(&vec![b' '; 1_000_000]).unwrap();
        }
        writer.finalize().unwrap()
    }

    /// The file that holds an object; it may be written afterwards.
    fn loose(&self, id: &str) -> PathBuf {
        let path = self.path().join(".git/objects").join(&id[..2]).join(&id[2..]);
        let mut permissions = fs::metadata(&path).unwrap().permissions();
        #[allow(clippy::permissions_set_readonly_false, reason = "a file in a folder of our own")]
        permissions.set_readonly(false);
        fs::set_permissions(&path, permissions).unwrap();
        path
    }

    fn reference(&self, name: &str, text: &str) -> String {
        fs::write(self.path().join(".git/refs/heads").join(name), text).unwrap();
        name.to_owned()
    }

    fn tenant_id(&self) -> String {
        self.git(&["rev-parse", &format!("HEAD:{FILE}")])
    }
}

type Make = fn(&Lab) -> String;

/// Revisions that must be refused: a name, and what makes one in a repository.
const HOSTILE: &[(&str, Make)] = &[
    ("a tenant that is a link", |lab| lab.with("tenants", LINK, b"cobalt.yaml", lab.blob(b"/etc/passwd"))),
    ("a tenant that is executable", |lab| lab.with("tenants", "100755", b"cobalt.yaml", lab.blob(TENANT.as_bytes()))),
    ("a tenant that is a submodule", |lab| lab.with("tenants", GITLINK, b"cobalt.yaml", lab.head().id())),
    ("a tenant of the mode 0", |lab| lab.with("tenants", "0", b"cobalt.yaml", lab.blob(TENANT.as_bytes()))),
    ("a tenant whose object is a folder", |lab| lab.with("tenants", BLOB, b"cobalt.yaml", lab.head().id())),
    ("a tenant whose object is a commit", |lab| {
        let head = lab.repository.head().unwrap().target().unwrap();
        lab.with("tenants", BLOB, b"cobalt.yaml", head)
    }),
    ("a folder whose object is a file", |lab| lab.with("", FOLDER, b"tenants", lab.blob(b"x"))),
    ("a folder that is a link", |lab| lab.with("", LINK, b"tenants", lab.blob(b"/etc"))),
    ("a folder that is a file", |lab| lab.with("", BLOB, b"tenants", lab.blob(b"x"))),
    ("a folder that is a submodule", |lab| lab.with("", GITLINK, b"tiers", lab.head().id())),
    ("an estate file that is a link", |lab| lab.with("", LINK, b"tenantry.yaml", lab.blob(b"/etc/passwd"))),
    ("an estate file that is a folder", |lab| lab.with("", FOLDER, b"tenantry.yaml", lab.head().id())),
    ("an estate file that is a submodule", |lab| lab.with("", GITLINK, b"tenantry.yaml", lab.head().id())),
    ("a tree without anything", |lab| lab.commit(lab.tree(&[]))),
    ("a blob that is missing", |lab| lab.with("tenants", BLOB, b"cobalt.yaml", Oid::from_bytes(&[7; 20]).unwrap())),
    ("a folder that is missing", |lab| lab.with("", FOLDER, b"tiers", Oid::from_bytes(&[7; 20]).unwrap())),
    ("a tree that is missing", |lab| lab.commit(Oid::from_bytes(&[7; 20]).unwrap())),
    ("a commit that is missing", |_| "07".repeat(20)),
    ("a folder cut off", |lab| lab.with_tenants(b"100644 a.yaml\x00123456")),
    ("a folder without names", |lab| lab.with_tenants(b"100644")),
    ("a mode that is no number", |lab| lab.with_tenants(&[b"rw-r-- a.yaml\0".as_slice(), &[7; 20]].concat())),
    ("a mode beyond all numbers", |lab| lab.with_tenants(&[b"77777777777777 a.yaml\0".as_slice(), &[7; 20]].concat())),
    ("the name ..", |lab| lab.with("tenants", FOLDER, b"..", lab.head().id())),
    ("the name .", |lab| lab.with("tenants", FOLDER, b".", lab.head().id())),
    ("the empty name", |lab| lab.with("tenants", BLOB, b"", lab.blob(b"x"))),
    ("a name that is a path", |lab| lab.with("tenants", BLOB, b"../../x.yaml", lab.blob(b"x"))),
    ("one name twice", |lab| {
        let id = lab.blob(TENANT.as_bytes());
        lab.with("", FOLDER, b"tenants", lab.tree(&[(BLOB, b"a.yaml", id), (BLOB, b"a.yaml", id)]))
    }),
    ("a name that is not UTF-8", |lab| lab.with("tenants", BLOB, b"\xff.yaml", lab.blob(TENANT.as_bytes()))),
    ("a name with a line break", |lab| lab.with("tenants", BLOB, b"a\nb.yaml", lab.blob(TENANT.as_bytes()))),
    ("a name with an escape sequence", |lab| lab.with("tenants", BLOB, b"\x1b[2J.yaml", lab.blob(TENANT.as_bytes()))),
    ("a name that is written backwards", |lab| {
        lab.with("tenants", BLOB, "\u{202e}a.yaml".as_bytes(), lab.blob(TENANT.as_bytes()))
    }),
    ("a name with a backslash", |lab| lab.with("tenants", BLOB, b"a\\b.yaml", lab.blob(TENANT.as_bytes()))),
    ("a name of 5,000 letters", |lab| {
        lab.with("tenants", BLOB, format!("{}.yaml", "a".repeat(5_000)).as_bytes(), lab.blob(TENANT.as_bytes()))
    }),
    ("two names that differ in case", |lab| lab.with("tenants", BLOB, b"Cobalt.yaml", lab.blob(TENANT.as_bytes()))),
    ("one tenant in two files", |lab| lab.with("tenants", BLOB, b"other.yaml", lab.blob(TENANT.as_bytes()))),
    ("folders in folders: 50 in each, 9 levels", |lab| lab.nested(9, 50, "d")),
    ("folders in folders: 20,000 levels of short names", |lab| lab.nested(20_000, 1, "d")),
    ("folders in folders: 5,000 levels of long names", |lab| lab.nested(5_000, 1, &"d".repeat(240))),
    ("a tenant of 200 MB that is packed into 200 KB", |lab| lab.with("tenants", BLOB, b"cobalt.yaml", lab.large())),
    ("a branch that leads to itself", |lab| lab.reference("a", "ref: refs/heads/a\n")),
    ("two branches that lead to each other", |lab| {
        lab.reference("a", "ref: refs/heads/b\n");
        lab.reference("b", "ref: refs/heads/a\n")
    }),
    ("a branch without an id", |lab| lab.reference("a", "")),
    ("a branch of a megabyte", |lab| lab.reference("a", &"x".repeat(1 << 20))),
    ("a branch that leads out of the repository", |lab| lab.reference("a", "ref: ../../../../etc/passwd\n")),
    ("a branch of a file", |lab| lab.reference("a", &format!("{}\n", lab.tenant_id()))),
    ("a branch of a folder", |lab| lab.reference("a", &format!("{}\n", lab.head().id()))),
    ("a tag of a file", |lab| {
        lab.git(&["tag", "-a", "-m", "x", "t", &lab.tenant_id()]);
        "t".to_owned()
    }),
    ("an option", |_| "--upload-pack=touch x".to_owned()),
    ("two revisions", |_| "main..main".to_owned()),
    ("a file of a revision", |_| format!("main:{FILE}")),
    ("an ancestor beyond all numbers", |_| "main~99999999999999999999".to_owned()),
    ("an ancestor before the first", |_| "main~1".to_owned()),
    ("a pattern that takes for ever", |_| "main^{/(x+x+)+y}".to_owned()),
    ("a name of 100,000 letters", |_| "x".repeat(100_000)),
    ("a name with control characters", |_| "x\u{1b}[2J\u{202e}y".to_owned()),
    ("an object cut off", |lab| {
        let path = lab.loose(&lab.tenant_id());
        let bytes = fs::read(&path).unwrap();
        fs::write(path, &bytes[..bytes.len() / 2]).unwrap();
        "main".to_owned()
    }),
    ("an object without content", |lab| {
        fs::write(lab.loose(&lab.tenant_id()), "").unwrap();
        "main".to_owned()
    }),
    ("an object that is another one", |lab| {
        let other = lab.loose(&lab.blob(b"the bytes of something else").to_string());
        fs::copy(other, lab.loose(&lab.tenant_id())).unwrap();
        "main".to_owned()
    }),
    ("a commit without a tree", |lab| lab.object(ObjectType::Commit, b"author a <a@b> 0 +0000\n\nx\n").to_string()),
    ("a pack cut off", |lab| {
        lab.git(&["gc", "-q"]);
        for entry in fs::read_dir(lab.path().join(".git/objects/pack")).unwrap() {
            let path = entry.unwrap().path();
            if path.extension().is_some_and(|extension| extension == "pack") {
                let bytes = fs::read(&path).unwrap();
                fs::remove_file(&path).unwrap();
                fs::write(&path, &bytes[..bytes.len() / 2]).unwrap();
            }
        }
        "main".to_owned()
    }),
    ("a repository of a format to come", |lab| {
        lab.git(&["config", "core.repositoryformatversion", "9"]);
        "main".to_owned()
    }),
];

/// Revisions that differ from the work tree where nothing has to be read of them: a missing estate has no tenants, and an
/// object is known by its name.
const NEVER_READ: &[&str] =
    &["a tree without anything", "an object cut off", "an object without content", "an object that is another one"];

/// Revisions that only look so.
const ALIKE: &[(&str, Make)] = &[
    ("a tag", |lab| {
        lab.git(&["tag", "-a", "-m", "x", "t"]);
        "t".to_owned()
    }),
    ("a tag of a tag", |lab| {
        lab.git(&["tag", "-a", "-m", "x", "t"]);
        lab.git(&["tag", "-a", "-m", "x", "u", "t"]);
        "u".to_owned()
    }),
    ("a branch named like an id", |lab| {
        lab.git(&["branch", "deadbeef"]);
        "deadbeef".to_owned()
    }),
    ("a branch with a slash and a letter beyond ASCII", |lab| {
        lab.git(&["branch", "feature/größe"]);
        "feature/größe".to_owned()
    }),
    ("a short id", |lab| lab.git(&["rev-parse", "--short", "HEAD"])),
    ("a packed repository", |lab| {
        lab.git(&["gc", "-q"]);
        "main".to_owned()
    }),
    ("links, programs and submodules beside the estate", |lab| {
        let (id, link) = (lab.head().id(), lab.blob(b"/etc/passwd"));
        let tree = lab.tree(&[(LINK, b"a.yaml", link), ("100755", b"run", link), (GITLINK, b"module", id)]);
        lab.with("", FOLDER, b"tools", tree)
    }),
    ("a commit whose parent is missing", |lab| {
        let who = "a <a@b.example> 0 +0000";
        let text =
            format!("tree {}\nparent {}\nauthor {who}\ncommitter {who}\n\nx\n", lab.head().id(), "07".repeat(20));
        lab.object(ObjectType::Commit, text.as_bytes()).to_string()
    }),
    ("a work tree of its own", |lab| {
        lab.git(&["worktree", "add", "-q", "../other", "-b", "other"]);
        "other".to_owned()
    }),
    ("an object of another repository", |lab| {
        git(lab.folder.path(), &["clone", "-q", "--bare", "estate", "store.git"]);
        fs::remove_file(lab.loose(&lab.tenant_id())).unwrap();
        fs::write(lab.path().join(".git/objects/info/alternates"), "../../../store.git/objects\n").unwrap();
        "main".to_owned()
    }),
    ("a store of objects that names itself", |lab| {
        fs::write(lab.path().join(".git/objects/info/alternates"), "../../.git/objects\n").unwrap();
        "main".to_owned()
    }),
    ("a word of the history", |_| "main^{/estate}".to_owned()),
];

type Tamper = fn(&Lab) -> Oid;

/// What somebody does to the tree of the output branch, whose commit still looks like one of ours.
const TAMPERED: &[(&str, Tamper)] = &[
    ("a link", |lab| lab.rendered_with(LINK, b"x.yaml", lab.blob(b"/etc/passwd"))),
    ("a program", |lab| lab.rendered_with("100755", b"x.yaml", lab.blob(b"a: 1\n"))),
    ("a submodule", |lab| lab.rendered_with(GITLINK, b"x", lab.head().id())),
    ("bytes that are no text", |lab| lab.rendered_with(BLOB, b"x.yaml", lab.blob(b"\xff\xfe"))),
    ("a name that is no text", |lab| lab.rendered_with(BLOB, b"\xff.yaml", lab.blob(b"a: 1\n"))),
    ("the name ..", |lab| lab.rendered_with(FOLDER, b"..", lab.head().id())),
    ("a missing blob", |lab| lab.rendered_with(BLOB, b"x.yaml", Oid::from_bytes(&[7; 20]).unwrap())),
    ("a missing folder", |lab| lab.rendered_with(FOLDER, b"x", Oid::from_bytes(&[7; 20]).unwrap())),
    ("a folder that is a file", |lab| lab.rendered_with(FOLDER, b"x", lab.blob(b"x"))),
    ("a folder cut off", |lab| lab.rendered_with(FOLDER, b"x", lab.object(ObjectType::Tree, b"100644 a.yaml\x00123"))),
    ("folders in folders: 50 in each, 9 levels", |lab| lab.rendered_with(FOLDER, b"x", lab.nest(9, 50, "d"))),
    ("folders in folders: 20,000 levels", |lab| lab.rendered_with(FOLDER, b"x", lab.nest(20_000, 1, "d"))),
    ("a file of 200 MB", |lab| lab.rendered_with(BLOB, b"x.yaml", lab.large())),
    ("nothing", |lab| lab.tree(&[])),
];

/// What a command says of a revision, without the place of the repository.
fn said(lab: &Lab, arguments: &[&str]) -> Outcome {
    let mut outcome = limits::run(arguments, &lab.path());
    let place = lab.folder.path().to_str().unwrap();
    for error in &mut outcome.errors {
        *error = error.replace(place, "…").chars().take(300).collect();
    }
    outcome
}

/// The commands that read an estate from a revision, and what each makes of it.
fn outcomes(lab: &Lab, revision: &str) -> Vec<(&'static str, Outcome)> {
    vec![
        ("check", said(lab, &["check", "--rendered", "--format", "json", &format!("--revision={revision}")])),
        ("diff from it", said(lab, &["diff", "--format", "json", &format!("--base={revision}")])),
        ("diff to it", said(lab, &["diff", "--format", "json", &format!("--revision={revision}")])),
    ]
}

fn is_inert(outcome: &Outcome) -> bool {
    let shown = outcome.stdout.chars().chain(outcome.stderr.chars());
    shown.into_iter().all(|letter| letter == '\n' || !tenantry::yaml::is_hidden(letter))
}

#[test]
fn hostile_revisions_are_refused_by_each_command_and_odd_ones_are_not() {
    let file = base::fixtures().join("hostile/revisions.expected");
    let expected: BTreeMap<String, String> = fs::read_to_string(&file)
        .unwrap_or_default()
        .lines()
        .map(|line| line.split_once(" => ").unwrap())
        .map(|(title, what)| (title.to_owned(), what.to_owned()))
        .collect();
    let hostile: Vec<(String, String)> = HOSTILE
        .par_iter()
        .flat_map_iter(|(name, make)| {
            let lab = Lab::new();
            let revision = make(&lab);
            let said = outcomes(&lab, &revision).into_iter().map(|(command, outcome)| {
                let what = match (outcome.status, outcome.errors.first()) {
                    _ if !is_inert(&outcome) => format!("WRONG: it prints {:?}", outcome.stdout + &outcome.stderr),
                    (None, _) => format!("WRONG: a limit ended it: {}", outcome.stderr),
                    (Some(0), _) if command == "diff from it" && NEVER_READ.contains(name) => "0 not read".to_owned(),
                    (Some(0), _) => "WRONG: it is accepted".to_owned(),
                    (Some(_), None) => format!("WRONG: no error: {}{}", outcome.stdout, outcome.stderr),
                    (Some(status), Some(first)) => format!("{status} {first}"),
                };
                (format!("{name}: {command}"), what)
            });
            said.collect::<Vec<_>>()
        })
        .collect();
    ALIKE.par_iter().for_each(|(name, make)| {
        let lab = Lab::new();
        let revision = make(&lab);
        for (command, outcome) in outcomes(&lab, &revision) {
            assert_eq!(outcome.status, Some(0), "{name}: {command}: {outcome:?}");
        }
    });
    let mut text = String::new();
    for (title, what) in &hostile {
        writeln!(text, "{title} => {what}").unwrap();
    }
    let wrong: Vec<&str> = text.lines().filter(|line| line.contains("WRONG")).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    if std::env::var_os("TENANTRY_BLESS").is_some() {
        fs::write(file, text).unwrap();
        return;
    }
    eprintln!("{} hostile revisions by three commands, {} look-alikes", HOSTILE.len(), ALIKE.len());
    let other = hostile.iter().filter(|(title, what)| expected.get(title) != Some(what));
    let other: Vec<String> =
        other.map(|(title, what)| format!("{title} => {what}, not {:?}", expected.get(title))).collect();
    assert!(other.is_empty() && expected.len() == hostile.len(), "{}", other.join("\n"));
}

/// Either the next commit says what is wrong with the branch and leaves it, or it puts all right that was changed.
#[test]
fn an_output_branch_that_somebody_changed_is_refused_or_made_whole() {
    let ends: Vec<String> = TAMPERED
        .par_iter()
        .map(|(name, tamper)| {
            let lab = Lab::new();
            let commit = ["commit", "--author", "A <a@b.example>"];
            assert_eq!(said(&lab, &commit).status, Some(0), "{name}");
            let ours = lab.git(&["rev-parse", "rendered"]);
            let text = lab.git(&["cat-file", "commit", "rendered"]);
            let (head, rest) = text.split_once('\n').unwrap();
            assert!(head.starts_with("tree "));
            let text = format!("tree {}\n{rest}\n", tamper(&lab));
            let tampered = lab.object(ObjectType::Commit, text.as_bytes()).to_string();
            lab.reference("rendered", &format!("{tampered}\n"));
            let outcome = said(&lab, &commit);
            if outcome.status.is_none() || !is_inert(&outcome) {
                return format!("{name} => WRONG: {outcome:?}");
            }
            let now = lab.git(&["rev-parse", "rendered"]);
            if outcome.status == Some(0) {
                assert_eq!(lab.git(&["diff", "--stat", &ours, &now]), "", "{name}");
            } else {
                assert_eq!(now, tampered, "{name}");
                assert!(!outcome.errors.is_empty(), "{name}: {outcome:?}");
            }
            format!(
                "{name} => {:?} {}",
                outcome.status.unwrap(),
                outcome.errors.first().map_or("made whole", |error| error)
            )
        })
        .collect();
    eprintln!("{}", ends.join("\n"));
    assert!(!ends.iter().any(|end| end.contains("WRONG")));
}
