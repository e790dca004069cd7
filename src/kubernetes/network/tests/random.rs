//! Random clusters: the evaluator against the naive one, over all pairs of Pods, protocols and ports.

use std::{collections::BTreeMap, net::IpAddr};

use serde_json::{Value, json};

use super::{super::*, chance::Chance, naive};

/// Clusters that are compared; each has its number as seed.
const CLUSTERS: u64 = 1_500;

const NAMES: [&str; 3] = ["one", "two", "three"];

struct Random {
    policies: Vec<(String, Value)>,
    pods: Vec<naive::Pod>,
}

fn cluster(seed: u64) -> Random {
    let mut chance = Chance::new(seed);
    let mut policies = Vec::new();
    let mut pods = Vec::new();
    for name in NAMES {
        let mut namespace_labels = chance.labels();
        namespace_labels[NAMESPACE_LABEL] = json!(name);
        for _ in 0..chance.below(4) {
            policies.push((name.to_owned(), chance.policy(&NAMES)));
        }
        for _ in 0..=chance.below(2) {
            let number = u8::try_from(pods.len()).unwrap();
            let mut ports = Vec::new();
            for (name, protocol, number) in
                [("http", "TCP", 80), ("dns", "UDP", 53), ("dns", "TCP", 53), ("metrics", "TCP", 443)]
            {
                if !chance.once_in(3) {
                    ports.push((name.to_owned(), protocol.to_owned(), number));
                }
            }
            pods.push(naive::Pod {
                namespace: name.to_owned(),
                namespace_labels: namespace_labels.clone(),
                labels: chance.labels(),
                address: [10, 0, 0, number].into(),
                ports,
            });
        }
    }
    Random { policies, pods }
}

#[test]
fn random_clusters_mean_what_the_documentation_says() {
    let mut asked: BTreeMap<bool, u32> = BTreeMap::new();
    for seed in 0..CLUSTERS {
        let Random { policies, pods } = cluster(seed);
        let namespaces: Vec<Namespace> =
            pods.iter().map(|pod| Namespace::known(&pod.namespace, pod.namespace_labels.as_object())).collect();
        let addresses: Vec<Ranges> = pods.iter().map(|pod| Ranges::address(IpAddr::V4(pod.address))).collect();
        let read = |index: usize| Pod {
            namespace: &namespaces[index],
            labels: Labels::all(pods[index].labels.as_object()),
            ports: Some(
                pods[index]
                    .ports
                    .iter()
                    .map(|(name, protocol, number)| NamedPort {
                        name,
                        protocol: Protocol::read(&json!({ "protocol": protocol })).unwrap(),
                        number: u16::try_from(*number).unwrap(),
                    })
                    .collect(),
            ),
            addresses: &addresses[index],
        };
        let of = |namespace: &str| -> Vec<Policy> {
            policies.iter().filter(|(own, _)| own == namespace).map(|(_, spec)| Policy::read(spec)).collect()
        };
        for (from, one) in pods.iter().enumerate() {
            for (to, other) in pods.iter().enumerate() {
                let open = between((&of(&one.namespace), &read(from)), (&of(&other.namespace), &read(to)));
                for protocol in Protocol::ALL {
                    for port in [1, 53, 80, 81, 150, 443] {
                        let expected = naive::connects(&policies, one, other, protocol.name(), u64::from(port));
                        let found = lets_through(&open, protocol, port);
                        // Everything is known, so nothing depends on what is not.
                        assert_eq!(
                            found,
                            Answer::from(expected),
                            "seed {seed}, Pod {from} to Pod {to}, {} {port}, of {policies:#?}",
                            protocol.name()
                        );
                        *asked.entry(expected).or_default() += 1;
                    }
                }
            }
        }
    }
    // A comparison of nothing but refusals, or of nothing but permissions, would show little.
    assert!(asked[&true] > 50_000 && asked[&false] > 50_000, "{asked:?}");
}
