//! Reading what people write: one document, strictly, every fault with its place.

use super::{
    Entry, Limits, Node, NodeValue, Profile, Style,
    ambiguous::{self, Plain},
    characters,
    events::{self, Event, Range, ScalarStyle, StructureStyle},
    faults::{self, Fault},
};
use crate::diag::{Diagnostic, Place, Position, Span};

/// Findings of one file after which reading stops: a file of nothing but faults needs no complete list, and the memory
/// for it stays small.
const MOST_FINDINGS: usize = 100;

/// Reads exactly one document; `file` is the path for the findings.
///
/// # Errors
///
/// Returns every fault found, in the order of the text, and never a node beside them. Reading goes on behind ambiguous
/// scalars, duplicate keys and refused constructs; a fault of syntax or a limit ends it. At most 100 findings are returned.
pub fn read(file: &str, text: &str, profile: Profile) -> Result<Node, Vec<Diagnostic>> {
    let mut reader = Reader {
        file,
        text,
        profile,
        limits: profile.limits(),
        findings: Vec::new(),
        frames: Vec::new(),
        root: None,
        documents: 0,
        nodes: 0,
    };
    if reader.check_text().is_ok() {
        // Stopped says only that there is nothing more to learn; the findings say why.
        let _: Result<(), Stopped> = reader.read();
    }
    let Reader { root, mut findings, .. } = reader;
    match root {
        Some(root) if findings.is_empty() => Ok(root),
        _ => {
            findings.sort_by(|a, b| a.place.cmp(&b.place));
            Err(findings)
        }
    }
}

/// Nothing more can be read; the reason is among the findings.
struct Stopped;

struct Reader<'a> {
    file: &'a str,
    text: &'a str,
    profile: Profile,
    limits: Limits,
    findings: Vec<Diagnostic>,
    frames: Vec<Frame>,
    root: Option<Node>,
    documents: usize,
    nodes: usize,
}

/// A collection that has begun and not ended.
struct Frame {
    start: Position,
    /// Behind the last character of what it holds so far.
    end: Position,
    content: Content,
}

enum Content {
    List(Vec<Node>),
    Map { entries: Vec<Entry>, key: Key },
}

/// What a map has read in front of its next value.
enum Key {
    Missing,
    Read {
        text: String,
        style: Style,
        span: Span,
    },
    /// A key that cannot be kept; its value is read for its faults and dropped.
    Refused,
}

