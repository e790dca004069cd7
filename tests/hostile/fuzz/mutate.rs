//! Inputs near good ones: bytes, words, lines and parts of other seeds, put in, taken out and exchanged.

use crate::{base, chance::Chance};

/// Words that mean something to one of the readers.
const WORDS: &[&str] = &[
    "\"",
    "'",
    ": ",
    "- ",
    "? ",
    "|",
    ">",
    "|2-",
    "&a",
    "*a",
    "<<: ",
    "!!str ",
    "%YAML 1.1",
    "---\n",
    "...\n",
    "#",
    "[",
    "]",
    "{",
    "}",
    ",",
    "null",
    "~",
    "no",
    "017",
    "0x1F",
    "1e400",
    ".inf",
    "2001-01-01",
    "1:30",
    "\u{feff}",
    "\u{202e}",
    "\u{85}",
    "\u{2028}",
    "\u{f0000}",
    "\u{0}",
    "\t",
    "\r",
    "\\u202e",
    "\\x00",
    "{{ ",
    " }}",
    "{% ",
    " %}",
    "{# ",
    "{% raw %}",
    "{% for a in range(9) %}",
    "{% endfor %}",
    "{% set a %}",
    "{% endset %}",
    "{% macro m(a) %}",
    "{% endmacro %}",
    "{{ tenant.displayName }}",
    "{{ labels }}",
    "{{ namespace }}",
    "{{ none }}",
    " | tojson",
    " | indent(4)",
    " ~ ",
    "**",
    "//",
    "999999999999999999999",
    "-1",
    "a: ",
    "$ref",
    "${tenant.name}",
    "../",
    "/",
    "~1",
    "@",
    "`",
    "é",
    "日本",
    "🎉",
];

/// What inputs are made of.
pub struct Seeds(Vec<Vec<u8>>);

impl Seeds {
    /// Returns the committed files with one of these endings, those of the hostile corpus included.
    pub fn of(endings: &[&str]) -> Self {
        let mut seeds: Vec<Vec<u8>> = ["rules-base", "estates", "fuzz"]
            .into_iter()
            .flat_map(|folder| base::files(&base::fixtures().join(folder)))
            .filter(|(path, bytes)| endings.iter().any(|ending| path.ends_with(ending)) && bytes.len() < 4 << 10)
            .map(|(_, bytes)| bytes)
            .collect();
        seeds.push(base::TENANT.as_bytes().to_vec());
        Self(seeds)
    }

    fn any(&self, chance: &mut Chance) -> &[u8] {
        &self.0[chance.below(self.0.len())]
    }

    /// Returns a seed with a few changes.
    pub fn mutated(&self, chance: &mut Chance) -> Vec<u8> {
        let mut input = self.any(chance).to_vec();
        for _ in 0..=chance.below(4) {
            self.change(&mut input, chance);
        }
        input.truncate(16 << 10);
        input
    }

    fn change(&self, input: &mut Vec<u8>, chance: &mut Chance) {
        let word = WORDS[chance.below(WORDS.len())].as_bytes();
        let at = chance.below(input.len() + 1);
        match chance.below(9) {
            0 if at < input.len() => input[at] ^= 1 << chance.below(8),
            1 | 2 => drop(input.splice(at..at, word.iter().copied())),
            3 => drop(input.drain(at..(at + chance.below(8)).min(input.len()))),
            4 => drop(input.splice(at..at, word.repeat(1 + chance.below(40)))),
            _ => self.change_line(input, chance, word),
        }
    }

    fn change_line(&self, input: &mut Vec<u8>, chance: &mut Chance, word: &[u8]) {
        let split = |bytes: &[u8]| bytes.split_inclusive(|byte| *byte == b'\n').map(<[u8]>::to_vec).collect::<Vec<_>>();
        let (mut lines, others) = (split(input), split(self.any(chance)));
        if lines.is_empty() || others.is_empty() {
            return;
        }
        let (at, other) = (chance.below(lines.len()), chance.below(others.len()));
        match chance.below(7) {
            0 => drop(lines.remove(at)),
            1 => lines.insert(at, lines[at].clone()),
            2 => lines.swap(at, 0),
            3 => lines.insert(at, others[other].clone()),
            4 => drop(lines.splice(at.., others[other..].iter().cloned())),
            5 => drop(lines[at].splice(0..0, b"  ".repeat(1 + chance.below(3)))),
            // The value of a key.
            _ => match lines[at].iter().position(|byte| *byte == b':') {
                Some(colon) => lines[at] = [&lines[at][..=colon], b" ", word, b"\n"].concat(),
                None => lines[at] = [word, b"\n"].concat(),
            },
        }
        *input = lines.concat();
    }
}
