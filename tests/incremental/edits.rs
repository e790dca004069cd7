//! Random edits to every kind of file of an estate. Many break it; the caller throws those away.

use crate::{chance::Chance, estate::Files};

pub type Edit = fn(&mut Files, &mut Chance) -> Option<()>;

/// All edits by name.
const EDITS: [(&str, Edit); 17] = [
    ("tenant added", add_tenant),
    ("tenant removed", remove_tenant),
    ("tenant renamed", rename_tenant),
    ("tenant moved to another tier", |files, chance| set(files, chance, "tenants/", "  tier: ", "tiers/")),
    ("tenant's display name", display_name),
    ("tier extends another", |files, chance| set(files, chance, "tiers/", "  extends: ", "tiers/")),
    ("tier added", add_tier),
    ("tier removed", |files, chance| remove(files, chance, "tiers/")),
    ("number anywhere", number),
    ("word anywhere", word),
    ("comment anywhere", comment),
    ("line taken out", line_out),
    ("line taken out of a template", |files, chance| line_out_of(files, chance, "templates/")),
    ("number in a tier", |files, chance| number_in(files, chance, "tiers/")),
    ("word in a template", |files, chance| word_in(files, chance, "templates/")),
    ("definition added or changed", definition),
    ("file added, changed or removed beside the others", beside),
];

/// Chooses one to three kinds of edits.
pub fn choose(chance: &mut Chance) -> Vec<&'static (&'static str, Edit)> {
    (0..=chance.below(3)).filter_map(|_| chance.of(&EDITS)).collect()
}

fn pick(files: &Files, chance: &mut Chance, folder: &str) -> Option<String> {
    let paths: Vec<&String> = files.keys().filter(|path| path.starts_with(folder)).collect();
    chance.of(&paths).map(|path| (*path).clone())
}

fn stem<'p>(path: &'p str, folder: &str) -> &'p str {
    path.trim_start_matches(folder).trim_end_matches(".yaml")
}

/// Replaces what stands behind a key at the start of a line.
fn replace_line(text: &str, key: &str, value: &str) -> Option<String> {
    let start = text.find(&format!("\n{key}"))? + 1 + key.len();
    let end = start + text[start..].find('\n')?;
    Some(format!("{}{value}{}", &text[..start], &text[end..]))
}

/// A tenant like another one, with a name, a uid and hosts of its own.
fn twin(files: &Files, chance: &mut Chance) -> Option<(String, String, String)> {
    let path = pick(files, chance, "tenants/")?;
    let tail = chance.next();
    let name = format!("twin-{:012x}", tail >> 16);
    let mut text = replace_line(&files[&path], "  name: ", &name)?;
    text = replace_line(&text, "  uid: ", &format!("0193a1b2-0000-7000-8000-{:012x}", tail >> 16))?;
    text = text.lines().filter(|line| !line.contains("customDomains")).map(|line| format!("{line}\n")).collect();
    text = replace_line(&text, "  subdomain: ", &name).unwrap_or(text);
    Some((path, format!("tenants/{name}.yaml"), text))
}

fn add_tenant(files: &mut Files, chance: &mut Chance) -> Option<()> {
    let (_, path, text) = twin(files, chance)?;
    files.insert(path, text);
    Some(())
}

fn remove_tenant(files: &mut Files, chance: &mut Chance) -> Option<()> {
    remove(files, chance, "tenants/")
}

fn rename_tenant(files: &mut Files, chance: &mut Chance) -> Option<()> {
    let (old, path, text) = twin(files, chance)?;
    files.remove(&old);
    files.insert(path, text);
    Some(())
}

fn remove(files: &mut Files, chance: &mut Chance, folder: &str) -> Option<()> {
    let path = pick(files, chance, folder)?;
    files.remove(&path).map(drop)
}

fn set(files: &mut Files, chance: &mut Chance, folder: &str, key: &str, values: &str) -> Option<()> {
    let (path, value) = (pick(files, chance, folder)?, pick(files, chance, values)?);
    let text = replace_line(&files[&path], key, stem(&value, values))?;
    files.insert(path, text);
    Some(())
}

fn display_name(files: &mut Files, chance: &mut Chance) -> Option<()> {
    let path = pick(files, chance, "tenants/")?;
    let text = replace_line(&files[&path], "  displayName: ", &format!("Company {}", chance.below(1000)))?;
    files.insert(path, text);
    Some(())
}

fn add_tier(files: &mut Files, chance: &mut Chance) -> Option<()> {
    let path = pick(files, chance, "tiers/")?;
    let name = format!("tier-{:06x}", chance.next() >> 40);
    let text = replace_line(&files[&path], "  name: ", &name)?;
    files.insert(format!("tiers/{name}.yaml"), text);
    Some(())
}

/// Changes a random line of a file below a folder, with what `change` makes of it.
fn line(
    files: &mut Files,
    chance: &mut Chance,
    folder: &str,
    change: impl Fn(&str, &mut Chance) -> Option<String>,
) -> Option<()> {
    let path = pick(files, chance, folder)?;
    let mut lines: Vec<String> = files[&path].lines().map(str::to_owned).collect();
    let at = chance.below(lines.len().max(1));
    lines[at] = change(lines.get(at)?, chance)?;
    files.insert(path, lines.into_iter().filter(|line| line != GONE).map(|line| line + "\n").collect());
    Some(())
}

