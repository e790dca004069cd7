//! What a tenant's own user reaches behind an API.

use std::rc::Rc;

use super::{observe::as_tenant, server::Server};
use crate::{
    engine::{Access, Look, Probe, Trouble},
    provision::{Wanted, http::HttpResourceSpec},
    steps::http::{HttpResource, Values},
};

/// Tries what a user reaches.
pub struct Prober(Rc<Server>);

impl Prober {
    /// Returns what tries users of an API.
    pub fn new(server: &Rc<Server>) -> Self {
        Self(Rc::clone(server))
    }
}

/// An object without a user of its own has no credential that could be tried.
impl Probe<HttpResource> for Prober {
    async fn probe(
        &self,
        own: Look<'_, HttpResourceSpec>,
        targets: &[&Wanted<HttpResourceSpec>],
    ) -> Result<Vec<Result<Access, Trouble>>, Trouble> {
        let Some(login) = &own.wanted().spec.login else { return Ok(Vec::new()) };
        let mut found = Vec::with_capacity(targets.len());
        for target in targets {
            // Its own object it proves as it always does; others' it asks for as an administrator would.
            let is_own = target.name == own.wanted().name;
            let call = if is_own { &login.proof } else { &target.spec.lookup.call };
            let Some(request) = as_tenant(own, call, &Values::new(), &Values::new())? else { return Ok(Vec::new()) };
            let status = self.0.read(&request).await.map(|answer| answer.status);
            found.push(match status {
                Ok(status) if status.is_success() => {
                    Ok(Access::Allowed(format!("{} {}", call.method.name(), call.path)))
                }
                Ok(status) if matches!(status.as_u16(), 401 | 403 | 404) => Ok(Access::Denied),
                Ok(status) => Err(self
                    .0
                    .trouble(crate::engine::TroubleKind::Unexpected, &request.what)
                    .because(format!("the server answers {status}"))),
                Err(trouble) => Err(trouble),
            });
        }
        Ok(found)
    }
}
