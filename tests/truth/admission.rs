//! Tenants really created, with controllers behind the API server: what we say fits is admitted at its worst moment, and one more is not.
//!
//! Nothing runs the Pods: they stay Pending, and count. A rolling update therefore stops at its first step, with all old Pods and every surge Pod there
//! are: the most that it ever needs.

use std::thread;

use serde_json::{Value, json};
use tenantry::{
    diag::Code,
    kubernetes::{
        Quantity, Schemas,
        fit::{self, Demand},
    },
    rendered::Rendered,
};

use crate::{
    flagship::Flagship,
    server::{Namespace, Server},
};

/// What a quota sums up over Pods.
const SUMS: [&str; 5] = ["pods", "requests.cpu", "requests.memory", "limits.cpu", "limits.memory"];

/// A tenant on the server.
struct Trial<'s> {
    namespace: Namespace<'s>,
    server: &'s Server,
    objects: Vec<Value>,
    demand: Demand,
}

impl<'s> Trial<'s> {
    /// Puts a tenant where it could be at its worst: every autoscaler at its most.
    fn new(server: &'s Server, flagship: &Flagship, name: &str, rendered: &Rendered) -> Self {
        let own = rendered.objects.iter().map(|object| &object.value);
        let own: Vec<&Value> = own.filter(|object| object["metadata"]["namespace"] == flagship.namespace()).collect();
        let demand = fit::demand(Schemas::builtin(), own.iter().copied()).unwrap();
        let written = rendered.objects.iter().find(|object| object.value["kind"] == "Namespace").unwrap();
        let name = format!("{}-{name}", flagship.plan.tier.name);
        let namespace = Namespace::new(server, &name, &written.value["metadata"]["labels"]);
        let objects = own
            .into_iter()
            .map(|object| {
                let mut object = object.clone();
                object["metadata"]["namespace"] = namespace.name.clone().into();
                if let Some(most) = most_replicas(rendered, &object) {
                    object["spec"]["replicas"] = most.into();
                }
                object
            })
            .collect();
        Self { namespace, server, objects, demand }
    }

    fn of_kind<'t>(&'t self, kinds: &'t [&str]) -> impl Iterator<Item = &'t Value> {
        self.objects.iter().filter(move |object| kinds.contains(&object["kind"].as_str().unwrap()))
    }

    /// Creates everything, and starts a rolling update of every Deployment beside all Jobs. Every Pod before the update is admitted.
    fn run(&self) {
        let first = ["ResourceQuota", "LimitRange", "ServiceAccount", "ConfigMap"];
        self.of_kind(&first).for_each(|object| drop(self.server.apply(object).unwrap()));
        self.server.wait("the quota to be counted", || {
            let quota = self.quota();
            if quota["status"]["hard"] == quota["spec"]["hard"] && quota["status"]["used"].is_object() {
                Ok(())
            } else {
                Err(quota["status"].to_string())
            }
        });
        for object in self
            .objects
            .iter()
            .filter(|object| object["kind"] != "Job" && !first.contains(&object["kind"].as_str().unwrap()))
        {
            self.server.apply(object).unwrap_or_else(|why| panic!("{}: {why}", object["metadata"]["name"]));
        }
        let deployments: u64 =
            self.of_kind(&["Deployment"]).map(|object| object["spec"]["replicas"].as_u64().unwrap_or(1)).sum();
        self.wait_for_pods(deployments);
        self.of_kind(&["Job"]).for_each(|object| drop(self.server.apply(object).unwrap()));
        self.wait_for_pods(deployments + self.of_kind(&["Job"]).count() as u64);
        let patch = json!({ "spec": { "template": { "metadata": { "annotations": { "truth": "rolled" } } } } });
        self.of_kind(&["Deployment"]).for_each(|object| self.server.patch(&self.server.path(object).unwrap(), &patch));
    }

    fn quota(&self) -> Value {
        let quota = self.of_kind(&["ResourceQuota"]).next().unwrap();
        self.server.get(&self.server.path(quota).unwrap()).unwrap()
    }

    fn wait_for_pods(&self, wanted: u64) {
        let path = format!("/api/v1/namespaces/{}/pods", self.namespace.name);
        self.server.wait(&format!("{wanted} Pods in {}", self.namespace.name), || {
            let there = self.server.list(&path).len() as u64;
            if there == wanted { Ok(()) } else { Err(format!("{there} Pods, refused: {:?}", self.refused())) }
        });
    }

    /// Returns what controllers say about Pods that they could not create.
    fn refused(&self) -> Vec<String> {
        let path = format!("/api/v1/namespaces/{}/events?fieldSelector=reason%3DFailedCreate", self.namespace.name);
        self.server.list(&path).iter().map(|event| event["message"].as_str().unwrap().to_owned()).collect()
    }

    /// All Pods of the worst moment are there, and the server counts exactly what we count.
    fn assert_admitted(&self) {
        self.wait_for_pods(u64::try_from(self.demand.total.get("pods").nanos() / 1_000_000_000).unwrap());
        assert_eq!(self.refused(), Vec::<String>::new(), "{}", self.namespace.name);
        self.server.wait(&format!("the quota of {} to count what we count", self.namespace.name), || {
            let used = self.quota()["status"]["used"].clone();
            let differs = |key: &&&str| Quantity::of(&used[**key]).unwrap() != self.demand.total.get(key);
            match SUMS.iter().find(differs) {
                None => Ok(()),
                Some(key) => Err(format!("{key}: {} there, {} here", used[key], self.demand.total.get(key))),
            }
        });
    }

