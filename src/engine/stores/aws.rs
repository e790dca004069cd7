//! AWS Secrets Manager: an entry is one secret of that name, its fields a JSON object, its version the version id that
//! has the label `AWSCURRENT`.
//!
//! * **Create** is refused by the service where the name is taken. The request carries a token made of the content, so
//!   the same request once more is answered like the first.
//! * **Replace** writes a version with a label of ours, then moves `AWSCURRENT` to it *from the version that was read*;
//!   the service refuses the move where the label has gone elsewhere. No window remains: of two writers one has lost. The
//!   loser's version stays without `AWSCURRENT`, and goes as the service clears away what has no label.
//! * **Remove** forces the deletion, without days of grace: it is asked for at the end of a destruction alone, when nothing
//!   is left that the entry opens. The service goes about it in its own time, and may say for some seconds that the name
//!   is deleted.
//! * A secret that somebody else has scheduled for deletion can be restored, and is not free.
//!
//! A key is the name as it is. The service takes the last seven characters of an ARN for its own, so a name such as
//! `…/portal` with six letters behind a hyphen would be mistaken in part of an ARN; whole names are not, and the answer's
//! name is compared with the one that was asked for.

use std::{
    collections::{BTreeMap, BTreeSet},
    error::Error,
};

use aws_sdk_secretsmanager::{
    Client, Config,
    config::{BehaviorVersion, Credentials, Region, retry::RetryConfig},
    error::{ProvideErrorMetadata, SdkError},
    types::{Filter, FilterNameStringType},
};
use aws_smithy_http_client::{
    Builder,
    tls::{Provider, rustls_provider::CryptoMode},
};
use futures::TryFutureExt;
use sha2::{Digest, Sha256};

use crate::engine::{
    Entry, Secret, Trouble, TroubleKind,
    connections::Login,
    points,
    store::{Answer, Held, Store, Written, beginning},
    web,
    within::within,
};

/// The label of the version that everybody reads.
const CURRENT: &str = "AWSCURRENT";

/// The label of a version that is written and not yet current.
const NEXT: &str = "TENANTRYNEXT";

/// Secrets of one page of a list: the most that the service gives.
const PAGE: i32 = 100;

/// Names that one filter takes.
const FILTERED: usize = 10;

/// The secrets of one account and region.
pub struct SecretsManager {
    name: String,
    client: Client,
}

