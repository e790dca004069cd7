//! Users: how they are looked at and changed, on MinIO and on IAM.

use std::{collections::BTreeMap, rc::Rc};

use futures::{StreamExt, stream};
use serde_json::{Value, json};

use super::{
    AT_ONCE, Server,
    admin::{Request, UserInfo},
    iam::UserDetail,
    seal,
};
use crate::{
    engine::{Entry, Look, Observe, Perform, Secret, Trouble, TroubleKind, points, service::Answers},
    provision::{connection::ObjectStoreFlavour, object_store::ObjectStoreUserSpec},
    steps::{
        bucket::TAG,
        claim::{Claim, Owner},
        object_store_user::{IamAction, MinioAction, ObjectStoreUser, Seen, UserAction, iam, minio},
        policy::Policy,
    },
};

/// From how many users on all of the server's are read at once. The answer to that is sealed, which costs as much as a
/// dozen small requests.
const MANY: usize = 24;

/// Reads users.
pub struct Observer(Rc<Server>);

impl Observer {
    /// Returns the reader of a server.
    pub fn new(server: &Rc<Server>) -> Self {
        Self(Rc::clone(server))
    }
}

impl Observe<ObjectStoreUser> for Observer {
    async fn observe(&self, looks: &[Look<'_, ObjectStoreUserSpec>]) -> Vec<Result<Seen, Trouble>> {
        let all = |trouble: &Trouble| looks.iter().map(|_| Err(trouble.again())).collect();
        match self.0.flavour {
            ObjectStoreFlavour::Minio if looks.len() >= MANY => {
                let (users, policies) = match futures::try_join!(self.0.users(), self.0.policies()) {
                    Ok(known) => known,
                    Err(trouble) => return all(&trouble),
                };
                let seen = stream::iter(looks).map(async |look| {
                    let name = &look.wanted().name;
                    self.minio(*look, users.get(name), policies.get(name)).await.map(Seen::Minio)
                });
                seen.buffered(AT_ONCE).collect().await
            }
            ObjectStoreFlavour::Minio => {
                let seen = stream::iter(looks).map(async |look| {
                    let name = &look.wanted().name;
                    let (user, policy) = futures::try_join!(self.0.user(name), self.0.policy(name))?;
                    self.minio(*look, user.as_ref(), policy.as_ref()).await.map(Seen::Minio)
                });
                seen.buffered(AT_ONCE).collect().await
            }
            ObjectStoreFlavour::Aws => {
                let users = match self.0.iam_users().await {
                    Ok(users) => users,
                    Err(trouble) => return all(&trouble),
                };
                let users: BTreeMap<&str, &UserDetail> =
                    users.iter().map(|user| (user.user_name.as_str(), user)).collect();
                let seen = stream::iter(looks).map(async |look| {
                    self.iam(*look, users.get(look.wanted().name.as_str()).copied()).await.map(Seen::Iam)
                });
                seen.buffered(AT_ONCE).collect().await
            }
        }
    }
}

impl Observer {
    async fn minio(
        &self,
        look: Look<'_, ObjectStoreUserSpec>,
        user: Option<&UserInfo>,
        policy: Option<&Value>,
    ) -> Result<minio::Seen, Trouble> {
        let policy = policy
            .map(Policy::of)
            .map(|policy| minio::Claimed { owner: Owner::of(policy.id.as_deref(), look.asked.claim), policy });
        let Some(user) = user else { return Ok(minio::Seen { policy, user: None }) };
        let login = match look.entry.and_then(|entry| entry.get("secretKey")) {
            Some(secret) if user.is_enabled() => Some(self.0.lets_in(&look.wanted().name, secret).await?),
            _ => None,
        };
        let (policies, groups) = (user.policies(), user.groups());
        Ok(minio::Seen { policy, user: Some(minio::User { is_enabled: user.is_enabled(), policies, groups, login }) })
    }

    async fn iam(&self, look: Look<'_, ObjectStoreUserSpec>, user: Option<&UserDetail>) -> Result<iam::Seen, Trouble> {
        let name = &look.wanted().name;
        let stored = look.entry.and_then(|entry| entry.get("accessKey")).map(|key| key.expose().to_owned());
        let mut seen = iam::Seen { user: None, stored_key: stored, is_entry_known: look.entry.is_some() };
        let Some(user) = user else { return Ok(seen) };
        let keys = self.0.iam_keys(name).await?;
        let stored = seen.stored_key.as_deref();
        let works = keys.iter().any(|key| key.is_active && Some(key.id.as_str()) == stored);
        if let (true, Some(entry), [bucket, ..]) = (works, look.entry, look.wanted().spec.buckets.as_slice()) {
            self.0.prove_key(entry, bucket).await?;
        }
        let mut policies: BTreeMap<&str, Policy> = user.policies().collect();
        let policy = policies.remove(name.as_str());
        seen.user = Some(iam::User {
            owner: Owner::of(user.tag(TAG), look.asked.claim),
            policy,
            other_policies: policies.into_keys().map(str::to_owned).collect(),
            attached: user.attached().map(str::to_owned).collect(),
            groups: user.group_list.member.iter().cloned().collect(),
            keys,
        });
        Ok(seen)
    }
}

/// What servers say to a credential that they do not know, or to a wrong secret.
const REFUSED: [&str; 2] = ["InvalidAccessKeyId", "SignatureDoesNotMatch"];

impl Server {
    /// Returns whether MinIO lets a user in. One who may list no bucket is in, too.
    async fn lets_in(&self, user: &str, secret: &Secret) -> Result<bool, Trouble> {
        let client = self.as_tenant(user, secret);
        let answer = self.ask_for("log in as a tenant's user", &REFUSED, client.list_buckets().send()).await;
        match answer {
            Ok(answer) => Ok(answer.is_some()),
            Err(trouble) if trouble.kind() == TroubleKind::Forbidden => Ok(true),
            Err(trouble) => Err(trouble),
        }
    }

