//! Cases as a reader finds them in `fixtures/hostile`: one file a class, each case an edit of the good estate.
//!
//! ```text
//! # What the class is about.
//!
//! refused the same key twice
//! => yaml-duplicate-key tenants/cobalt.yaml:9:3
//! @ tenants/cobalt.yaml
//! -  tier: standard
//! +  tier: standard
//! +  tier: premium
//! ```
//!
//! `-` lines must stand in the file once and give way to the `+` lines behind them; without `-` lines the `+` lines are
//! the whole file. A line with `!` is a `+` line with escapes: `\u{202e}`, `\x80`, `\t`, `\r`, `\n`, `\0`, `\\`; a line
//! with `~` is a `-` line with them. `@delete`, `@executable`, `@folder`, `@pipe` and `@link … -> …` do what they say.

use std::{
    collections::BTreeMap,
    fs,
    os::unix::{
        ffi::OsStrExt,
        fs::{PermissionsExt, symlink},
    },
    path::Path,
    process::Command,
};

use crate::base;

/// One input, hostile or only looking so.
#[derive(Debug, Clone)]
pub struct Case {
    pub class: String,
    pub name: String,
    /// Whether it must be refused.
    pub is_hostile: bool,
    pub edits: Vec<(Vec<u8>, Edit)>,
}

/// What is done to a path of the estate.
#[derive(Debug, Clone)]
pub enum Edit {
    /// The file has these bytes.
    Bytes(Vec<u8>),
    /// One text gives way to another, each time.
    Replace(Vec<(Vec<u8>, Vec<u8>)>),
    Delete,
    Executable,
    Folder,
    Pipe,
    Link(Vec<u8>),
}

impl Case {
    pub fn refused(class: &str, name: &str) -> Self {
        Self { class: class.to_owned(), name: name.to_owned(), is_hostile: true, edits: Vec::new() }
    }

    pub fn accepted(class: &str, name: &str) -> Self {
        Self { is_hostile: false, ..Self::refused(class, name) }
    }

    /// Gives a file these bytes.
    pub fn file(mut self, path: &str, bytes: impl Into<Vec<u8>>) -> Self {
        self.edits.push((path.as_bytes().to_vec(), Edit::Bytes(bytes.into())));
        self
    }

    /// Puts one text of a file in the place of another.
    pub fn edit(mut self, path: &str, from: &str, to: impl Into<Vec<u8>>) -> Self {
        self.edits.push((path.as_bytes().to_vec(), Edit::Replace(vec![(from.as_bytes().to_vec(), to.into())])));
        self
    }

    /// Returns what names the case in a list of expectations.
    pub fn title(&self) -> String {
        format!("{}: {}", self.class, self.name)
    }

    /// Writes the estate with the edits of the case.
    pub fn lay_out(&self, estate: &Path) {
        let mut files = base::files(&base::fixtures().join("rules-base"));
        files.insert(base::FILE.to_owned(), base::TENANT.as_bytes().to_vec());
        for (path, bytes) in &files {
            put(&estate.join(path), bytes);
        }
        for (path, edit) in &self.edits {
            let at = estate.join(std::ffi::OsStr::from_bytes(path));
            match edit {
                Edit::Bytes(bytes) => put(&at, bytes),
                Edit::Replace(hunks) => {
                    let known = files.get(std::str::from_utf8(path).unwrap()).cloned();
                    let mut bytes = known.unwrap_or_else(|| panic!("{}: no such file", self.title()));
                    for (from, to) in hunks {
                        bytes = replaced(&bytes, from, to).unwrap_or_else(|| {
                            panic!("{}: {:?} is not there once", self.title(), String::from_utf8_lossy(from))
                        });
                    }
                    put(&at, &bytes);
                }
                Edit::Delete if at.is_dir() => fs::remove_dir_all(&at).unwrap(),
                Edit::Delete => fs::remove_file(&at).unwrap(),
                Edit::Executable => fs::set_permissions(&at, fs::Permissions::from_mode(0o755)).unwrap(),
                Edit::Folder => fs::create_dir_all(&at).unwrap(),
                Edit::Pipe => assert!(Command::new("mkfifo").arg(&at).status().unwrap().success()),
                Edit::Link(target) => {
                    fs::create_dir_all(at.parent().unwrap()).unwrap();
                    symlink(std::ffi::OsStr::from_bytes(target), &at).unwrap();
                }
            }
        }
    }
}

