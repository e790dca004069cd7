//! Decisions about virtual hosts, and runs over the stand-in that are cut off at every step.

#![allow(clippy::unwrap_used, reason = "tests")]

use std::{collections::BTreeMap, rc::Rc};

use futures::executor::block_on;
use serde_json::json;

use super::*;
use crate::{
    engine::{
        Entry, Look, Observe, Perform, Secret, TroubleKind,
        sandbox::{Observer, Performer, Sandbox, State, rabbitmq::ADMINISTRATOR},
    },
    steps::{Action, claim::Claim},
};

fn spec() -> RabbitmqVhostSpec {
    serde_json::from_value(json!({
        "permissions": {"configure": "^own-.*$", "write": "^events$", "read": "^orders$"},
        "topicPermissions": {"events": {"write": "^abc[.].*$", "read": "^.*$"}},
        "maxQueues": 10,
        "exchanges": {"events": {"type": "topic"}, "dead": {"type": "fanout"}},
        "queues": {"orders": {"maxLength": 100, "deadLetterExchange": "dead"}, "lost": {"type": "classic"}},
        "bindings": [
            {"source": "events", "destination": "orders", "routingKey": "order.#"},
            {"source": "dead", "destination": "lost"},
            {"source": "events", "destination": "dead", "destinationType": "exchange", "routingKey": "lost.#"},
        ],
        "policies": {"short": {"pattern": "^lost$", "applyTo": "queues", "definition": {"message-ttl": 1000}}},
    }))
    .unwrap()
}

fn wanted(spec: RabbitmqVhostSpec) -> Wanted<RabbitmqVhostSpec> {
    let (name, user) = ("abc".to_owned(), Some("abc-user".to_owned()));
    Wanted { id: "queue".to_owned(), connection: "rabbitmq".to_owned(), name, user, secret: None, spec }
}

fn claim(uid: &str) -> Claim {
    Claim { tenant: "abc".to_owned(), uid: uid.to_owned() }
}

/// A stand-in, and one resource on it.
struct World {
    sandbox: Rc<Sandbox>,
    wanted: Wanted<RabbitmqVhostSpec>,
    claim: Claim,
    entry: Entry,
    allow: Allow,
}

impl World {
    fn new() -> Self {
        let password = BTreeMap::from([("password".to_owned(), Secret::new("stored"))]);
        let sandbox = Rc::new(Sandbox::in_memory(None));
        sandbox.meddle(|state| {
            state.rabbitmq.broker.vhosts.entry("abd".to_owned()).or_default();
        });
        Self {
            sandbox,
            wanted: wanted(spec()),
            claim: claim("1"),
            entry: Entry::new(password, "1"),
            allow: Allow::default(),
        }
    }

    /// As wanted.
    fn made() -> Self {
        let world = Self::new();
        world.run();
        world
    }

    fn meddled(change: impl FnOnce(&mut State)) -> Self {
        let world = Self::made();
        world.sandbox.meddle(change);
        world
    }

    fn look(&self) -> Look<'_, RabbitmqVhostSpec> {
        Look { asked: Asked { wanted: &self.wanted, claim: &self.claim, stored: true }, entry: Some(&self.entry) }
    }

    fn seen(&self) -> Seen {
        block_on(Observe::<RabbitmqVhost>::observe(&Observer::new(&self.sandbox), &[self.look()])).remove(0).unwrap()
    }

    fn decide(&self) -> Result<Vec<RabbitmqAction>, Refusal> {
        RabbitmqVhost::decide(self.look().asked, &self.seen(), &self.allow)
    }

    fn names(&self) -> Vec<&'static str> {
        self.decide().unwrap().iter().map(Action::name).collect()
    }

    fn perform(&self, action: &RabbitmqAction) -> Result<(), TroubleKind> {
        let performer = Performer::new(&self.sandbox);
        let done = block_on(Perform::<RabbitmqVhost>::perform(&performer, self.look(), action));
        done.map(drop).map_err(|trouble| trouble.kind())
    }

    #[track_caller]
    fn run(&self) {
        for action in self.decide().unwrap() {
            assert_eq!(self.perform(&action), Ok(()), "{action}");
        }
        assert_eq!(self.decide(), Ok(vec![]));
    }

    /// All that the server keeps, without salts.
    fn state(&self) -> State {
        let mut state = self.sandbox.state();
        state.rabbitmq.broker.users.values_mut().for_each(|user| user.password_hash.clear());
        state
    }

    fn rights(&self) -> BTreeMap<String, Rights> {
        self.sandbox.state().rabbitmq.broker.rights.get("abc-user").cloned().unwrap_or_default()
    }
}

