//! The inflate edge: where kustomize or helm has the last word over a tenant's objects, the real program says it.
//!
//! One program run for a tenant, in a temporary directory, without the caller's environment, network, plugins or time without end.

#![expect(clippy::disallowed_methods, reason = "finds and runs kustomize and helm, in a directory of its own")]

mod run;
#[cfg(test)]
mod tests;

use std::{
    collections::BTreeMap,
    env,
    ffi::OsStr,
    fs, io,
    path::{Component, Path, PathBuf},
    sync::OnceLock,
};

use run::{Ended, Run};
use serde_json::Value;
use tempfile::TempDir;

use crate::{
    diag::{Code, Diagnostic, Place},
    plan::Plan,
    raw::tier::Format,
    rendered::{Origin, Rendered, RenderedObject},
    tree::Tree,
    yaml,
};

/// Returns whether somebody else changes the objects of a tenant after us: a chart, or components and patches of kustomize.
pub fn has_last_word(plan: &Plan) -> bool {
    program_for(plan).is_some()
}

fn program_for(plan: &Plan) -> Option<Program> {
    let kustomize = &plan.tier.kustomize;
    match plan.tier.format {
        Format::Plain => None,
        Format::Kustomize if kustomize.components.is_empty() && kustomize.patches.is_empty() => None,
        Format::Kustomize => Some(Program::Kustomize),
        Format::Helm => Some(Program::Helm),
    }
}

/// A program that may have the last word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Program {
    /// kustomize.
    Kustomize,
    /// Helm.
    Helm,
}

impl Program {
    /// Returns its name, as it is called.
    pub fn name(self) -> &'static str {
        match self {
            Program::Kustomize => "kustomize",
            Program::Helm => "helm",
        }
    }

    /// Returns the environment variable that names another file than the first one on `PATH`.
    pub fn variable(self) -> &'static str {
        match self {
            Program::Kustomize => "TENANTRY_KUSTOMIZE",
            Program::Helm => "TENANTRY_HELM",
        }
    }
}

/// Where the programs are. Threads may share it.
#[derive(Debug, Default)]
pub struct Programs {
    kustomize: Installed,
    helm: Installed,
}

#[derive(Debug, Default)]
struct Installed {
    path: Option<PathBuf>,
    version: OnceLock<String>,
}

impl Programs {
    /// Looks for the programs: what `TENANTRY_KUSTOMIZE` and `TENANTRY_HELM` name, else the first ones on `PATH`. Runs none of them.
    pub fn find() -> Self {
        let find = |program: Program| match env::var_os(program.variable()) {
            Some(path) if !path.is_empty() => Some(PathBuf::from(path)),
            _ => on_path(env::var_os("PATH")?.as_os_str(), program.name()),
        };
        Self::at(find(Program::Kustomize), find(Program::Helm))
    }

    /// Takes the programs at these paths; without a path a program counts as missing.
    pub fn at(kustomize: Option<PathBuf>, helm: Option<PathBuf>) -> Self {
        let installed = |path| Installed { path, version: OnceLock::new() };
        Self { kustomize: installed(kustomize), helm: installed(helm) }
    }

    /// Returns the version that a program gives itself, `None` for a missing one. It is asked once, when the first caller wants to know.
    pub fn version(&self, program: Program) -> Option<&str> {
        let installed = self.installed(program);
        let path = installed.path.as_ref()?;
        Some(installed.version.get_or_init(|| ask_version(path).unwrap_or_else(|| "of an unknown version".to_owned())))
    }

    fn installed(&self, program: Program) -> &Installed {
        match program {
            Program::Kustomize => &self.kustomize,
            Program::Helm => &self.helm,
        }
    }

    /// Returns the tenant's objects as the program makes them of `files`, the tenant's files as `render` writes them.
    ///
    /// Objects that come back as they were keep the template that they come from. Nothing and no finding where nobody else has the last word;
    /// a warning where the program is missing; an error where it refuses the files.
    pub fn inflate(&self, plan: &Plan, rendered: &Rendered, files: &Tree) -> (Option<Rendered>, Vec<Diagnostic>) {
        let Some(program) = program_for(plan) else { return (None, Vec::new()) };
        let Some(path) = &self.installed(program).path else { return (None, vec![missing(program, plan)]) };
        match build(program, path, plan, files).and_then(|text| read(program, &text)) {
            Ok(values) => (Some(matched(plan, rendered, values)), Vec::new()),
            Err(failure) => (None, vec![self.failed(program, plan, &failure)]),
        }
    }