fn put(path: &Path, bytes: &[u8]) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, bytes).unwrap();
}

fn replaced(bytes: &[u8], from: &[u8], to: &[u8]) -> Option<Vec<u8>> {
    let mut places = bytes.windows(from.len()).enumerate().filter(|(_, window)| *window == from).map(|(at, _)| at);
    let at = places.next()?;
    places.next().is_none().then(|| [&bytes[..at], to, &bytes[at + from.len()..]].concat())
}

/// Returns the cases of a class, and the lines that expect something by the title of their case.
pub fn read(class: &str, text: &str) -> (Vec<Case>, BTreeMap<String, String>) {
    let (mut cases, mut expected): (Vec<Case>, _) = (Vec::new(), BTreeMap::new());
    for (number, line) in text.lines().enumerate() {
        let fault = |what: &str| -> ! { panic!("{class}:{}: {what}: {line}", number + 1) };
        if let Some(name) = line.strip_prefix("refused ") {
            cases.push(Case::refused(class, name));
            continue;
        } else if let Some(name) = line.strip_prefix("accepted ") {
            cases.push(Case::accepted(class, name));
            continue;
        } else if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let case = cases.last_mut().unwrap_or_else(|| fault("no case"));
        if let Some(what) = line.strip_prefix("=> ") {
            expected.insert(case.title(), what.to_owned());
            continue;
        }
        let new = |case: &mut Case, path: &str, edit| case.edits.push((unescaped(path), edit));
        if let Some((word, rest)) = line.strip_prefix('@').and_then(|line| line.split_once(' ')) {
            match word {
                "" => new(case, rest, Edit::Bytes(Vec::new())),
                "delete" => new(case, rest, Edit::Delete),
                "executable" => new(case, rest, Edit::Executable),
                "folder" => new(case, rest, Edit::Folder),
                "pipe" => new(case, rest, Edit::Pipe),
                "link" => {
                    let (path, target) = rest.split_once(" -> ").unwrap_or_else(|| fault("no target"));
                    new(case, path, Edit::Link(unescaped(target)));
                }
                _ => fault("an unknown word"),
            }
            continue;
        }
        let (_, edit) = case.edits.last_mut().unwrap_or_else(|| fault("no file"));
        let (sign, content) = line.split_at(1);
        let mut content = if matches!(sign, "!" | "~") { unescaped(content) } else { content.as_bytes().to_vec() };
        content.push(b'\n');
        match (sign, edit) {
            ("-" | "~", Edit::Bytes(bytes)) if bytes.is_empty() => {
                case.edits.last_mut().unwrap().1 = Edit::Replace(vec![(content, Vec::new())]);
            }
            ("-" | "~", Edit::Replace(hunks)) => match hunks.last_mut() {
                Some((from, to)) if to.is_empty() => from.extend(content),
                _ => hunks.push((content, Vec::new())),
            },
            ("+" | "!", Edit::Bytes(bytes)) => bytes.extend(content),
            ("+" | "!", Edit::Replace(hunks)) => hunks.last_mut().unwrap().1.extend(content),
            _ => fault("an unknown line"),
        }
    }
    (cases, expected)
}

/// Returns a text with its escapes as bytes.
fn unescaped(text: &str) -> Vec<u8> {
    let mut out = Vec::new();
    let mut letters = text.chars();
    while let Some(letter) = letters.next() {
        let mut push = |letter: char| out.extend_from_slice(letter.encode_utf8(&mut [0; 4]).as_bytes());
        if letter != '\\' {
            push(letter);
            continue;
        }
        match letters.next().unwrap() {
            't' => push('\t'),
            'r' => push('\r'),
            'n' => push('\n'),
            '0' => push('\0'),
            '\\' => push('\\'),
            'x' => {
                let digits: String = letters.by_ref().take(2).collect();
                out.push(u8::from_str_radix(&digits, 16).unwrap());
            }
            'u' => {
                let digits: String = letters.by_ref().skip(1).take_while(|letter| *letter != '}').collect();
                push(char::from_u32(u32::from_str_radix(&digits, 16).unwrap()).unwrap());
            }
            other => panic!("an unknown escape: \\{other} in {text}"),
        }
    }
    out
}