impl SecretsManager {
    /// Prepares a client; nothing is connected yet.
    pub fn new(name: &str, region: &str, endpoint: Option<&str>, login: &Login) -> Self {
        let keys = Credentials::new(&login.username, login.password.expose(), None, None, "tenantry");
        let transport = Builder::new().tls_provider(Provider::Rustls(CryptoMode::Ring)).build_https();
        let mut config = Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new(region.to_owned()))
            .credentials_provider(keys)
            .http_client(transport)
            // What was done is looked at before it is done again.
            .retry_config(RetryConfig::disabled());
        if let Some(endpoint) = endpoint {
            config = config.endpoint_url(endpoint);
        }
        Self { name: name.to_owned(), client: Client::from_conf(config.build()) }
    }

    fn trouble(&self, kind: TroubleKind, what: &str, why: impl Into<String>) -> Trouble {
        Trouble::new(kind, format!("connection `{}`: failed to {what}", self.name)).because(why.into())
    }

    /// Returns what an error means. The service's own words are left out: it repeats what it was sent.
    fn failed<E: ProvideErrorMetadata + Error + 'static>(
        &self,
        what: &str,
        action: &str,
        error: &SdkError<E>,
    ) -> Trouble {
        let Some(code) = error.as_service_error().map(|error| error.code().unwrap_or("without a code")) else {
            return self.unanswered(what, error);
        };
        let (kind, why) = match code {
            "AccessDeniedException" | "AccessDenied" => {
                (TroubleKind::Forbidden, format!("a policy must allow `secretsmanager:{action}`"))
            }
            "UnrecognizedClientException"
            | "InvalidClientTokenId"
            | "InvalidSignatureException"
            | "SignatureDoesNotMatch"
            | "IncompleteSignature"
            | "MissingAuthenticationToken"
            | "ExpiredTokenException" => (TroubleKind::Credential, format!("the service answers {code}")),
            "RequestExpired" | "RequestTimeTooSkewed" => {
                (TroubleKind::Clock, format!("the service answers {code}: the clock of this machine is wrong"))
            }
            "EncryptionFailure" | "DecryptionFailure" => {
                (TroubleKind::Forbidden, format!("the service answers {code}: it cannot use the key of the secret"))
            }
            "ThrottlingException" | "InternalServiceError" | "InternalFailure" | "ServiceUnavailable" => {
                (TroubleKind::Busy, format!("the service answers {code}"))
            }
            "InvalidParameterException" | "ValidationException" => (
                TroubleKind::Refused,
                format!("the service answers {code}: an entry has at most 65,536 bytes, and a name 512"),
            ),
            _ => (TroubleKind::Refused, format!("the service answers {code}")),
        };
        self.trouble(kind, what, why)
    }

    /// Returns what it means that no answer came, or none that can be read.
    fn unanswered<E: Error + 'static>(&self, what: &str, error: &SdkError<E>) -> Trouble {
        let mut kind = match error {
            SdkError::TimeoutError(_) => TroubleKind::Deadline,
            SdkError::DispatchFailure(failure) if failure.is_timeout() => TroubleKind::Deadline,
            SdkError::DispatchFailure(_) => TroubleKind::Unreachable,
            SdkError::ResponseError(_) => TroubleKind::Unexpected,
            _ => TroubleKind::Setup,
        };
        let mut line = error.to_string();
        // What could not be read of an answer may be a value; only the words about the way there are told.
        if matches!(error, SdkError::DispatchFailure(_)) {
            if web::is_tls(error) {
                kind = TroubleKind::Tls;
            }
            let mut next = error.source();
            while let Some(cause) = next {
                line = cause.to_string();
                next = cause.source();
            }
        }
        self.trouble(kind, what, line)
    }

    /// Returns what there is of a secret that has no current value to read.
    async fn without_value(&self, what: &str, key: &str) -> Result<Held, Trouble> {
        let asked = self.client.describe_secret().secret_id(key).send();
        let found = within(&self.name, what, async {
            match asked.await {
                Ok(found) => Ok(Some(found)),
                Err(error) if error.as_service_error().is_some_and(|error| error.is_resource_not_found_exception()) => {
                    Ok(None)
                }
                Err(error) => Err(self.failed(what, "DescribeSecret", &error)),
            }
        })
        .await?;
        match found {
            None => Ok(Held::Free),
            Some(found) if found.deleted_date().is_some() => Ok(Held::Deleted),
            Some(_) => Err(self.trouble(TroubleKind::Refused, what, "the secret is there and has no current value")),
        }
    }

    async fn load(&self, key: &str) -> Result<Held, Trouble> {
        let what = format!("read the entry `{key}`");
        let asked = self.client.get_secret_value().secret_id(key).version_stage(CURRENT).send();
        let found = within(&self.name, &what, async {
            match asked.await {
                Ok(found) => Ok(Some(found)),
                Err(error) => {
                    let no_value = error.as_service_error().is_some_and(|error| {
                        error.is_resource_not_found_exception() || error.is_invalid_request_exception()
                    });
                    if no_value { Ok(None) } else { Err(self.failed(&what, "GetSecretValue", &error)) }
                }
            }
        })
        .await?;
        let Some(found) = found else { return self.without_value(&what, key).await };
        if found.name() != Some(key) {
            return Err(self.trouble(TroubleKind::Unexpected, &what, "the answer is about another secret"));
        }
        let fields: Option<BTreeMap<String, String>> =
            found.secret_string().and_then(|text| serde_json::from_str(text).ok());
        let (Some(fields), Some(version)) = (fields, found.version_id()) else {
            return Err(self.trouble(TroubleKind::Unexpected, &what, "the secret is no JSON object of texts"));
        };
        let fields = fields.into_iter().map(|(name, text)| (name, Secret::new(text))).collect();
        Ok(Held::Entry(Entry::new(fields, version)))
    }

    fn text(&self, what: &str, fields: &BTreeMap<String, Secret>) -> Result<String, Trouble> {
        let plain: BTreeMap<&String, &str> = fields.iter().map(|(name, secret)| (name, secret.expose())).collect();
        serde_json::to_string(&plain).map_err(|_| self.trouble(TroubleKind::Setup, what, "the entry is no JSON"))
    }

    async fn make(&self, key: &str, fields: &BTreeMap<String, Secret>) -> Result<Written, Trouble> {
        let what = format!("create the entry `{key}`");
        let text = self.text(&what, fields)?;
        let token = token(key, "", &text);
        let asked = self.client.create_secret().name(key).client_request_token(token).secret_string(text).send();
        within(&self.name, &what, async {
            match asked.await {
                Ok(_) => Ok(Written::Done),
                // The latter: a secret of that name is scheduled for deletion.
                Err(error)
                    if error.as_service_error().is_some_and(|error| {
                        error.is_resource_exists_exception() || error.is_invalid_request_exception()
                    }) =>
                {
                    Ok(Written::Lost)
                }
                Err(error) => Err(self.failed(&what, "CreateSecret", &error)),
            }
        })
        .await
    }

    /// Writes a version that nobody reads yet; none where the secret is gone.
    async fn put(&self, what: &str, key: &str, version: &str, text: String) -> Result<Option<String>, Trouble> {
        let label = if points::planted("aws-stage-unguarded") { CURRENT } else { NEXT };
        let asked = self
            .client
            .put_secret_value()
            .secret_id(key)
            .client_request_token(token(key, version, &text))
            .secret_string(text)
            .version_stages(label)
            .send();
        within(&self.name, what, async {
            match asked.await {
                Ok(made) => Ok(made.version_id),
                Err(error)
                    if error.as_service_error().is_some_and(|error| {
                        error.is_resource_not_found_exception() || error.is_invalid_request_exception()
                    }) =>
                {
                    Ok(None)
                }
                Err(error) => Err(self.failed(what, "PutSecretValue", &error)),
            }
        })
        .await
    }

    async fn swap(&self, key: &str, version: &str, fields: &BTreeMap<String, Secret>) -> Result<Written, Trouble> {
        let what = format!("replace the entry `{key}`");
        let text = self.text(&what, fields)?;
        let Some(made) = self.put(&what, key, version, text).await? else { return Ok(Written::Lost) };
        if points::planted("aws-stage-unguarded") {
            return Ok(Written::Done);
        }
        let asked = self
            .client
            .update_secret_version_stage()
            .secret_id(key)
            .version_stage(CURRENT)
            .remove_from_version_id(version)
            .move_to_version_id(made)
            .send();
        within(&self.name, &what, async {
            match asked.await {
                Ok(_) => Ok(Written::Done),
                // The label is not on that version any more, or the secret is gone.
                Err(error)
                    if error.as_service_error().is_some_and(|error| {
                        error.is_invalid_parameter_exception()
                            || error.is_invalid_request_exception()
                            || error.is_resource_not_found_exception()
                    }) =>
                {
                    Ok(Written::Lost)
                }
                Err(error) => Err(self.failed(&what, "UpdateSecretVersionStage", &error)),
            }
        })
        .await
    }

    async fn forget(&self, key: &str) -> Result<(), Trouble> {
        let what = format!("remove the entry `{key}`");
        let asked = self.client.delete_secret().secret_id(key).force_delete_without_recovery(true).send();
        within(&self.name, &what, async {
            match asked.await {
                Ok(_) => Ok(()),
                Err(error) if error.as_service_error().is_some_and(|error| error.is_resource_not_found_exception()) => {
                    Ok(())
                }
                Err(error) => Err(self.failed(&what, "DeleteSecret", &error)),
            }
        })
        .await
    }

    /// Returns the names among `keys` that begin with one of `beginnings`.
    async fn list(&self, keys: &BTreeSet<String>, beginnings: Vec<String>) -> Result<BTreeSet<String>, Trouble> {
        let what = "list the entries";
        let filter = Filter::builder().key(FilterNameStringType::Name).set_values(Some(beginnings)).build();
        let (mut found, mut next) = (BTreeSet::new(), None);
        loop {
            let asked = self
                .client
                .list_secrets()
                .filters(filter.clone())
                .include_planned_deletion(true)
                .max_results(PAGE)
                .set_next_token(next)
                .send();
            let page =
                within(&self.name, what, asked.map_err(|error| self.failed(what, "ListSecrets", &error))).await?;
            let names = page.secret_list().iter().filter_map(|secret| secret.name());
            found.extend(names.filter(|name| keys.contains(*name)).map(str::to_owned));
            match page.next_token {
                Some(token) if !token.is_empty() => next = Some(token),
                _ => return Ok(found),
            }
        }
    }
}