    fn failed(&self, program: Program, plan: &Plan, failure: &Failure) -> Diagnostic {
        let called = format!("{} {}", program.name(), self.version(program).unwrap_or_default());
        let (message, help) = match failure {
            Failure::Io { action, source } => (
                format!("failed to {action} for {called}: {source}"),
                "see that the program can be run, and that there is room for temporary files",
            ),
            Failure::Deadline => (
                format!("{called} did not end within {} s", run::DEADLINE.as_secs()),
                "look for a chart or a component that fetches something: there is no network here",
            ),
            Failure::TooMuch => {
                (format!("{called} printed more than {} MiB", run::MAX_OUTPUT >> 20), "look for a loop in the chart")
            }
            Failure::Refused { words } => (
                format!("{called} refused the tenant's files: {words}"),
                "correct the component, the patch, the chart or its values",
            ),
            Failure::Unreadable { reason } => (
                format!("{called} printed what is not readable: {reason}"),
                "correct the template of the chart that prints it",
            ),
        };
        finding(Code::InflateFailed, plan, message, help)
    }
}

fn missing(program: Program, plan: &Plan) -> Diagnostic {
    let (name, variable) = (program.name(), program.variable());
    let what = match program {
        Program::Kustomize => "components or patches",
        Program::Helm => "a chart",
    };
    finding(
        Code::NotInflated,
        plan,
        format!("the tenant was not inflated: its tier has {what}, and there is no {name} on PATH"),
        format!(
            "install {name}, or name it by {variable}; until then the objects that it changes or adds are not checked"
        ),
    )
}

fn finding(code: Code, plan: &Plan, message: String, help: impl Into<String>) -> Diagnostic {
    let place = Place::file(format!("tiers/{}.yaml", plan.tier.name));
    Diagnostic::new(code, place, message, help).of_tenant(plan.tenant.name.as_str())
}

/// Why there is no output.
#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error("failed to {action}")]
    Io { action: &'static str, source: io::Error },
    #[error("failed to end in time")]
    Deadline,
    #[error("failed to stay within the size of output")]
    TooMuch,
    #[error("failed: {words}")]
    Refused { words: String },
    #[error("failed to print YAML: {reason}")]
    Unreadable { reason: String },
}

fn on_path(path: &OsStr, name: &str) -> Option<PathBuf> {
    let file = format!("{name}{}", env::consts::EXE_SUFFIX);
    env::split_paths(path).map(|folder| folder.join(&file)).find(|candidate| candidate.is_file())
}

fn ask_version(path: &Path) -> Option<String> {
    let home = TempDir::with_prefix("tenantry-").ok()?;
    let run = Run { program: path, arguments: &["version"], directory: home.path(), variables: &[] };
    let Ended::Done { success: true, stdout, .. } = run.until_end().ok()? else { return None };
    // helm prints version.BuildInfo{Version:"v4.3.1", …}, kustomize the version alone.
    let text = String::from_utf8_lossy(&stdout);
    let start = text.find(|c: char| c.is_ascii_digit())?;
    let version = text[start..].split(|c: char| !c.is_ascii_alphanumeric() && !matches!(c, '.' | '-' | '+')).next()?;
    Some(version.to_owned())
}

