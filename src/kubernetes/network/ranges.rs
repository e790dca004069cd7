//! Sets of addresses: what `ipBlock` with its exceptions means.

use core::net::{IpAddr, Ipv6Addr};

use super::Answer;

/// A set of addresses: intervals that neither meet nor touch, in order.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ranges(Vec<(u8, u128, u128)>);

impl Ranges {
    /// Returns the addresses of a block in CIDR notation without those of others; none where the block cannot be read. An
    /// exception that cannot be read takes nothing away.
    pub fn block<'a>(cidr: &str, except: impl IntoIterator<Item = &'a str>) -> Option<Self> {
        let mut ranges = vec![interval(cidr)?];
        for hole in except.into_iter().filter_map(interval) {
            ranges = ranges.into_iter().flat_map(|range| without(range, hole)).collect();
        }
        ranges.sort_unstable();
        Some(Self(ranges))
    }

    /// Returns the addresses of several blocks; none where one of them cannot be read.
    pub fn blocks<'a>(cidrs: impl IntoIterator<Item = &'a str>) -> Option<Self> {
        let mut all = cidrs.into_iter().map(interval).collect::<Option<Vec<_>>>()?;
        all.sort_unstable();
        let mut merged: Vec<(u8, u128, u128)> = Vec::new();
        for (family, first, last) in all {
            match merged.last_mut() {
                Some(before) if before.0 == family && first <= before.2.saturating_add(1) => {
                    before.2 = before.2.max(last)
                }
                _ => merged.push((family, first, last)),
            }
        }
        Some(Self(merged))
    }

    /// Returns the set of one address.
    pub fn address(address: IpAddr) -> Self {
        let (family, bits) = bits(address);
        Self(vec![(family, bits, bits)])
    }

    /// Returns whether no address is in it.
    pub fn is_empty(&self) -> bool {
        let Self(ranges) = self;
        ranges.is_empty()
    }

    /// Returns whether an address that is one of `others` is in this set: `Maybe` where only some of them are.
    pub fn holds(&self, others: &Ranges) -> Answer {
        let inside = |(family, first, last): &(u8, u128, u128)| {
            let meets = |range: &&(u8, u128, u128)| range.0 == *family && range.1 <= *last && range.2 >= *first;
            match self.0.iter().find(meets) {
                None => Answer::No,
                Some(range) if range.1 <= *first && range.2 >= *last => Answer::Yes,
                Some(_) => Answer::Maybe,
            }
        };
        let mut answers = others.0.iter().map(inside);
        let Some(first) = answers.next() else { return Answer::No };
        answers.fold(first, |all, one| if all == one { all } else { Answer::Maybe })
    }
}

fn bits(address: IpAddr) -> (u8, u128) {
    match address {
        IpAddr::V4(address) => (4, u128::from(address.to_bits())),
        IpAddr::V6(address) => (6, address.to_bits()),
    }
}

fn interval(cidr: &str) -> Option<(u8, u128, u128)> {
    let (address, length) = cidr.split_once('/')?;
    let (family, bits) = bits(address.parse().ok()?);
    let width = if family == 4 { u32::BITS } else { Ipv6Addr::BITS };
    let length: u32 = length.parse().ok().filter(|length| *length <= width)?;
    let hosts = if width == length { 0 } else { u128::MAX >> (u128::BITS - (width - length)) };
    Some((family, bits & !hosts, bits | hosts))
}

fn without(range: (u8, u128, u128), hole: (u8, u128, u128)) -> Vec<(u8, u128, u128)> {
    let (family, first, last) = range;
    if hole.0 != family || hole.1 > last || hole.2 < first {
        return vec![range];
    }
    let mut rest = Vec::new();
    if hole.1 > first {
        rest.push((family, first, hole.1 - 1));
    }
    if hole.2 < last {
        rest.push((family, hole.2 + 1, last));
    }
    rest
}