    fn assert_refused(&self) {
        self.server.wait(&format!("a refusal in {}", self.namespace.name), || {
            let refused = self.refused();
            let by_quota = refused.iter().any(|message| message.contains("exceeded quota"));
            if by_quota { Ok(()) } else { Err(format!("{refused:?}")) }
        });
    }
}

/// The most replicas that an autoscaler gives a Deployment.
fn most_replicas(rendered: &Rendered, deployment: &Value) -> Option<u64> {
    let scalers = rendered.objects.iter().filter(|object| object.value["kind"] == "HorizontalPodAutoscaler");
    let mut mine = scalers.filter(|scaler| {
        deployment["kind"] == "Deployment"
            && scaler.value["spec"]["scaleTargetRef"]["name"] == deployment["metadata"]["name"]
    });
    mine.next()?.value["spec"]["maxReplicas"].as_u64()
}

/// The tenant with another value in one place of one Deployment.
fn with(flagship: &Flagship, deployment: &str, pointer: &str, value: Value) -> Rendered {
    let mut rendered = flagship.rendered.clone();
    let mut objects = rendered.objects.iter_mut().map(|object| &mut object.value);
    let found = objects.find(|object| object["kind"] == "Deployment" && object["metadata"]["name"] == deployment);
    *found.unwrap().pointer_mut(pointer).unwrap() = value;
    rendered
}

/// Returns the largest number that we accept, having seen that the next one is refused for the quota and nothing else; `None` if no number is.
fn largest(flagship: &Flagship, start: u64, end: u64, make: impl Fn(u64) -> Rendered) -> Option<u64> {
    let codes = |number| flagship.codes(&make(number));
    assert!(codes(start).is_empty(), "the tenant as it is does not fit");
    if codes(end) != [Code::QuotaExceeded] {
        return None;
    }
    let (mut fits, mut exceeds) = (start, end);
    while exceeds - fits > 1 {
        let middle = fits + (exceeds - fits) / 2;
        if codes(middle).is_empty() { fits = middle } else { exceeds = middle }
    }
    assert_eq!(codes(exceeds), [Code::QuotaExceeded]);
    Some(fits)
}

/// The Deployments that no autoscaler looks after, with their replicas.
fn fixed(flagship: &Flagship) -> Vec<(String, u64)> {
    let objects = flagship.rendered.objects.iter().map(|object| &object.value);
    objects
        .filter(|object| object["kind"] == "Deployment")
        .filter_map(|object| {
            Some((object["metadata"]["name"].as_str()?.to_owned(), object["spec"]["replicas"].as_u64()?))
        })
        .collect()
}

fn replicas(flagship: &Flagship) -> String {
    const MANY: u64 = 200;
    let (name, start) = fixed(flagship).into_iter().next().unwrap();
    let make = |number: u64| with(flagship, &name, "/spec/replicas", number.into());
    let most = largest(flagship, start, MANY, make).unwrap();
    let server = Server::connect();
    let trial = Trial::new(&server, flagship, "replicas", &make(most));
    trial.run();
    trial.assert_admitted();
    let deployment = trial.of_kind(&["Deployment"]).find(|object| object["metadata"]["name"] == *name).unwrap();
    server.patch(&server.path(deployment).unwrap(), &json!({ "spec": { "replicas": most + 1 } }));
    trial.assert_refused();
    format!(
        "{most} replicas of {name} are admitted, {} Pods in all, {} are not",
        trial.demand.total.get("pods"),
        most + 1
    )
}

fn requests(flagship: &Flagship) -> String {
    const REQUEST: &str = "/spec/template/spec/containers/0/resources/requests/cpu";
    let millis = |value: &Value| u64::try_from(Quantity::of(value).unwrap().nanos() / 1_000_000).unwrap();
    let deployments = flagship.rendered.objects.iter().map(|object| &object.value);
    let found = deployments.filter(|object| object["kind"] == "Deployment").find_map(|object| {
        let name = object["metadata"]["name"].as_str()?;
        let make = |number: u64| with(flagship, name, REQUEST, format!("{number}m").into());
        let limit = millis(object.pointer(&REQUEST.replace("requests", "limits"))?);
        Some((name, largest(flagship, millis(object.pointer(REQUEST)?), limit, make)?))
    });
    let (name, most) = found.expect("a request that does not fit, and is within its limit");
    let make = |number: u64| with(flagship, name, REQUEST, format!("{number}m").into());
    let server = Server::connect();
    let fitting = Trial::new(&server, flagship, "request", &make(most));
    fitting.run();
    fitting.assert_admitted();
    let beyond = Trial::new(&server, flagship, "beyond", &make(most + 1));
    beyond.run();
    beyond.assert_refused();
    format!("a request of {most}m for {name} is admitted, {}m is not", most + 1)
}

#[test]
#[ignore = "needs crds, kube-controller-manager: run by tests/run"]
#[allow(clippy::print_stdout, reason = "the figures are what the run is for")]
fn what_fits_is_admitted_and_one_more_is_not() {
    let tiers = Flagship::of_each_tier();
    assert!(tiers.len() >= 3, "{} tiers", tiers.len());
    thread::scope(|scope| {
        let trials: Vec<_> = tiers
            .iter()
            .flat_map(|flagship| [replicas, requests].map(|trial| (flagship, scope.spawn(move || trial(flagship)))))
            .collect();
        for (flagship, trial) in trials {
            let said = trial.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
            println!("{}: {said}", flagship.plan.tier.name);
        }
    });
}