/// Runs the program over the tenant's files and returns what it prints.
fn build(program: Program, path: &Path, plan: &Plan, files: &Tree) -> Result<String, Failure> {
    let io = |action: &'static str| move |source| Failure::Io { action, source };
    let home = TempDir::with_prefix("tenantry-").map_err(io("make a temporary directory"))?;
    let manifests = home.path().join("manifests");
    fs::create_dir(&manifests).map_err(io("make a temporary directory"))?;
    let prefix = format!("tenants/{}/manifests/", plan.tenant.name);
    for (file, text) in files.under(&prefix) {
        write(&manifests, &file[prefix.len()..], text).map_err(io("write the tenant's files"))?;
    }
    let arguments: Vec<&str> = match program {
        // The defaults stay: files below the root only, no charts, no programs as plugins.
        Program::Kustomize => vec!["build", "manifests"],
        Program::Helm => vec!["template", &plan.release, "manifests", "--namespace", &plan.namespace, "--include-crds"],
    };
    let folder = |name: &str| home.path().join(name).into_os_string();
    let variables = [
        ("HELM_CACHE_HOME", folder("cache")),
        ("HELM_CONFIG_HOME", folder("config")),
        ("HELM_DATA_HOME", folder("data")),
        ("HELM_PLUGINS", folder("plugins")),
    ];
    let variables = if program == Program::Helm { &variables[..] } else { &[] };
    let run = Run { program: path, arguments: &arguments, directory: home.path(), variables };
    match run.until_end().map_err(io("run the program"))? {
        Ended::Deadline => Err(Failure::Deadline),
        Ended::TooMuch => Err(Failure::TooMuch),
        Ended::Done { success: false, stderr, .. } => Err(Failure::Refused { words: words(&stderr, home.path()) }),
        Ended::Done { success: true, stdout, .. } => {
            String::from_utf8(stdout).map_err(|error| Failure::Unreadable { reason: error.to_string() })
        }
    }
}

/// Writes one file below a folder.
fn write(folder: &Path, file: &str, text: &str) -> io::Result<()> {
    let inside = Path::new(file).components().all(|part| matches!(part, Component::Normal(_)));
    if !inside {
        return Err(io::Error::new(
            io::ErrorKind::InvalidInput,
            format!("`{}` leaves the folder", file.escape_debug()),
        ));
    }
    let path = folder.join(file);
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent)?;
    }
    fs::write(path, text)
}

/// Returns what a program complained about in one line: no control characters, no path of ours, not too long.
fn words(stderr: &[u8], home: &Path) -> String {
    const LONGEST: usize = 1_000;
    let text = String::from_utf8_lossy(stderr).replace(&format!("{}/", home.display()), "");
    let lines: Vec<&str> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    if lines.is_empty() {
        return "it says nothing".to_owned();
    }
    let line = lines.join("; ");
    let mut shown = String::new();
    for c in line.chars().take(LONGEST) {
        if c.is_control() { shown.extend(c.escape_default()) } else { shown.push(c) }
    }
    if line.chars().nth(LONGEST).is_some() {
        shown.push('…');
    }
    shown
}

fn read(program: Program, text: &str) -> Result<Vec<Value>, Failure> {
    let mut values = yaml::read_documents(text).map_err(|error| Failure::Unreadable { reason: error.to_string() })?;
    // A template of a chart may print comments alone.
    values.retain(|value| !value.is_null());
    if values.is_empty() {
        return Err(Failure::Unreadable { reason: format!("{} made no object", program.name()) });
    }
    Ok(values)
}

/// Gives each object the path and, where nothing was changed, the origin of the one that it was.
fn matched(plan: &Plan, rendered: &Rendered, values: Vec<Value>) -> Rendered {
    let before: BTreeMap<_, _> = rendered.objects.iter().map(|object| (identity(&object.value), object)).collect();
    let folder = format!("tenants/{}/manifests", plan.tenant.name);
    let mut objects: Vec<RenderedObject> = values
        .into_iter()
        .map(|value| {
            let before = before.get(&identity(&value)).copied();
            let (path, origin) = match before {
                Some(object) if object.value == value => (object.path.clone(), object.origin.clone()),
                Some(object) => (object.path.clone(), Origin::Inflated),
                None => (folder.clone(), Origin::Inflated),
            };
            RenderedObject { path, origin, value }
        })
        .collect();
    // One object at least says that the program has spoken, also where all came back as they were or some were taken away.
    if objects.iter().all(|object| object.origin != Origin::Inflated)
        && let Some(first) = objects.first_mut()
    {
        first.origin = Origin::Inflated;
    }
    objects.sort_by(|a, b| a.path.cmp(&b.path));
    Rendered { tenant: rendered.tenant.clone(), objects, files: rendered.files.clone() }
}

fn identity(value: &Value) -> [Option<&str>; 4] {
    let metadata = value.get("metadata");
    let of = |name: &str| metadata.and_then(|metadata| metadata.get(name)).and_then(Value::as_str);
    [
        value.get("apiVersion").and_then(Value::as_str),
        value.get("kind").and_then(Value::as_str),
        of("namespace"),
        of("name"),
    ]
}
