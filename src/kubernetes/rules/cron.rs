//! Schedules of CronJobs.
//!
//! Source: github.com/robfig/cron/v3, parser.go, `ParseStandard`.

use super::{super::fault::Fault, spot::Spot};

const HELP: &str = "write minute, hour, day of the month, month and day of the week: `30 3 * * 1-5`, or `@daily`";

const DESCRIPTORS: [&str; 7] = ["@yearly", "@annually", "@monthly", "@weekly", "@daily", "@midnight", "@hourly"];

const MONTHS: [&str; 12] = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];

const DAYS: [&str; 7] = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];

/// The names of the IANA time zone database, sorted, one a line.
const ZONES: &str = include_str!("time-zones.txt");

pub(super) fn check(spec: &Spot<'_, '_>, faults: &mut Vec<Fault>) {
    if let Some(schedule) = spec.field("schedule")
        && let Some(text) = schedule.as_text()
    {
        if text.contains("TZ") {
            schedule.wrong_form(faults, "names a time zone", "write the zone into `timeZone`");
        } else if !is_schedule(text) {
            schedule.wrong_form(faults, "is no schedule", HELP);
        }
    }
    if let Some(zone) = spec.field("timeZone")
        && zone.as_text().is_some_and(|text| !is_zone(text))
    {
        zone.wrong_form(
            faults,
            "is no time zone",
            "write a name of the time zone database, `Europe/Paris` for example",
        );
    }
}

/// Returns whether a text is a schedule that CronJobs take: five fields, or a word such as `@daily`.
pub fn is_schedule(text: &str) -> bool {
    if let Some(interval) = text.strip_prefix("@every ") {
        return is_duration(interval);
    }
    if text.starts_with('@') {
        return DESCRIPTORS.contains(&text);
    }
    let fields: Vec<&str> = text.split_whitespace().collect();
    let [minute, hour, day, month, weekday] = fields.as_slice() else { return false };
    is_field(minute, 0, 59, &[])
        && is_field(hour, 0, 23, &[])
        && is_field(day, 1, 31, &[])
        && is_field(month, 1, 12, &MONTHS)
        && is_field(weekday, 0, 6, &DAYS)
}

fn is_field(field: &str, least: u32, most: u32, names: &[&str]) -> bool {
    field.split(',').all(|part| {
        let (range, step) = part.split_once('/').map_or((part, None), |(range, step)| (range, Some(step)));
        if step.is_some_and(|step| !step.parse::<u32>().is_ok_and(|step| step > 0)) {
            return false;
        }
        if matches!(range, "*" | "?") {
            return true;
        }
        let value = |text: &str| {
            let named = names.iter().position(|name| name.eq_ignore_ascii_case(text));
            let number = named.and_then(|at| u32::try_from(at).ok()).map(|at| at + least);
            number.or_else(|| text.parse().ok()).filter(|number| (least..=most).contains(number))
        };
        match range.split_once('-') {
            Some((from, to)) => matches!((value(from), value(to)), (Some(from), Some(to)) if from <= to),
            None => value(range).is_some(),
        }
    })
}

/// Go's durations: `1h30m`, `90s`.
fn is_duration(text: &str) -> bool {
    let mut rest = text;
    while !rest.is_empty() {
        let digits = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_digit() || c == '.').len();
        if digits == 0 {
            return false;
        }
        rest = &rest[digits..];
        let Some(unit) = ["ms", "us", "ns", "h", "m", "s"].iter().find(|unit| rest.starts_with(**unit)) else {
            return false;
        };
        rest = &rest[unit.len()..];
    }
    !text.is_empty()
}

fn is_zone(text: &str) -> bool {
    !text.is_empty() && ZONES.lines().any(|zone| zone == text)
}