    /// Asks with a key of IAM for what its policy gives. A new key, or a new policy, takes some seconds to be known
    /// everywhere, and nothing but waiting helps.
    async fn prove_key(&self, entry: &Entry, bucket: &str) -> Result<(), Trouble> {
        let (access_key, secret_key) = (entry.need("accessKey")?, entry.need("secretKey")?);
        let client = self.as_tenant(access_key.expose(), secret_key);
        let what = "log in with a tenant's access key";
        let call = client.get_bucket_location().bucket(bucket).send();
        let failed =
            |kind, why| Trouble::new(kind, format!("connection `{}`: failed to {what}", self.name)).because(why);
        match self.ask_for(what, &["InvalidAccessKeyId"], call).await {
            Ok(None) => Err(failed(TroubleKind::Busy, "IAM has not told S3 of it yet")),
            Ok(Some(_)) => Ok(()),
            Err(trouble) => match trouble.kind() {
                TroubleKind::Forbidden | TroubleKind::Missing => Ok(()),
                TroubleKind::Credential => {
                    Err(failed(TroubleKind::Setup, "the stored secret is not the one of the stored access key"))
                }
                _ => Err(trouble),
            },
        }
    }
}

/// Writes users.
pub struct Performer(Rc<Server>);

impl Performer {
    /// Returns the writer of a server.
    pub fn new(server: &Rc<Server>) -> Self {
        Self(Rc::clone(server))
    }
}

impl Perform<ObjectStoreUser> for Performer {
    async fn perform(&self, look: Look<'_, ObjectStoreUserSpec>, action: &UserAction) -> Result<Answers, Trouble> {
        match action {
            UserAction::Minio(action) => self.minio(look, action).await.map(|()| Answers::new()),
            UserAction::Iam(action) => self.iam(look, action).await,
        }
    }
}

impl Performer {
    async fn minio(&self, look: Look<'_, ObjectStoreUserSpec>, action: &MinioAction) -> Result<(), Trouble> {
        let server = &self.0;
        match action {
            MinioAction::CreatePolicy { policy } => {
                server.must_be_absent("policy", policy, server.policy(policy).await?.is_some())?;
                server.put_policy(look, policy).await
            }
            MinioAction::ReplacePolicy { policy, difference: _ } => server.put_policy(look, policy).await,
            // The request would write over the secret of a user that somebody made since the last look.
            MinioAction::CreateUser { user } => {
                server.must_be_absent("user", user, server.user(user).await?.is_some())?;
                server.put_user(user, stored(look)?).await
            }
            MinioAction::SetSecret { user } => server.put_user(user, stored(look)?).await,
            MinioAction::Enable { user } => server.set_status(user, "enabled").await,
            MinioAction::Disable { user } => server.set_status(user, "disabled").await,
            MinioAction::Attach { user } => server.attach("attach", user, &[user]).await,
            MinioAction::Detach { user, policies } => {
                if points::planted("policies-left-attached") {
                    return Ok(());
                }
                server.attach("detach", user, &policies.iter().collect::<Vec<_>>()).await
            }
            MinioAction::LeaveGroup { user, group } => {
                let body = json!({"group": group, "members": [user], "isRemove": true});
                server.put("take a user out of a group", "update-group-members", &[], &body).await
            }
            MinioAction::RemoveUser { user } => {
                server.delete("remove a user", "remove-user", ("accessKey", user)).await
            }
            MinioAction::RemovePolicy { policy } => {
                server.delete("remove a policy", "remove-canned-policy", ("name", policy)).await
            }
        }
    }

