//! One tenant: the objects of its bundles and everything around them.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{
    Renderer, application,
    bundle::{Bundle, Element, File},
    chart,
    context::PlanValue,
    explain, faults, hook, kustomization,
};
use crate::{
    diag::{Code, Diagnostic, Place, Report},
    plan::Plan,
    provision,
    raw::tier::Format,
    rendered::{Origin, Rendered, RenderedObject},
    tree::Tree,
    yaml,
};

/// Renders one tenant.
///
/// # Errors
/// Every fault of every template, each once, with the tenant's name.
pub(super) fn render(renderer: &Renderer<'_>, plan: &Plan) -> Result<Rendered, Vec<Diagnostic>> {
    let mut tenant = match renderer.contexts.plan(plan) {
        Ok(value) => Tenant::new(renderer, plan, value),
        Err(field) => return Err(vec![foreign_character(plan, field)]),
    };
    for name in &plan.tier.bundles {
        let Some(bundle) = renderer.bundles.get(name) else {
            let message = format!("the tier `{}` renders the bundle `{name}`, which does not exist", plan.tier.name);
            let help = format!("add {}{name}/bundle.yaml", faults::FOLDER);
            let place = Place::file(format!("tiers/{}.yaml", plan.tier.name));
            tenant.findings.push(Diagnostic::new(Code::TemplateError, place, message, help));
            continue;
        };
        for (entry, file) in bundle.files.iter().enumerate() {
            tenant.file(entry, file);
        }
        tenant.values(bundle);
    }
    tenant.finish()
}

/// What a tenant's folder is called in the rendered tree.
pub(super) fn folder(plan: &Plan) -> String {
    format!("tenants/{}", plan.tenant.name)
}

fn foreign_character(plan: &Plan, field: &str) -> Diagnostic {
    let name = plan.tenant.name.as_str();
    Diagnostic::new(
        Code::ForbiddenCharacter,
        Place::file(format!("tenants/{name}.yaml")),
        format!("`{field}` of the tenant's plan holds a private-use character"),
        "remove it: private-use characters stand for values",
    )
    .of_tenant(name)
}

/// The most files of a tenant of which it is said that they are made twice.
const MOST_CLASHES: usize = 20;

struct Tenant<'a> {
    renderer: &'a Renderer<'a>,
    plan: &'a Plan,
    value: PlanValue,
    findings: Vec<Diagnostic>,
    objects: Vec<RenderedObject>,
    /// Which entry of a bundle makes a file, by its path below the objects' folder.
    owners: BTreeMap<String, (usize, &'a File)>,
    /// How many files were made twice.
    clashes: usize,
    chart_values: Option<Value>,
    /// What templates print, one after another: no object outlives its filling.
    text: Vec<u8>,
}

impl<'a> Tenant<'a> {
    fn new(renderer: &'a Renderer<'a>, plan: &'a Plan, value: PlanValue) -> Self {
        Self {
            renderer,
            plan,
            value,
            findings: Vec::new(),
            objects: Vec::new(),
            owners: BTreeMap::new(),
            clashes: 0,
            chart_values: None,
            text: Vec::new(),
        }
    }

    /// Renders an entry of a bundle for each of its elements.
    fn file(&mut self, entry: usize, file: &'a File) {
        let Renderer { engine, texts, .. } = self.renderer;
        for element in file.elements(engine, texts, &self.value, &mut self.findings) {
            let output = match file.output(engine, texts, &element) {
                Ok(output) => output,
                Err(finding) => {
                    self.findings.push(*finding);
                    continue;
                }
            };
            let Some(documents) = self.documents(file, &element) else { continue };
            if documents.is_empty() {
                continue;
            }
            self.claim(&output, entry, file);
            let path = format!("{}/{output}", self.objects_folder());
            self.objects.extend(documents.into_iter().map(|(document, value)| RenderedObject {
                path: path.clone(),
                origin: Origin::Template {
                    file: format!("{}{}", faults::FOLDER, file.template),
                    entry,
                    item: element.index,
                    document,
                },
                value,
            }));
        }
    }

