//! A value and where it stands: what rules look at, and where they report.

use serde_json::Value;

use super::super::{
    fault::{Fault, FaultKind, Path},
    names,
    words::shown,
};

/// A value of an object with the way to it. Costs nothing until a fault asks for the way.
#[derive(Clone, Copy)]
pub(super) struct Spot<'v, 'p> {
    pub value: &'v Value,
    path: Path<'p>,
}

impl<'v, 'p> Spot<'v, 'p> {
    pub fn root(value: &'v Value) -> Spot<'v, 'static> {
        Spot { value, path: Path::ROOT }
    }

    /// Returns a field; one that is null counts as missing, as it does for the API server.
    pub fn field<'q>(&'q self, name: &'q str) -> Option<Spot<'v, 'q>> {
        let value = self.value.get(name).filter(|value| !value.is_null())?;
        Some(Spot { value, path: self.path.field(name) })
    }

    pub fn has(&self, name: &str) -> bool {
        self.value.get(name).is_some_and(|value| !value.is_null())
    }

    /// Returns the items of a list; of anything else, none.
    pub fn items<'q>(&'q self) -> impl Iterator<Item = Spot<'v, 'q>> {
        let items = self.value.as_array().map_or(&[][..], Vec::as_slice);
        items.iter().enumerate().map(|(index, value)| Spot { value, path: self.path.item(index) })
    }

    /// Returns the fields of a map; of anything else, none.
    pub fn entries<'q>(&'q self) -> impl Iterator<Item = (&'v str, Spot<'v, 'q>)>
    where
        'v: 'q,
    {
        let fields = self.value.as_object().into_iter().flatten();
        fields.map(|(name, value)| (name.as_str(), Spot { value, path: self.path.field(name) }))
    }

    pub fn as_text(&self) -> Option<&'v str> {
        self.value.as_str()
    }

    pub fn text(&self, name: &str) -> Option<&'v str> {
        self.value.get(name).and_then(Value::as_str)
    }

    pub fn number(&self, name: &str) -> Option<i64> {
        self.value.get(name).and_then(Value::as_i64)
    }

    pub fn flag(&self, name: &str) -> bool {
        self.value.get(name) == Some(&Value::Bool(true))
    }

    /// Returns how many items a list has, or how many fields a map.
    pub fn count(&self, name: &str) -> usize {
        match self.value.get(name) {
            Some(Value::Array(items)) => items.len(),
            Some(Value::Object(fields)) => fields.len(),
            _ => 0,
        }
    }

    #[cold]
    pub fn refuse(&self, faults: &mut Vec<Fault>, message: impl Into<String>, help: impl Into<String>) {
        faults.push(self.path.fault(FaultKind::Combination, message, help));
    }

    /// Refuses what a field says, or that it is missing.
    #[cold]
    pub fn refuse_field(
        &self,
        faults: &mut Vec<Fault>,
        name: &str,
        message: impl Into<String>,
        help: impl Into<String>,
    ) {
        faults.push(self.path.field(name).fault(FaultKind::Combination, message, help));
    }

    #[cold]
    pub fn missing(&self, faults: &mut Vec<Fault>, name: &str, why: &str) {
        let message = format!("required field `{name}` is missing{}{why}", if why.is_empty() { "" } else { ": " });
        faults.push(self.path.fault(FaultKind::MissingField, message, format!("add `{name}`")));
    }

    /// Refuses the value itself: `` `x` is no port``.
    #[cold]
    pub fn wrong_form(&self, faults: &mut Vec<Fault>, what: &str, help: &str) {
        faults.push(self.path.fault(FaultKind::WrongForm, format!("{} {what}", shown(self.value)), help));
    }

    #[cold]
    pub fn out_of_range(&self, faults: &mut Vec<Fault>, what: &str, help: &str) {
        faults.push(self.path.fault(FaultKind::OutOfRange, format!("{} {what}", shown(self.value)), help));
    }

    #[cold]
    fn invalid_name(&self, faults: &mut Vec<Fault>, error: &names::NameError) {
        let message = format!("{} {error}", shown(self.value));
        faults.push(self.path.fault(FaultKind::InvalidName, message, "choose another name"));
    }

    /// Checks that a field, where it is there, names an object: a DNS subdomain.
    pub fn object_name(&self, faults: &mut Vec<Fault>, name: &str) {
        if let Some(field) = self.field(name)
            && let Some(text) = field.as_text()
            && let Err(error) = names::check_name("", "ConfigMap", text)
        {
            field.invalid_name(faults, &error);
        }
    }

    /// Checks that a field, where it is there, is a DNS label.
    pub fn label_name(&self, faults: &mut Vec<Fault>, name: &str) {
        if let Some(field) = self.field(name)
            && let Some(text) = field.as_text()
            && let Err(error) = names::check_label_name(text)
        {
            field.invalid_name(faults, &error);
        }
    }

    /// Checks that a field is there and not empty.
    pub fn required(&self, faults: &mut Vec<Fault>, name: &str) {
        if self.text(name).is_none_or(str::is_empty) && !self.value.get(name).is_some_and(|value| value.is_number()) {
            self.missing(faults, name, "");
        }
    }

    /// Checks that a number is at least this.
    pub fn at_least(&self, faults: &mut Vec<Fault>, name: &str, least: i64) {
        if let Some(field) = self.field(name)
            && self.number(name).is_some_and(|number| number < least)
        {
            field.out_of_range(
                faults,
                &format!("is too small, at least {least} is expected"),
                &format!("write at least {least}"),
            );
        }
    }

    /// Checks a port, given by its number or by its name.
    pub fn port(&self, faults: &mut Vec<Fault>, name: &str) {
        let Some(field) = self.field(name) else { return };
        let fits = match field.value {
            Value::Number(number) => number.as_i64().is_none_or(|number| (1..=65535).contains(&number)),
            Value::String(text) => names::is_port_name(text),
            _ => true,
        };
        if !fits {
            field.wrong_form(
                faults,
                "is no port",
                "write a number from 1 to 65535, or a name: at most 15 lower-case letters, digits and single `-`",
            );
        }
    }

    /// Checks a number that may be a share: `2` or `25%`.
    pub fn share(&self, faults: &mut Vec<Fault>, name: &str, most: i64) {
        let Some(field) = self.field(name) else { return };
        let fits = match field.value {
            Value::Number(number) => number.as_i64().is_none_or(|number| number >= 0),
            Value::String(text) => text
                .strip_suffix('%')
                .filter(|digits| !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit()))
                .and_then(|digits| digits.parse().ok())
                .is_some_and(|share: i64| share <= most),
            _ => true,
        };
        if !fits {
            field.wrong_form(faults, "is neither a number nor a share", "write a number, or a share such as `25%`");
        }
    }

    /// Checks that exactly one of the fields is there.
    pub fn exactly_one(&self, faults: &mut Vec<Fault>, names: &[&str]) {
        match names.iter().filter(|name| self.has(name)).count() {
            0 => self.refuse(faults, format!("none of {} is there", names.join(", ")), "give it one of them"),
            1 => {}
            _ => self.at_most_one(faults, names),
        }
    }

    /// Checks that at most one of the fields is there.
    pub fn at_most_one(&self, faults: &mut Vec<Fault>, names: &[&str]) {
        let there: Vec<&str> = names.iter().copied().filter(|name| self.has(name)).take(3).collect();
        if there.len() > 1 {
            self.refuse(faults, format!("{} exclude each other", there.join(" and ")), "keep one of them");
        }
    }

    /// Checks that a relative path stays where it is.
    pub fn inside(&self, faults: &mut Vec<Fault>, name: &str) {
        if let Some(field) = self.field(name)
            && field.as_text().is_some_and(|text| text.starts_with('/') || text.split('/').any(|part| part == ".."))
        {
            field.wrong_form(faults, "leads out of its folder", "write a relative path without `..`");
        }
    }
}
