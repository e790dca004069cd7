//! The query API of AWS IAM: forms in, XML out.

use percent_encoding::percent_decode_str;
use reqwest::Method;
use serde::{Deserialize, de::DeserializeOwned};
use url::{Url, form_urlencoded};

use super::{
    Server, refused,
    sign::{Scope, signed},
};
use crate::{
    engine::{Secret, Trouble, TroubleKind, web},
    steps::{object_store_user::iam::Key, policy::Policy},
};

/// The only version of the API.
const VERSION: &str = "2010-05-08";

/// Bytes of the largest answer: a page of a thousand users with their policies.
const LARGE: usize = 16 << 20;

/// Users that are asked for at once, the most that IAM gives.
const PAGE: &str = "1000";

/// A user with all that gives it rights.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct UserDetail {
    pub(super) user_name: String,
    #[serde(default)]
    user_policy_list: List<InlinePolicy>,
    #[serde(default)]
    pub(super) group_list: List<String>,
    #[serde(default)]
    attached_managed_policies: List<ManagedPolicy>,
    #[serde(default)]
    tags: List<Tag>,
}

impl UserDetail {
    pub(super) fn tag(&self, key: &str) -> Option<&str> {
        self.tags.member.iter().find(|tag| tag.key == key).map(|tag| tag.value.as_str())
    }

    /// Returns the inline policies. Their documents are percent-encoded.
    pub(super) fn policies(&self) -> impl Iterator<Item = (&str, Policy)> {
        self.user_policy_list.member.iter().map(|policy| {
            let text = percent_decode_str(&policy.policy_document).decode_utf8_lossy();
            (policy.policy_name.as_str(), Policy::read(&text))
        })
    }

    pub(super) fn attached(&self) -> impl Iterator<Item = &str> {
        self.attached_managed_policies.member.iter().map(|policy| policy.policy_arn.as_str())
    }
}

/// What IAM calls a list.
#[derive(Debug, Deserialize)]
pub(super) struct List<T> {
    #[serde(default = "Vec::new")]
    pub(super) member: Vec<T>,
}