    async fn iam(&self, look: Look<'_, ObjectStoreUserSpec>, action: &IamAction) -> Result<Answers, Trouble> {
        let server = &self.0;
        let claim = look.asked.claim.to_string();
        let tag = [("Tags.member.1.Key", TAG), ("Tags.member.1.Value", claim.as_str())];
        let (what, name, user, fields): (_, _, _, Vec<(&str, &str)>) = match action {
            IamAction::CreateUser { user } => ("create a user", "CreateUser", user, tag.to_vec()),
            IamAction::TagUser { user } => ("tag a user", "TagUser", user, tag.to_vec()),
            IamAction::PutPolicy { user, difference: _, is_first: _ } => {
                let document = document(look, None).to_string();
                let fields = [("UserName", user.as_str()), ("PolicyName", user), ("PolicyDocument", &document)];
                server.iam("set the policy of a user", "PutUserPolicy", &fields).await?;
                return Ok(Answers::new());
            }
            IamAction::DeletePolicy { user, policy } => {
                ("delete a policy of a user", "DeleteUserPolicy", user, vec![("PolicyName", policy)])
            }
            IamAction::DetachPolicy { user, policy } => {
                ("detach a policy from a user", "DetachUserPolicy", user, vec![("PolicyArn", policy)])
            }
            IamAction::LeaveGroup { user, group } => {
                ("take a user out of a group", "RemoveUserFromGroup", user, vec![("GroupName", group)])
            }
            IamAction::ActivateKey { user, key } => {
                ("activate an access key", "UpdateAccessKey", user, vec![("AccessKeyId", key), ("Status", "Active")])
            }
            IamAction::DeleteKey { user, key } => {
                ("delete an access key", "DeleteAccessKey", user, vec![("AccessKeyId", key)])
            }
            IamAction::DeleteUser { user } => ("delete a user", "DeleteUser", user, Vec::new()),
            IamAction::CreateKey { user } => {
                let (access_key, secret_key) = server.iam_new_key(user).await?;
                return Ok(Answers::from([("accessKey".to_owned(), access_key), ("secretKey".to_owned(), secret_key)]));
            }
        };
        let fields: Vec<(&str, &str)> = [("UserName", user.as_str())].into_iter().chain(fields).collect();
        server.iam(what, name, &fields).await?;
        Ok(Answers::new())
    }
}

fn stored<'a>(look: Look<'a, ObjectStoreUserSpec>) -> Result<&'a Secret, Trouble> {
    look.entry.ok_or_else(|| Trouble::new(TroubleKind::Setup, "the user has no stored credential"))?.need("secretKey")
}

fn document(look: Look<'_, ObjectStoreUserSpec>, claim: Option<&Claim>) -> Value {
    let ObjectStoreUserSpec { buckets, actions } = &look.wanted().spec;
    if points::planted("policy-of-prefix") {
        let buckets: Vec<String> = buckets.iter().map(|bucket| format!("{bucket}*")).collect();
        return Policy::of_user(claim, &buckets, actions).json();
    }
    Policy::of_user(claim, buckets, actions).json()
}

impl Server {
    fn must_be_absent(&self, what: &str, name: &str, is_there: bool) -> Result<(), Trouble> {
        if !is_there {
            return Ok(());
        }
        let what = format!("connection `{}`: failed to create {what} `{name}`", self.name);
        Err(Trouble::new(TroubleKind::Exists, what).because("it is there by now"))
    }

    async fn put_policy(&self, look: Look<'_, ObjectStoreUserSpec>, policy: &str) -> Result<(), Trouble> {
        let body = document(look, Some(look.asked.claim));
        self.put("set a policy", "add-canned-policy", &[("name", policy)], &body).await
    }

    async fn put_user(&self, user: &str, secret: &Secret) -> Result<(), Trouble> {
        let body = json!({"secretKey": secret.expose(), "status": "enabled"}).to_string();
        let body = seal::seal(&self.login.password, body.as_bytes())?;
        let query = [("accessKey", user)];
        self.admin("set a user", Request::put("/minio/admin/v3/add-user", &query, body)).await.map(drop)
    }

    async fn set_status(&self, user: &str, status: &str) -> Result<(), Trouble> {
        let query = [("accessKey", user), ("status", status)];
        let request = Request::put("/minio/admin/v3/set-user-status", &query, Vec::new());
        self.admin("set the status of a user", request).await.map(drop)
    }

    async fn attach(&self, verb: &str, user: &str, policies: &[&String]) -> Result<(), Trouble> {
        let body = json!({"policies": policies, "user": user}).to_string();
        let body = seal::seal(&self.login.password, body.as_bytes())?;
        let path = format!("/minio/admin/v3/idp/builtin/policy/{verb}");
        let request = Request { method: reqwest::Method::POST, path: &path, query: &[], body };
        self.admin(&format!("{verb} policies"), request).await.map(drop)
    }

    async fn put(&self, what: &str, verb: &str, query: &[(&str, &str)], body: &Value) -> Result<(), Trouble> {
        let path = format!("/minio/admin/v3/{verb}");
        self.admin(what, Request::put(&path, query, body.to_string().into_bytes())).await.map(drop)
    }

    async fn delete(&self, what: &str, verb: &str, of: (&str, &str)) -> Result<(), Trouble> {
        let path = format!("/minio/admin/v3/{verb}");
        let request = Request { method: reqwest::Method::DELETE, path: &path, query: &[of], body: Vec::new() };
        self.admin(what, request).await.map(drop)
    }
}
