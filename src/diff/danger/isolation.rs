//! Changes that open what was closed: Pod Security, network policies.

use core::net::IpAddr;

use serde_json::Value;

use super::super::change_set::{Danger, Level};

/// The label of a Namespace that says which Pods it refuses.
const POD_SECURITY: &str = "/metadata/labels/pod-security.kubernetes.io~1enforce";

/// Returns what a new object opens.
pub(super) fn of_created(kind: &str, target: &Value) -> Vec<Danger> {
    match kind {
        "NetworkPolicy" => opened(&Value::Null, target),
        _ => Vec::new(),
    }
}

/// Returns what a change opens.
pub(super) fn of_changed(kind: &str, base: &Value, target: &Value) -> Vec<Danger> {
    match kind {
        "Namespace" => lowered(base, target).into_iter().collect(),
        "NetworkPolicy" => opened(base, target),
        _ => Vec::new(),
    }
}

fn lowered(base: &Value, target: &Value) -> Option<Danger> {
    let level = |value: &Value| value.pointer(POD_SECURITY).and_then(Value::as_str).unwrap_or("privileged").to_owned();
    let strict = |level: &str| ["privileged", "baseline", "restricted"].iter().position(|known| *known == level);
    let (before, after) = (level(base), level(target));
    (strict(&after) < strict(&before))
        .then(|| Danger::new(Level::Exposure, format!("Pod Security goes down from {before} to {after}")))
}

fn opened(base: &Value, target: &Value) -> Vec<Danger> {
    let mut reasons = Vec::new();
    let types = |value: &Value| -> Vec<String> {
        let list = value.pointer("/spec/policyTypes").and_then(Value::as_array);
        list.into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect()
    };
    let after = types(target);
    reasons.extend(
        types(base)
            .into_iter()
            .filter(|kind| !after.contains(kind))
            .map(|kind| format!("{kind} is no longer restricted")),
    );
    for (direction, peers) in [("ingress", "from"), ("egress", "to")] {
        let (before, after) = (rules(base, direction), rules(target, direction));
        let anywhere = |rules: &[&Value]| {
            rules.iter().any(|rule| rule.get(peers).and_then(Value::as_array).is_none_or(Vec::is_empty))
        };
        if anywhere(&after) && !anywhere(&before) {
            reasons.push(format!("{direction} with every address is allowed by a rule without `{peers}`"));
        }
        if anywhere(&before) {
            continue;
        }
        let before: Vec<Block> = blocks(&before, peers);
        for block in blocks(&after, peers) {
            // A new policy may open blocks as it was written to; the whole Internet in it deserves a look all the same.
            let wider = if base.is_null() {
                block.bits == 0 && block.except.is_empty()
            } else {
                !before.iter().any(|old| old.covers(&block))
            };
            if wider {
                reasons.push(format!("{direction} reaches more addresses: {}", block.text));
            }
        }
    }
    reasons.into_iter().map(|reason| Danger::new(Level::Exposure, reason)).collect()
}

fn rules<'a>(policy: &'a Value, direction: &str) -> Vec<&'a Value> {
    policy.pointer(&format!("/spec/{direction}")).and_then(Value::as_array).into_iter().flatten().collect()
}

/// An `ipBlock`: a range of addresses without some smaller ranges.
struct Block {
    text: String,
    address: IpAddr,
    bits: u32,
    except: Vec<(IpAddr, u32)>,
}

fn blocks(rules: &[&Value], peers: &str) -> Vec<Block> {
    let peers = rules.iter().filter_map(|rule| rule.get(peers).and_then(Value::as_array)).flatten();
    peers
        .filter_map(|peer| {
            let text = peer.pointer("/ipBlock/cidr").and_then(Value::as_str)?;
            let (address, bits) = range(text)?;
            let except = peer.pointer("/ipBlock/except").and_then(Value::as_array).into_iter().flatten();
            let except = except.filter_map(|text| range(text.as_str()?)).collect();
            Some(Block { text: text.to_owned(), address, bits, except })
        })
        .collect()
}

