//! Random estates: what classes decide is what all pairs of tenants decide.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{super::*, Shop, namespace, own};
use crate::{kubernetes::network::tests::chance::Chance, verify::tests::verifier};

/// Estates that are compared; each has its number as seed.
const ESTATES: u64 = 400;

/// `a` and `b` are label values as well: somebody names these tenants without meaning them.
const NAMES: [&str; 8] = ["a", "b", "p", "q", "r", "s", "t", "u"];

/// What tenants of one tier have; `SELF` is the tenant's name.
struct Tier {
    labels: Value,
    policies: Vec<Value>,
    pods: Vec<Value>,
}

fn tier(chance: &mut Chance) -> Tier {
    // Half of the estates name one tenant or two; all may name the tenant itself.
    let mut names = vec!["shop-SELF", "gateway"];
    if chance.once_in(2) {
        names.extend(["shop-p", "shop-u"]);
    }
    let mut policies: Vec<Value> = (0..=chance.below(2)).map(|_| chance.policy(&names)).collect();
    // One tier's policies name a tenant of another, and nothing else keeps the two apart.
    if chance.once_in(3) {
        let name = json!({ "matchLabels": { "kubernetes.io/metadata.name": "shop-q" } });
        policies = vec![json!({ "policyTypes": ["Egress"], "egress": [{ "to": [{ "namespaceSelector": name }] }] })];
    } else if chance.once_in(3) {
        policies.push(json!({ "podSelector": {}, "ingress": [{}] }));
    }
    let mut labels = chance.labels();
    labels["own"] = json!("SELF");
    Tier { labels, policies, pods: (0..=chance.below(1)).map(|_| chance.labels()).collect() }
}

fn filled(value: &Value, name: &str) -> Value {
    serde_json::from_str(&value.to_string().replace("SELF", name)).unwrap()
}

fn shop(name: &str, tier: &Tier) -> Shop {
    let mut objects = vec![namespace(filled(&tier.labels, name))];
    for (number, spec) in tier.policies.iter().enumerate() {
        objects.push(own("networking.k8s.io/v1", "NetworkPolicy", &format!("p{number}"), filled(spec, name)));
    }
    for (number, labels) in tier.pods.iter().enumerate() {
        let ports =
            json!([{ "name": "http", "containerPort": 80 }, { "name": "dns", "protocol": "UDP", "containerPort": 53 }]);
        let template =
            json!({ "metadata": { "labels": labels }, "spec": { "containers": [{ "name": "c", "ports": ports }] } });
        objects.push(own("apps/v1", "Deployment", &format!("d{number}"), json!({ "template": template })));
    }
    Shop::new(name, objects)
}

#[test]
fn classes_decide_what_all_pairs_decide() {
    let verifier = verifier();
    let (mut open, mut closed, mut spared) = (0, 0, 0);
    for seed in 0..ESTATES {
        let mut chance = Chance::new(seed);
        let tiers: Vec<Tier> = (0..=chance.below(2)).map(|_| tier(&mut chance)).collect();
        let shops: Vec<Shop> = NAMES.iter().map(|name| shop(name, &tiers[chance.below(tiers.len())])).collect();
        let across = Across::new();
        let mut alone: BTreeMap<&str, Sample> = BTreeMap::new();
        for (name, shop) in NAMES.iter().zip(&shops) {
            let tenant = verifier.tenant(&shop.plan, &shop.rendered, |_, _| {});
            across.add(&tenant, &verifier.schemas);
            alone.insert(name, Sample::of(&tenant));
        }
        let again = |name: &str, call: &mut dyn FnMut(&Tenant<'_>)| {
            let shop = &shops[NAMES.iter().position(|one| *one == name).unwrap()];
            call(&verifier.tenant(&shop.plan, &shop.rendered, |_, _| {}));
        };
        let places = |_: &Plan, _: &crate::rendered::Origin, _: &str| Place::file("x");
        let known = across.into_known();
        let named = classes::named(&known);
        let groups = classes::groups(
            &known,
            &Look { again: &again, schemas: &verifier.schemas, places: &places },
            2 * NAMES.len(),
        )
        .unwrap();
        let by_class = classes::ways(&groups);
        // The one who stands for a tenant: itself where it is named, else the first of its class that is not.
        let stands = |name: &str| {
            let at = known.tenants.iter().position(|one| one.name == name).unwrap();
            let class = known.tenants[at].class;
            let like =
                known.tenants.iter().enumerate().filter(|(other, one)| one.class == class && !named.contains(other));
            let mut like = like.map(|(_, one)| one.name.clone());
            if named.contains(&at) { (name.to_owned(), None) } else { (like.next().unwrap(), like.next()) }
        };
        for from in NAMES {
            for to in NAMES.into_iter().filter(|to| *to != from) {
                let groups = [vec![alone[from].clone()], vec![alone[to].clone()]];
                let pair = classes::ways(&groups).iter().any(|way| way.from == from && way.to == to);
                let (one, second) = stands(from);
                let other = stands(to).0;
                let other = if one == other { second.unwrap() } else { other };
                let found = by_class.iter().any(|way| way.from == one && way.to == other);
                assert_eq!(pair, found, "seed {seed}: `{from}` to `{to}`, for which stand `{one}` and `{other}`");
                *(if pair { &mut open } else { &mut closed }) += 1;
                spared += usize::from(one != from || other != to);
            }
        }
    }
    // Estates in which all is open, all is closed or nobody stands for anybody would show little.
    assert!(open > 2_000 && closed > 2_000 && spared > 5_000, "{open} {closed} {spared}");
}
