//! The ledger: a private bucket with one object for each bucket that is about to be made.

use std::collections::BTreeMap;

use aws_sdk_s3::primitives::{ByteStream, DateTime};
use serde::{Deserialize, Serialize};

use crate::{
    engine::{Trouble, TroubleKind, object_store::Server, points},
    steps::{
        bucket::{LEDGER, intent_key},
        claim::{Claim, Owner},
    },
};

/// Bytes of the largest intent. Nobody but us writes there.
const LARGEST: usize = 4096;

/// The bucket with the intents.
pub(super) struct Ledger {
    pub(super) name: String,
}

impl Ledger {
    /// Returns the ledger of a server that is its operator's own.
    pub(super) fn own() -> Self {
        Self { name: LEDGER.to_owned() }
    }

    /// Returns the ledger of an account: on AWS names of buckets are shared by all accounts.
    pub(super) fn of_account(id: &str) -> Self {
        use sha2::{Digest, Sha256};
        let digest = Sha256::digest(id);
        Self { name: format!("{LEDGER}-{}", hex::encode(&digest[..6])) }
    }
}

/// What is in the ledger: when each bucket's intent was written, by the server's clock.
pub(super) struct Intents {
    pub(super) has_ledger: bool,
    pub(super) of: BTreeMap<String, DateTime>,
}

/// An intent.
#[derive(Serialize, Deserialize)]
struct Intent {
    claim: String,
}

impl Server {
    /// Returns which intents there are. There is one only while a bucket is being made.
    pub(super) async fn intents(&self, ledger: &Ledger) -> Result<Intents, Trouble> {
        let (mut of, mut next) = (BTreeMap::new(), None);
        loop {
            let call = self.s3.list_objects_v2().bucket(&ledger.name).prefix("claims/").set_continuation_token(next);
            let Some(page) = self.ask_for("read the ledger", &["NoSuchBucket"], call.send()).await? else {
                return Ok(Intents { has_ledger: false, of });
            };
            for object in page.contents() {
                let bucket = object.key().and_then(|key| key.strip_prefix("claims/")?.strip_suffix(".json"));
                if let (Some(bucket), Some(written)) = (bucket, object.last_modified()) {
                    of.insert(bucket.to_owned(), *written);
                }
            }
            next = page.next_continuation_token().map(str::to_owned);
            if next.is_none() {
                return Ok(Intents { has_ledger: true, of });
            }
        }
    }

    /// Returns whose the intent to make a bucket is.
    pub(super) async fn intent(&self, ledger: &str, bucket: &str, claim: &Claim) -> Result<Option<Owner>, Trouble> {
        let what = "read an intent";
        let call = self.s3.get_object().bucket(ledger).key(intent_key(bucket)).send();
        let Some(answer) = self.ask_for(what, &["NoSuchKey", "NoSuchBucket"], call).await? else { return Ok(None) };
        let unexpected = |why: String| {
            Trouble::new(TroubleKind::Unexpected, format!("connection `{}`: failed to {what}", self.name)).because(why)
        };
        if answer.content_length().is_none_or(|length| usize::try_from(length).is_ok_and(|length| length > LARGEST)) {
            return Err(unexpected("it is longer than an intent".to_owned()));
        }
        let body = crate::engine::within::within(&self.name, what, async {
            answer.body.collect().await.map_err(|error| {
                Trouble::new(TroubleKind::Unreachable, format!("connection `{}`: failed to {what}", self.name))
                    .because(error.to_string())
            })
        });
        let intent: Intent = serde_json::from_slice(&body.await?.into_bytes())
            .map_err(|error| unexpected(format!("it is no intent: line {} column {}", error.line(), error.column())))?;
        Ok(Some(Owner::of(Some(&intent.claim), claim)))
    }

    /// Writes an intent, only if there is none.
    pub(super) async fn declare(&self, ledger: &str, bucket: &str, claim: &Claim) -> Result<(), Trouble> {
        let body = serde_json::to_vec(&Intent { claim: claim.to_string() }).map_err(|error| {
            Trouble::new(TroubleKind::Setup, "failed to write an intent").because(error.to_string())
        })?;
        let put = self.s3.put_object().bucket(ledger).key(intent_key(bucket)).body(ByteStream::from(body));
        let put = if points::planted("intent-overwritten") { put } else { put.if_none_match("*") };
        self.ask("write an intent", put.send()).await.map(drop)
    }
}
