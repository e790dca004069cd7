//! Schedules of CronJobs: how soon one run follows another.

/// Seconds of a minute.
const MINUTE: u64 = 60;

/// Minutes of a day.
const DAY: usize = 24 * 60;

/// Returns the fewest seconds between two runs of a schedule in cron's five fields, seen over one day of those that it runs on. `None` for
/// one that cannot be read: the API server refuses it.
pub(super) fn shortest_gap(schedule: &str) -> Option<u64> {
    let schedule = match schedule.trim() {
        "@hourly" => "0 * * * *",
        "@daily" | "@midnight" | "@weekly" | "@monthly" | "@yearly" | "@annually" => "0 0 * * *",
        schedule => schedule,
    };
    let mut fields = schedule.split_ascii_whitespace();
    let (minutes, hours) = (field(fields.next()?, 60)?, field(fields.next()?, 24)?);
    if fields.count() != 3 {
        return None;
    }
    let runs: Vec<usize> = (0..DAY).filter(|at| hours[at / 60] && minutes[at % 60]).collect();
    let first = runs.first()?;
    // From the last run of a day to the first of the next one.
    let over_night = DAY - runs.last()? + first;
    let gap = runs.windows(2).map(|pair| pair[1] - pair[0]).chain([over_night]).min()?;
    u64::try_from(gap).ok()?.checked_mul(MINUTE)
}

/// Reads a field: values, ranges and steps, joined by commas.
fn field(text: &str, size: usize) -> Option<Vec<bool>> {
    let mut set = vec![false; size];
    for part in text.split(',') {
        let (range, step) = match part.split_once('/') {
            Some((range, step)) => (range, Some(step.parse::<usize>().ok().filter(|step| *step > 0)?)),
            None => (part, None),
        };
        let (start, end) = match (range, range.split_once('-')) {
            ("*" | "?", _) => (0, size - 1),
            (_, Some((start, end))) => (start.parse().ok()?, end.parse().ok()?),
            (start, None) => {
                let start = start.parse().ok()?;
                (start, if step.is_some() { size - 1 } else { start })
            }
        };
        if end >= size {
            return None;
        }
        (start..=end).step_by(step.unwrap_or(1)).for_each(|at| set[at] = true);
    }
    Some(set)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shortest_gap_counts() {
        for (schedule, minutes) in [
            ("* * * * *", Some(1)),
            ("*/15 * * * *", Some(15)),
            ("0,50 * * * *", Some(10)),
            ("7 * * * *", Some(60)),
            ("30 2,4 * * *", Some(120)),
            ("23 2 * * 1", Some(24 * 60)),
            ("0 8-18/2 * * *", Some(120)),
            ("5/20 1 * * *", Some(20)),
            ("@hourly", Some(60)),
            ("@weekly", Some(24 * 60)),
            ("59 23 * *", None),
            ("61 * * * *", None),
            ("*/0 * * * *", None),
            ("5-1 * * * *", None),
            ("MON * * * *", None),
        ] {
            assert_eq!(shortest_gap(schedule), minutes.map(|minutes| minutes * 60), "{schedule}");
        }
    }
}
