//! Which service serves which kind: documents → groups. A new kind has one line here.

use std::{
    collections::{BTreeMap, BTreeSet},
    rc::Rc,
};

use super::{
    Trouble, TroubleKind,
    connections::{Connections, Service},
    group::{Group, KindGroup},
    http,
    member::{Member, Progress},
    mysql, object_store, postgres, rabbitmq, redis,
    run::Purpose,
    sandbox,
    store::Store,
    stores,
};
use crate::{
    provision::{Document, Kind, Resource, Wanted, connection::Connection},
    steps::{
        bucket::S3Bucket,
        claim::Claim,
        http::HttpResource,
        mysql::MysqlDatabase,
        object_store_user::ObjectStoreUser,
        order,
        postgres::{database::PostgresDatabase, schema::PostgresSchema},
        rabbitmq::RabbitmqVhost,
        redis::RedisUser,
        secret::PlainSecret,
    },
};

/// Pairs each kind with the module that serves it and the service that it is served by.
macro_rules! served {
    ($kind:expr, $service:expr, $parts:expr; $($variant:ident: $steps:ty, $served_by:pat => $observer:expr, $performer:expr, $prober:expr;)+) => {
        match ($kind, $service) {
            $(
                (Kind::$variant, Service::Sandbox(server)) => {
                    let members = members::<$steps>($parts, |resource| match resource {
                        Resource::$variant(wanted) => Some(wanted.clone().into_wanted()),
                        _ => None,
                    });
                    let (observer, performer) = (sandbox::Observer::new(&server), sandbox::Performer::new(&server));
                    let prober = sandbox::Prober::new(&server);
                    Ok(Box::new(KindGroup { observer, performer, prober, members }) as Box<dyn Group>)
                }
                (Kind::$variant, $served_by) => {
                    let members = members::<$steps>($parts, |resource| match resource {
                        Resource::$variant(wanted) => Some(wanted.clone().into_wanted()),
                        _ => None,
                    });
                    let (observer, performer, prober) = ($observer, $performer, $prober);
                    Ok(Box::new(KindGroup { observer, performer, prober, members }) as Box<dyn Group>)
                }
            )+
            (kind, _) => Err(Trouble::new(
                TroubleKind::Setup,
                format!("a `{}` cannot be made on a connection of that kind", kind.name()),
            )),
        }
    };
}

fn group(kind: Kind, service: Service, parts: Vec<Part<'_>>) -> Result<Box<dyn Group>, Trouble> {
    served! { kind, service, parts;
        PostgresDatabase: PostgresDatabase, Service::Postgres(server) => postgres::Observer::new(&server), postgres::Performer::new(&server), postgres::Prober::new(&server);
        PostgresSchema: PostgresSchema, Service::Postgres(server) => postgres::Observer::new(&server), postgres::Performer::new(&server), postgres::Prober::new(&server);
        RabbitmqVhost: RabbitmqVhost, Service::Rabbitmq(server) => rabbitmq::Observer::new(&server), rabbitmq::Performer::new(&server), rabbitmq::Prober::new(&server);
        MysqlDatabase: MysqlDatabase, Service::Mysql(server) => mysql::Observer::new(&server), mysql::Performer::new(&server), mysql::Prober::new(&server);
        Bucket: S3Bucket, Service::ObjectStore(server) => object_store::bucket::Observer::new(&server), object_store::bucket::perform::Performer::new(&server), object_store::probe::Prober::new(&server);
        ObjectStoreUser: ObjectStoreUser, Service::ObjectStore(server) => object_store::user::Observer::new(&server), object_store::user::Performer::new(&server), object_store::probe::Prober::new(&server);
        RedisUser: RedisUser, Service::Redis(server) => redis::Observer::new(&server), redis::Performer::new(&server), redis::Prober::new(&server);
        HttpResource: HttpResource, Service::Http(server) => http::Observer::new(&server), http::Performer::new(&server), http::Prober::new(&server);
        Secret: PlainSecret, Service::Store => stores::NoServer, stores::NoServer, stores::NoServer;
    }
}

/// What a member is made of.
struct Part<'d> {
    resource: &'d Resource,
    claim: Claim,
    store: Option<Rc<dyn Store>>,
    after: BTreeSet<String>,
}

fn members<K: crate::steps::Kind>(
    parts: Vec<Part<'_>>,
    read: impl Fn(&Resource) -> Option<Wanted<K::Spec>>,
) -> Vec<Member<K>> {
    let made = parts.into_iter().filter_map(|Part { resource, claim, store, after }| {
        Some(Member { wanted: read(resource)?, claim, store, after, progress: Progress::default() })
    });
    made.collect()
}

/// Settings behind a box, or not: what a variant of [`Resource`] holds.
trait IntoWanted<S> {
    fn into_wanted(self) -> Wanted<S>;
}

impl<S> IntoWanted<S> for Wanted<S> {
    fn into_wanted(self) -> Wanted<S> {
        self
    }
}

impl<S> IntoWanted<S> for Box<Wanted<S>> {
    fn into_wanted(self) -> Wanted<S> {
        *self
    }
}

/// Sorts the resources of documents into groups by kind and connection, and opens what reaches them.
///
/// # Errors
/// A connection is missing, or its credential is: nothing has been asked of any server then.
pub async fn open(
    documents: &[Document],
    connections: &Connections,
    purpose: Purpose,
) -> Result<Vec<Box<dyn Group>>, Trouble> {
    let mut sorted: BTreeMap<(Kind, String), (Service, Vec<Part<'_>>)> = BTreeMap::new();
    for document in documents {
        let home = document.secret_store();
        for resource in &document.resources {
            let head = resource.head();
            let connection = connection(document, head.connection)?;
            let store = match head.secret {
                Some(secret) => {
                    let connection = self::connection(document, &secret.store)?;
                    Some(connections.store(&secret.store, connection, home).await?)
                }
                None => None,
            };
            let service = connections.service(head.connection, connection, home).await?;
            let after = match purpose {
                Purpose::Apply => order::after(resource, &document.resources),
                Purpose::Destroy => order::before_removal(resource, &document.resources),
            };
            let part = Part {
                resource,
                claim: Claim { tenant: document.metadata.tenant.clone(), uid: document.metadata.uid.clone() },
                store,
                after: after.into_iter().map(str::to_owned).collect(),
            };
            // One group has one service: documents of two commits may reach another server by the same name.
            let server = serde_json::to_string(connection).unwrap_or_default();
            let key = (head.kind, format!("{} {server}", head.connection));
            sorted.entry(key).or_insert_with(|| (service, Vec::new())).1.push(part);
        }
    }
    sorted.into_iter().map(|((kind, _), (service, parts))| group(kind, service, parts)).collect()
}

fn connection<'d>(document: &'d Document, name: &str) -> Result<&'d Connection, Trouble> {
    document.connections.get(name).ok_or_else(|| {
        Trouble::new(
            TroubleKind::Setup,
            format!("the document of `{}` has no connection `{name}`", document.metadata.tenant),
        )
    })
}