impl<T> Default for List<T> {
    fn default() -> Self {
        Self { member: Vec::new() }
    }
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct InlinePolicy {
    policy_name: String,
    policy_document: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ManagedPolicy {
    policy_arn: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Tag {
    key: String,
    value: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Details {
    get_account_authorization_details_result: DetailsPage,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct DetailsPage {
    #[serde(default)]
    user_detail_list: List<UserDetail>,
    #[serde(default)]
    is_truncated: bool,
    #[serde(default)]
    marker: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Keys {
    list_access_keys_result: KeysPage,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct KeysPage {
    #[serde(default)]
    access_key_metadata: List<KeyMetadata>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct KeyMetadata {
    access_key_id: String,
    status: String,
    #[serde(default)]
    create_date: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Created {
    create_access_key_result: CreatedResult,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct CreatedResult {
    access_key: CreatedKey,
}

/// A new key. No `Debug`: it holds a secret.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct CreatedKey {
    access_key_id: String,
    secret_access_key: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Refused {
    error: RefusedError,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct RefusedError {
    code: String,
}

impl Server {
    /// Sends one request to IAM.
    pub(super) async fn iam(&self, what: &str, action: &str, fields: &[(&str, &str)]) -> Result<String, Trouble> {
        let (url, region) = place(&self.endpoint);
        let form = form_urlencoded::Serializer::new(String::new())
            .extend_pairs([("Action", action), ("Version", VERSION)])
            .extend_pairs(fields)
            .finish();
        let scope = Scope { service: "iam", region };
        let headers = [("content-type", "application/x-www-form-urlencoded; charset=utf-8")];
        let request = signed(&self.http, &self.login, scope, (Method::POST, &url), &headers, form.into_bytes())?;
        let answer = web::send(&self.name, what, request, LARGE).await?;
        let body = String::from_utf8_lossy(&answer.body).into_owned();
        if answer.status.is_success() {
            return Ok(body);
        }
        let code = quick_xml::de::from_str::<Refused>(&body).ok().map(|refused| refused.error.code);
        let what = format!("connection `{}`: failed to {what}", self.name);
        Err(refused(what, answer.status.as_u16(), code.as_deref()))
    }

    fn xml<T: DeserializeOwned>(&self, what: &str, body: &str) -> Result<T, Trouble> {
        // What does not fit could be a value of the answer.
        quick_xml::de::from_str(body).map_err(|_| {
            Trouble::new(TroubleKind::Unexpected, format!("connection `{}`: failed to {what}", self.name))
                .because("the answer is not what IAM answers")
        })
    }

    /// Returns all users of the account with what gives them rights, a thousand in a request.
    pub(super) async fn iam_users(&self) -> Result<Vec<UserDetail>, Trouble> {
        let what = "read users";
        let (mut users, mut next) = (Vec::new(), None::<String>);
        loop {
            let mut fields = vec![("Filter.member.1", "User"), ("MaxItems", PAGE)];
            fields.extend(next.as_deref().map(|marker| ("Marker", marker)));
            let body = self.iam(what, "GetAccountAuthorizationDetails", &fields).await?;
            let DetailsPage { user_detail_list, is_truncated, marker } =
                self.xml::<Details>(what, &body)?.get_account_authorization_details_result;
            users.extend(user_detail_list.member);
            next = marker.filter(|marker| is_truncated && !marker.is_empty());
            if next.is_none() {
                return Ok(users);
            }
        }
    }

    /// Returns the access keys of a user, the oldest first.
    pub(super) async fn iam_keys(&self, user: &str) -> Result<Vec<Key>, Trouble> {
        let what = "read a user's access keys";
        let body = self.iam(what, "ListAccessKeys", &[("UserName", user)]).await?;
        let mut found = self.xml::<Keys>(what, &body)?.list_access_keys_result.access_key_metadata.member;
        found.sort_by(|one, other| {
            (&one.create_date, &one.access_key_id).cmp(&(&other.create_date, &other.access_key_id))
        });
        let keys = found.into_iter();
        Ok(keys.map(|key| Key { id: key.access_key_id, is_active: key.status == "Active" }).collect())
    }

    /// Makes an access key; returns its id and its secret, which is told this once.
    pub(super) async fn iam_new_key(&self, user: &str) -> Result<(Secret, Secret), Trouble> {
        let what = "create an access key";
        let body = self.iam(what, "CreateAccessKey", &[("UserName", user)]).await?;
        let CreatedKey { access_key_id, secret_access_key } =
            self.xml::<Created>(what, &body)?.create_access_key_result.access_key;
        Ok((Secret::new(access_key_id), Secret::new(secret_access_key)))
    }
}

/// Returns where IAM is, and the region that its requests are signed for. It is one for all regions of a partition of
/// AWS; other servers have it where they have S3.
fn place(endpoint: &Url) -> (Url, &'static str) {
    let host = endpoint.host_str().unwrap_or_default();
    let (host, region) = match host {
        host if host.ends_with(".amazonaws.com.cn") => ("https://iam.cn-north-1.amazonaws.com.cn", "cn-north-1"),
        host if host.contains("us-gov-") && host.ends_with(".amazonaws.com") => {
            ("https://iam.us-gov.amazonaws.com", "us-gov-west-1")
        }
        host if host.ends_with(".amazonaws.com") => ("https://iam.amazonaws.com", "us-east-1"),
        _ => return (endpoint.clone(), "us-east-1"),
    };
    (Url::parse(host).unwrap_or_else(|_| endpoint.clone()), region)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test")]
mod tests {
    use super::*;

    #[test]
    fn iam_is_beside_s3_or_where_aws_has_it() {
        let place = |text: &str| {
            let (url, region) = super::place(&Url::parse(text).unwrap());
            (url.to_string(), region)
        };
        assert_eq!(place("http://127.0.0.1:5000/"), ("http://127.0.0.1:5000/".to_owned(), "us-east-1"));
        let global = ("https://iam.amazonaws.com/".to_owned(), "us-east-1");
        assert_eq!(place("https://s3.eu-central-1.amazonaws.com"), global);
        assert_eq!(place("https://s3.us-gov-west-1.amazonaws.com").1, "us-gov-west-1");
        assert_eq!(place("https://s3.cn-north-1.amazonaws.com.cn").1, "cn-north-1");
        assert_eq!(place("https://amazonaws.com.evil.example").0, "https://amazonaws.com.evil.example/");
    }

    #[test]
    fn an_answer_as_aws_writes_it_is_read() {
        let body = "<GetAccountAuthorizationDetailsResponse xmlns=\"https://iam.amazonaws.com/doc/2010-05-08/\">
            <GetAccountAuthorizationDetailsResult><IsTruncated>true</IsTruncated><Marker>m</Marker><UserDetailList>
            <member><GroupList/><CreateDate>2013-10-14T18:32:24Z</CreateDate><UserId>A</UserId>
            <UserPolicyList><member><PolicyName>p</PolicyName><PolicyDocument>%7B%22Statement%22%3A%5B%5D%7D</PolicyDocument></member></UserPolicyList>
            <UserName>Alice</UserName><Arn>a</Arn><Path>/</Path>
            <AttachedManagedPolicies><member><PolicyName>x</PolicyName><PolicyArn>arn:x</PolicyArn></member></AttachedManagedPolicies>
            <Tags><member><Key>tenantry</Key><Value>tenantry:a:1</Value></member></Tags></member>
            <member><UserName>Bob</UserName></member></UserDetailList></GetAccountAuthorizationDetailsResult>
            </GetAccountAuthorizationDetailsResponse>";
        let page: Details = quick_xml::de::from_str(body).unwrap();
        let page = page.get_account_authorization_details_result;
        assert!(page.is_truncated && page.marker.as_deref() == Some("m"));
        let [alice, bob] = page.user_detail_list.member.as_slice() else { panic!("{:?}", page.user_detail_list) };
        assert_eq!(alice.policies().collect::<Vec<_>>(), [("p", Policy::default())]);
        assert_eq!(alice.attached().collect::<Vec<_>>(), ["arn:x"]);
        assert_eq!(alice.tag("tenantry"), Some("tenantry:a:1"));
        assert_eq!((bob.user_name.as_str(), bob.tag("tenantry")), ("Bob", None));
    }
}
