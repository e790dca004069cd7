//! What every store must stand.

use std::{
    collections::{BTreeMap, BTreeSet},
    future::Future,
    rc::Rc,
    sync::Barrier,
    thread,
};

use futures::future::join_all;
use tenantry::engine::{
    Entry, Secret, TroubleKind,
    store::{Held, Store, Written},
};

use super::log::Log;

/// A text that must not show up anywhere but in the store.
pub const CANARY: &str = "canary-8d1f0c5b7a";

/// One store, with keys of its own: tests run side by side.
pub trait Case: Sync {
    /// Opens the store, as another process would.
    fn open(&self) -> Rc<dyn Store>;

    /// Returns the folder that all keys of the test are below.
    fn folder(&self) -> &str;

    /// Returns whether several processes may use it at once.
    fn is_shared(&self) -> bool {
        true
    }

    /// Returns the most bytes that all values of an entry may have together, where the store has a limit worth a test.
    fn limit(&self) -> Option<usize> {
        None
    }
}

pub fn run<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
}

pub fn fields(password: &str) -> BTreeMap<String, Secret> {
    BTreeMap::from([
        ("username".to_owned(), Secret::new("abc--orders")),
        ("password".to_owned(), Secret::new(password)),
    ])
}

pub fn entry(held: Held) -> Entry {
    match held {
        Held::Entry(entry) => entry,
        other => panic!("there is no entry: {other:?}"),
    }
}

pub fn password(held: Held) -> String {
    entry(held).need("password").unwrap().expose().to_owned()
}

fn key(case: &dyn Case, name: &str) -> String {
    format!("{}/{name}", case.folder())
}

/// What is written is read, by whoever opens the store next; what is removed is free.
pub fn round_trip(case: &dyn Case) {
    run(async {
        let (store, key) = (case.open(), key(case, "db"));
        assert!(matches!(store.read(&key).await.unwrap(), Held::Free));
        assert_eq!(store.create(&key, &fields("one")).await.unwrap(), Written::Done);
        let found = entry(store.read(&key).await.unwrap());
        assert_eq!(found.fields().keys().collect::<Vec<_>>(), ["password", "username"]);
        assert_eq!(found.get("username").unwrap().expose(), "abc--orders");
        assert_eq!(store.create(&key, &fields("two")).await.unwrap(), Written::Lost);
        assert_eq!(password(store.read(&key).await.unwrap()), "one");
        store.remove(&key).await.unwrap();
        assert!(matches!(store.read(&key).await.unwrap(), Held::Free));
        store.remove(&key).await.unwrap();
        assert_eq!(store.create(&key, &fields("three")).await.unwrap(), Written::Done);
        assert_eq!(password(store.read(&key).await.unwrap()), "three");
    });
}

/// Only the version that was read is replaced.
pub fn replace(case: &dyn Case) {
    run(async {
        let (store, key) = (case.open(), key(case, "db"));
        assert_eq!(store.replace(&key, "1", &fields("zero")).await.unwrap(), Written::Lost);
        store.create(&key, &fields("one")).await.unwrap();
        let first = entry(store.read(&key).await.unwrap());
        assert_eq!(store.replace(&key, &first.version, &fields("two")).await.unwrap(), Written::Done);
        assert_eq!(store.replace(&key, &first.version, &fields("three")).await.unwrap(), Written::Lost);
        let second = entry(store.read(&key).await.unwrap());
        assert_eq!(second.need("password").unwrap().expose(), "two");
        // Back to what was there once: the version is another one nevertheless.
        assert_eq!(store.replace(&key, &second.version, &fields("one")).await.unwrap(), Written::Done);
        assert_eq!(store.replace(&key, &second.version, &fields("four")).await.unwrap(), Written::Lost);
        assert_eq!(password(store.read(&key).await.unwrap()), "one");
        store.remove(&key).await.unwrap();
        assert_eq!(store.replace(&key, &second.version, &fields("five")).await.unwrap(), Written::Lost);
        assert!(matches!(store.read(&key).await.unwrap(), Held::Free));
    });
}

/// Of eight writers at once exactly one is done, and what it wrote is there.
pub fn writers(case: &dyn Case) {
    for round in 0..5 {
        let key = key(case, &format!("race-{round}"));
        let outcomes = race(case, |store, number| {
            let key = key.clone();
            Box::pin(async move { store.create(&key, &fields(&format!("password-{number}"))).await.unwrap() })
        });
        one_has_won(case, &key, "password", &outcomes);

        let seen = run(async { entry(case.open().read(&key).await.unwrap()).version });
        let outcomes = race(case, |store, number| {
            let (key, seen) = (key.clone(), seen.clone());
            Box::pin(async move { store.replace(&key, &seen, &fields(&format!("another-{number}"))).await.unwrap() })
        });
        one_has_won(case, &key, "another", &outcomes);
    }
}

type Writing = std::pin::Pin<Box<dyn Future<Output = Written>>>;

/// Lets eight writers begin at once, each with the store as its own process would open it.
fn race(case: &dyn Case, write: impl Fn(Rc<dyn Store>, usize) -> Writing + Sync) -> Vec<Written> {
    const WRITERS: usize = 8;
    if !case.is_shared() {
        let store = case.open();
        return run(join_all((0..WRITERS).map(|number| write(Rc::clone(&store), number))));
    }
    let barrier = Barrier::new(WRITERS);
    thread::scope(|scope| {
        let writer = |number| {
            let (barrier, write) = (&barrier, &write);
            scope.spawn(move || {
                let store = case.open();
                barrier.wait();
                run(write(store, number))
            })
        };
        let writers: Vec<_> = (0..WRITERS).map(writer).collect();
        writers.into_iter().map(|writer| writer.join().unwrap()).collect()
    })
}

