//! `bucket` and `objectStoreUser` on MinIO and AWS.
//!
//! Buckets are spoken to by S3. Users are made by MinIO's admin API, whose bodies are sealed with the administrator's
//! secret key ([`seal`]), or by the query API of IAM. All requests are signed; none is repeated by a client: the loop
//! looks again.

#![expect(clippy::disallowed_methods, reason = "reads the file with the authorities that a connection names")]

pub mod admin;
pub mod bucket;
pub mod iam;
pub mod probe;
pub mod seal;
pub mod sign;
pub mod user;

use std::fs;

use aws_sdk_s3::{
    Client,
    config::{
        BehaviorVersion, Credentials, Region, RequestChecksumCalculation, ResponseChecksumValidation, SharedHttpClient,
        StalledStreamProtectionConfig, retry::RetryConfig, timeout::TimeoutConfig,
    },
    error::{ProvideErrorMetadata, SdkError},
};
use aws_smithy_http_client::{
    Builder,
    tls::{Provider, TlsContext, TrustStore, rustls_provider::CryptoMode},
};
use url::Url;

use super::{
    Secret, Trouble, TroubleKind,
    connections::Login,
    web,
    within::{CALL, within},
};
use crate::provision::connection::ObjectStoreFlavour;

/// How many resources are looked at side by side; each takes a handful of requests.
const AT_ONCE: usize = 4;

/// An object store, with the administrator's clients.
pub struct Server {
    name: String,
    flavour: ObjectStoreFlavour,
    region: String,
    endpoint: Url,
    login: Login,
    transport: SharedHttpClient,
    s3: Client,
    http: reqwest::Client,
}

impl Server {
    /// Prepares the clients; nothing is connected yet.
    ///
    /// # Errors
    /// The endpoint is no URL, or the file with the authorities cannot be read.
    pub fn new(
        name: &str,
        endpoint: &str,
        region: &str,
        flavour: ObjectStoreFlavour,
        ca_file: Option<&str>,
        login: &Login,
    ) -> Result<Self, Trouble> {
        let setup = |what: &str, why: String| {
            Trouble::new(TroubleKind::Setup, format!("connection `{name}`: failed to {what}")).because(why)
        };
        let endpoint = Url::parse(endpoint).map_err(|error| setup("read `endpoint`", error.to_string()))?;
        if !matches!(endpoint.scheme(), "http" | "https") || endpoint.host_str().is_none() {
            return Err(setup("read `endpoint`", "it is no http or https URL".to_owned()));
        }
        let http = web::client(name, ca_file)?;
        let authorities =
            ca_file.map(fs::read).transpose().map_err(|error| setup("read `caFile`", error.to_string()))?;
        let transport = transport(&endpoint, authorities).map_err(|why| setup("prepare TLS", why))?;
        let s3 = client(&endpoint, region, flavour, &transport, &login.username, &login.password);
        Ok(Self {
            name: name.to_owned(),
            flavour,
            region: region.to_owned(),
            endpoint,
            login: login.clone(),
            transport,
            s3,
            http,
        })
    }

    /// Returns a client with a tenant's keys.
    fn as_tenant(&self, access_key: &str, secret_key: &Secret) -> Client {
        client(&self.endpoint, &self.region, self.flavour, &self.transport, access_key, secret_key)
    }

    /// Waits for an S3 request; `what` completes "failed to …".
    async fn ask<T, E>(&self, what: &str, call: impl Future<Output = Result<T, SdkError<E>>>) -> Result<T, Trouble>
    where
        E: ProvideErrorMetadata + std::error::Error + 'static,
    {
        within(&self.name, what, async { call.await.map_err(|error| self.trouble(what, &error)) }).await
    }

    /// Waits for an S3 request that some errors answer, too: none where the code is one of `absent`.
    async fn ask_for<T, E>(
        &self,
        what: &str,
        absent: &[&str],
        call: impl Future<Output = Result<T, SdkError<E>>>,
    ) -> Result<Option<T>, Trouble>
    where
        E: ProvideErrorMetadata + std::error::Error + 'static,
    {
        within(&self.name, what, async {
            match call.await {
                Ok(answer) => Ok(Some(answer)),
                Err(error) if said(&error).is_some_and(|code| absent.contains(&code)) => Ok(None),
                Err(error) => Err(self.trouble(what, &error)),
            }
        })
        .await
    }

