//! Points in time as lifecycles give them: UTC, RFC 3339, to the second.

/// Returns whether the text is a real point in time of the form `2027-01-31T00:00:00Z`.
///
/// The offset is always `Z`: times of a lifecycle are compared by machines all over the world, and read in diffs.
pub(super) fn is_utc(text: &str) -> bool {
    let form = b"0000-00-00T00:00:00Z";
    let fits = text.len() == form.len()
        && text.bytes().zip(form).all(|(b, form)| if *form == b'0' { b.is_ascii_digit() } else { b == *form });
    if !fits {
        return false;
    }
    let number = |from: usize, to: usize| text[from..to].parse::<u32>().unwrap_or(u32::MAX);
    let (year, month, day) = (number(0, 4), number(5, 7), number(8, 10));
    (1..=12).contains(&month)
        && (1..=days(year, month)).contains(&day)
        && number(11, 13) < 24
        && number(14, 16) < 60
        && number(17, 19) < 60
}

fn days(year: u32, month: u32) -> u32 {
    match month {
        4 | 6 | 9 | 11 => 30,
        2 if year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400)) => 29,
        2 => 28,
        _ => 31,
    }
}

#[cfg(test)]
mod tests {
    use super::is_utc;

    #[test]
    fn only_real_points_in_utc_are_taken() {
        for good in ["2027-01-31T00:00:00Z", "2028-02-29T23:59:59Z", "2000-02-29T12:00:00Z"] {
            assert!(is_utc(good), "{good}");
        }
        for bad in [
            "2027-02-29T00:00:00Z",
            "2100-02-29T00:00:00Z",
            "2027-04-31T00:00:00Z",
            "2027-13-01T00:00:00Z",
            "2027-00-01T00:00:00Z",
            "2027-01-00T00:00:00Z",
            "2027-01-31T24:00:00Z",
            "2027-01-31T00:60:00Z",
            "2027-01-31T00:00:00+01:00",
            "2027-01-31T00:00:00",
            "2027-01-31",
            "2027-01-31t00:00:00z",
            "2027-01-31T00:00:00.5Z",
            "２０２７-01-31T00:00Z",
            "",
        ] {
            assert!(!is_utc(bad), "{bad}");
        }
    }
}
