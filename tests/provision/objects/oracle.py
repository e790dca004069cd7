"""Looks at object stores, and meddles with them, by clients that are not ours: boto3, and MinIO's own admin client.

Usage: oracle.py minio|aws; the address and the administrator's keys come from the environment. Each line of the input is a
question, {"arguments": [COMMAND, …], "keys": null or [ACCESS KEY, SECRET KEY]}; its answer is one line of the output,
{"printed": …, "error": …}.
"""

import contextlib
import io
import json
import os
import sys
import traceback
import urllib.error
import urllib.request

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError
from minio import MinioAdmin
from minio.credentials import StaticProvider

FLAVOUR = sys.argv[1]
KEYS = {name: os.environ[f"TENANTRY_TEST_{FLAVOUR.upper()}_{name}"] for name in ("URL", "USERNAME", "PASSWORD", "REGION")}


def client(service, access_key=KEYS["USERNAME"], secret_key=KEYS["PASSWORD"]):
    return boto3.client(
        service,
        endpoint_url=KEYS["URL"],
        region_name=KEYS["REGION"],
        aws_access_key_id=access_key,
        aws_secret_access_key=secret_key,
        config=Config(retries={"max_attempts": 1}, s3={"addressing_style": "path"}, request_checksum_calculation="when_required"),
    )


S3 = client("s3")
# The keys of the question that is being answered.
TENANT = None
ADMIN = MinioAdmin(
    endpoint=KEYS["URL"].removeprefix("http://"),
    credentials=StaticProvider(KEYS["USERNAME"], KEYS["PASSWORD"]),
    region=KEYS["REGION"],
    secure=False,
)


def read(call, *keys, **arguments):
    """What a call answers, without what differs between two runs; its error code where it has none."""
    try:
        answer = call(**arguments)
    except ClientError as error:
        return error.response["Error"]["Code"]
    answer.pop("ResponseMetadata", None)
    return {key: answer.get(key) for key in keys} if keys else answer


def location():
    return {"CreateBucketConfiguration": {"LocationConstraint": KEYS["REGION"]}}


def ledgers():
    return [one["Name"] for one in S3.list_buckets()["Buckets"] if one["Name"].startswith("tenantry-ledger")]


def bucket(name):
    intents = [ledger for ledger in ledgers() if read(S3.head_object, "ContentLength", Bucket=ledger, Key=f"claims/{name}.json") != "404"]
    if read(S3.head_bucket, Bucket=name) == "404":
        return {"intent": True} if intents else None
    tags = read(S3.get_bucket_tagging, "TagSet", Bucket=name)
    seen = {
        "tags": tags if isinstance(tags, str) else sorted(map(str, tags["TagSet"])),
        "versioning": read(S3.get_bucket_versioning, "Status", Bucket=name),
        "lifecycle": read(S3.get_bucket_lifecycle_configuration, "Rules", Bucket=name),
        "policy": read(S3.get_bucket_policy, "Policy", Bucket=name),
        "encryption": read(S3.get_bucket_encryption, "ServerSideEncryptionConfiguration", Bucket=name),
        "objects": len(S3.list_object_versions(Bucket=name).get("Versions", [])),
        "intent": bool(intents),
    }
    if FLAVOUR == "minio":
        seen["quota"] = json.loads(ADMIN.bucket_quota_get(name)).get("size", 0)
    else:
        seen["block"] = read(S3.get_public_access_block, "PublicAccessBlockConfiguration", Bucket=name)
    return seen


def minio_user(name):
    seen = {}
    for key, ask in (("user", lambda: ADMIN.user_info(name)), ("policy", lambda: ADMIN.policy_info(name))):
        try:
            seen[key] = json.loads(ask())
        except Exception as error:
            assert "404" in str(error) or "NoSuch" in str(error), error
            continue
        for changing in ("updatedAt", "CreateDate", "UpdateDate"):
            seen[key].pop(changing, None)
    return seen or None


def iam_user(name):
    iam = client("iam")
    user = read(iam.get_user, "User", UserName=name)
    if isinstance(user, str):
        return None
    policies = iam.list_user_policies(UserName=name)["PolicyNames"]
    return {
        "tags": user["User"].get("Tags"),
        "policies": {policy: iam.get_user_policy(UserName=name, PolicyName=policy)["PolicyDocument"] for policy in policies},
        "attached": [one["PolicyArn"] for one in iam.list_attached_user_policies(UserName=name)["AttachedPolicies"]],
        "groups": [one["GroupName"] for one in iam.list_groups_for_user(UserName=name)["Groups"]],
        "keys": [one["Status"] for one in iam.list_access_keys(UserName=name)["AccessKeyMetadata"]],
    }


def in_order(value):
    """Lists of a policy have no order, and MinIO keeps none."""
    if isinstance(value, list):
        return sorted(map(in_order, value), key=str)
    return {key: in_order(one) for key, one in value.items()} if isinstance(value, dict) else value


def dump(*names):
    for name in names:
        for what, seen in (("bucket", bucket(name)), ("user", minio_user(name) if FLAVOUR == "minio" else iam_user(name))):
            if seen is not None:
                print(what, name, json.dumps(in_order(seen), sort_keys=True, default=str))


def make_bucket(name):
    S3.create_bucket(Bucket=name, **location())


def make_user(name):
    if FLAVOUR == "minio":
        ADMIN.user_add(name, "somebody-elses-secret")
    else:
        client("iam").create_user(UserName=name)