impl Reader<'_> {
    /// Looks at the text before it is parsed: its size and the characters that no YAML reader agrees on.
    fn check_text(&mut self) -> Result<(), Stopped> {
        if self.text.len() > self.limits.bytes {
            let fault = faults::too_large(self.text.len(), self.limits.bytes);
            self.find(Span::START, fault)?;
            return Err(Stopped);
        }
        let ascii = |b: &u8| matches!(b, b'\t' | b'\n' | b'\r' | b' '..=b'~');
        if self.text.as_bytes().iter().all(ascii) {
            return Ok(());
        }
        let mut at = Position::START;
        for c in self.text.chars() {
            let next = Position { line: at.line, column: at.column + 1 };
            if characters::is_unprintable(c) {
                self.find(Span { start: at, end: next }, faults::raw_character(c))?;
            }
            at = if c == '\n' { Position { line: at.line + 1, column: 1 } } else { next };
        }
        Ok(())
    }

    fn read(&mut self) -> Result<(), Stopped> {
        for event in events::strict(self.text, self.limits.depth) {
            match event {
                Ok((event, range)) => self.event(event, &range)?,
                Err(error) => {
                    let at = events::position(error.marker());
                    return self.find(Span { start: at, end: at }, faults::syntax(error.kind(), self.limits.depth));
                }
            }
        }
        match self.documents {
            0 => self.left_out(Span::START),
            _ => Ok(()),
        }
    }

    fn event(&mut self, event: Event<'_>, range: &Range) -> Result<(), Stopped> {
        let span = Span { start: events::position(&range.start), end: events::position(&range.end) };
        match event {
            Event::DocumentStart(..) => {
                self.documents += 1;
                if self.documents > 1 {
                    self.find(span, faults::second_document())?;
                    return Err(Stopped);
                }
            }
            Event::Scalar(text, style, _, tag) => {
                self.count(span)?;
                let tagged = tag.is_some();
                self.refuse_tag(tagged, range)?;
                if self.expects_key() {
                    self.key(&text, style, range, span, tagged)?;
                } else {
                    let node = self.scalar(text.into_owned(), style, range, span, tagged)?;
                    self.attach(node);
                }
            }
            Event::SequenceStart(shape, _, tag) => {
                self.refuse_tag(tag.is_some(), range)?;
                self.open(self.list_start(shape, range), Content::List(Vec::new()))?;
            }
            Event::MappingStart(_, _, tag) => {
                self.refuse_tag(tag.is_some(), range)?;
                self.open(span.start, Content::Map { entries: Vec::new(), key: Key::Missing })?;
            }
            Event::SequenceEnd | Event::MappingEnd => self.close(span)?,
            Event::Anchor(_, name) => self.find(span, faults::anchor(&name))?,
            Event::Alias(_) | Event::UnresolvedAlias(_) => {
                self.count(span)?;
                self.find(span, faults::alias(range.slice(self.text).unwrap_or_default()))?;
                self.attach(Node { span, value: NodeValue::Null });
            }
            // The stream, the ends of documents, and what later versions of the parser may tell.
            _ => {}
        }
        Ok(())
    }

    /// Records a finding; after the hundredth, reading stops.
    fn find(&mut self, span: Span, Fault { code, message, help }: Fault) -> Result<(), Stopped> {
        self.findings.push(Diagnostic::new(code, Place::new(self.file, span), message, help));
        if self.findings.len() < MOST_FINDINGS { Ok(()) } else { Err(Stopped) }
    }

    fn count(&mut self, span: Span) -> Result<(), Stopped> {
        self.nodes += 1;
        if self.nodes > self.limits.nodes {
            self.find(span, faults::too_many_nodes(self.limits.nodes))?;
            return Err(Stopped);
        }
        Ok(())
    }

    fn refuse_tag(&mut self, tagged: bool, range: &Range) -> Result<(), Stopped> {
        if !tagged {
            return Ok(());
        }
        let tag = range.tag_span().unwrap_or(*range);
        let span = Span { start: events::position(&tag.start), end: events::position(&tag.end) };
        self.find(span, faults::tag(tag.slice(self.text).unwrap_or_default()))
    }

    fn expects_key(&self) -> bool {
        matches!(self.frames.last(), Some(Frame { content: Content::Map { key: Key::Missing, .. }, .. }))
    }

    /// Takes a scalar for the key of the map that is open.
    fn key(&mut self, text: &str, style: ScalarStyle, range: &Range, span: Span, tagged: bool) -> Result<(), Stopped> {
        self.check_escapes(text, style, range, span)?;
        if style == ScalarStyle::Plain && !tagged && !self.is_placeholder(text) {
            let left_out = events::is_left_out(style, range);
            let meaning = if left_out { Plain::Null } else { ambiguous::resolve(text) };
            if let Some(fault) = faults::key(text, &meaning, left_out) {
                self.find(span, fault)?;
            }
        }
        if events::style(style) == Style::Block {
            self.find(span, faults::complex_key())?;
        }
        if let Some(Frame { content: Content::Map { key, .. }, end, .. }) = self.frames.last_mut() {
            *key = Key::Read { text: text.to_owned(), style: events::style(style), span };
            *end = span.end;
        }
        Ok(())
    }

    fn scalar(
        &mut self,
        text: String,
        style: ScalarStyle,
        range: &Range,
        span: Span,
        tagged: bool,
    ) -> Result<Node, Stopped> {
        let node = |value| Node { span, value };
        if events::is_left_out(style, range) {
            if self.frames.is_empty() {
                self.left_out(span)?;
            }
            return Ok(node(NodeValue::Null));
        }
        self.check_escapes(&text, style, range, span)?;
        if style == ScalarStyle::Plain && !tagged && !self.is_placeholder(&text) {
            match ambiguous::resolve(&text) {
                Plain::Text => {}
                Plain::Null => return Ok(node(NodeValue::Null)),
                Plain::Bool(value) => return Ok(node(NodeValue::Bool(value))),
                Plain::Number(number) => return Ok(node(NodeValue::Number(number))),
                Plain::Unfit(unfit) => self.find(span, faults::unfit_number(&text, unfit))?,
                Plain::Ambiguous(ambiguity) => self.find(span, faults::ambiguous(&text, ambiguity))?,
            }
        }
        let style = events::style(style);
        let span = if style == Style::Block { self.without_last_breaks(range, span) } else { span };
        Ok(Node { span, value: NodeValue::String { text, style } })
    }

    /// A file without a value: a fault in an estate, and the outcome of a template that renders nothing.
    fn left_out(&mut self, span: Span) -> Result<(), Stopped> {
        match self.profile {
            Profile::Estate | Profile::Document => self.find(span, faults::empty()),
            Profile::Template => {
                self.root.get_or_insert(Node { span, value: NodeValue::Null });
                Ok(())
            }
        }
    }

    /// A hole of a template: its value comes later, so its spelling means nothing.
    fn is_placeholder(&self, text: &str) -> bool {
        self.profile == Profile::Template && !text.is_ascii() && text.chars().any(characters::is_private_use)
    }

    /// Finds characters that only an escape brought in and that would be refused in the text itself.
    fn check_escapes(&mut self, text: &str, style: ScalarStyle, range: &Range, span: Span) -> Result<(), Stopped> {
        if style != ScalarStyle::DoubleQuoted {
            return Ok(());
        }
        let source = range.slice(self.text).unwrap_or_default();
        if !source.contains('\\') {
            return Ok(());
        }
        // Template authors may need a carriage return (an HTTP header, a batch file); nothing else does.
        let refused = |c: &char| characters::is_escaped(*c) && !(*c == '\r' && self.profile == Profile::Template);
        // A raw carriage return is part of a line break, which folding takes away.
        let raw = source.chars().filter(|c| *c != '\r').filter(refused).count();
        let mut found = text.chars().filter(refused);
        if found.clone().count() <= raw {
            return Ok(());
        }
        let escaped = found.find(|c| !source.contains(*c) || *c == '\r').or_else(|| text.chars().find(refused));
        self.find(span, faults::escaped_character(escaped.unwrap_or_default()))
    }

    /// Returns where a block scalar ends: behind its last visible character, not at the start of a later line.
    fn without_last_breaks(&self, range: &Range, span: Span) -> Span {
        let source = range.slice(self.text).unwrap_or_default().trim_end();
        let mut end = span.start;
        for c in source.chars() {
            end = match c {
                '\n' => Position { line: end.line + 1, column: 1 },
                _ => Position { line: end.line, column: end.column + 1 },
            };
        }
        Span { start: span.start, end }
    }

    /// Returns where a list starts. For a block list that is not indented further than its key, the parser's mark is
    /// behind the first dash.
    fn list_start(&self, shape: StructureStyle, range: &Range) -> Position {
        let start = events::position(&range.start);
        let under_key = matches!(self.frames.last(), Some(Frame { content: Content::Map { .. }, .. }));
        if shape == StructureStyle::Flow || !under_key {
            return start;
        }
        let before = range.start.byte_offset().and_then(|offset| self.text.get(..offset)).unwrap_or_default();
        let line = before.rsplit('\n').next().unwrap_or_default();
        let indentation = line.bytes().take_while(|b| *b == b' ').count();
        match (line[indentation..].starts_with('-'), u32::try_from(indentation)) {
            (true, Ok(indentation)) => Position { line: start.line, column: indentation + 1 },
            _ => start,
        }
    }

    fn open(&mut self, start: Position, content: Content) -> Result<(), Stopped> {
        let span = Span { start, end: start };
        self.count(span)?;
        if self.frames.len() >= self.limits.depth {
            self.find(span, faults::too_deep(self.limits.depth))?;
            return Err(Stopped);
        }
        if self.expects_key() {
            self.find(span, faults::complex_key())?;
        }
        self.frames.push(Frame { start, end: start, content });
        Ok(())
    }

    fn close(&mut self, mark: Span) -> Result<(), Stopped> {
        let Some(Frame { start, end, content }) = self.frames.pop() else {
            return Ok(());
        };
        // Only a flow collection ends with a character of its own.
        let end = if mark.start < mark.end { mark.end } else { end };
        let value = match content {
            Content::List(items) => NodeValue::List(items),
            Content::Map { entries, .. } => {
                self.find_duplicates(&entries)?;
                NodeValue::Map(entries)
            }
        };
        self.attach(Node { span: Span { start, end }, value });
        Ok(())
    }

    /// Puts a finished node where it belongs.
    fn attach(&mut self, node: Node) {
        let Some(frame) = self.frames.last_mut() else {
            self.root.get_or_insert(node);
            return;
        };
        frame.end = frame.end.max(node.span.end);
        match &mut frame.content {
            Content::List(items) => items.push(node),
            Content::Map { entries, key } => match std::mem::replace(key, Key::Missing) {
                Key::Missing => *key = Key::Refused,
                Key::Refused => {}
                Key::Read { text, style, span } => {
                    entries.push(Entry { key: text, key_style: style, key_span: span, value: node });
                }
            },
        }
    }

    fn find_duplicates(&mut self, entries: &[Entry]) -> Result<(), Stopped> {
        /// Up to here comparing each with each is quicker than sorting.
        const FEW: usize = 12;
        if entries.len() <= FEW {
            for (index, entry) in entries.iter().enumerate() {
                if let Some(first) = entries[..index].iter().find(|first| first.key == entry.key) {
                    self.find_duplicate(first, entry)?;
                }
            }
            return Ok(());
        }
        let mut sorted: Vec<&Entry> = entries.iter().collect();
        sorted.sort_by(|a, b| (&a.key, a.key_span).cmp(&(&b.key, b.key_span)));
        for group in sorted.chunk_by(|a, b| a.key == b.key) {
            for entry in &group[1..] {
                self.find_duplicate(group[0], entry)?;
            }
        }
        Ok(())
    }

    fn find_duplicate(&mut self, first: &Entry, second: &Entry) -> Result<(), Stopped> {
        self.find(second.key_span, faults::duplicate_key(&second.key))?;
        if let Some(finding) = self.findings.last_mut() {
            finding.related.push((Place::new(self.file, first.key_span), "first given here".to_owned()));
        }
        Ok(())
    }
}
