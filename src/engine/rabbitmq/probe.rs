//! Tries which virtual hosts a tenant's user may enter, as its applications would: over AMQP.

use super::{Shared, amqp::Answer};
use crate::{
    engine::{Access, Look, Probe, Trouble, TroubleKind},
    provision::{Wanted, rabbitmq::RabbitmqVhostSpec},
    steps::rabbitmq::{RabbitmqVhost, user},
};

/// Tries what a user reaches.
pub struct Prober(Shared);

impl Prober {
    /// Returns what tries users of a server.
    pub fn new(server: &Shared) -> Self {
        Self(Shared::clone(server))
    }
}

impl Probe<RabbitmqVhost> for Prober {
    async fn probe(
        &self,
        own: Look<'_, RabbitmqVhostSpec>,
        targets: &[&Wanted<RabbitmqVhostSpec>],
    ) -> Result<Vec<Result<Access, Trouble>>, Trouble> {
        let missing = || Trouble::new(TroubleKind::Setup, "the user has no stored credential");
        let password = own.entry.ok_or_else(missing)?.need("password")?;
        let name = user(own.wanted());
        let mut found = Vec::with_capacity(targets.len());
        for target in targets {
            let what = "open a virtual host as a tenant's user";
            let failed = |kind, why: String| Err(self.0.trouble(kind, what, why));
            found.push(match self.0.amqp.open(name, password, &target.name).await {
                Ok(Answer::Open) => Ok(Access::Allowed(format!("opened the virtual host `{}`", target.name))),
                Ok(Answer::NotAllowed) => Ok(Access::Denied),
                Ok(Answer::NoLogin) => {
                    let why = format!("the password of `{name}` is refused");
                    return Err(self.0.trouble(TroubleKind::Credential, what, why));
                }
                Ok(Answer::NoVhost) => failed(TroubleKind::Missing, format!("`{}` is not there", target.name)),
                Ok(Answer::Other(code)) => failed(TroubleKind::Busy, format!("the server answers {code}")),
                Err(trouble) => Err(trouble),
            });
        }
        Ok(found)
    }
}