#[test]
fn what_is_as_wanted_needs_nothing() {
    assert_eq!(World::made().decide(), Ok(vec![]));
}

#[test]
fn what_the_server_left_half_made_is_made_anew() {
    let half = World::meddled(|state| {
        let vhost = state.rabbitmq.broker.vhosts.values_mut().next().unwrap();
        (vhost.queues, vhost.bindings, vhost.is_half_made) = (BTreeMap::new(), Vec::new(), true);
    });
    assert_eq!(
        half.names()[..3],
        ["rabbitmq-remove-half-made", "rabbitmq-create-vhost", "rabbitmq-grant-administrator"]
    );
    half.run();
    assert_eq!(half.state(), World::made().state());
    // Whoever has a queue in it has used it: it stays.
    let used =
        World::meddled(|state| state.rabbitmq.broker.vhosts.values_mut().for_each(|vhost| vhost.is_half_made = true));
    assert_eq!(used.decide(), Ok(vec![]));
}

#[test]
fn a_new_user_comes_after_what_it_uses_and_its_rights_last() {
    let names = World::new().names();
    let last = ["rabbitmq-create-user", "rabbitmq-set-topic-permissions", "rabbitmq-set-permissions"];
    assert_eq!(names[..2], ["rabbitmq-create-vhost", "rabbitmq-grant-administrator"]);
    assert!(names.ends_with(&last), "{names:?}");
    let at = |name: &str| names.iter().position(|found| *found == name).unwrap();
    assert!(at("rabbitmq-put-policy") < at("rabbitmq-create-queue"));
    assert!(at("rabbitmq-set-limit") < at("rabbitmq-create-queue"));
}