fn range(text: &str) -> Option<(IpAddr, u32)> {
    let (address, bits) = text.split_once('/')?;
    Some((address.parse().ok()?, bits.parse().ok()?))
}

fn within(inner: (IpAddr, u32), outer: (IpAddr, u32)) -> bool {
    let equal = |a: u128, b: u128, width: u32| {
        let bits = outer.1.min(width);
        bits == 0 || (a ^ b) >> (width - bits) == 0
    };
    inner.1 >= outer.1
        && match (inner.0, outer.0) {
            (IpAddr::V4(a), IpAddr::V4(b)) => equal(u128::from(a.to_bits()), u128::from(b.to_bits()), 32),
            (IpAddr::V6(a), IpAddr::V6(b)) => equal(a.to_bits(), b.to_bits(), 128),
            _ => false,
        }
}

impl Block {
    /// Returns whether every address of `other` is one of this block: each range that is left out here is left out there,
    /// or lies apart from it.
    fn covers(&self, other: &Block) -> bool {
        let whole = (other.address, other.bits);
        within(whole, (self.address, self.bits))
            && self.except.iter().all(|&hole| {
                let apart = !within(hole, whole) && !within(whole, hole);
                apart || other.except.iter().any(|&left_out| within(hole, left_out))
            })
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use serde_json::json;

    use super::*;

    fn policy(blocks: Value) -> Value {
        let peers: Vec<Value> = blocks.as_array().unwrap().iter().map(|block| json!({"ipBlock": block})).collect();
        json!({"spec": {"policyTypes": ["Egress"], "egress": [{"to": peers}]}})
    }

    fn wider(before: Value, after: Value) -> bool {
        !of_changed("NetworkPolicy", &policy(before), &policy(after)).is_empty()
    }

    #[test]
    fn wider_blocks_are_seen() {
        let inside = json!([{"cidr": "0.0.0.0/0", "except": ["10.0.0.0/8", "192.168.0.0/16"]}]);
        assert!(wider(inside.clone(), json!([{"cidr": "0.0.0.0/0", "except": ["10.0.0.0/8"]}])));
        assert!(!wider(inside.clone(), json!([{"cidr": "0.0.0.0/0", "except": ["10.0.0.0/8", "192.168.0.0/15"]}])));
        assert!(!wider(inside.clone(), json!([{"cidr": "203.0.113.0/24"}])));
        assert!(wider(inside, json!([{"cidr": "10.1.0.0/16"}])));
        assert!(wider(json!([{"cidr": "203.0.113.0/24"}]), json!([{"cidr": "203.0.112.0/23"}])));
        assert!(wider(json!([{"cidr": "0.0.0.0/0"}]), json!([{"cidr": "::/0"}])));
        assert!(!wider(json!([{"cidr": "2001:db8::/32"}]), json!([{"cidr": "2001:db8:1::/48"}])));
    }

    #[test]
    fn a_rule_without_peers_is_seen() {
        let base = policy(json!([{"cidr": "203.0.113.0/24"}]));
        let mut target = base.clone();
        target["spec"]["egress"] = json!([{"ports": [{"port": 53}]}]);
        assert_eq!(of_changed("NetworkPolicy", &base, &target).len(), 1);
        assert!(of_changed("NetworkPolicy", &target, &base).is_empty());
    }

    #[test]
    fn a_policy_type_that_goes_is_seen() {
        let base = json!({"spec": {"policyTypes": ["Ingress", "Egress"]}});
        let target = json!({"spec": {"policyTypes": ["Egress"]}});
        assert_eq!(of_changed("NetworkPolicy", &base, &target)[0].reason, "Ingress is no longer restricted");
    }

    #[test]
    fn lower_pod_security_is_seen() {
        let namespace = |level: &str| json!({"metadata": {"labels": {"pod-security.kubernetes.io/enforce": level}}});
        assert_eq!(of_changed("Namespace", &namespace("restricted"), &namespace("baseline")).len(), 1);
        assert_eq!(of_changed("Namespace", &namespace("baseline"), &json!({})).len(), 1);
        assert!(of_changed("Namespace", &namespace("baseline"), &namespace("restricted")).is_empty());
    }
}