/// Returns the token of a request, which is the id of the version that it makes: 64 characters of a digest over the key,
/// the version that it follows, and the content. It tells nothing of a value that was made at random.
fn token(key: &str, version: &str, text: &str) -> String {
    let mut digest = Sha256::new();
    for part in [key, version, text] {
        digest.update(part.len().to_be_bytes());
        digest.update(part);
    }
    hex::encode(digest.finalize())
}

impl Store for SecretsManager {
    fn read<'a>(&'a self, key: &'a str) -> Answer<'a, Held> {
        Box::pin(self.load(key))
    }

    fn create<'a>(&'a self, key: &'a str, fields: &'a BTreeMap<String, Secret>) -> Answer<'a, Written> {
        Box::pin(self.make(key, fields))
    }

    fn replace<'a>(
        &'a self,
        key: &'a str,
        version: &'a str,
        fields: &'a BTreeMap<String, Secret>,
    ) -> Answer<'a, Written> {
        Box::pin(self.swap(key, version, fields))
    }

    fn remove<'a>(&'a self, key: &'a str) -> Answer<'a, ()> {
        Box::pin(self.forget(key))
    }

    fn present<'a>(&'a self, keys: &'a BTreeSet<String>) -> Answer<'a, BTreeSet<String>> {
        Box::pin(async move {
            if keys.is_empty() {
                return Ok(BTreeSet::new());
            }
            let beginnings = match keys.len() <= FILTERED {
                true => keys.iter().cloned().collect(),
                false => vec![beginning(keys.iter().map(String::as_str)).to_owned()],
            };
            self.list(keys, beginnings).await
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_tells_requests_apart() {
        let one = token("a", "1", "{}");
        assert_eq!(one.len(), 64);
        assert_eq!(one, token("a", "1", "{}"));
        for other in [token("a", "2", "{}"), token("b", "1", "{}"), token("a", "1", "{ }"), token("a1", "", "{}")] {
            assert_ne!(one, other);
        }
    }
}
