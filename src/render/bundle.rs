//! Bundles, compiled: which templates make which files, for which elements.

use minijinja::{Error, Value, value::ValueKind};

use super::{
    context::PlanValue,
    engine::Engine,
    faults::{self, FOLDER, Texts},
    holes, path,
    skeleton::Skeletons,
};
use crate::{
    diag::{Code, Diagnostic, Place},
    raw::bundle::{BundleItem, BundleSpec},
    yaml::{self, Profile},
};

/// A folder of templates that a tier renders.
#[derive(Debug)]
pub(super) struct Bundle {
    /// The files that it makes, as `spec.files` lists them.
    pub(super) files: Vec<File>,
    /// The template of a chart's values.
    pub(super) values: Option<File>,
}

/// One entry of a bundle.
#[derive(Debug)]
pub(super) struct File {
    /// The template's name: its path below `templates/`.
    pub(super) template: String,
    /// What it printed before.
    pub(super) skeletons: Skeletons,
    each: Option<Part>,
    when: Option<Part>,
    output: Output,
}

#[derive(Debug)]
enum Output {
    Fixed(String),
    Made(Part),
}

/// An expression or small template in a bundle file: its name in the engine, and where it is written.
#[derive(Debug)]
struct Part {
    name: String,
    bundle: String,
    pointer: String,
}

/// One rendering of an entry.
#[derive(Debug)]
pub(super) struct Element {
    /// Which element of `each`, from 0.
    pub(super) index: usize,
    /// Its key, where `each` is a map.
    pub(super) key: Option<String>,
    /// What the template sees.
    pub(super) context: Value,
}

impl Bundle {
    /// Compiles what a bundle file says; every fault goes to `findings`.
    pub(super) fn new(
        name: &str,
        spec: &BundleSpec,
        engine: &mut Engine,
        texts: &Texts,
        findings: &mut Vec<Diagnostic>,
    ) -> Self {
        let mut compiler = Compiler { bundle: name, engine, texts, findings };
        let files = spec.files.iter().enumerate().map(|(entry, item)| compiler.file(entry, item)).collect();
        let values = spec.values.as_ref().map(|template| {
            let template = compiler.template(template, "/spec/values".to_owned());
            File {
                template,
                skeletons: Skeletons::default(),
                each: None,
                when: None,
                output: Output::Fixed(String::new()),
            }
        });
        Self { files, values }
    }
}

struct Compiler<'a> {
    bundle: &'a str,
    engine: &'a mut Engine,
    texts: &'a Texts,
    findings: &'a mut Vec<Diagnostic>,
}

impl Compiler<'_> {
    fn file(&mut self, entry: usize, item: &BundleItem) -> File {
        let BundleItem { template, each, when, output } = item;
        let output = match output {
            Some(text) if text.contains(['{', '}']) => Output::Made(self.part(entry, "output", text, Engine::add)),
            Some(text) => Output::Fixed(text.clone()),
            None => {
                let name = template.rsplit('/').next().unwrap_or(template);
                Output::Fixed(name.strip_suffix(".j2").unwrap_or(name).to_owned())
            }
        };
        if let Output::Fixed(path) = &output
            && let Err(fault) = path::check(path)
        {
            let place = place(self.texts, self.bundle, &format!("/spec/files/{entry}/output"));
            self.findings.push(fault.finding(place, path));
        }
        File {
            template: self.template(template, format!("/spec/files/{entry}/template")),
            skeletons: Skeletons::default(),
            each: each.as_ref().map(|text| self.part(entry, "each", text, Engine::add_expression)),
            when: when.as_ref().map(|text| self.part(entry, "when", text, Engine::add_expression)),
            output,
        }
    }

    fn template(&mut self, template: &str, pointer: String) -> String {
        let name = format!("{}/{template}", self.bundle);
        // One that is there and not compiled has findings of its own.
        if !self.engine.has(&name) && !self.texts.contains_key(&name) {
            let siblings = self.texts.keys().filter_map(|known| known.strip_prefix(&format!("{}/", self.bundle)));
            let help = match faults::near(template, siblings) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("add {FOLDER}{name}, or take the entry out"),
            };
            let message = format!("there is no template `{template}` in the bundle `{}`", self.bundle);
            let place = place(self.texts, self.bundle, &pointer);
            self.findings.push(Diagnostic::new(Code::TemplateError, place, message, help));
        }
        name
    }

    fn part(
        &mut self,
        entry: usize,
        field: &str,
        text: &str,
        add: fn(&mut Engine, &str, &str) -> Result<(), Error>,
    ) -> Part {
        let pointer = format!("/spec/files/{entry}/{field}");
        // No template is called so: names of templates end in `.j2`.
        let name = format!("{}/bundle.yaml#{pointer}", self.bundle);
        if let Err(error) = add(self.engine, &name, text) {
            let place = place(self.texts, self.bundle, &pointer);
            self.findings.push(faults::finding(&error, self.texts, &place, None));
        }
        Part { name, bundle: self.bundle.to_owned(), pointer }
    }
}

