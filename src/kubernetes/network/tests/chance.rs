//! Chance from a seed, the same on every machine.

use serde_json::{Value, json};

/// xorshift64*.
pub(crate) struct Chance(u64);

impl Chance {
    pub fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ 0x5851_f42d_4c95_7f2d)
    }

    pub fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        let drawn = self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33;
        usize::try_from(drawn).unwrap() % bound
    }

    pub fn once_in(&mut self, times: usize) -> bool {
        self.below(times) == 0
    }

    pub fn one_of<T: Clone>(&mut self, items: &[T]) -> T {
        items[self.below(items.len())].clone()
    }

    fn list(&mut self, most: usize, mut item: impl FnMut(&mut Self) -> Value) -> Vec<Value> {
        (0..self.below(most + 1)).map(|_| item(self)).collect()
    }

    pub fn labels(&mut self) -> Value {
        let mut labels = serde_json::Map::new();
        for key in ["app", "tier", "zone"] {
            if !self.once_in(3) {
                labels.insert(key.to_owned(), json!(self.one_of(&["a", "b", "c"])));
            }
        }
        Value::Object(labels)
    }

    fn selector(&mut self, names: &[&str]) -> Value {
        let mut selector = serde_json::Map::new();
        if self.once_in(2) {
            let key = self.one_of(&["app", "tier", "zone"]);
            selector.insert("matchLabels".to_owned(), json!({ key: self.one_of(&["a", "b", "c"]) }));
        }
        if self.once_in(3) {
            let (key, values) = match names.is_empty() || self.once_in(2) {
                true => (self.one_of(&["app", "tier", "zone"]), vec!["a", "b", "c"]),
                false => ("kubernetes.io/metadata.name", names.to_vec()),
            };
            let operator = self.one_of(&["In", "NotIn", "Exists", "DoesNotExist"]);
            let mut expression = json!({ "key": key, "operator": operator });
            if operator.ends_with("In") {
                expression["values"] = json!([self.one_of(&values), self.one_of(&values)]);
            }
            selector.insert("matchExpressions".to_owned(), json!([expression]));
        }
        Value::Object(selector)
    }

    fn peer(&mut self, names: &[&str]) -> Value {
        match self.below(6) {
            0 | 1 => json!({ "podSelector": self.selector(&[]) }),
            2 => json!({ "namespaceSelector": self.selector(names) }),
            3 | 4 => json!({ "namespaceSelector": self.selector(names), "podSelector": self.selector(&[]) }),
            _ => {
                let blocks = ["10.0.0.0/30", "10.0.0.0/29", "10.0.0.4/30", "10.0.0.8/31", "0.0.0.0/0", "10.0.0.3/32"];
                let except: Vec<&str> = (0..self.below(3)).map(|_| self.one_of(&blocks)).collect();
                json!({ "ipBlock": { "cidr": self.one_of(&blocks), "except": except } })
            }
        }
    }

    fn port(&mut self) -> Value {
        let mut port = serde_json::Map::new();
        if self.once_in(2) {
            port.insert("protocol".to_owned(), json!(self.one_of(&["TCP", "UDP", "SCTP"])));
        }
        match self.below(4) {
            0 => {}
            1 => drop(port.insert("port".to_owned(), json!(self.one_of(&["http", "dns", "metrics"])))),
            2 => drop(port.insert("port".to_owned(), json!(self.one_of(&[53, 80, 443])))),
            _ => {
                let first = self.one_of(&[1, 53, 80]);
                port.insert("port".to_owned(), json!(first));
                port.insert("endPort".to_owned(), json!(first + self.below(100)));
            }
        }
        Value::Object(port)
    }

    /// Returns the `spec` of a policy; `names` are those of namespaces.
    pub fn policy(&mut self, names: &[&str]) -> Value {
        let mut spec = serde_json::Map::new();
        spec.insert("podSelector".to_owned(), self.selector(&[]));
        if !self.once_in(4) {
            let types = self.one_of(&[vec!["Ingress"], vec!["Egress"], vec!["Ingress", "Egress"]]);
            spec.insert("policyTypes".to_owned(), json!(types));
        }
        for (field, peers) in [("ingress", "from"), ("egress", "to")] {
            if self.once_in(4) {
                continue;
            }
            let rules = self.list(2, |chance| {
                let mut rule = serde_json::Map::new();
                if !chance.once_in(5) {
                    rule.insert(peers.to_owned(), json!(chance.list(2, |chance| chance.peer(names))));
                }
                if !chance.once_in(3) {
                    rule.insert("ports".to_owned(), json!(chance.list(2, Self::port)));
                }
                Value::Object(rule)
            });
            spec.insert(field.to_owned(), json!(rules));
        }
        Value::Object(spec)
    }
}