/// Stands for a line that shall go: no file holds it.
const GONE: &str = "\u{0}";

fn number(files: &mut Files, chance: &mut Chance) -> Option<()> {
    number_in(files, chance, "")
}

fn number_in(files: &mut Files, chance: &mut Chance, folder: &str) -> Option<()> {
    line(files, chance, folder, |line, chance| {
        let at = line.find(|c: char| c.is_ascii_digit())?;
        let digits: String = line[at..].chars().take_while(char::is_ascii_digit).collect();
        let number: u64 = digits.parse().ok()?;
        let other = if chance.below(2) == 0 { number + 1 } else { number.checked_sub(1)? };
        Some(format!("{}{other}{}", &line[..at], &line[at + digits.len()..]))
    })
}

fn word(files: &mut Files, chance: &mut Chance) -> Option<()> {
    word_in(files, chance, "")
}

/// Lengthens the last plain word of a line.
fn word_in(files: &mut Files, chance: &mut Chance, folder: &str) -> Option<()> {
    line(files, chance, folder, |line, _| line.ends_with(|c: char| c.is_ascii_lowercase()).then(|| format!("{line}x")))
}

fn comment(files: &mut Files, chance: &mut Chance) -> Option<()> {
    let path = pick(files, chance, "")?;
    let comment = match path.rsplit('.').next()? {
        "j2" => "{# nothing #}\n",
        "yaml" => "# nothing\n",
        _ => return None,
    };
    let text = format!("{comment}{}", files[&path]);
    files.insert(path, text);
    Some(())
}

fn line_out(files: &mut Files, chance: &mut Chance) -> Option<()> {
    line_out_of(files, chance, "")
}

fn line_out_of(files: &mut Files, chance: &mut Chance, folder: &str) -> Option<()> {
    line(files, chance, folder, |_, _| Some(GONE.to_owned()))
}

fn definition(files: &mut Files, chance: &mut Chance) -> Option<()> {
    let kind = ["Kettle", "Teapot"][chance.below(2)];
    let (plural, most) = (kind.to_lowercase() + "s", chance.below(9));
    let text = format!(
        "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {{ name: {plural}.example.org }}\nspec:\n  group: example.org\n  scope: Namespaced\n  names: {{ kind: {kind}, plural: {plural} }}\n  versions:\n    - name: v1\n      served: true\n      storage: true\n      schema: {{ openAPIV3Schema: {{ type: object, maxProperties: {} }} }}\n",
        most + 4
    );
    files.insert(format!("schemas/crds/{plural}.yaml"), text);
    Some(())
}

/// Charts, components, templates that are imported, the values' schema, the estate's own settings.
fn beside(files: &mut Files, chance: &mut Chance) -> Option<()> {
    let number = chance.below(1000);
    match chance.below(6) {
        0 => {
            let path = files.keys().find(|path| path.starts_with("charts/") && path.ends_with("/Chart.yaml"))?;
            let path = path.replace("Chart.yaml", "templates/extra.txt");
            if files.remove(&path).is_none() {
                files.insert(path, format!("{number}\n"));
            }
        }
        1 => {
            let path = files.keys().find(|path| path.starts_with("components/"))?;
            let path = path[..path.rfind('/')?].to_owned() + "/README.md";
            if files.remove(&path).is_none() {
                files.insert(path, format!("{number}\n"));
            }
        }
        2 => {
            let path = files.keys().find(|path| path.starts_with("templates/") && path.contains("/_"))?.clone();
            let text = files[&path].replacen("%}", &format!("%}}{{# {number} #}}"), 1);
            files.insert(path, text);
        }
        3 => {
            let path = "schemas/values.schema.json";
            let text = files.get(path)?.replacen('{', &format!("{{ \"description\": \"{number}\","), 1);
            files.insert(path.to_owned(), text);
        }
        4 => {
            let region = format!("  regions:\n    region-{number}: {{ server: \"https://r{number}.example.com\" }}\n");
            let text = files["tenantry.yaml"].replacen("  regions:\n", &region, 1);
            files.insert("tenantry.yaml".to_owned(), text);
        }
        // A template that is taken in by a bundle's first one.
        _ => {
            let bundle = pick(files, chance, "templates/")?;
            let folder = bundle.strip_prefix("templates/")?.split('/').next()?.to_owned();
            let (part, host) = (format!("{folder}/_part.j2"), format!("templates/{folder}/namespace.yaml.j2"));
            let text = files.get(&host)?;
            if !text.contains(&part) {
                let text = format!("{text}{{% include \"{part}\" %}}\n");
                files.insert(host, text);
            }
            let labels = format!(
                "# {number}\n---\napiVersion: v1\nkind: ConfigMap\nmetadata: {{ name: part-{number}, namespace: \"{{{{ namespace }}}}\", labels: {{{{ labels }}}} }}\n"
            );
            files.insert(format!("templates/{part}"), labels);
        }
    }
    Some(())
}