#[test]
fn each_difference_has_its_step() {
    /// What somebody changed, how, and the steps that follow.
    type Change = (&'static str, fn(&mut State), &'static [&'static str]);
    let changes: [Change; 14] = [
        ("tag", |state| user(state).tags.push("administrator".to_owned()), &["rabbitmq-set-user"]),
        ("password", |state| user(state).password_hash.clear(), &["rabbitmq-close-connections", "rabbitmq-set-user"]),
        (
            "rights elsewhere",
            |state| state.rabbitmq.broker.add_right("abc-user", "abd", Rights::all()),
            &["rabbitmq-lock-permissions", "rabbitmq-close-connections", "rabbitmq-delete-permissions"],
        ),
        (
            "locked rights elsewhere",
            |state| state.rabbitmq.broker.add_right("abc-user", "abd", Rights::none()),
            &["rabbitmq-close-connections", "rabbitmq-delete-permissions"],
        ),
        (
            "another tenant's user",
            |state| {
                let mut stranger = user(state).clone();
                stranger.tags = vec!["tenantry:abd:2".to_owned()];
                state.rabbitmq.broker.users.insert("abd-user".to_owned(), stranger);
                state.rabbitmq.broker.add_right("abd-user", "abc", Rights::all());
            },
            &["rabbitmq-lock-permissions", "rabbitmq-close-connections", "rabbitmq-delete-permissions"],
        ),
        (
            "own rights",
            |state| state.rabbitmq.broker.add_right("abc-user", "abc", Rights::all()),
            &["rabbitmq-set-permissions"],
        ),
        (
            "a topic permission more",
            |state| {
                let narrow = Topics { write: "^$".to_owned(), read: "^$".to_owned() };
                state.rabbitmq.broker.add_topics("abc-user", "abc", "dead", narrow);
            },
            &["rabbitmq-set-topic-permissions"],
        ),
        (
            "the administrator's rights",
            |state| drop(state.rabbitmq.broker.rights.remove(ADMINISTRATOR)),
            &["rabbitmq-grant-administrator"],
        ),
        ("limit", |state| vhost(state).limits.extend([("max-queues".to_owned(), -1)]), &["rabbitmq-set-limit"]),
        (
            "limit more",
            |state| vhost(state).limits.extend([("max-connections".to_owned(), 5)]),
            &["rabbitmq-set-limit"],
        ),
        ("policy", |state| vhost(state).policies.get_mut("short").unwrap().priority = 7, &["rabbitmq-put-policy"]),
        (
            "policy more",
            |state| {
                let policy = vhost(state).policies["short"].clone();
                vhost(state).policies.insert("other".to_owned(), policy);
            },
            &["rabbitmq-delete-policy"],
        ),
        ("binding", |state| drop(vhost(state).bindings.remove(0)), &["rabbitmq-create-binding"]),
        (
            "binding more",
            |state| {
                let binding = Binding { routing_key: "other".to_owned(), ..vhost(state).bindings[0].clone() };
                vhost(state).bindings.push(binding);
            },
            &["rabbitmq-delete-binding"],
        ),
    ];
    for (what, change, steps) in changes {
        let world = World::meddled(change);
        assert_eq!(world.names(), steps, "{what}");
        world.run();
    }
}

fn vhost(state: &mut State) -> &mut crate::engine::rabbitmq::broker::Vhost {
    state.rabbitmq.broker.vhosts.get_mut("abc").unwrap()
}

fn user(state: &mut State) -> &mut crate::engine::rabbitmq::broker::User {
    state.rabbitmq.broker.users.get_mut("abc-user").unwrap()
}

#[test]
fn settings_that_stay_are_said_again() {
    let mut world = World::meddled(|state| {
        vhost(state).description = "by hand".to_owned();
        vhost(state).about =
            About { tags: vec!["blue".to_owned()], default_queue_type: Some("stream".to_owned()), protected: true };
    });
    assert!(matches!(world.decide(), Err(Refusal::Unmarked { .. })));
    world.allow.adopt.insert((RabbitmqVhost::KIND, "abc".to_owned()));
    world.run();
    let mut state = world.state();
    assert_eq!(vhost(&mut state).description, "tenantry:abc:1");
    let about = About { tags: vec!["blue".to_owned()], default_queue_type: Some("stream".to_owned()), protected: true };
    assert_eq!(vhost(&mut state).about, about);
    // And what is protected is not half removed.
    assert!(matches!(RabbitmqVhost::destroy(world.look().asked, &world.seen()), Err(Refusal::Impossible { .. })));
}

#[test]
fn a_default_queue_type_that_stays_for_ever_is_refused() {
    let mut world = World::made();
    world.wanted.spec.default_queue_type = Some(crate::provision::rabbitmq::QueueType::Quorum);
    let mut seen = world.seen();
    let decide = |seen: &Seen| RabbitmqVhost::decide(world.look().asked, seen, &Allow::default());
    assert_eq!(decide(&seen).unwrap()[0].name(), "rabbitmq-update-vhost");
    seen.vhost.as_mut().unwrap().default_type_is_fixed = true;
    assert!(matches!(decide(&seen), Err(Refusal::Impossible { .. })));
}

#[test]
fn what_is_not_ours_is_left_alone() {
    let changes: [fn(&mut State); 4] = [
        |state| vhost(state).description.clear(),
        |state| vhost(state).description = "tenantry:abc:2".to_owned(),
        |state| user(state).tags = vec!["administrator".to_owned()],
        |state| user(state).tags.push("tenantry:abd:2".to_owned()),
    ];
    for change in changes {
        let world = World::meddled(change);
        assert!(world.decide().is_err());
        assert!(RabbitmqVhost::destroy(world.look().asked, &world.seen()).is_err());
    }
}

#[test]
fn a_queue_that_differs_is_replaced_only_with_leave() {
    let mut world = World::made();
    world.wanted.spec.queues.get_mut("orders").unwrap().max_length = Some(101);
    let refusal = world.decide().unwrap_err();
    assert_eq!(refusal.to_string(), "queue `orders` cannot be changed in place: x-max-length 100 → 101");
    world.allow.replace = true;
    // Its binding went with it.
    let steps = ["rabbitmq-delete-queue", "rabbitmq-create-queue", "rabbitmq-create-binding"];
    assert_eq!(world.names(), steps);
    assert!(world.decide().unwrap()[0].to_string().contains("with the messages that it holds"));
    world.run();
}

#[test]
fn an_exchange_that_differs_is_replaced_only_with_leave() {
    let mut world = World::made();
    world.wanted.spec.exchanges.get_mut("events").unwrap().kind = crate::provision::rabbitmq::ExchangeType::Direct;
    assert!(matches!(world.decide(), Err(Refusal::Replacement { .. })));
    world.allow.replace = true;
    let bind = "rabbitmq-create-binding";
    assert_eq!(world.names(), ["rabbitmq-delete-exchange", "rabbitmq-create-exchange", bind, bind]);
    world.run();
}

#[test]
fn what_the_document_dropped_is_cut_off_and_keeps_its_messages() {
    let mut world = World::made();
    world.sandbox.meddle(|state| {
        state.rabbitmq.messages.entry("abc".to_owned()).or_default().insert("lost".to_owned(), 3);
    });
    let RabbitmqVhostSpec { queues, bindings, .. } = &mut world.wanted.spec;
    queues.remove("lost");
    bindings.retain(|binding| binding.destination != "lost");
    assert_eq!(world.names(), ["rabbitmq-delete-binding"]);
    world.run();
    assert_eq!(world.state().rabbitmq.messages["abc"]["lost"], 3);
    world.allow.replace = true;
    assert_eq!(world.names(), ["rabbitmq-delete-queue"]);
    world.run();
    assert!(world.state().rabbitmq.messages["abc"].is_empty());
}

#[test]
fn what_applications_declare_is_theirs() {
    let mut world = World::meddled(|state| {
        let vhost = vhost(state);
        vhost.queues.insert("own-queue".to_owned(), vhost.queues["lost"].clone());
        let binding = Binding { destination: "own-queue".to_owned(), ..vhost.bindings[0].clone() };
        vhost.bindings.push(Binding { source: "amq.topic".to_owned(), ..binding.clone() });
        vhost.bindings.push(binding);
    });
    assert_eq!(world.decide(), Ok(vec![]));
    world.allow.replace = true;
    assert_eq!(world.decide(), Ok(vec![]));
}

#[test]
fn without_wanted_topic_permissions_none_is_left() {
    let mut world = World::made();
    world.wanted.spec.topic_permissions.clear();
    assert_eq!(world.names(), ["rabbitmq-delete-topic-permissions"]);
    world.run();
}

#[test]
fn numbers_are_compared_by_their_value() {
    let mut spec = spec();
    spec.queues.get_mut("lost").unwrap().arguments.insert("x-max-priority".to_owned(), json!(5.0));
    let queue = Queue::from(&spec.queues["lost"]);
    assert_eq!(json!(queue.arguments), json!({"x-max-priority": 5, "x-queue-type": "classic"}));
}

/// Runs that die after any number of steps, from many starts; each is followed by one that is left alone.
#[test]
fn a_run_that_dies_anywhere_is_finished_by_the_next() {
    let starts: [fn() -> World; 4] = [
        World::new,
        || {
            World::meddled(|state| {
                state.rabbitmq.broker.add_right("abc-user", "abd", Rights::all());
                state.rabbitmq.connections.insert("abc-user".to_owned(), ["abd".to_owned()].into());
                user(state).tags.push("monitoring".to_owned());
                user(state).password_hash.clear();
                vhost(state).bindings.clear();
                vhost(state).limits.clear();
            })
        },
        || World::meddled(|state| drop(state.rabbitmq.broker.vhosts.remove("abc"))),
        || {
            let mut world = World::made();
            world.wanted.spec.queues.get_mut("orders").unwrap().max_length = Some(101);
            world.wanted.spec.exchanges.remove("dead");
            world.wanted.spec.bindings.retain(|binding| binding.source != "dead" && binding.destination != "dead");
            world.allow.replace = true;
            world
        },
    ];
    for start in starts {
        let straight = start();
        straight.run();
        let all = start().decide().unwrap().len();
        for cut in 0..all {
            let world = start();
            let before = world.rights();
            for action in world.decide().unwrap().iter().take(cut) {
                world.perform(action).unwrap();
                for (vhost, rights) in world.rights() {
                    let wanted = Rights::from(&world.wanted.spec.permissions);
                    let is_narrow = before.get(&vhost) == Some(&rights)
                        || rights == Rights::none()
                        || vhost == "abc" && rights == wanted;
                    assert!(is_narrow, "{vhost}: {rights} after {action}");
                }
            }
            world.run();
            assert_eq!(world.state(), straight.state(), "after {cut} steps");
            let connected = world.state().rabbitmq.connections;
            assert!(connected.values().all(|vhosts| !vhosts.contains("abd")), "after {cut} steps");
        }
    }
}

#[test]
fn a_removal_that_dies_anywhere_is_finished_by_the_next() {
    for cut in 0..=2 {
        let world = World::made();
        for action in RabbitmqVhost::destroy(world.look().asked, &world.seen()).unwrap().iter().take(cut) {
            world.perform(action).unwrap();
        }
        for action in RabbitmqVhost::destroy(world.look().asked, &world.seen()).unwrap() {
            world.perform(&action).unwrap();
        }
        let left = world.state().rabbitmq.broker;
        assert!(left.users.is_empty() && !left.vhosts.contains_key("abc"), "after {cut} steps");
    }
}

#[test]
fn what_a_run_made_is_taken_back_unless_somebody_used_it() {
    let roll_back = |world: &World, done: &[RabbitmqAction]| -> Result<(), TroubleKind> {
        done.iter().rev().flat_map(RabbitmqVhost::undo).try_for_each(|undo| world.perform(&undo))
    };
    let world = World::new();
    let done = world.decide().unwrap();
    world.run();
    assert_eq!(roll_back(&world, &done), Ok(()));
    let left = world.state().rabbitmq.broker;
    assert!(left.users.is_empty() && !left.vhosts.contains_key("abc"));

    let used: [fn(&mut State); 2] = [
        |state| {
            state.rabbitmq.messages.entry("abc".to_owned()).or_default().insert("orders".to_owned(), 1);
        },
        |state| {
            let queue = vhost(state).queues["orders"].clone();
            vhost(state).queues.insert("somebody's".to_owned(), queue);
        },
    ];
    for used in used {
        let world = World::new();
        let done = world.decide().unwrap();
        world.run();
        world.sandbox.meddle(used);
        assert_eq!(roll_back(&world, &done), Err(TroubleKind::Refused));
        assert!(!world.state().rabbitmq.broker.vhosts["abc"].queues.is_empty());
    }
}

#[test]
fn what_is_there_already_is_no_success() {
    let world = World::made();
    for action in [
        RabbitmqAction::CreateVhost { vhost: "abc".to_owned() },
        RabbitmqAction::CreateUser { user: "abc-user".to_owned() },
        RabbitmqAction::CreateQueue { queue: "orders".to_owned() },
        RabbitmqAction::CreateExchange { exchange: "events".to_owned() },
    ] {
        assert_eq!(world.perform(&action), Err(TroubleKind::Exists), "{action}");
    }
}