/// Returns the place of a field of a bundle file.
fn place(texts: &Texts, bundle: &str, pointer: &str) -> Place {
    let name = format!("{bundle}/bundle.yaml");
    let file = format!("{FOLDER}{name}");
    let node = texts.get(&name).and_then(|text| yaml::read(&file, text, Profile::Estate).ok());
    match node {
        Some(node) => Place::new(file, node.span_near(pointer)),
        None => Place::file(file),
    }
}

impl File {
    /// Returns the elements that the file is made for: those of `each` for which `when` holds.
    ///
    /// Faults go to `findings`; an element with one is left out.
    pub(super) fn elements(
        &self,
        engine: &Engine,
        texts: &Texts,
        plan: &PlanValue,
        findings: &mut Vec<Diagnostic>,
    ) -> Vec<Element> {
        let all = match self.all(engine, texts, plan) {
            Ok(all) => all,
            Err(finding) => {
                findings.push(*finding);
                return Vec::new();
            }
        };
        let Some(when) = &self.when else { return all };
        let mut elements = Vec::with_capacity(all.len());
        for element in all {
            match engine.evaluate(&when.name, &element.context) {
                Ok(value) if value.is_true() => elements.push(element),
                Ok(_) => {}
                Err(error) => findings.push(when.finding(&error, texts, &element.context)),
            }
        }
        elements
    }

    fn all(&self, engine: &Engine, texts: &Texts, plan: &PlanValue) -> Result<Vec<Element>, Box<Diagnostic>> {
        let context = plan.alone();
        let Some(each) = &self.each else { return Ok(vec![Element { index: 0, key: None, context }]) };
        let value = engine.evaluate(&each.name, &context).map_err(|error| each.finding(&error, texts, &context))?;
        let elements: Option<Vec<(Option<String>, Value)>> = match value.kind() {
            ValueKind::Map => value.as_object().and_then(|map| map.try_iter_pairs()).map(|pairs| {
                let mut pairs: Vec<_> = pairs.map(|(key, item)| (Some(key.to_string()), item)).collect();
                pairs.sort_by(|(a, _), (b, _)| a.cmp(b));
                pairs
            }),
            ValueKind::Seq | ValueKind::Iterable => {
                value.try_iter().ok().map(|items| items.map(|item| (None, item)).collect())
            }
            _ => None,
        };
        let Some(elements) = elements else {
            let message = format!("`each` gives {}, not a list or a map", holes::kind_name(value.kind()));
            let help = "name a list or map of the plan, `services` for example";
            let place = place(texts, &each.bundle, &each.pointer);
            return Err(Box::new(Diagnostic::new(Code::TemplateError, place, message, help)));
        };
        Ok(elements
            .into_iter()
            .enumerate()
            .map(|(index, (key, item))| Element { index, key, context: plan.with_item(item) })
            .collect())
    }

    /// Returns the path of an element's file below the manifests folder.
    ///
    /// # Errors
    /// The template of the path failed, or what it made is no path.
    pub(super) fn output(&self, engine: &Engine, texts: &Texts, element: &Element) -> Result<String, Box<Diagnostic>> {
        let part = match &self.output {
            // Checked when it was compiled.
            Output::Fixed(path) => return Ok(path.clone()),
            Output::Made(part) => part,
        };
        let printed = engine
            .print(&part.name, &element.context)
            .map_err(|error| part.finding(&error, texts, &element.context))?;
        let place = || place(texts, &part.bundle, &part.pointer);
        let path = holes::expand(&printed.text, &printed.holes)
            .map_err(|fault| Diagnostic::new(Code::TemplatePath, place(), fault.to_string(), fault.help()))?
            .into_owned();
        match path::check(&path) {
            Ok(()) => Ok(path),
            Err(fault) => Err(Box::new(fault.finding(place(), &path))),
        }
    }

    /// Returns where the bundle file says what the output is called.
    pub(super) fn output_place(&self, texts: &Texts, entry: usize) -> Place {
        let bundle = self.template.split('/').next().unwrap_or_default();
        place(texts, bundle, &format!("/spec/files/{entry}/output"))
    }
}

impl Part {
    fn finding(&self, error: &Error, texts: &Texts, context: &Value) -> Diagnostic {
        faults::finding(error, texts, &place(texts, &self.bundle, &self.pointer), Some(context))
    }
}