    fn trouble<E>(&self, what: &str, error: &SdkError<E>) -> Trouble
    where
        E: ProvideErrorMetadata + std::error::Error + 'static,
    {
        let what = format!("connection `{}`: failed to {what}", self.name);
        match error {
            SdkError::TimeoutError(_) => {
                Trouble::new(TroubleKind::Deadline, what).because(format!("no answer within {} s", CALL.as_secs()))
            }
            SdkError::DispatchFailure(failure) => {
                let cause = failure.as_connector_error().map(|error| error as &(dyn std::error::Error + 'static));
                let kind = match cause {
                    Some(cause) if web::is_tls(cause) => TroubleKind::Tls,
                    _ if failure.is_timeout() => TroubleKind::Deadline,
                    _ if failure.is_user() => TroubleKind::Setup,
                    _ => TroubleKind::Unreachable,
                };
                Trouble::new(kind, what).because(cause.map_or("the request was not sent".to_owned(), chain))
            }
            SdkError::ServiceError(answer) => {
                let status = answer.raw().status().as_u16();
                refused(what, status, answer.err().meta().code())
            }
            SdkError::ResponseError(answer) => {
                let status = answer.raw().status().as_u16();
                Trouble::new(TroubleKind::Unexpected, what)
                    .because(format!("the answer with status {status} is not what S3 answers"))
            }
            _ => Trouble::new(TroubleKind::Setup, what).because("the request cannot be built"),
        }
    }
}

/// Returns the error code of an answer.
fn said<E: ProvideErrorMetadata>(error: &SdkError<E>) -> Option<&str> {
    match error {
        SdkError::ServiceError(answer) => answer.err().meta().code(),
        _ => None,
    }
}

/// Returns what an answer means that is no success. A server's message may quote what was sent; its code never does.
fn refused(what: String, status: u16, code: Option<&str>) -> Trouble {
    let kind = meaning(status, code);
    let code = code.filter(|code| code.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._:".contains(&byte)));
    let why = match (code, kind) {
        (Some(code @ ("RequestTimeTooSkewed" | "RequestExpired")), _) => {
            format!("the server answers {status} {code}: this machine's clock is not the server's")
        }
        (Some(code @ "XMinioAdminConfigBadJSON"), _) => {
            format!("the server answers {status} {code}: it cannot open what the secret key sealed")
        }
        (Some(code), _) => format!("the server answers {status} {code}"),
        (None, _) => format!("the server answers {status}"),
    };
    Trouble::new(kind, what).because(why)
}

/// What the codes of S3, of MinIO's admin API and of IAM mean; without one that is known, what the status does.
fn meaning(status: u16, code: Option<&str>) -> TroubleKind {
    match code.unwrap_or_default() {
        "BucketAlreadyOwnedByYou"
        | "BucketAlreadyExists"
        | "PreconditionFailed"
        | "EntityAlreadyExists"
        | "LimitExceeded"
        | "XMinioAdminPolicyChangeAlreadyApplied" => TroubleKind::Exists,
        "NoSuchBucket"
        | "NoSuchKey"
        | "NoSuchUpload"
        | "NoSuchEntity"
        | "XMinioAdminNoSuchUser"
        | "XMinioAdminNoSuchPolicy"
        | "XMinioAdminNoSuchGroup" => TroubleKind::Missing,
        "InvalidAccessKeyId"
        | "SignatureDoesNotMatch"
        | "ExpiredToken"
        | "InvalidToken"
        | "InvalidClientTokenId"
        | "UnrecognizedClientException"
        | "XMinioAdminConfigBadJSON" => TroubleKind::Credential,
        "AccessDenied" | "AccessDeniedException" | "AllAccessDisabled" | "UnauthorizedAccess" => TroubleKind::Forbidden,
        "RequestTimeTooSkewed" | "RequestExpired" => TroubleKind::Clock,
        "AuthorizationHeaderMalformed"
        | "PermanentRedirect"
        | "TemporaryRedirect"
        | "IllegalLocationConstraintException"
        | "InvalidRegion"
        | "InvalidLocationConstraint" => TroubleKind::Setup,
        "BucketNotEmpty"
        | "OperationAborted"
        | "ConditionalRequestConflict"
        | "SlowDown"
        | "SlowDownRead"
        | "SlowDownWrite"
        | "ServiceUnavailable"
        | "InternalError"
        | "RequestTimeout"
        | "Throttling"
        | "ThrottlingException"
        | "TooManyRequests"
        | "ConcurrentModification"
        | "EntityTemporarilyUnmodifiable"
        | "DeleteConflict"
        | "ServiceFailure"
        | "XMinioServerNotInitialized"
        | "XMinioAdminPolicyInUse"
        | "XMinioIAMPolicyInUse" => TroubleKind::Busy,
        "XMinioStorageFull" | "XMinioBackendDown" | "InsufficientStorage" | "XMinioWriteQuorum" => {
            TroubleKind::ReadOnly
        }
        "NotImplemented" | "MethodNotAllowed" => TroubleKind::Refused,
        _ => reqwest::StatusCode::from_u16(status).map_or(TroubleKind::Unexpected, web::meaning),
    }
}

fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    let mut line = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        line.push_str(": ");
        line.push_str(&cause.to_string());
        next = cause.source();
    }
    line
}

/// The transport of the SDK, over the same TLS as all others.
fn transport(endpoint: &Url, authorities: Option<Vec<u8>>) -> Result<SharedHttpClient, String> {
    if endpoint.scheme() == "http" {
        return Ok(Builder::new().build_http());
    }
    let trusted = match authorities {
        Some(pem) => TrustStore::empty().with_pem_certificate(pem),
        None => TrustStore::default(),
    };
    let context = TlsContext::builder().with_trust_store(trusted).build().map_err(|error| error.to_string())?;
    let builder = Builder::new().tls_provider(Provider::Rustls(CryptoMode::Ring));
    Ok(builder.tls_context(context).build_https())
}

/// An S3 client. MinIO has no names of buckets in its host name; older stores take no checksums that are not needed.
fn client(
    endpoint: &Url,
    region: &str,
    flavour: ObjectStoreFlavour,
    transport: &SharedHttpClient,
    access_key: &str,
    secret_key: &Secret,
) -> Client {
    let config = aws_sdk_s3::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new(region.to_owned()))
        .endpoint_url(endpoint.as_str())
        .credentials_provider(Credentials::new(access_key, secret_key.expose(), None, None, "tenantry"))
        .force_path_style(flavour == ObjectStoreFlavour::Minio)
        .request_checksum_calculation(RequestChecksumCalculation::WhenRequired)
        .response_checksum_validation(ResponseChecksumValidation::WhenRequired)
        .retry_config(RetryConfig::disabled())
        .timeout_config(TimeoutConfig::builder().connect_timeout(CALL).operation_timeout(CALL).build())
        .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
        .http_client(transport.clone());
    Client::from_conf(config.build())
}
