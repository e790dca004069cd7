//! Signatures (AWS, version 4) for requests that no SDK makes.

#![expect(clippy::disallowed_types, reason = "a signature says when it was made")]

use std::time::SystemTime;

use aws_credential_types::Credentials;
use aws_sigv4::{
    http_request::{PayloadChecksumKind, SignableBody, SignableRequest, SigningSettings, sign},
    sign::v4,
};
use reqwest::{Client, Method, RequestBuilder};
use url::Url;

use crate::engine::{Trouble, TroubleKind, connections::Login};

/// What a signature is good for.
#[derive(Debug, Clone, Copy)]
pub struct Scope<'s> {
    /// The service, by the name that AWS has for it.
    pub service: &'s str,
    /// The region.
    pub region: &'s str,
}

/// Returns a signed request. The digest of the body is part of what is signed, so nothing of it can be changed.
///
/// # Errors
/// The URL or a header cannot be signed.
pub fn signed(
    client: &Client,
    login: &Login,
    scope: Scope<'_>,
    (method, url): (Method, &Url),
    headers: &[(&str, &str)],
    body: Vec<u8>,
) -> Result<RequestBuilder, Trouble> {
    let fail = |why: String| Trouble::new(TroubleKind::Setup, "failed to sign a request").because(why);
    let identity = Credentials::new(&login.username, login.password.expose(), None, None, "tenantry").into();
    let mut settings = SigningSettings::default();
    settings.payload_checksum_kind = PayloadChecksumKind::XAmzSha256;
    let now = SystemTime::now();
    let parameters = v4::SigningParams::builder()
        .identity(&identity)
        .region(scope.region)
        .name(scope.service)
        .time(now)
        .settings(settings)
        .build()
        .map_err(|error| fail(error.to_string()))?
        .into();
    let signable =
        SignableRequest::new(method.as_str(), url.as_str(), headers.iter().copied(), SignableBody::Bytes(&body))
            .map_err(|error| fail(error.to_string()))?;
    let (instructions, _) = sign(signable, &parameters).map_err(|error| fail(error.to_string()))?.into_parts();
    let mut request = client.request(method, url.clone());
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    for (name, value) in instructions.headers() {
        request = request.header(name, value);
    }
    Ok(request.body(body))
}