def drift_bucket(name):
    """An administrator in a hurry: everything public, old versions kept no more, live objects expiring."""
    everybody = {"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": f"arn:aws:s3:::{name}/*"}
    if FLAVOUR == "aws":
        S3.delete_public_access_block(Bucket=name)
    else:
        ADMIN.bucket_quota_clear(name)
    S3.put_bucket_policy(Bucket=name, Policy=json.dumps({"Version": "2012-10-17", "Statement": [everybody]}))
    S3.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Suspended"})
    rule = {"ID": "x", "Status": "Enabled", "Filter": {"Prefix": ""}, "Expiration": {"Days": 1}}
    S3.put_bucket_lifecycle_configuration(Bucket=name, LifecycleConfiguration={"Rules": [rule]})


def drift_user(name):
    """More rights than it should have, by each way to get them; on MinIO another secret, too."""
    if FLAVOUR == "minio":
        ADMIN.user_add(name, "changed-by-somebody")
        ADMIN.group_add("oncall", [name])
        ADMIN.attach_policy(["readwrite"], user=name)
        return
    iam = client("iam")
    everything = {"Effect": "Allow", "Action": "s3:*", "Resource": "*"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [everything]})
    iam.put_user_policy(UserName=name, PolicyName="more", PolicyDocument=document)
    iam.put_user_policy(UserName=name, PolicyName=name, PolicyDocument=document)
    group = f"{name}-oncall"
    iam.create_group(GroupName=group)
    iam.add_user_to_group(GroupName=group, UserName=name)
    policy = iam.create_policy(PolicyName=f"{name}-more", PolicyDocument=document)["Policy"]["Arn"]
    iam.attach_user_policy(UserName=name, PolicyArn=policy)
    iam.create_access_key(UserName=name)
    [first] = [one for one in iam.list_access_keys(UserName=name)["AccessKeyMetadata"]][:1]
    iam.update_access_key(UserName=name, AccessKeyId=first["AccessKeyId"], Status="Inactive")


def fill(name, count):
    """Versions, delete markers and an unfinished upload."""
    for at in range(int(count)):
        S3.put_object(Bucket=name, Key=f"public/{at}", Body=b"x")
    S3.put_object(Bucket=name, Key="private/1", Body=b"1")
    S3.put_object(Bucket=name, Key="private/1", Body=b"2")
    S3.put_object(Bucket=name, Key="private/gone", Body=b"3")
    S3.delete_object(Bucket=name, Key="private/gone")
    S3.create_multipart_upload(Bucket=name, Key="private/unfinished")


def tag(name, key, value):
    tags = S3.get_bucket_tagging(Bucket=name)["TagSet"]
    S3.put_bucket_tagging(Bucket=name, Tagging={"TagSet": tags + [{"Key": key, "Value": value}]})


def intent(name, claim):
    """What a run leaves that dies before it has made the bucket."""
    S3.put_object(Bucket=ledgers()[0], Key=f"claims/{name}.json", Body=json.dumps({"claim": claim}).encode())


def anybody(name, key):
    """The status that somebody without keys gets."""
    try:
        print(urllib.request.urlopen(f"{KEYS['URL']}/{name}/{key}").status)
    except urllib.error.HTTPError as error:
        print(error.code)


def reach(bucket_name):
    """What the keys in the environment reach in a bucket."""
    s3 = client("s3", *TENANT)
    tries = {
        "list": lambda: s3.list_objects_v2(Bucket=bucket_name),
        "put": lambda: s3.put_object(Bucket=bucket_name, Key="probe", Body=b"x"),
        "get": lambda: s3.get_object(Bucket=bucket_name, Key="probe"),
        "delete": lambda: s3.delete_object(Bucket=bucket_name, Key="probe"),
        "policy": lambda: s3.get_bucket_policy(Bucket=bucket_name),
    }
    print(" ".join(what for what, call in tries.items() if not isinstance(read(call), str)))


def login():
    """Whether the server knows the keys of the question, whatever they may do."""
    s3 = client("s3", *TENANT)
    answer = read(s3.list_buckets)
    print("no" if answer in ("InvalidAccessKeyId", "SignatureDoesNotMatch") else "yes")


def sweep(*names):
    """Takes away what a test that failed may have left."""
    for name in names:
        for what in (lambda: purge(name), lambda: ADMIN.user_remove(name), lambda: ADMIN.policy_remove(name)):
            try:
                what()
            except Exception:  # not there, which is what is wanted
                pass
        for ledger in ledgers():
            S3.delete_object(Bucket=ledger, Key=f"claims/{name}.json")


def purge(name):
    pages = S3.get_paginator("list_object_versions").paginate(Bucket=name)
    for page in pages:
        for one in page.get("Versions", []) + page.get("DeleteMarkers", []):
            S3.delete_object(Bucket=name, Key=one["Key"], VersionId=one["VersionId"])
    S3.delete_bucket(Bucket=name)


def answer(question):
    global TENANT
    TENANT = question["keys"]
    command, *arguments = question["arguments"]
    printed, error = io.StringIO(), None
    try:
        with contextlib.redirect_stdout(printed):
            globals()[command.replace("-", "_")](*arguments)
    except Exception:  # the test says what it was about
        error = traceback.format_exc()
    return {"printed": printed.getvalue().strip(), "error": error}


if __name__ == "__main__":
    for line in sys.stdin:
        print(json.dumps(answer(json.loads(line))), flush=True)