    /// Renders a template for one element.
    fn documents(&mut self, file: &File, element: &Element) -> Option<Vec<(usize, Value)>> {
        let Renderer { engine, texts, .. } = self.renderer;
        self.text.clear();
        let values = match engine.print_into(&file.template, &element.context, &mut self.text) {
            Ok(values) => values,
            Err(error) => {
                let fallback = explain::last_place(self.renderer, file, element);
                self.findings.push(faults::finding(&error, texts, &fallback, Some(&element.context)));
                return None;
            }
        };
        let text = str::from_utf8(&self.text).expect("the engine writes strings, and a whole one or nothing");
        match file.skeletons.get(text).and_then(|skeleton| skeleton.fill(&values)) {
            Ok(documents) => Some(documents),
            Err(faults) => {
                self.findings.extend(explain::findings(self.renderer, file, element, &faults));
                None
            }
        }
    }

    /// Says that a path is taken; two entries, or two elements of one, may not make one file.
    fn claim(&mut self, output: &str, entry: usize, file: &'a File) {
        // Case is ignored: on some file systems the two would be one.
        let clash = self.owners.insert(output.to_ascii_lowercase(), (entry, file));
        // A place is looked up in the text of the bundle, which takes its time.
        if let Some((first_entry, first)) = clash
            && self.clashes < MOST_CLASHES
        {
            self.clashes += 1;
            let texts = &self.renderer.texts;
            let first = first.output_place(texts, first_entry);
            let finding = Diagnostic::new(
                Code::TemplatePath,
                file.output_place(texts, entry),
                format!("two outputs of the tenant are called `{output}`"),
                "name the file after the element, `services/{{ item.name }}.yaml` for example",
            );
            self.findings.push(finding.with_related(first, "the other one"));
        }
    }

    /// Renders the values of a chart.
    fn values(&mut self, bundle: &Bundle) {
        let Some(file) = bundle.values.as_ref().filter(|_| self.plan.tier.format == Format::Helm) else { return };
        let element = Element { index: 0, key: None, context: self.value.alone() };
        let Some(mut documents) = self.documents(file, &element) else { return };
        let place = Place::file(format!("{}{}", faults::FOLDER, file.template));
        match (documents.pop(), documents.is_empty(), &self.chart_values) {
            (Some((_, values)), true, None) => self.chart_values = Some(values),
            (_, _, Some(_)) => self.findings.push(Diagnostic::new(
                Code::TemplatePath,
                place,
                "two bundles of the tier make values for the chart",
                "let one bundle make all values",
            )),
            _ => self.findings.push(Diagnostic::new(
                Code::TemplateYaml,
                place,
                "the values of a chart are one document, a map",
                "take the `---` out, or write `{}` where there is nothing to say",
            )),
        }
    }

    fn objects_folder(&self) -> String {
        let folder = folder(self.plan);
        match self.plan.tier.format {
            Format::Helm => format!("{folder}/manifests/objects"),
            Format::Kustomize | Format::Plain => format!("{folder}/manifests"),
        }
    }

    /// Adds what tenantry makes itself.
    fn finish(mut self) -> Result<Rendered, Vec<Diagnostic>> {
        let (plan, estate) = (self.plan, self.renderer.estate);
        let folder = folder(plan);
        let mut files = Tree::new();
        files.insert(format!("{folder}/application.json"), application::parameters(plan));
        if !plan.document.resources.is_empty() {
            let document = yaml::write(&hook::document(&plan.document));
            match hook::objects(estate.platform(), plan, &document) {
                Ok(objects) => self.objects.extend(objects.map(|(path, value)| RenderedObject {
                    path: format!("{}/{path}", self.objects_folder()),
                    origin: Origin::Generated,
                    value,
                })),
                Err(finding) => self.findings.push(*finding),
            }
            files.insert(provision::document_path(plan.tenant.name.as_str()), document);
        }
        // Stable: objects of one file stay in the order of their template.
        self.objects.sort_by(|a, b| a.path.cmp(&b.path));
        let manifests = format!("{folder}/manifests");
        let added = match plan.tier.format {
            Format::Plain => Ok(Tree::new()),
            Format::Kustomize => kustomization::files(plan, estate, &manifests, &self.objects),
            Format::Helm => chart::files(plan, estate, &manifests, self.chart_values.take()),
        };
        match added {
            Ok(added) => files.extend(added),
            Err(finding) => self.findings.push(*finding),
        }
        if self.findings.is_empty() {
            return Ok(Rendered { tenant: plan.tenant.name.clone(), objects: self.objects, files });
        }
        let name = plan.tenant.name.as_str();
        let findings = self.findings.into_iter().map(|finding| finding.of_tenant(name)).collect();
        Err(Report::new(findings).findings().to_vec())
    }
}