fn one_has_won(case: &dyn Case, key: &str, what: &str, outcomes: &[Written]) {
    let winners: Vec<usize> = (0..outcomes.len()).filter(|at| outcomes[*at] == Written::Done).collect();
    assert_eq!(winners.len(), 1, "{outcomes:?}");
    let found = run(async { password(case.open().read(key).await.unwrap()) });
    assert_eq!(found, format!("{what}-{}", winners[0]));
}

/// Values and keys of all sorts come back as they went in.
pub fn values(case: &dyn Case) {
    let long = "x".repeat(10 << 10);
    let texts = ["", " ", "ü€𝄞 \u{0}\u{7}\u{1b}[31m\r\n\t", "\"'`$(id)\\{{x}}", "null", &long];
    run(async {
        let store = case.open();
        for (number, text) in texts.iter().enumerate() {
            let key = key(case, &format!("v{number}"));
            assert_eq!(store.create(&key, &fields(text)).await.unwrap(), Written::Done, "{number}");
            assert_eq!(password(store.read(&key).await.unwrap()), *text, "{number}");
        }
        let deep = "a".repeat(60);
        let many = (0..4).map(|_| deep.as_str()).collect::<Vec<_>>().join("/");
        for name in ["a.b", "a_b", "a-b", "a/b", "a/b.c-d_e", "orders-portal", "--x", many.as_str()] {
            let key = key(case, name);
            assert_eq!(store.create(&key, &fields(name)).await.unwrap(), Written::Done, "{name}");
            assert_eq!(password(store.read(&key).await.unwrap()), name);
        }
    });
}

/// The list has what is there, in folders and names that resemble each other, and nothing else.
pub fn present(case: &dyn Case) {
    run(async {
        let store = case.open();
        let names = |names: &[&str]| names.iter().map(|name| key(case, name)).collect::<BTreeSet<String>>();
        let many: Vec<String> = (0..120).map(|number| format!("many/n{number}")).collect();
        let mut there = names(&["a", "a/b", "b.c", "folder/one", "folder/two", "folder/deep/three"]);
        there.extend(many.iter().map(|name| key(case, name)));
        join_all(there.iter().map(async |key| store.create(key, &fields("x")).await.unwrap())).await;
        let mut asked =
            names(&["a", "ab", "a/b", "a/c", "b.c", "b-c", "folder", "folder/one", "folder/deep/three", "none/x"]);
        asked.extend(many.iter().map(|name| key(case, name)));
        let expected: BTreeSet<String> = asked.intersection(&there).cloned().collect();
        assert_eq!(store.present(&asked).await.unwrap(), expected);
        assert_eq!(store.present(&names(&["a", "ab"])).await.unwrap(), names(&["a"]));
        assert!(store.present(&BTreeSet::new()).await.unwrap().is_empty());
    });
}

/// An entry that is too large is refused for good, and nothing is left of it.
pub fn limits(case: &dyn Case) {
    let Some(limit) = case.limit() else { return };
    run(async {
        let (store, key) = (case.open(), key(case, "large"));
        let trouble = store.create(&key, &fields(&CANARY.repeat(limit / CANARY.len() + 1))).await.unwrap_err();
        assert_eq!(trouble.kind(), TroubleKind::Refused, "{}", trouble.line());
        assert!(!trouble.line().contains(CANARY));
        assert!(matches!(store.read(&key).await.unwrap(), Held::Free));
    });
}

/// No value is told: not by what is printed of an entry, not by the log at its finest.
pub fn silence(case: &dyn Case) {
    let log = Log::default();
    log.listen(|| {
        run(async {
            let (store, key) = (case.open(), key(case, "silent"));
            store.create(&key, &fields(CANARY)).await.unwrap();
            let held = store.read(&key).await.unwrap();
            assert!(!format!("{held:?}").contains(CANARY));
            let version = entry(held).version;
            assert!(!version.contains(CANARY));
            store.replace(&key, &version, &fields(&format!("{CANARY}-2"))).await.unwrap();
            store.replace(&key, &version, &fields(&format!("{CANARY}-3"))).await.unwrap();
            store.create(&key, &fields(&format!("{CANARY}-4"))).await.unwrap();
            store.present(&BTreeSet::from([key.clone()])).await.unwrap();
            store.remove(&key).await.unwrap();
        });
    });
    log.holds_none_of(&[CANARY]);
}

/// Declares the tests of the battery for one case.
#[macro_export]
macro_rules! battery {
    ($case:expr; $(#[$attribute:meta])*) => {
        $crate::battery!(@ $case; [$(#[$attribute])*] round_trip replace writers values present limits silence);
    };
    (@ $case:expr; $attributes:tt $($test:ident)+) => {
        $($crate::battery!(@@ $case; $attributes $test);)+
    };
    (@@ $case:expr; [$(#[$attribute:meta])*] $test:ident) => {
        #[test]
        $(#[$attribute])*
        fn $test() {
            $crate::battery::$test(&$case(stringify!($test)));
        }
    };
}
